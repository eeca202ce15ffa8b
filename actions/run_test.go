package actions

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/event"
)

// fake is an action on a text.
type fake struct {
	state   string
	fails   error
	applied int
	broken  bool // planning fails
	reads   bool // it is read-only
}

func (f *fake) Descriptor() Descriptor {
	d := sample()
	d.ReadOnly = f.reads
	return d
}

func (f *fake) Plan(_ context.Context, in Input) (Plan, error) {
	if f.broken {
		return Plan{}, errors.New("broken")
	}
	return Plan{Action: "sample", Entity: "component:default/x", Input: in, On: map[string]string{"state": f.state},
		Files: []FileChange{{Path: "a", After: []byte("b\n")}}}, nil
}

func (f *fake) Apply(context.Context, Plan, func(Step)) (string, error) {
	f.applied++
	return "https://example.com/x", f.fails
}

func TestRun(t *testing.T) {
	now := time.Date(2026, 11, 26, 20, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name    string
		action  fake
		changed string // the state when the plan is applied
		record  error
		status  event.Status // of the last record; "": nothing is recorded
		want    error
	}{
		{name: "it succeeds", status: event.Succeeded},
		{name: "it fails", action: fake{fails: os.ErrPermission}, status: event.Failed, want: os.ErrPermission},
		{name: "it is interrupted", action: fake{fails: context.Canceled}, status: event.Cancelled, want: context.Canceled},
		{name: "the state has changed", changed: "new", want: ErrChanged},
		{name: "it is read-only", action: fake{reads: true}, want: ErrReadOnly},
		{name: "it cannot be recorded", record: os.ErrClosed, want: os.ErrClosed},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := c.action
			plan, err := a.Plan(t.Context(), Input{"name": "abc"})
			if err != nil {
				t.Fatal(err)
			}
			a.state = c.changed
			var recorded []event.ActionRun
			run, err := Run(t.Context(), &a, Input{"name": "abc"}, plan.Digest(), RunOptions{
				ID: "1", Actor: "ada", Now: func() time.Time { return now },
				Record: func(_ context.Context, events ...event.Event) error {
					for _, e := range events {
						if c.record == nil {
							recorded = append(recorded, e.(event.ActionRun))
						}
					}
					return c.record
				},
			})
			if !errors.Is(err, c.want) {
				t.Fatalf("the error is %v, want %v", err, c.want)
			}
			if c.status == "" {
				if a.applied != 0 || len(recorded) != 0 {
					t.Errorf("it was applied %d times and recorded as %v", a.applied, recorded)
				}
				return
			}
			statuses := make([]event.Status, len(recorded))
			for i, r := range recorded {
				statuses[i] = r.Status
				if err := r.Validate(); err != nil {
					t.Error(err)
				}
			}
			if !slices.Equal(statuses, []event.Status{event.Running, c.status}) || a.applied != 1 {
				t.Errorf("it was applied %d times and recorded as %v", a.applied, statuses)
			}
			if run.Plan != plan.Digest() || run.Actor != "ada" || run.FinishedAt != now || run.URL == "" {
				t.Errorf("the run is %+v", run)
			}
		})
	}
	if _, err := Run(t.Context(), &fake{broken: true}, nil, "", RunOptions{}); err == nil {
		t.Error("a plan that cannot be made is applied")
	}
}

// TestDigest changes one part of a plan after the other.
func TestDigest(t *testing.T) {
	plan := func() Plan {
		return Plan{
			Action: "a", Entity: "e", Input: Input{"x": "y"}, On: map[string]string{"head": "1"},
			Files:    []FileChange{{Path: "a", Before: []byte("1"), After: []byte("2")}},
			Requests: []Request{{Method: "POST", URL: "https://example.com", Body: []byte(`{}`)}},
		}
	}
	want := plan().Digest()
	if plan().Digest() != want || !strings.HasPrefix(want, "sha256:") {
		t.Fatalf("the digest is %s", want)
	}
	for name, change := range map[string]func(*Plan){
		"action":     func(p *Plan) { p.Action = "b" },
		"entity":     func(p *Plan) { p.Entity = "b" },
		"input":      func(p *Plan) { p.Input["x"] = "z" },
		"on":         func(p *Plan) { p.On["head"] = "2" },
		"path":       func(p *Plan) { p.Files[0].Path = "b" },
		"before":     func(p *Plan) { p.Files[0].Before = nil },
		"after":      func(p *Plan) { p.Files[0].After = []byte{} },
		"deleted":    func(p *Plan) { p.Files[0].After = nil },
		"executable": func(p *Plan) { p.Files[0].Executable = true },
		"request":    func(p *Plan) { p.Requests[0].Body = []byte(`{"a":1}`) },
		"no request": func(p *Plan) { p.Requests = nil },
	} {
		p := plan()
		if change(&p); p.Digest() == want {
			t.Errorf("the digest does not depend on: %s", name)
		}
	}
	p := plan()
	p.Notes, p.Title, p.Commands = []string{"n"}, "t", []Command{{Line: "c"}}
	if p.Digest() != want {
		t.Error("the digest depends on notes")
	}
}

// TestDiffs applies the diff of a plan with git.
func TestDiffs(t *testing.T) {
	dir := t.TempDir()
	p := Plan{Files: []FileChange{
		{Path: "new/run.sh", After: []byte("#!/bin/sh\necho\n"), Executable: true},
		{Path: "empty", After: []byte{}},
		{Path: "old.txt", Before: []byte("a\nb\nc\n"), After: []byte("a\nB\nc\n")},
		{Path: "no-newline", Before: []byte("a"), After: []byte("b")},
		{Path: "gone", Before: []byte("x\n")},
	}}
	for _, f := range p.Files {
		if f.Before == nil {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, f.Path), f.Before, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	apply := exec.CommandContext(t.Context(), "git", "apply", "-")
	apply.Dir, apply.Stdin = dir, strings.NewReader(p.Diff())
	apply.Env = append(os.Environ(), "GIT_CEILING_DIRECTORIES="+filepath.Dir(dir))
	if out, err := apply.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s\n%s", err, out, p.Diff())
	}
	for _, f := range p.Files {
		name := filepath.Join(dir, filepath.FromSlash(f.Path))
		got, err := os.ReadFile(name)
		switch {
		case f.After == nil:
			if !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s is still there", f.Path)
			}
			continue
		case err != nil || string(got) != string(f.After):
			t.Errorf("%s is %q, %v", f.Path, got, err)
			continue
		}
		if st, err := os.Stat(name); err != nil || (st.Mode()&0o100 != 0) != f.Executable {
			t.Errorf("%s has the mode %v, %v", f.Path, st.Mode(), err)
		}
	}
}

// TestDiffOfManyChanges compares the line numbers with git's: git says so if it finds a hunk in another place.
func TestDiffOfManyChanges(t *testing.T) {
	var before, after strings.Builder
	for i := range 200 {
		fmt.Fprintf(&before, "line %d\n", i%7)
		switch {
		case i%40 == 3, i%40 == 7:
			fmt.Fprintf(&after, "changed %d\n", i)
		case i%40 == 20:
			fmt.Fprintf(&after, "line %d\nadded\nadded\n", i%7)
		case i%40 != 30:
			fmt.Fprintf(&after, "line %d\n", i%7)
		}
	}
	dir := t.TempDir()
	f := FileChange{Path: "a.txt", Before: []byte(before.String()), After: []byte(after.String())}
	if err := os.WriteFile(filepath.Join(dir, "a.txt"), f.Before, 0o600); err != nil {
		t.Fatal(err)
	}
	apply := exec.CommandContext(t.Context(), "git", "apply", "-v", "-")
	apply.Dir, apply.Stdin = dir, strings.NewReader(f.Diff())
	apply.Env = append(os.Environ(), "GIT_CEILING_DIRECTORIES="+filepath.Dir(dir))
	out, err := apply.CombinedOutput()
	if err != nil || strings.Contains(string(out), "offset") {
		t.Errorf("%v: %s\n%s", err, out, f.Diff())
	}
	if got, err := os.ReadFile(filepath.Join(dir, "a.txt")); err != nil || string(got) != after.String() {
		t.Errorf("the diff gives another text: %v", err)
	}
}

func TestDocumentOfAPlan(t *testing.T) {
	d := Plan{Files: []FileChange{{Path: "logo", After: []byte{0xff, 0}}, {Path: "gone", Before: []byte("x")}}}.Document()
	if d.Files[0].Base64 != "/wA=" || d.Files[0].Content != "" || d.Files[0].Diff != "" || d.Files[0].Change != "create" {
		t.Errorf("a content that is no text is %+v", d.Files[0])
	}
	if d.Files[1].Change != "delete" || d.Files[1].SHA256 != "" {
		t.Errorf("a deleted file is %+v", d.Files[1])
	}
	if d.Input == nil || d.On == nil || d.Requests == nil || d.Commands == nil || d.Notes == nil || d.Version != 1 {
		t.Errorf("the document has null: %+v", d)
	}
}
