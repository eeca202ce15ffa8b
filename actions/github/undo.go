package github

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/collectors/github/client"
)

// inverse is a change of a file as it is taken back: by the names that git gives to contents, which stay in the
// repository with its history.
type inverse struct {
	Path   string `json:"path"`
	Before string `json:"before,omitempty"` // "": there was no file
	After  string `json:"after,omitempty"`  // "": there is none
	// Executable is whether a file that was deleted could be executed. Other files have their mode where they are.
	Executable bool `json:"executable,omitempty"`
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
		} else {
			all[i].Executable = f.Executable
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
	Gone      string   // why what the pull request did is not there any longer, although its contents are; "": it is
	entries   []any
}

// PlanReversal compares the default branch with what a pull request left there. undo is what [Inverse] returned of its
// files, and patch what identifies them. It takes a read, and one more if there is something to take back.
func (h *Host) PlanReversal(ctx context.Context, head Head, pull uint64, undo, patch string) (Reversal, error) {
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
		case listing.Truncated && now.ID == "":
			r.Conflicts = append(r.Conflicts, c.Path)
		case now.ID == c.Before:
		case now.ID != c.After:
			r.Conflicts = append(r.Conflicts, c.Path)
		case c.Before == "":
			r.Files = append(r.Files, c.Path)
			r.entries = append(r.entries, deletion{Path: c.Path, Mode: now.Mode, Type: "blob"})
		default:
			mode := now.Mode
			if mode == "" {
				mode = fileMode(c.Executable)
			}
			r.Files = append(r.Files, c.Path)
			r.entries = append(r.entries, change{Path: c.Path, Mode: mode, Type: "blob", SHA: &c.Before})
		}
	}
	if len(r.entries) == 0 {
		return r, nil
	}
	var err error
	if r.Gone, err = h.takenBack(ctx, head.Repository, int(pull), patch); err != nil {
		return fail(err)
	}
	return r, nil
}

// reverts is how the body of a pull request begins that takes back another one: ours, and GitHub's.
var reverts = regexp.MustCompile(`^\s*Reverts (?:[A-Za-z0-9-]+/[A-Za-z0-9._-]+)?#([0-9]{1,9})\b`)

// takenBack returns why what a merged pull request did is not what is there, although the contents are the same: it was
// taken back, or a later one with the same changes was merged, for which they must have been gone. "": neither is among
// the last 100 pull requests. One that took it back and was taken back itself does not count.
func (h *Host) takenBack(ctx context.Context, repository string, number int, patch string) (string, error) {
	pulls, err := h.lastPulls(ctx, repository)
	if err != nil {
		return "", err
	}
	again := 0
	by := map[int]int{}       // the last pull request that took back another one
	for _, p := range pulls { // the newest one first
		if p.MergedAt == nil || p.Number <= number {
			continue
		}
		if found := reverts.FindStringSubmatch(p.Body); found != nil {
			if of, _ := strconv.Atoi(found[1]); of < p.Number && by[p.Number] == 0 && by[of] == 0 {
				by[of] = p.Number
			}
		}
		if patch != "" && patchOf(p.Body) == patch && by[p.Number] == 0 {
			again = max(again, p.Number)
		}
	}
	switch {
	case again > 0:
		return fmt.Sprintf("its changes were gone when pull request #%d made them again: take back that one", again), nil
	case by[number] > 0:
		return fmt.Sprintf("pull request #%d has taken it back, and what is there now was made since", by[number]), nil
	}
	return "", nil
}

// branch is the n-th name for the branch of a reversal.
func (r Reversal) branch(n int) string {
	if n == 1 {
		return fmt.Sprintf("dxctl/revert-%d", r.Pull)
	}
	return fmt.Sprintf("dxctl/revert-%d-%d", r.Pull, n)
}

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
	for n := 1; n <= maxBranches; n++ {
		pulls, err := h.pullsOf(ctx, r.Head.Repository, r.branch(n))
		if err != nil {
			return made, err
		}
		if len(pulls) > 0 && pulls[0].State == "open" {
			return pulls[0], nil
		}
		if len(pulls) == 0 {
			break
		}
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
	branch, err := h.revertBranch(ctx, r, commit.SHA, tree.SHA, title)
	if err != nil {
		return made, err
	}
	text := fmt.Sprintf("Reverts #%d: the batch %s was undone.\n\n- %s\n", r.Pull, actions.InlineCode(batch),
		strings.Join(codes(r.Files), "\n- "))
	if len(r.Conflicts) > 0 {
		text += "\nNot reverted, because they changed since:\n\n- " + strings.Join(codes(r.Conflicts), "\n- ") + "\n"
	}
	body := map[string]string{"title": title, "body": text, "head": branch, "base": r.Head.Branch}
	if err := h.send(ctx, http.MethodPost, repo+"/pulls", body, &made); err != nil {
		return made, fmt.Errorf("opening the pull request: %w", err)
	}
	return made, nil
}

// maxBranches bounds the names for the branch of a reversal: an earlier one may be of a pull request that was closed.
const maxBranches = 5

// revertBranch creates the branch of a reversal and returns its name. One that an interrupted run created is taken.
func (h *Host) revertBranch(ctx context.Context, r Reversal, commit, tree, title string) (string, error) {
	repo := "repos/" + r.Head.Repository
	var err error
	for n := 1; n <= maxBranches; n++ {
		branch := r.branch(n)
		err = h.send(ctx, http.MethodPost, repo+"/git/refs",
			map[string]string{"ref": "refs/heads/" + branch, "sha": commit}, nil)
		if err == nil {
			return branch, nil
		}
		if client.Status(err) != http.StatusUnprocessableEntity {
			break
		}
		var there branchAnswer
		if err := h.get(ctx, repo+"/branches/"+client.Escaped(branch), &there); err != nil {
			return "", fmt.Errorf("reading the branch %s: %w", branch, err)
		}
		c := there.Commit.Commit
		if c.Tree.SHA != tree || strings.TrimSpace(c.Message) != title {
			continue // somebody's, or of an earlier reversal
		}
		pulls, err := h.pullsOf(ctx, r.Head.Repository, branch)
		if err != nil || len(pulls) == 0 {
			return branch, err
		}
	}
	return "", fmt.Errorf("creating the branch %s: %w", r.branch(1), err)
}

// ForeignCommit returns the first commit of a pull request that dxctl did not make; "" if it made all.
func (h *Host) ForeignCommit(ctx context.Context, ref PullRef) (string, error) {
	var commits []struct {
		SHA    string       `json:"sha"`
		Commit commitAnswer `json:"commit"`
	}
	path := fmt.Sprintf("repos/%s/pulls/%d/commits?per_page=100", ref.Repository, ref.Number)
	if err := h.get(ctx, path, &commits); err != nil {
		return "", fmt.Errorf("reading the commits of pull request #%d of %s: %w", ref.Number, ref.Repository, err)
	}
	for _, c := range commits {
		if ours(c.Commit.Message, c.Commit.Tree.SHA) == "" {
			return c.SHA, nil
		}
	}
	return "", nil
}

// PullWithPatch returns the newest pull request that dxctl opened with these changes and that is open or merged; its
// number is 0 if there is none among the last 100.
func (h *Host) PullWithPatch(ctx context.Context, repository, patch string) (Pull, error) {
	pulls, err := h.lastPulls(ctx, repository)
	if err != nil {
		return Pull{}, err
	}
	for _, p := range pulls {
		if patchOf(p.Body) == patch && (p.State == "open" || p.MergedAt != nil) {
			return p, nil
		}
	}
	return Pull{}, nil
}

// lastPulls returns the last 100 pull requests, the newest one first.
func (h *Host) lastPulls(ctx context.Context, repository string) ([]Pull, error) {
	var pulls []Pull
	path := "repos/" + repository + "/pulls?state=all&sort=created&direction=desc&per_page=100"
	if err := h.get(ctx, path, &pulls); err != nil {
		return nil, fmt.Errorf("listing the pull requests of %s: %w", repository, err)
	}
	return pulls, nil
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
