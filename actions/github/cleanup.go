package github

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/collectors/github/client"
)

// Foreign returns what a repository has that dxctl did not make, a sentence each: commits other than ours of any
// branch, tags, issues, pull requests, releases and forks.
func (h *Host) Foreign(ctx context.Context, r *Created, ours []string) ([]string, error) {
	var found []string
	fail := func(err error) ([]string, error) {
		return nil, fmt.Errorf("looking at what %s has: %w", r.FullName, err)
	}
	var branches []struct {
		Name   string `json:"name"`
		Commit struct {
			SHA string `json:"sha"`
		} `json:"commit"`
	}
	answer, err := h.client.Get(ctx, "repos/"+r.FullName+"/branches?per_page=100", "", &branches)
	if err != nil {
		return fail(err)
	}
	if answer.Next > 0 {
		found = append(found, "it has more than 100 branches")
	}
	for _, b := range branches { // ours have no parents, so that a branch with another commit has another head
		if !slices.Contains(ours, b.Commit.SHA) {
			found = append(found, fmt.Sprintf("the branch %s has the commit %.12s", b.Name, b.Commit.SHA))
		}
	}
	for _, list := range []struct{ path, what string }{
		{"issues?state=all&per_page=1", "it has an issue or a pull request"},
		{"pulls?state=all&per_page=1", "it has a pull request"},
		{"git/matching-refs/tags/", "it has a tag"},
		{"releases?per_page=1", "it has a release"},
		{"forks?per_page=1", "it has a fork"},
	} {
		var items []struct{}
		if _, err := h.client.Get(ctx, "repos/"+r.FullName+"/"+list.path, "", &items); err != nil {
			if client.Status(err) == http.StatusNotFound || client.Status(err) == http.StatusGone { // issues are switched off
				continue
			}
			return fail(err)
		}
		if len(items) > 0 {
			found = append(found, list.what)
		}
	}
	return found, nil
}

// Delete deletes a repository, unless it has what dxctl did not make: then the error wraps [ErrForeign].
func (h *Host) Delete(ctx context.Context, r *Created, ours []string) error {
	foreign, err := h.Foreign(ctx, r, ours)
	if err != nil {
		return err
	}
	if len(foreign) > 0 {
		return fmt.Errorf("deleting %s: %w: %s", r.FullName, ErrForeign, strings.Join(foreign, "; "))
	}
	// By name: the caller has compared the id of the repository with the one that was created.
	if err := h.send(ctx, http.MethodDelete, "repos/"+r.FullName, nil, nil); err != nil {
		return fmt.Errorf("deleting %s: %w (a classic token needs the scope delete_repo, others Administration)",
			r.FullName, err)
	}
	return nil
}
