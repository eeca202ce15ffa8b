package github

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/collectors/github/client"
	"github.com/dxctl/dxctl/collectors/rest"
)

// Proposal is a pull request with the changes of a plan. A repository has one for each branch of its own.
type Proposal struct {
	Repository string // owner/name
	Base       string // branch that the changes are for
	On         string // commit of Base that they were planned on
	Tree       string // of On; "": it is read, and Base must have no other commit by now
	Branch     string // that carries them: dxctl/fix-go-service
	Files      []actions.FileChange
	Message    string // of the commit
	Title      string
	Body       string
	// Partial: the changes are some of those that the plan without a selection has. They open a pull request, and neither
	// replace an open one nor close it.
	Partial bool
	// Blocked: changes are left out because of conflicts, so that there being none is no reason to close a pull request.
	Blocked bool
}

// Patch identifies the changes: "sha256:" and hex digits. It does not depend on what the files had before.
func (p Proposal) Patch() string {
	type change struct {
		Path       string
		After      []byte
		Deleted    bool
		Executable bool
	}
	changes := make([]change, len(p.Files))
	for i, f := range p.Files {
		changes[i] = change{f.Path, f.After, f.After == nil, f.Executable}
	}
	slices.SortFunc(changes, func(a, b change) int { return strings.Compare(a.Path, b.Path) })
	text, _ := json.Marshal(changes) // texts, bytes and booleans can always be encoded
	sum := sha256.Sum256(text)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Fate is what becomes of a proposal:
//
//	no changes ──▶ nothing      there is no open pull request, or the proposal is partial or blocked
//	           ──▶ closed       there is one, and all of its commits are ours: it is closed with a comment
//	changes    ──▶ opened       there is no pull request, or the last one was merged, or closed with other changes
//	           ──▶ unchanged    the open one has these changes already
//	           ──▶ updated      the open one had other changes, and all of its commits are ours
//	           ──▶ declined     the last one had these changes and was closed, not merged: it is not opened again
//	           ──▶ held         the open one has other changes, and the proposal is partial
//	either     ──▶ held         somebody committed to its branch, and it has other changes: it is left alone, with one
//	                            comment; or somebody gave it another base
type Fate string

// Fates.
const (
	Nothing   Fate = "nothing"
	Closed    Fate = "closed"
	Opened    Fate = "opened"
	Unchanged Fate = "unchanged"
	Updated   Fate = "updated"
	Declined  Fate = "declined"
	Held      Fate = "held"
)

// Pull is a pull request.
type Pull struct {
	Number   int        `json:"number"`
	URL      string     `json:"html_url"`
	State    string     `json:"state"` // open or closed
	MergedAt *time.Time `json:"merged_at"`
	Title    string     `json:"title"`
	Body     string     `json:"body"`
	Base     struct {
		Ref string `json:"ref"` // branch that it is for
	} `json:"base"`
}

// Proposed is what became of a proposal.
type Proposed struct {
	Fate   Fate
	Pull   Pull   // the zero value: there is none
	Commit string // that was pushed; "" if none was
	Reason string // of declined and held
}

// Propose makes a proposal to the repository. It reads first, and then writes in an order in which an interruption
// leaves nothing half done: the branch moves after the commit is complete, and the pull request comes last. Doing it
// again resumes where it stopped.
//
// It reads the base, if the proposal does not have its tree; the pull requests; and if there is one, the commits of its
// branch. It writes a tree, a commit, a branch and a pull request.
//
// The error wraps [actions.ErrChanged] if the base has moved since the changes were planned.
func (h *Host) Propose(ctx context.Context, p Proposal) (Proposed, error) {
	done, err := h.propose(ctx, p, false)
	if client.Status(err) == http.StatusUnprocessableEntity {
		// A branch without a pull request is there: of a run that was interrupted, or somebody's. Or the answer to a request
		// was lost, and it was sent again.
		first := done.Fate
		done, err = h.propose(ctx, p, true)
		if first == Opened && done.Fate == Unchanged { // there was none before
			done.Fate = Opened
		}
	}
	if err != nil {
		return done, fmt.Errorf("proposing changes to %s: %w", p.Repository, err)
	}
	return done, nil
}

// propose looks at the branch if there is a pull request, or else if it is asked to.
func (h *Host) propose(ctx context.Context, p Proposal, branch bool) (Proposed, error) {
	there, err := h.standing(ctx, p, branch)
	if err != nil {
		return Proposed{}, err
	}
	fate, reason := there.fate(p)
	done := Proposed{Fate: fate, Reason: reason}
	if there.pull != nil {
		done.Pull = *there.pull
	}
	switch fate {
	case Held:
		if there.foreign == "" {
			return done, nil
		}
		return done, h.comment(ctx, p.Repository, done.Pull.Number, heldNote(p, there.foreign))
	case Closed:
		return done, h.closePull(ctx, p.Repository, &done.Pull, closedNote)
	case Opened, Updated:
		if !there.carries(p) {
			if done.Commit, err = h.commit(ctx, p, there); err != nil {
				return done, err
			}
		}
		done.Pull, err = h.open(ctx, p, there)
		return done, err
	case Nothing, Unchanged, Declined:
	}
	return done, nil
}

// commit stores the changes as a commit on the base and moves the branch to it. The branch is never deleted, because
// GitHub then closes its pull request.
func (h *Host) commit(ctx context.Context, p Proposal, there standing) (string, error) {
	repo := "repos/" + p.Repository
	tree, err := h.tree(ctx, p, there.tree)
	if err != nil {
		return "", fmt.Errorf("storing the files: %w", err)
	}
	var commit struct {
		SHA string `json:"sha"`
	}
	content := commitBody{Message: signed(p, tree), Tree: tree, Parents: []string{p.On}}
	if err := h.send(ctx, http.MethodPost, repo+"/git/commits", content, &commit); err != nil {
		return "", fmt.Errorf("storing the commit: %w", err)
	}
	if there.branch {
		err = h.send(ctx, http.MethodPatch, repo+"/git/refs/heads/"+client.Escaped(p.Branch),
			map[string]any{"sha": commit.SHA, "force": true}, nil)
	} else {
		err = h.send(ctx, http.MethodPost, repo+"/git/refs",
			map[string]string{"ref": "refs/heads/" + p.Branch, "sha": commit.SHA}, nil)
	}
	if err != nil {
		return "", fmt.Errorf("moving the branch %s: %w", p.Branch, err)
	}
	return commit.SHA, nil
}

// change is an entry of a tree that is made from another one. A SHA of null deletes the file.
type change struct {
	Path    string  `json:"path"`
	Mode    string  `json:"mode"`
	Type    string  `json:"type"`
	Content *string `json:"content,omitempty"`
	SHA     *string `json:"sha,omitempty"`
}

// deletion is the entry of a file that is deleted.
type deletion struct {
	Path string  `json:"path"`
	Mode string  `json:"mode"`
	Type string  `json:"type"`
	SHA  *string `json:"sha"` // nil
}

// tree stores the changes on top of a tree and returns the new one.
func (h *Host) tree(ctx context.Context, p Proposal, base string) (string, error) {
	body := struct {
		BaseTree string `json:"base_tree"`
		Tree     []any  `json:"tree"`
	}{BaseTree: base}
	for _, f := range p.Files {
		switch {
		case f.After == nil:
			body.Tree = append(body.Tree, deletion{Path: f.Path, Mode: mode(f), Type: "blob"})
		case utf8.Valid(f.After):
			text := string(f.After)
			body.Tree = append(body.Tree, change{Path: f.Path, Mode: mode(f), Type: "blob", Content: &text})
		default: // JSON holds only text
			var entry treeEntry
			if err := h.blob(ctx, p.Repository, f.After, &entry); err != nil {
				return "", err
			}
			body.Tree = append(body.Tree, change{Path: f.Path, Mode: mode(f), Type: "blob", SHA: &entry.SHA})
		}
	}
	var tree struct {
		SHA string `json:"sha"`
	}
	if err := h.send(ctx, http.MethodPost, "repos/"+p.Repository+"/git/trees", body, &tree); err != nil {
		return "", err
	}
	return tree.SHA, nil
}

// open opens the pull request, or updates the open one.
func (h *Host) open(ctx context.Context, p Proposal, there standing) (Pull, error) {
	var pull Pull
	repo := "repos/" + p.Repository
	if there.pull != nil && there.pull.State == "open" { // its title may be somebody's now
		path := fmt.Sprintf("%s/pulls/%d", repo, there.pull.Number)
		content := map[string]string{"body": bodyWithin(there.pull.Body, p)}
		if err := h.send(ctx, http.MethodPatch, path, content, &pull); err != nil {
			return *there.pull, fmt.Errorf("updating the pull request #%d: %w", there.pull.Number, err)
		}
		return pull, nil
	}
	content := map[string]string{"title": p.Title, "body": body(p), "head": p.Branch, "base": p.Base}
	if err := h.send(ctx, http.MethodPost, repo+"/pulls", content, &pull); err != nil {
		return pull, fmt.Errorf("opening the pull request: %w", err)
	}
	return pull, nil
}

// closePull closes a pull request with a comment. Its body no longer names the patch: nobody declined it.
func (h *Host) closePull(ctx context.Context, repository string, pull *Pull, note string) error {
	if err := h.comment(ctx, repository, pull.Number, note); err != nil {
		return err
	}
	content := map[string]string{"state": "closed", "body": marked.ReplaceAllString(pull.Body, closedMark)}
	path := fmt.Sprintf("repos/%s/pulls/%d", repository, pull.Number)
	if err := h.send(ctx, http.MethodPatch, path, content, pull); err != nil {
		return fmt.Errorf("closing pull request #%d: %w", pull.Number, err)
	}
	return nil
}

// comment adds a comment, unless the issue or pull request has it already. It is sent once: an answer that is lost does
// not comment twice.
func (h *Host) comment(ctx context.Context, repository string, number int, text string) error {
	if number == 0 {
		return nil // a branch without a pull request
	}
	said, err := h.said(ctx, repository, number, text)
	if err != nil || said {
		return err
	}
	path := fmt.Sprintf("repos/%s/issues/%d/comments", repository, number)
	err = h.send(rest.WithMaxAttempts(ctx, 1), http.MethodPost, path, map[string]string{"body": text}, nil)
	switch {
	case err == nil:
		return nil
	case client.Status(err) == http.StatusForbidden && strings.Contains(strings.ToLower(err.Error()), "locked"):
		return nil // somebody locked the conversation: nobody is told, and the rest goes on
	case ctx.Err() == nil && !Refused(err):
		var listErr error
		if said, listErr = h.said(ctx, repository, number, text); said {
			return nil
		}
		err = errors.Join(err, listErr)
	}
	return fmt.Errorf("commenting on #%d: %w", number, err)
}

// said reports whether an issue or pull request has a comment, among its first 100 if it has more.
func (h *Host) said(ctx context.Context, repository string, number int, text string) (bool, error) {
	var there []struct {
		Body string `json:"body"`
	}
	path := fmt.Sprintf("repos/%s/issues/%d/comments?per_page=100", repository, number)
	if err := h.get(ctx, path, &there); err != nil {
		return false, fmt.Errorf("reading the comments of #%d: %w", number, err)
	}
	for _, c := range there {
		if strings.TrimSpace(c.Body) == strings.TrimSpace(text) {
			return true, nil
		}
	}
	return false, nil
}
