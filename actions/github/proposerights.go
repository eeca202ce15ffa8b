package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/collectors/github/client"
)

// Target is a repository that gets pull requests.
type Target struct {
	FullName      string `json:"full_name"`
	DefaultBranch string `json:"default_branch"`
	HTMLURL       string `json:"html_url"`
	Private       bool   `json:"private"`
	Archived      bool   `json:"archived"`
	Disabled      bool   `json:"disabled"`
	Permissions   *struct {
		Push  bool `json:"push"`
		Admin bool `json:"admin"`
	} `json:"permissions"` // of a token; nil for an App
}

// CheckProposal reports, before anything is written, everything that would stop a pull request: a repository that the
// credentials do not see, that is archived, or that they may not push to, and each missing right. workflows: the
// changes contain workflows. Missing rights are an error that wraps [ErrRights]; notes name what GitHub does not show.
func (h *Host) CheckProposal(ctx context.Context, fullName string, workflows bool) (Target, []string, error) {
	t, rights, err := h.target(ctx, fullName)
	fail := func(err error) (Target, []string, error) {
		return t, nil, fmt.Errorf("checking whether %s takes a pull request: %w", fullName, err)
	}
	if err != nil {
		return fail(err)
	}
	missing := proposalScopes(rights, t, workflows)
	if h.app {
		needed := map[string]string{"contents": "write", "pull_requests": "write", "metadata": "read"}
		if workflows {
			needed["workflows"] = "write"
		}
		missing = rights.Missing(needed)
	}
	if t.Permissions != nil && !t.Permissions.Push {
		missing = append(missing, "the right to push to "+fullName)
	}
	if len(missing) > 0 {
		return fail(fmt.Errorf("%w: %s; nothing was written", ErrRights, strings.Join(missing, ", ")))
	}
	var notes []string
	if !h.app && !rights.Classic {
		notes = append(notes, "GitHub does not show what a fine-grained token may do: it needs Contents, Pull requests"+
			ifText(workflows, " and Workflows", "")+" (read and write) for "+fullName)
	}
	return t, notes, nil
}

// target returns a repository that can be written to, and what the credentials may do.
func (h *Host) target(ctx context.Context, fullName string) (t Target, rights client.Rights, err error) {
	if rights, err = h.client.Rights(ctx); err != nil {
		return t, rights, err
	}
	if _, err := h.client.Get(ctx, "repos/"+fullName, "", &t); err != nil {
		if client.Status(err) == http.StatusNotFound {
			err = fmt.Errorf("%w: the credentials see no repository %s", ErrRights, fullName)
		}
		return t, rights, err
	}
	if t.Archived || t.Disabled {
		return t, rights, errors.New("it is archived or disabled, so nobody can write to it")
	}
	return t, rights, nil
}

// repositoryScopes returns the scopes that a classic token lacks to write to a repository.
func repositoryScopes(rights client.Rights, t Target) []string {
	has := func(scope string) bool { return slices.Contains(rights.Scopes, scope) }
	if rights.Classic && !has("repo") && (t.Private || !has("public_repo")) {
		return []string{"the scope repo"}
	}
	return nil
}

// proposalScopes returns the scopes that a classic token lacks.
func proposalScopes(rights client.Rights, t Target, workflows bool) []string {
	missing := repositoryScopes(rights, t)
	if rights.Classic && workflows && !slices.Contains(rights.Scopes, "workflow") {
		missing = append(missing, "the scope workflow")
	}
	return missing
}
