package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/collectors/rest"
)

// rightError is a refusal (403) with the permission that is missing.
type rightError struct {
	right string
	err   error
}

func (e *rightError) Error() string { return e.err.Error() }
func (e *rightError) Unwrap() error { return e.err }

// rightFor returns the permission, as GitHub calls it, that reading a path below the API's URL takes.
func rightFor(path string) string {
	for part, right := range map[string]string{
		"/actions/":    "actions",
		"/pulls":       "pull requests",
		"/deployments": "deployments",
		"/git/":        "contents",
		"/releases":    "contents",
		"/issues":      "issues",
	} {
		if strings.Contains(path, part) {
			return right
		}
	}
	return "metadata"
}

// missingRights returns the permissions that the errors say are missing, each once, sorted.
func missingRights(errs ...error) []string {
	var rights []string
	for _, err := range errs {
		if refused := (*rightError)(nil); errors.As(err, &refused) {
			rights = append(rights, refused.right)
		}
	}
	slices.Sort(rights)
	return slices.Compact(rights)
}

// withRights joins the errors of a repository, and begins with all permissions that are missing where some are: whoever
// adds one at a time would come back for each.
func (c *Collector) withRights(errs ...error) error {
	joined := errors.Join(errs...)
	rights := missingRights(errs...)
	if len(rights) == 0 {
		return joined
	}
	return fmt.Errorf(
		"%s lacks read access to: %s. Add %s at once: %w",
		c.whose(),
		strings.Join(rights, ", "),
		itOrThem(len(rights)),
		joined,
	)
}

func itOrThem(n int) string {
	if n == 1 {
		return "it"
	}
	return "them"
}

func (c *Collector) whose() string {
	if c.app != nil {
		return "the app's installation"
	}
	return "the token"
}

// checkRights asks a repository for a little of everything that is read, and returns every permission that is missing.
func (c *Collector) checkRights(ctx context.Context, scope string) error {
	paths := []string{
		"/actions/runs?per_page=1",
		"/pulls?per_page=1&state=all",
		"/deployments?per_page=1",
		"/git/trees/HEAD",
	}
	if len(c.cfg.Incidents.Labels) > 0 {
		paths = append(paths, "/issues?per_page=1&labels="+url.QueryEscape(c.cfg.Incidents.Labels[0]))
	}
	errs := make([]error, len(paths))
	for i, path := range paths {
		var into struct{}
		_, err := c.get(ctx, "repos/"+scope+path, "", &into)
		if missing := len(missingRights(err)) > 0; missing || errors.Is(err, rest.ErrUnauthorized) {
			errs[i] = err
		}
	}
	return c.withRights(errs...)
}

// firstRepository is one that the source reads, to try the rights on; empty when the organization shows none.
func (c *Collector) firstRepository(ctx context.Context, ownerPath string) (string, error) {
	if len(c.cfg.Repositories) > 0 {
		return c.cfg.Repositories[0], nil
	}
	var repos listing[listedRepository]
	if _, err := c.get(ctx, ownerPath+"?per_page=1", "", &repos); err != nil || len(repos) == 0 {
		return "", err
	}
	return repos[0].FullName, nil
}

// refusal adds the missing permission to a 403.
func refusal(path string, err error) error {
	if status(err) != http.StatusForbidden {
		return err
	}
	return &rightError{rightFor(path), err}
}
