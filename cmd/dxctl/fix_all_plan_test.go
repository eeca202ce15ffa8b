package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/actions/batch"
	"github.com/dxctl/dxctl/actions/github"
	"github.com/dxctl/dxctl/cmd/dxctl/exit"
	"github.com/dxctl/dxctl/event"
)

// TestFixAllFlags: flags of batches without --all, and a service with it, are mistakes, and nothing is read or opened.
func TestFixAllFlags(t *testing.T) {
	for _, args := range [][]string{
		{"pay", "--all", "--yes"}, {"--resume", "b1"}, {"--batch", "b1"}, {"--team", "a"}, {"--waves", "rest"},
		{"--digest", "sha256:0"}, {"--yes"},
	} {
		var out, errs bytes.Buffer
		if code := run(t.Context(), append([]string{"fix"}, args...), nil, &out, &errs); code != exit.Usage || out.Len() > 0 {
			t.Errorf("%q: exit %d, %s%s", args, code, out.String(), errs.String())
		}
	}
}

// TestNothing: what was declined is not proposed again, and a pull request that is open is closed when nothing remains.
func TestNothing(t *testing.T) {
	with := batch.Item{Proposal: github.Proposal{Files: []actions.FileChange{{Path: "LICENSE", After: []byte("free")}}}}
	asking := with
	asking.Issues = []github.Issue{{Rule: "license"}}
	partial := batch.Item{Proposal: github.Proposal{Partial: true}}
	run := func(outcome, patch string, pull uint64) event.ActionRun {
		return event.ActionRun{Outcome: outcome, Patch: patch, Pull: pull}
	}
	patch := with.Proposal.Patch()
	for name, c := range map[string]struct {
		item   batch.Item
		before event.ActionRun
		want   string // "": something is done
	}{
		"changes":                        {with, run("", "", 0), ""},
		"declined":                       {with, run("declined", patch, 3), "declined"},
		"other changes were declined":    {with, run("declined", "sha256:0", 3), ""},
		"declined, and an issue is left": {asking, run("declined", patch, 3), ""},
		"no changes":                     {batch.Item{}, run("", "", 0), "no patch"},
		"no changes, one is open":        {batch.Item{}, run("opened", "sha256:0", 3), ""},
		"no changes, one was merged":     {batch.Item{}, run("merged", "sha256:0", 3), "no patch"},
		"no changes of some rules":       {partial, run("opened", "sha256:0", 3), "no patch"},
	} {
		if got := nothing(c.item, c.before); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
