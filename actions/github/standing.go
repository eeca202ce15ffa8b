package github

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/collectors/github/client"
)

// standing is what a host has of a proposal before anything is written.
type standing struct {
	tree    string // of the base
	pull    *Pull  // the last one of the branch; nil: none
	branch  bool   // the branch exists
	foreign string // the first commit of the branch that is not ours; "" if all are
	patch   string // of the last commit of the branch; "" if it is not ours
	on      string // parent of that commit; "": it has several, or is not ours
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

// commitAnswer is a commit in answers of GitHub.
type commitAnswer struct {
	Message string `json:"message"`
	Tree    struct {
		SHA string `json:"sha"`
	} `json:"tree"`
}

// branchAnswer is a branch in answers of GitHub.
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
			SHA     string       `json:"sha"`
			Commit  commitAnswer `json:"commit"`
			Parents []struct {
				SHA string `json:"sha"`
			} `json:"parents"`
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
		s.patch, s.on = patch, ""
		if len(c.Parents) == 1 {
			s.on = c.Parents[0].SHA
		}
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
	case open && s.pull.Base.Ref != "" && s.pull.Base.Ref != p.Base:
		return Held, fmt.Sprintf("pull request #%d is for the branch %s, and the changes are for %s: give it that base, or "+
			"close it", s.pull.Number, s.pull.Base.Ref, p.Base)
	case open && s.foreign != "" && len(p.Files) > 0 && patchOf(s.pull.Body) == p.Patch():
		return Unchanged, "" // somebody has added to the same changes, or updated the branch from its base
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
	case s.pull != nil && s.pull.MergedAt == nil && s.closedWith() == p.Patch():
		return Declined, fmt.Sprintf("pull request #%d with the same changes was closed without being merged", s.pull.Number)
	}
	return Opened, ""
}

// closedWith returns the patch that a pull request had when somebody closed it; "" if dxctl closed it. People may have
// rewritten its body, and deleted its branch.
func (s standing) closedWith() string {
	patch := patchOf(s.pull.Body)
	if patch == "" && !strings.Contains(s.pull.Body, closedMark) {
		return s.patch
	}
	return patch
}

// carries reports whether the branch has the changes of a proposal. If it has no open pull request, it may be left over
// from one that was merged long ago, so that only a commit on the present base counts.
func (s standing) carries(p Proposal) bool {
	return s.patch == p.Patch() && (s.on == p.On || s.pull != nil && s.pull.State == "open")
}
