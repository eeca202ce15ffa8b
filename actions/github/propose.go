package github

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/collectors/github/client"
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
//	either     ──▶ held         somebody committed to its branch: it is left alone, with one comment
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
}

// Proposed is what became of a proposal.
type Proposed struct {
	Fate   Fate
	Pull   Pull   // the zero value: there is none
	Commit string // that was pushed; "" if none was
	Reason string // of declined and held
}

// standing is what a host has of a proposal before anything is written.
type standing struct {
	tree    string // of the base
	pull    *Pull  // the last one of the branch; nil: none
	branch  bool   // the branch exists
	foreign string // the first commit of the branch that is not ours; "" if all are
	patch   string // of the last commit of the branch; "" if it is not ours
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
		done, err = h.propose(ctx, p, true)
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
		if there.patch != p.Patch() {
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

// standing reads what there is.
func (h *Host) standing(ctx context.Context, p Proposal, branch bool) (standing, error) {
	var s standing
	var err error
	if s.tree, err = h.baseTree(ctx, p); err != nil {
		return s, err
	}
	pulls, err := h.pullsOf(ctx, p.Repository, p.Branch)
	if err != nil {
		return s, err
	}
	if len(pulls) > 0 {
		s.pull = &pulls[0]
	}
	if s.pull == nil && !branch {
		return s, nil
	}
	return s, h.commits(ctx, p, &s)
}

// commitAnswer is what GitHub says of a commit.
type commitAnswer struct {
	Message string `json:"message"`
	Tree    struct {
		SHA string `json:"sha"`
	} `json:"tree"`
}

// branchAnswer is what GitHub says of a branch.
type branchAnswer struct {
	Commit struct {
		SHA    string       `json:"sha"`
		Commit commitAnswer `json:"commit"`
	} `json:"commit"`
}

// baseTree returns the tree of the commit that the changes were planned on.
func (h *Host) baseTree(ctx context.Context, p Proposal) (string, error) {
	if p.Tree != "" {
		return p.Tree, nil
	}
	var base branchAnswer
	repo := "repos/" + p.Repository
	if err := h.get(ctx, repo+"/branches/"+client.Escaped(p.Base), &base); err != nil {
		return "", fmt.Errorf("reading the branch %s: %w", p.Base, err)
	}
	if base.Commit.SHA != p.On {
		return "", fmt.Errorf("the branch %s has the commit %.12s, and the changes were planned on %.12s: %w", p.Base,
			base.Commit.SHA, p.On, actions.ErrChanged)
	}
	if tree := base.Commit.Commit.Tree.SHA; tree != "" || len(p.Files) == 0 {
		return tree, nil
	}
	// Some servers name only the commit. Without the tree, the changes would replace all other files.
	var commit commitAnswer
	if err := h.get(ctx, repo+"/git/commits/"+p.On, &commit); err != nil {
		return "", fmt.Errorf("reading the commit %.12s: %w", p.On, err)
	}
	if commit.Tree.SHA == "" {
		return "", fmt.Errorf("the commit %.12s has no tree in the answer of the server", p.On)
	}
	return commit.Tree.SHA, nil
}

// pullsOf returns the pull requests of a branch: an open one before those that are closed, then the last one first.
func (h *Host) pullsOf(ctx context.Context, repository, branch string) ([]Pull, error) {
	owner, _, _ := strings.Cut(repository, "/")
	var pulls []Pull
	query := url.Values{"head": {owner + ":" + branch}, "state": {"all"}, "per_page": {"100"}}
	if err := h.get(ctx, "repos/"+repository+"/pulls?"+query.Encode(), &pulls); err != nil {
		return nil, fmt.Errorf("listing its pull requests: %w", err)
	}
	slices.SortFunc(pulls, func(a, b Pull) int {
		if a.State != b.State && (a.State == "open" || b.State == "open") {
			return strings.Compare(b.State, a.State) // open comes after closed in the alphabet
		}
		return b.Number - a.Number
	})
	return pulls, nil
}

// commits reads the commits that the branch has and the base does not.
func (h *Host) commits(ctx context.Context, p Proposal, s *standing) error {
	var ahead struct {
		Total   int `json:"total_commits"`
		Commits []struct {
			SHA    string       `json:"sha"`
			Commit commitAnswer `json:"commit"`
		} `json:"commits"`
	}
	path := fmt.Sprintf("repos/%s/compare/%s...%s", p.Repository, client.Escaped(p.Base), client.Escaped(p.Branch))
	err := h.get(ctx, path, &ahead)
	if client.Status(err) == http.StatusNotFound {
		return nil
	}
	if err != nil {
		return fmt.Errorf("comparing the branch %s with %s: %w", p.Branch, p.Base, err)
	}
	s.branch = true
	for _, c := range ahead.Commits {
		patch := ours(c.Commit.Message, c.Commit.Tree.SHA)
		if patch == "" {
			s.foreign = c.SHA
			return nil
		}
		s.patch = patch
	}
	if ahead.Total > len(ahead.Commits) {
		s.foreign = "one of more commits than GitHub lists"
	}
	return nil
}

// fate decides what becomes of a proposal, and why.
func (s standing) fate(p Proposal) (Fate, string) {
	open := s.pull != nil && s.pull.State == "open"
	switch {
	case len(p.Files) == 0 && (p.Partial || p.Blocked):
		return Nothing, ""
	case open && s.foreign != "":
		return Held, fmt.Sprintf("the branch %s has the commit %.12s, which dxctl did not make", p.Branch, s.foreign)
	case !open && s.foreign != "" && len(p.Files) > 0:
		return Held, fmt.Sprintf("the branch %s exists, with the commit %.12s, which dxctl did not make", p.Branch, s.foreign)
	case len(p.Files) == 0 && open:
		return Closed, ""
	case len(p.Files) == 0:
		return Nothing, ""
	case open && s.patch == p.Patch() && patchOf(s.pull.Body) == p.Patch():
		return Unchanged, ""
	case open && p.Partial:
		return Held, "the open pull request has other changes; propose all of them, without --rule"
	case open:
		return Updated, ""
	case s.pull != nil && s.pull.MergedAt == nil && patchOf(s.pull.Body) == p.Patch():
		return Declined, fmt.Sprintf("pull request #%d with the same changes was closed without being merged", s.pull.Number)
	}
	return Opened, ""
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

// comment adds a comment, unless the pull request has it already.
func (h *Host) comment(ctx context.Context, repository string, number int, text string) error {
	if number == 0 {
		return nil // a branch without a pull request
	}
	var there []struct {
		Body string `json:"body"`
	}
	path := fmt.Sprintf("repos/%s/issues/%d/comments", repository, number)
	if err := h.get(ctx, path+"?per_page=100", &there); err != nil {
		return fmt.Errorf("reading the comments of pull request #%d: %w", number, err)
	}
	for _, c := range there {
		if strings.TrimSpace(c.Body) == strings.TrimSpace(text) {
			return nil
		}
	}
	if err := h.send(ctx, http.MethodPost, path, map[string]string{"body": text}, nil); err != nil {
		return fmt.Errorf("commenting on pull request #%d: %w", number, err)
	}
	return nil
}
