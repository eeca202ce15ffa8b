package inbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

func openInbox(t testing.TB, dir string, cfg Config) *Inbox {
	t.Helper()
	q, err := Open(dir, testFormat, cfg, Options{Sleep: func(context.Context, time.Duration) error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func closeInbox(t testing.TB, q *Inbox) {
	t.Helper()
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
}

func put(t testing.TB, q *Inbox, ids ...string) {
	t.Helper()
	for _, id := range ids {
		if err := q.Put(context.Background(), encoded(id, []byte("body of "+id))); err != nil {
			t.Fatalf("putting %s: %v", id, err)
		}
	}
}

// taken runs the inbox until nothing waits, and returns the ids that were handed over. With fail the handler fails so.
func taken(t testing.TB, q *Inbox, handle func(batch [][]byte) (map[int]string, error)) []string {
	t.Helper()
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	var mu sync.Mutex
	var ids []string
	ended := make(chan error, 1)
	go func() {
		ended <- q.Run(ctx, HandlerFunc(func(_ context.Context, batch [][]byte) (map[int]string, error) {
			rejected, err := map[int]string(nil), error(nil)
			if handle != nil {
				rejected, err = handle(batch)
			}
			if err != nil {
				return nil, err
			}
			mu.Lock()
			defer mu.Unlock()
			for i, d := range batch {
				if _, no := rejected[i]; !no {
					ids = append(ids, idOf(d))
				}
			}
			return rejected, nil
		}))
	}()
	for q.Stats().Waiting > 0 && ctx.Err() == nil {
		time.Sleep(100 * time.Microsecond)
	}
	if ctx.Err() != nil {
		t.Fatalf("after a minute %d deliveries still wait", q.Stats().Waiting)
	}
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Fatalf("Run ended with %v", err)
	}
	mu.Lock()
	defer mu.Unlock()
	return ids
}

func numbered(from, to int) []string {
	var ids []string
	for i := from; i <= to; i++ {
		ids = append(ids, strconv.Itoa(i))
	}
	return ids
}

func expectIDs(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func TestInboxKeepsOrderAcrossSegmentsAndRestarts(t *testing.T) {
	dir, cfg := t.TempDir(), Config{SegmentBytes: 300}
	q := openInbox(t, dir, cfg)
	put(t, q, numbered(1, 20)...)
	closeInbox(t, q)
	q = openInbox(t, dir, cfg)
	if s := q.Stats(); s.Waiting != 20 {
		t.Errorf("after a restart %d wait, want 20", s.Waiting)
	}
	expectIDs(t, "first", taken(t, q, nil), numbered(1, 20))
	put(t, q, numbered(21, 25)...)
	closeInbox(t, q)
	q = openInbox(t, dir, cfg)
	expectIDs(t, "after a restart", taken(t, q, nil), numbered(21, 25))
	closeInbox(t, q)
	if files, _ := filepath.Glob(filepath.Join(dir, "*"+segmentSuffix)); len(files) != 1 {
		t.Errorf("files that are done with stay behind: %v", files)
	}
	if s := q.Stats(); s.Waiting != 0 || s.Bytes != 0 {
		t.Errorf("in the end %+v", s)
	}
}

func TestInboxPutTogether(t *testing.T) {
	q := openInbox(t, t.TempDir(), Config{SegmentBytes: 1000})
	defer closeInbox(t, q)
	var group sync.WaitGroup
	for _, id := range numbered(1, 200) {
		group.Go(func() {
			if err := q.Put(context.Background(), encoded(id, nil)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	ids := taken(t, q, nil)
	slices.Sort(ids)
	want := numbered(1, 200)
	slices.Sort(want)
	expectIDs(t, "together", ids, want)
}

// TestInboxTornRecord cuts the last record at every byte, and changes every byte of it.
func TestInboxTornRecord(t *testing.T) {
	whole := t.TempDir()
	q := openInbox(t, whole, Config{})
	put(t, q, "1", "2")
	closeInbox(t, q)
	name := filepath.Base(segmentPath(whole, 1))
	doc, err := os.ReadFile(filepath.Join(whole, name))
	if err != nil {
		t.Fatal(err)
	}
	half := len(doc) / 2 // the two records are of one length
	for n := half; n < len(doc); n++ {
		flipped := slices.Clone(doc)
		flipped[n] ^= 0x40
		for what, content := range map[string][]byte{"cut": doc[:n], "changed": flipped} {
			dir := filepath.Join(t.TempDir(), "inbox")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
				t.Fatal(err)
			}
			q := openInbox(t, dir, Config{})
			put(t, q, "3")
			if got := taken(t, q, nil); !slices.Equal(got, []string{"1", "3"}) {
				t.Errorf("%s at byte %d: %v, want 1 and 3", what, n, got)
			}
			closeInbox(t, q)
		}
	}
}

func TestInboxDamagedInTheMiddle(t *testing.T) {
	dir, cfg := t.TempDir(), Config{SegmentBytes: 1}
	q := openInbox(t, dir, cfg)
	put(t, q, "1", "2", "3") // a file for each
	closeInbox(t, q)
	path := segmentPath(dir, 2)
	doc, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	doc[len(doc)-2] ^= 1
	if err := os.WriteFile(path, doc, 0o600); err != nil {
		t.Fatal(err)
	}
	q = openInbox(t, dir, cfg)
	defer closeInbox(t, q)
	expectIDs(t, "those that can be read", taken(t, q, nil), []string{"1", "3"})
	if aside, err := os.ReadFile(path + ".0.damaged"); err != nil || !slices.Equal(aside, doc) {
		t.Errorf("what was damaged is not kept: %v", err)
	}
}

func TestInboxPositionLost(t *testing.T) {
	for name, content := range map[string]string{"empty": "", "no JSON": "{", "beyond the end": `{"segment":1,"offset":99999,"number":7}`, "of no segment": `{"segment":0,"offset":0,"number":0}`} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			q := openInbox(t, dir, Config{})
			put(t, q, "1", "2")
			taken(t, q, nil)
			closeInbox(t, q)
			if err := os.WriteFile(filepath.Join(dir, positionFile), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			q = openInbox(t, dir, Config{})
			defer closeInbox(t, q)
			expectIDs(t, "handed over again", taken(t, q, nil), []string{"1", "2"})
		})
	}
}

func TestInboxFull(t *testing.T) {
	q := openInbox(t, t.TempDir(), Config{MaxBytes: 500})
	defer closeInbox(t, q)
	put(t, q, "1", "2")
	err := q.Put(context.Background(), encoded("3", make([]byte, 300)))
	if !errors.Is(err, ErrFull) {
		t.Fatalf("putting too much: %v", err)
	}
	expectIDs(t, "what was kept", taken(t, q, nil), []string{"1", "2"})
	put(t, q, "4")
	expectIDs(t, "with room again", taken(t, q, nil), []string{"4"})
}

// TestInboxFullDisk writes to /dev/full, which fails as a full disk does.
func TestInboxFullDisk(t *testing.T) {
	q := openInbox(t, t.TempDir(), Config{})
	defer closeInbox(t, q)
	full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("this system has no /dev/full: %v", err)
	}
	put(t, q, "1")
	q.mu.Lock()
	disk := q.segments[0].file
	q.segments[0].file = full
	q.mu.Unlock()
	if err := q.Put(context.Background(), encoded("2", nil)); !errors.Is(err, ErrFull) {
		t.Errorf("on a full disk: %v", err)
	}
	q.mu.Lock()
	q.segments[0].file = disk
	q.mu.Unlock()
	if err := full.Close(); err != nil {
		t.Error(err)
	}
	put(t, q, "3")
	expectIDs(t, "what was promised", taken(t, q, nil), []string{"1", "3"})
}

func TestInboxTwoProcesses(t *testing.T) {
	dir := t.TempDir()
	q := openInbox(t, dir, Config{})
	if _, err := Open(dir, testFormat, Config{}, Options{}); err == nil ||
		!strings.Contains(err.Error(), "another process") {
		t.Errorf("a second inbox in the directory: %v", err)
	}
	closeInbox(t, q)
	closeInbox(t, openInbox(t, dir, Config{}))
	if err := q.Put(context.Background(), encoded("1", nil)); !errors.Is(err, ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
}

func TestInboxFailures(t *testing.T) {
	down := errors.New("the store is down")
	t.Run("the store is down for a time", func(t *testing.T) {
		q := openInbox(t, t.TempDir(), Config{})
		defer closeInbox(t, q)
		put(t, q, numbered(1, 5)...)
		asked := 0
		ids := taken(t, q, func([][]byte) (map[int]string, error) {
			if asked++; asked < 40 {
				return nil, down
			}
			return nil, nil
		})
		slices.Sort(ids) // after a failure they are tried one by one, and the store came back in between
		expectIDs(t, "nothing is set aside", ids, numbered(1, 5))
		if n := q.Stats().Rejected; n != 0 {
			t.Errorf("%d set aside", n)
		}
	})
	for _, c := range []struct {
		name   string
		handle func(batch [][]byte) (map[int]string, error)
	}{
		{"one always fails", func(batch [][]byte) (map[int]string, error) {
			if slices.ContainsFunc(batch, func(d []byte) bool { return idOf(d) == "3" }) {
				return nil, down
			}
			return nil, nil
		}},
		{"one panics", func(batch [][]byte) (map[int]string, error) {
			if slices.ContainsFunc(batch, func(d []byte) bool { return idOf(d) == "3" }) {
				panic("three")
			}
			return nil, nil
		}},
		{"one is rejected", func(batch [][]byte) (map[int]string, error) {
			return map[int]string{slices.IndexFunc(batch, func(d []byte) bool { return idOf(d) == "3" }): "no"}, nil
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			q := openInbox(t, dir, Config{})
			put(t, q, numbered(1, 5)...)
			expectIDs(t, "the others", taken(t, q, c.handle), []string{"1", "2", "4", "5"})
			if n := q.Stats().Rejected; n != 1 {
				t.Errorf("%d set aside, want 1", n)
			}
			closeInbox(t, q)
			lines, err := os.ReadFile(filepath.Join(dir, RejectedFile))
			if err != nil || strings.Count(string(lines), "\n") != 1 || !strings.Contains(string(lines), `"body":"body of 3"`) {
				t.Errorf("%s: %v", lines, err)
			}
			if err := os.WriteFile(filepath.Join(dir, RejectedFile), append(lines, `{"number":9,"rea`...), 0o600); err != nil {
				t.Fatal(err)
			}
			q = openInbox(t, dir, Config{}) // the unfinished line is cut off
			if n := q.Stats().Rejected; n != 1 {
				t.Errorf("after a crash %d set aside, want 1", n)
			}
			closeInbox(t, q)
		})
	}
}

func TestInboxMetrics(t *testing.T) {
	registry := prometheus.NewRegistry()
	q, err := Open(t.TempDir(), testFormat, Config{MaxBytes: 1000}, Options{Registerer: registry})
	if err != nil {
		t.Fatal(err)
	}
	put(t, q, "1", "2")
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for _, f := range families {
		values[f.GetName()] = f.GetMetric()[0].GetGauge().GetValue()
	}
	if values["dxctl_inbox_waiting_deliveries"] != 2 || values["dxctl_inbox_limit_bytes"] != 1000 ||
		values["dxctl_inbox_waiting_bytes"] == 0 {
		t.Errorf("%v", values)
	}
	closeInbox(t, q)
	if err := (Config{MaxBytes: -1, SegmentBytes: -1}).Validate(); err == nil ||
		strings.Count(fmt.Sprint(err), "inbox.") != 2 {
		t.Errorf("mistakes: %v", err)
	}
}
