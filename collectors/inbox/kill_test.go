package inbox

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	childFrom  = "DXCTL_TEST_INBOX_FROM"
	childUntil = "DXCTL_TEST_INBOX_UNTIL"
)

// TestInboxChild is the process that TestInboxKilled kills: it puts deliveries, says of each when it was kept, and
// applies what comes out: a line of a file for each, like a store that only appends. It works in the directory that it
// is started in.
func TestInboxChild(t *testing.T) {
	if os.Getenv(childUntil) == "" {
		t.Skip("it is run by TestInboxKilled")
	}
	from, _ := strconv.Atoi(os.Getenv(childFrom))
	until, _ := strconv.Atoi(os.Getenv(childUntil))
	q, err := Open("inbox", testFormat, Config{SegmentBytes: 2000}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	dropHalfLine(t, "applied")
	applied, err := os.OpenFile("applied", os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = q.Run(context.Background(), HandlerFunc(func(_ context.Context, batch [][]byte) (map[int]string, error) {
			var lines bytes.Buffer
			for _, d := range batch {
				var m message
				if err := json.Unmarshal(d, &m); err != nil {
					return nil, err
				}
				fmt.Fprintf(&lines, "%s %s\n", m.ID, m.Body)
			}
			_, err := applied.Write(lines.Bytes())
			return nil, err
		}))
	}()
	for i := from; i <= until; i++ {
		id := strconv.Itoa(i)
		if err := q.Put(context.Background(), encoded(id, bytes.Repeat([]byte(id+"."), 1+i%40))); err != nil {
			t.Fatal(err)
		}
		fmt.Println("kept " + id)
	}
	for q.Stats().Waiting > 0 {
		time.Sleep(time.Millisecond)
	}
	fmt.Println("done")
	_, _ = io.Copy(io.Discard, os.Stdin) // until it is killed, or its parent is gone
}

// dropHalfLine removes the half of a line that a write leaves behind whose process is killed between two pages of
// memory, as a store drops half a block.
func dropHalfLine(t *testing.T, path string) {
	t.Helper()
	doc, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err == nil {
		err = os.Truncate(path, int64(bytes.LastIndexByte(doc, '\n')+1))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestInboxKilled kills a process that receives and applies, at random moments, again and again. Whoever sends is told
// what was kept and sends again what was not, as senders do. In the end every delivery has been applied, whole, and
// what was applied twice is no more than what was under way when a process was killed.
func TestInboxKilled(t *testing.T) {
	dir := t.TempDir()
	random := rand.New(rand.NewPCG(3, 1))
	const total, kills = 3000, 25
	next, killed := 1, 0
	for killed < kills || next <= total {
		ctx, stop := context.WithTimeout(context.Background(), time.Minute)
		child := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestInboxChild$")
		until := min(next+total/kills-1, total)
		if killed >= kills {
			until = total
		}
		child.Dir = dir
		child.Env = append(os.Environ(), childFrom+"="+strconv.Itoa(next), childUntil+"="+strconv.Itoa(until))
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		in, err := child.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		last := killed >= kills
		if !last {
			time.AfterFunc(time.Duration(random.Int64N(int64(60*time.Millisecond))), func() { _ = child.Process.Kill() })
		}
		done := false
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if id, ok := strings.CutPrefix(lines.Text(), "kept "); ok {
				n, err := strconv.Atoi(id)
				if err != nil || n != next {
					t.Fatalf("kept %q, want %d", id, next)
				}
				next++
			}
			if lines.Text() == "done" {
				done = true
				if last {
					_ = in.Close()
				}
			}
		}
		err = child.Wait()
		stop()
		if last && (err != nil || !done) {
			t.Fatalf("the last process: done %v, %v", done, err)
		}
		killed++
	}
	expectApplied(t, filepath.Join(dir, "applied"), total, kills)
}

func expectApplied(t *testing.T, path string, total, kills int) {
	t.Helper()
	doc, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	times := map[string]int{}
	for line := range strings.Lines(string(doc)) {
		id, body, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		n, err := strconv.Atoi(id)
		if err != nil || body != strings.Repeat(id+".", 1+n%40) {
			t.Errorf("applied %q, which nobody sent", line)
		}
		times[id]++
	}
	twice := 0
	for i := 1; i <= total; i++ {
		switch n := times[strconv.Itoa(i)]; {
		case n == 0:
			t.Errorf("delivery %d is lost", i)
		case n > 1:
			twice++
		}
	}
	if len(times) != total || twice > total/2 {
		t.Errorf("%d deliveries applied, want %d; %d of them more than once", len(times), total, twice)
	}
	t.Logf("%d deliveries, %d kills, %d applied more than once", len(times), kills, twice)
}
