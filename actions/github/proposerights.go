package github

import (
	"context"
	"encoding/json"
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
	} `json:"permissions"` // of a person; those of an App are false or missing

	Record json.RawMessage `json:"-"` // the whole answer
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
	needs := Needs{Pulls: true, Workflows: workflows, Private: t.Private}
	missing := h.missing(rights, needs)
	if !h.app && t.Permissions != nil && !t.Permissions.Push {
		missing = append(missing, "the right to push to "+fullName)
	}
	if len(missing) > 0 {
		return fail(fmt.Errorf("%w: %s; nothing was written", ErrRights, strings.Join(missing, ", ")))
	}
	return t, h.unseen(rights, needs, fullName), nil
}

// target returns a repository that can be written to, and what the credentials may do.
func (h *Host) target(ctx context.Context, fullName string) (t Target, rights client.Rights, err error) {
	answer, err := h.client.Get(ctx, "repos/"+fullName, "", &t.Record)
	if err != nil {
		if client.Status(err) == http.StatusNotFound {
			err = fmt.Errorf("%w: the credentials see no repository %s", ErrRights, fullName)
		}
		return t, rights, err
	}
	if err := json.Unmarshal(t.Record, &t); err != nil {
		return t, rights, fmt.Errorf("the answer about the repository is not what GitHub documents: %w", err)
	}
	if rights = answer.Rights(); h.app {
		if rights, err = h.client.Rights(ctx); err != nil {
			return t, rights, err
		}
	}
	if t.Archived || t.Disabled {
		return t, rights, errors.New("it is archived or disabled, so nobody can write to it")
	}
	return t, rights, nil
}

// repositoryScopes returns the scopes that a classic token lacks to write to a repository.
func repositoryScopes(rights client.Rights, private bool) []string {
	has := func(scope string) bool { return slices.Contains(rights.Scopes, scope) }
	if rights.Classic && !has("repo") && (private || !has("public_repo")) {
		return []string{"the scope repo"}
	}
	return nil
}

// Needs is what a batch writes.
type Needs struct {
	Pulls     bool
	Workflows bool // files of workflows among the changes
	Issues    bool
	Checks    bool // the checks of commits are read
	Private   bool // to a private repository
	Settings  bool // settings of repositories
}

// CheckBatch reports missing rights of the credentials, whatever the repository is; see [Host.Heads] for those that
// depend on it. The error wraps [ErrRights]; notes name what GitHub does not show.
func (h *Host) CheckBatch(ctx context.Context, needs Needs) (notes []string, err error) {
	rights, err := h.client.Rights(ctx)
	if err != nil {
		return nil, fmt.Errorf("checking what the credentials may do: %w", err)
	}
	if missing := h.missing(rights, needs); len(missing) > 0 {
		return nil, fmt.Errorf("%w: %s; nothing was written", ErrRights, strings.Join(missing, ", "))
	}
	return h.unseen(rights, needs, "the repositories"), nil
}

// unseen names what GitHub does not show of a fine-grained token.
func (h *Host) unseen(rights client.Rights, needs Needs, where string) []string {
	if h.app || rights.Classic {
		return nil
	}
	var names []string
	if needs.Pulls {
		names = append(names, "Contents", "Pull requests")
	}
	if needs.Workflows {
		names = append(names, "Workflows")
	}
	if needs.Issues {
		names = append(names, "Issues")
	}
	if needs.Settings {
		names = append(names, "Administration")
	}
	return []string{"GitHub does not show what a fine-grained token may do: it needs " + strings.Join(names, ", ") +
		" (read and write) for " + where}
}

// missing returns the rights that the credentials lack.
func (h *Host) missing(rights client.Rights, needs Needs) []string {
	if h.app {
		needed := map[string]string{"metadata": "read"}
		if needs.Pulls {
			needed["contents"], needed["pull_requests"] = "write", "write"
		}
		if needs.Workflows {
			needed["workflows"] = "write"
		}
		if needs.Checks {
			needed["checks"], needed["statuses"] = "read", "read"
		}
		if needs.Issues {
			needed["issues"] = "write"
		}
		if needs.Settings {
			needed["administration"], needed["actions"] = "write", "read"
		}
		return rights.Missing(needed)
	}
	missing := repositoryScopes(rights, needs.Private)
	if rights.Classic && needs.Workflows && !slices.Contains(rights.Scopes, "workflow") {
		missing = append(missing, "the scope workflow")
	}
	return missing
}
