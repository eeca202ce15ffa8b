package github

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/dxctl/dxctl/actions"
)

// inverse is a change of a file as it is taken back: by the names that git gives to contents, which stay in the
// repository with its history.
type inverse struct {
	Path   string `json:"path"`
	Before string `json:"before,omitempty"` // "": there was no file
	After  string `json:"after,omitempty"`  // "": there is none
}

// Inverse returns what takes changes back, as JSON.
func Inverse(files []actions.FileChange) (string, error) {
	all := make([]inverse, len(files))
	for i, f := range files {
		all[i].Path = f.Path
		if f.Before != nil {
			all[i].Before = BlobID(f.Before)
		}
		if f.After != nil {
			all[i].After = BlobID(f.After)
		}
	}
	text, err := json.Marshal(all)
	if err != nil {
		return "", fmt.Errorf("recording how the changes are taken back: %w", err)
	}
	return string(text), nil
}

// Reversal is the plan of a pull request that takes back what another one changed.
type Reversal struct {
	Head      Head
	Pull      uint64   // that is taken back
	Files     []string // that become what they were
	Conflicts []string // that changed since, and stay as they are
	entries   []any
}

// PlanReversal compares the default branch with what a pull request left there. undo is what [Inverse] returned.
func (h *Host) PlanReversal(ctx context.Context, head Head, pull uint64, undo string) (Reversal, error) {
	r := Reversal{Head: head, Pull: pull}
	fail := func(err error) (Reversal, error) {
		return r, fmt.Errorf("planning to take back pull request #%d of %s: %w", pull, head.Repository, err)
	}
	var changes []inverse
	if err := json.Unmarshal([]byte(undo), &changes); err != nil {
		return fail(fmt.Errorf("reading what it changed: %w", err))
	}
	var listing struct {
		Truncated bool     `json:"truncated"`
		Tree      []object `json:"tree"`
	}
	if err := h.get(ctx, "repos/"+head.Repository+"/git/trees/"+head.Tree+"?recursive=1", &listing); err != nil {
		return fail(err)
	}
	there := map[string]object{}
	for _, o := range listing.Tree {
		there[o.Path] = o
	}
	for _, c := range changes {
		now := there[c.Path]
		switch {
		case now.ID == c.Before:
		case now.ID != c.After || listing.Truncated && now.ID == "":
			r.Conflicts = append(r.Conflicts, c.Path)
		case c.Before == "":
			r.Files = append(r.Files, c.Path)
			r.entries = append(r.entries, deletion{Path: c.Path, Mode: now.Mode, Type: "blob"})
		default:
			mode := now.Mode
			if mode == "" {
				mode = modeFile
			}
			r.Files = append(r.Files, c.Path)
			r.entries = append(r.entries, change{Path: c.Path, Mode: mode, Type: "blob", SHA: &c.Before})
		}
	}
	return r, nil
}

// branch is the branch of a reversal.
func (r Reversal) branch() string { return fmt.Sprintf("dxctl/revert-%d", r.Pull) }

// Revert opens the pull request of a reversal. One that is open already is returned.
func (h *Host) Revert(ctx context.Context, r Reversal, batch string) (Pull, error) {
	pull, err := h.revert(ctx, r, batch)
	if err != nil {
		return pull, fmt.Errorf("taking back pull request #%d of %s: %w", r.Pull, r.Head.Repository, err)
	}
	return pull, nil
}

func (h *Host) revert(ctx context.Context, r Reversal, batch string) (Pull, error) {
	var made Pull
	pulls, err := h.pullsOf(ctx, r.Head.Repository, r.branch())
	if err != nil {
		return made, err
	}
	if len(pulls) > 0 && pulls[0].State == "open" {
		return pulls[0], nil
	}
	repo := "repos/" + r.Head.Repository
	var tree, commit struct {
		SHA string `json:"sha"`
	}
	entries := struct {
		Base string `json:"base_tree"`
		Tree []any  `json:"tree"`
	}{r.Head.Tree, r.entries}
	if err := h.send(ctx, http.MethodPost, repo+"/git/trees", entries, &tree); err != nil {
		return made, fmt.Errorf("storing the files: %w", err)
	}
	title := fmt.Sprintf("Revert changes of #%d", r.Pull)
	content := commitBody{Message: title, Tree: tree.SHA, Parents: []string{r.Head.Commit}}
	if err := h.send(ctx, http.MethodPost, repo+"/git/commits", content, &commit); err != nil {
		return made, fmt.Errorf("storing the commit: %w", err)
	}
	ref := map[string]string{"ref": "refs/heads/" + r.branch(), "sha": commit.SHA}
	if err := h.send(ctx, http.MethodPost, repo+"/git/refs", ref, nil); err != nil {
		return made, fmt.Errorf("creating the branch %s: %w", r.branch(), err)
	}
	text := fmt.Sprintf("Reverts #%d: the batch %s was undone.\n\n- %s\n", r.Pull, actions.InlineCode(batch),
		strings.Join(codes(r.Files), "\n- "))
	if len(r.Conflicts) > 0 {
		text += "\nNot reverted, because they changed since:\n\n- " + strings.Join(codes(r.Conflicts), "\n- ") + "\n"
	}
	body := map[string]string{"title": title, "body": text, "head": r.branch(), "base": r.Head.Branch}
	if err := h.send(ctx, http.MethodPost, repo+"/pulls", body, &made); err != nil {
		return made, fmt.Errorf("opening the pull request: %w", err)
	}
	return made, nil
}

func codes(texts []string) []string {
	quoted := make([]string, len(texts))
	for i, t := range texts {
		quoted[i] = actions.InlineCode(t)
	}
	return quoted
}

// Withdraw closes an open pull request with a comment. It can be proposed again: nobody declined it.
func (h *Host) Withdraw(ctx context.Context, ref PullRef, note string) error {
	var pull Pull
	fail := func(err error) error {
		return fmt.Errorf("closing pull request #%d of %s: %w", ref.Number, ref.Repository, err)
	}
	if err := h.get(ctx, fmt.Sprintf("repos/%s/pulls/%d", ref.Repository, ref.Number), &pull); err != nil {
		return fail(err)
	}
	if pull.State != "open" {
		return nil
	}
	if err := h.closePull(ctx, ref.Repository, &pull, note); err != nil {
		return fail(err)
	}
	return nil
}
