package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/migrations"
	"github.com/dxctl/dxctl/store"
	"github.com/dxctl/dxctl/store/embedded"
	"github.com/dxctl/dxctl/store/storetest"
)

// The test binary is also the other process of tests that need one, in a role that an environment variable names.
const roleVariable = "DXCTL_STORE_TEST_ROLE"

var roles = map[string]func(ctx context.Context, s *store.Store) error{
	"append":  appendForever,
	"replace": replaceForever,
	"report":  report,
	"hold":    hold,
	"scratch": holdScratch,
	"list":    listScratch,
}

func TestMain(m *testing.M) {
	if name := os.Getenv(roleVariable); name != "" {
		if err := play(name); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(storetest.Run(m))
}

// play opens the store of a directory and plays a role with it: "<role> <share|alone> <directory>".
func play(name string) error {
	words := strings.SplitN(name, " ", 3)
	ctx := context.Background()
	s, err := store.Open(
		ctx,
		store.Config{DSN: "embedded:" + words[2]},
		store.Options{Program: "dxctl test", Share: words[1] == "share"},
	)
	if err != nil {
		return err
	}
	if _, err := s.Migrate(ctx); err != nil {
		return errors.Join(err, s.Close())
	}
	return errors.Join(roles[words[0]](ctx, s), s.Close())
}

// hold has the store open until standard input ends.
func hold(context.Context, *store.Store) error {
	fmt.Println("ready")
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

// holdScratch makes a scratch database, as a migration does, and has it until standard input ends.
func holdScratch(ctx context.Context, s *store.Store) error {
	if _, err := s.Scratch(ctx); err != nil {
		return err
	}
	return hold(ctx, s)
}

// listScratch prints how many scratch databases there are.
func listScratch(ctx context.Context, s *store.Store) error {
	var rows []struct {
		N uint64 `ch:"n"`
	}
	err := s.Select(ctx, &rows, "SELECT count() AS n FROM system.databases WHERE name LIKE '%scratch%'", nil)
	if err == nil {
		fmt.Println(rows[0].N)
	}
	return err
}

// appendForever appends runs in batches of several sizes and says the number of every batch that was acknowledged.
func appendForever(ctx context.Context, s *store.Store) error {
	var last []struct {
		N uint64 `ch:"n"`
	}
	if err := s.Select(
		ctx,
		&last,
		"SELECT toUInt64(max(toUInt64OrZero(id))) AS n FROM raw_pipeline_runs",
		nil,
	); err != nil {
		return err
	}
	next := last[0].N + 1
	for {
		size := uint64(1 + rand.IntN(3000))
		events := make([]event.Event, 0, size)
		for i := range size {
			events = append(
				events,
				event.PipelineRun{
					Origin:  event.Origin{Source: "s", Provider: "p", Scope: "s", ID: strconv.FormatUint(next+i, 10)},
					Attempt: 1,
					Status:  event.Succeeded,
				},
			)
		}
		if err := s.Append(ctx, events...); err != nil {
			return err
		}
		next += size
		fmt.Println(next - 1)
	}
}

// replaceForever replaces a table over and over.
func replaceForever(ctx context.Context, s *store.Store) error {
	for i := 0; ; i++ {
		if err := s.Replace(ctx, "bindings", bindings(2000, fmt.Sprint(i))); err != nil {
			return err
		}
		fmt.Println(i)
	}
}

// report says what is stored: rows, distinct rows, the highest number, rows of the replaced table, its versions,
// leftover tables.
func report(ctx context.Context, s *store.Store) error {
	var rows []struct {
		Rows     uint64 `ch:"rows"`
		Distinct uint64 `ch:"distinct_rows"`
		Highest  uint64 `ch:"highest"`
		Bindings uint64 `ch:"bindings"`
		Versions uint64 `ch:"versions"`
		Left     uint64 `ch:"left"`
	}
	err := s.Select(
		ctx,
		&rows,
		`SELECT count() AS rows, uniqExact(id) AS distinct_rows, toUInt64(max(toUInt64OrZero(id))) AS highest,
(SELECT count() FROM catalog_bindings) AS bindings, (SELECT uniqExact(service) FROM catalog_bindings) AS versions,
(SELECT count() FROM system.tables WHERE database = currentDatabase() AND name LIKE '%replacing%') AS left FROM raw_pipeline_runs`,
		nil,
	)
	if err == nil {
		fmt.Println(rows[0].Rows, rows[0].Distinct, rows[0].Highest, rows[0].Bindings, rows[0].Versions, rows[0].Left)
	}
	return err
}

// command makes another process of this binary.
func command(role, how, directory string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleVariable+"="+role+" "+how+" "+directory)
	cmd.Stderr = os.Stderr
	return cmd
}

// runAndKill starts a role, kills it some time after its first line, and returns the last line that it said.
func runAndKill(t *testing.T, role, directory string, after time.Duration) string {
	t.Helper()
	cmd := command(role, "alone", directory)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	last := ""
	for killed := false; lines.Scan(); {
		last = lines.Text()
		if !killed {
			killed = true
			time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
		}
	}
	if err := cmd.Wait(); err == nil || last == "" {
		t.Fatalf("the process in the role %s ended by itself (%v), last said %q", role, err, last)
	}
	return last
}

// Every acknowledged row is there after the process was killed, and none twice.
func TestKilledWhileAppending(t *testing.T) {
	directory := t.TempDir()
	for round := range 6 {
		acknowledged := runAndKill(t, "append", directory, time.Duration(rand.IntN(400))*time.Millisecond)
		out, err := command("report", "alone", directory).Output()
		if err != nil {
			t.Fatal(err)
		}
		var rows, distinct, highest, least uint64
		if _, err := fmt.Sscan(string(out), &rows, &distinct, &highest); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if _, err := fmt.Sscan(acknowledged, &least); err != nil {
			t.Fatal(err)
		}
		// Numbers are given without a gap: as many rows as the highest number means that none is lost and none is double.
		if rows != distinct || rows != highest || highest < least {
			t.Errorf(
				"round %d: %d rows, %d distinct, the highest is %d and %d was acknowledged",
				round,
				rows,
				distinct,
				highest,
				least,
			)
		}
		t.Logf("round %d: %d acknowledged, %d stored", round, least, highest)
	}
}

func TestKilledWhileReplacing(t *testing.T) {
	directory := t.TempDir()
	for range 4 {
		runAndKill(t, "replace", directory, time.Duration(rand.IntN(300))*time.Millisecond)
		out, err := command("report", "alone", directory).Output()
		if err != nil {
			t.Fatal(err)
		}
		var rows, distinct, highest, kept, versions, left uint64
		if _, err := fmt.Sscan(string(out), &rows, &distinct, &highest, &kept, &versions, &left); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if kept != 2000 || versions != 1 || left != 0 {
			t.Errorf("%d rows of %d versions, %d tables left over", kept, versions, left)
		}
	}
}

// The scratch database of a killed process is dropped at the next start, that of a living one is not.
func TestKilledWhileMigrating(t *testing.T) {
	directory := t.TempDir()
	runAndKill(t, "scratch", directory, 0)
	holder := command("scratch", "share", directory) // drops the first, and makes its own
	stdin, err := holder.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = holder.Process.Kill() })
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	if list, err := command("list", "alone", directory).Output(); err != nil || string(list) != "1\n" {
		t.Errorf("%q databases are left while another process uses one, %v", list, err)
	}
	if err := errors.Join(stdin.Close(), holder.Wait()); err != nil {
		t.Error(err)
	}
	if list, err := command("list", "alone", directory).Output(); err != nil || string(list) != "0\n" {
		t.Errorf("%q databases are left, %v", list, err)
	}
}

func TestTwoProcessesOneDirectory(t *testing.T) {
	for _, how := range []string{"share", "alone"} {
		t.Run(how, func(t *testing.T) {
			directory := t.TempDir()
			holder := command("hold", how, directory)
			stdin, err := holder.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			out, err := holder.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := holder.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = holder.Process.Kill() })
			if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			s, err := store.Open(t.Context(), store.Config{DSN: "embedded:" + directory}, store.Options{})
			var inUse *embedded.InUseError
			switch {
			case how == "alone":
				if !errors.As(err, &inUse) || inUse.PID != holder.Process.Pid || inUse.Program != "dxctl test" {
					t.Errorf("got %v", err)
				}
			case err != nil:
				t.Error(err)
			default:
				useShared(t, s, holder.Process.Pid, directory)
			}
			if err := errors.Join(stdin.Close(), holder.Wait()); err != nil {
				t.Error(err)
			}
		})
	}
}

// useShared does everything that a store does, through another process.
func useShared(t *testing.T, s *store.Store, pid int, directory string) {
	t.Helper()
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	info, err := s.Info(t.Context())
	if err != nil || info.Engine != "shared" || info.Path != directory ||
		!strings.Contains(info.Holder, strconv.Itoa(pid)) ||
		info.Library == "" ||
		info.SchemaVersion != info.LatestSchema {
		t.Errorf("info %+v, %v", info, err)
	}
	mustAppend(t, s, event.Deployment{Origin: origin("1"), Attempt: 1, Status: event.Succeeded})
	if n := number(t, s, "SELECT count() AS n FROM deployments"); n != 1 {
		t.Errorf("%d rows", n)
	}
	mustReplace(t, s)
	if err := s.SaveCheckpoint(t.Context(), "a", "b", "c", []byte("doc")); err != nil {
		t.Error(err)
	}
	if rows, err := s.Rows(t.Context(), "DROP TABLE raw_deployments", nil); err == nil {
		t.Error("the shared store lets Rows write", rows.Close())
	}
	applied, err := s.Migrate(t.Context())
	if err != nil || len(applied) != 0 {
		t.Errorf("migrating again: %v, %v", applied, err)
	}
}

func TestInfo(t *testing.T) {
	s := storetest.OpenEmpty(t, store.Options{})
	info, err := s.Info(t.Context())
	if err != nil || info.Engine != "embedded" || info.SchemaVersion != 0 || info.LatestSchema != migrations.Latest() ||
		info.Version == "" ||
		info.Path == "" ||
		info.Library == "" ||
		info.Address != "" {
		t.Errorf("before the migrations: %+v, %v", info, err)
	}
	applied, err := s.Migrate(t.Context())
	if err != nil || len(applied) != migrations.Latest() {
		t.Fatalf("applied %d: %v", len(applied), err)
	}
	if info, err = s.Info(t.Context()); err != nil || info.SchemaVersion != info.LatestSchema {
		t.Errorf("after the migrations: %+v, %v", info, err)
	}
	if err := s.Append(t.Context(), event.PipelineRun{Origin: origin("1"), Attempt: 1, Status: event.Failed}); err != nil {
		t.Fatal(err)
	}
	if err := s.Clear(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := number(t, s, "SELECT count() AS n FROM raw_pipeline_runs"); n != 0 {
		t.Errorf("%d rows after Clear", n)
	}
	if info, err = s.Info(t.Context()); err != nil || info.SchemaVersion != info.LatestSchema {
		t.Errorf("after Clear: %+v, %v", info, err)
	}
}
