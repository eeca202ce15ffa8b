package github

import (
	"context"
	"errors"
	"net/url"

	"github.com/dxctl/dxctl/collectors/github/client"
	"github.com/dxctl/dxctl/collectors/rest"
)

// Check reports whether the API is reachable with the configured credentials, and whether these may read everything
// that is configured. The error says what to do.
func (c *Collector) Check(ctx context.Context) error {
	if err := c.api.Check(ctx); err != nil {
		return err
	}
	var errs []error
	for _, scope := range c.cfg.Repositories {
		var repo struct{}
		if _, err := c.api.Get(ctx, "repos/"+scope, "", &repo); err != nil {
			errs = append(errs, err)
		}
	}
	ownerPath := ""
	if c.cfg.Organization != "" {
		var err error
		if ownerPath, err = c.ownerPath(ctx); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) > 0 {
		return c.api.WithRights(errs...)
	}
	scope, err := c.firstRepository(ctx, ownerPath)
	if err != nil || scope == "" {
		return err
	}
	return c.checkRights(ctx, scope)
}

// checkRights requests a little of everything that is read of a repository, and names every permission that is missing.
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
		_, err := c.api.Get(ctx, "repos/"+scope+path, "", &into)
		if missing := len(client.MissingRights(err)) > 0; missing || errors.Is(err, rest.ErrUnauthorized) {
			errs[i] = err
		}
	}
	return c.api.WithRights(errs...)
}

// firstRepository returns a repository to check the rights on; empty if the organization shows none.
func (c *Collector) firstRepository(ctx context.Context, ownerPath string) (string, error) {
	if len(c.cfg.Repositories) > 0 {
		return c.cfg.Repositories[0], nil
	}
	var repos client.Listing[listedRepository]
	if _, err := c.api.Get(ctx, ownerPath+"?per_page=1", "", &repos); err != nil || len(repos) == 0 {
		return "", err
	}
	return repos[0].FullName, nil
}
