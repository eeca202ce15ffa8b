package github_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/actions/github"
	"github.com/dxctl/dxctl/actions/github/hosttest"
	"github.com/dxctl/dxctl/collectors/github/client"
	"github.com/dxctl/dxctl/collectors/rest/resttest"
)

// TestLedger: what other processes wrote in the last hour is counted, once, also if the file has other lines.
func TestLedger(t *testing.T) {
	clock := resttest.At(time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC))
	path := filepath.Join(t.TempDir(), "dxctl", "writes")
	ours, theirs := github.NewLedger(path, "1", clock.Now), github.NewLedger(path, "2", clock.Now)
	others := func(want int) {
		t.Helper()
		if times, err := ours.Others(); err != nil || len(times) != want {
			t.Errorf("%v, %v; want %d", times, err, want)
		}
	}
	note := func(l *github.Ledger, n int) {
		t.Helper()
		for range n {
			if err := l.Note(); err != nil {
				t.Fatal(err)
			}
		}
	}
	others(0)
	note(theirs, 3)
	note(ours, 2)
	others(3)
	others(0)
	note(theirs, 1)
	others(1)
	// What is older than an hour is removed when an hour begins; the hour before counts until it is over.
	clock.Sleep(t.Context(), 59*time.Minute)
	note(theirs, 1)
	clock.Sleep(t.Context(), 30*time.Minute)
	note(theirs, 1)
	if times, err := github.NewLedger(path, "1", clock.Now).Others(); err != nil || len(times) != 2 {
		t.Errorf("%d times, %v", len(times), err)
	}
	others(2)
	clock.Sleep(t.Context(), 2*time.Hour)
	note(theirs, 1)
	others(1)
	if files, err := os.ReadDir(filepath.Dir(path)); err != nil || len(files) != 1 {
		t.Errorf("%v, %v", files, err)
	}

	// No line is lost in a long file, and none that is wrong counts.
	now := clock.Now()
	at := func(d time.Duration, id string) string { return fmt.Sprintf("%d %s\n", now.Add(d).UnixMilli(), id) }
	add := func(text string) {
		t.Helper()
		file, err := os.OpenFile(fmt.Sprintf("%s.%d", path, now.Unix()/3600), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err == nil {
			_, err = file.WriteString(text)
			err = errors.Join(err, file.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	add(strings.Repeat(at(-90*time.Minute, "3"), 140_000) + strings.Repeat(at(-time.Minute, "3"), 400))
	others(400)
	add(at(24*time.Hour, "3") + "not a line\n1700" + at(0, "3") + "\x00 3\n" + strings.Repeat("x", 3<<20+7))
	others(0)
	note(theirs, 2) // after a line that another process could not finish
	others(2)
	add(at(30*time.Second, "3"))
	if times, err := ours.Others(); err != nil || len(times) != 1 || times[0].After(now) {
		t.Errorf("%v, %v", times, err)
	}
	if id := github.ProcessID(); len(id) != 16 || id != github.ProcessID() {
		t.Errorf("the id %s", id)
	}
}

// TestCounted: every write of every action is noted, and one that a ledger cannot take is sent.
func TestCounted(t *testing.T) {
	s := hosttest.New(t)
	clock := resttest.At(time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC))
	path := github.LedgerFile(t.TempDir(), github.Config{URL: s.URL}, s.Token)
	if other := github.LedgerFile(filepath.Dir(path), github.Config{URL: s.URL, Token: "x"}, s.Token); other == path ||
		strings.Contains(path, s.Token) {
		t.Errorf("%s, %s", path, other)
	}
	if app := (github.Config{App: client.App{ID: "1", InstallationID: "2"}}); github.LedgerFile("", app, "") ==
		github.LedgerFile("", github.Config{}, "") {
		t.Error("an App and no token have one ledger")
	}
	l, reader := github.NewLedger(path, "1", clock.Now), github.NewLedger(path, "2", clock.Now)
	var warned []error
	h := host(t, s).Counted(l, func(err error) { warned = append(warned, err) })
	r, err := h.Create(t.Context(), github.Repository{Owner: "acme", Name: "pay"}, "Organization")
	if err != nil {
		t.Fatal(err)
	}
	p := github.Proposal{Repository: r.FullName, Base: "main", On: s.Repos[r.FullName].Refs["heads/main"],
		Branch: "dxctl/fix", Files: []actions.FileChange{{Path: "a", After: []byte{0xff}}}, Message: "m", Title: "t", Body: "b"}
	if _, err := h.Propose(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if noted, err := reader.Others(); err != nil || len(noted) != len(s.Writes) || len(warned) > 0 {
		t.Errorf("%d of %d writes were noted, %v, %v", len(noted), len(s.Writes), err, warned)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	h = host(t, s).Counted(github.NewLedger(filepath.Join(path, "x"), "1", clock.Now), func(err error) {
		warned = append(warned, err)
	})
	for range 2 {
		if err := h.Withdraw(t.Context(), github.PullRef{Repository: r.FullName, Number: 1}, "no longer"); err != nil {
			t.Error(err)
		}
	}
	if len(warned) != 1 || s.Repos[r.FullName].Requests[0].Open {
		t.Errorf("%v", warned)
	}

	// A pace waits for what others write while it runs.
	slow := github.NewPace(github.Limits{WritesPerHour: 2}, clock.Now, clock.Sleep)
	slow.Shared(github.NewLedger(path, "1", clock.Now), func(err error) { t.Error(err) })
	theirs := github.NewLedger(path, "7", clock.Now)
	began := clock.Now()
	var waits []time.Duration
	slow.Tell(func(d time.Duration) { waits = append(waits, d) })
	for range 2 {
		if err := theirs.Note(); err != nil {
			t.Fatal(err)
		}
	}
	if err := slow.Wait(t.Context(), true); err != nil || clock.Now().Sub(began) != time.Hour {
		t.Errorf("%s, %v", clock.Now().Sub(began), err)
	}
	if len(waits) != 1 || waits[0] != time.Hour {
		t.Errorf("told of the waits %v", waits)
	}
}
