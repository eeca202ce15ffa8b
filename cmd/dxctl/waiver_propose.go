package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/dxctl/dxctl/actions"
	checkouts "github.com/dxctl/dxctl/actions/checkout"
	"github.com/dxctl/dxctl/actions/github"
	"github.com/dxctl/dxctl/actions/waive"
	"github.com/dxctl/dxctl/catalog/identifier"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/repository/waiver"
	"github.com/dxctl/dxctl/scorecards/checkout"
)

// proposeWaiver opens a pull request with a waiver in the file name below root, and returns the difference. The file on
// the disk is not changed.
func (s *cli) proposeWaiver(
	ctx context.Context, root, name string, w *waiver.Waiver, repository string,
) (string, error) {
	top, below, git, err := checkout.Root(root)
	if err != nil {
		return "", err
	}
	if !git {
		return "", fmt.Errorf("%s is in no git repository; leave out --pr to write the file", root)
	}
	open, err := checkouts.Open(top)
	if err != nil {
		return "", err
	}
	file := filepath.ToSlash(filepath.Join(below, name))
	before, err := open.Read(file)
	if err != nil {
		return "", err
	}
	after, err := waiver.Add(before.Content, file, w)
	if err != nil {
		return "", err
	}
	head, err := checkouts.Git(ctx, top, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
	var exited *checkouts.ExitError
	if err != nil && !errors.As(err, &exited) {
		return "", err
	}
	plan := actions.Plan{Action: waive.Name, Entity: w.Service, Files: []actions.FileChange{{
		Path: file, Before: before.Content, After: after, Executable: before.Executable,
	}}}
	title, body := waiverPullRequest(w)
	return plan.Diff(), s.propose(ctx, pullRequest{
		Proposal: github.Proposal{
			On: strings.TrimSpace(string(head)), Branch: waiverBranch(w), Files: plan.Files, Message: title,
			Title: title, Body: body,
		},
		root: top, repository: repository,
		run: event.ActionRun{Action: waive.Name, Entity: w.Service, Plan: plan.Digest()},
	})
}

// waiverBranch is the branch of a waiver: one for each rule of a service, or of a directory.
func waiverBranch(w *waiver.Waiver) string {
	of := w.Path
	if ref, err := identifier.ParseRef(w.Service, "", ""); err == nil {
		of = ref.Short()
	}
	return "dxctl/waiver-" + actions.BranchPart(strings.Trim(of+"-"+w.Rule, "-"))
}

// waiverPullRequest returns the title and the body of a pull request. What people wrote is shown as code, so that it
// mentions nobody.
func waiverPullRequest(w *waiver.Waiver) (title, body string) {
	of := w.Service
	if of == "" {
		of = "the directory " + w.Path
	}
	title = fmt.Sprintf("Waive %s for %s until %s", w.Rule, of, w.Until.Format("2006-01-02"))
	var b strings.Builder
	code := actions.InlineCode
	fmt.Fprintf(&b, "%s asks for an exception from the rule %s for %s.\n\n", code(w.By), code(w.Rule), code(of))
	fmt.Fprintf(&b, "- Reason: %s\n- Why: %s\n- Last day: %s; then the rule counts again by itself.\n\n", code(w.Reason),
		code(w.Note), w.Until.Format("2 January 2006"))
	b.WriteString("To approve it, merge this pull request. To decline it, close it. Grades are shown with and without " +
		"waivers.\n")
	return title, b.String()
}
