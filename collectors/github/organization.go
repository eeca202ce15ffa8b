package github

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/github/client"
	"github.com/dxctl/dxctl/collectors/github/contents"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/source"
)

// organizationStream is the name of the checkpoint, which belongs to the source rather than to a scope.
const organizationStream = "organization"

// organizationState is the checkpoint: the pages of an organization's repositories, with their ETags.
type organizationState struct {
	Path  string             `json:"path"` // orgs/x/repos or users/x/repos
	Pages []organizationPage `json:"pages"`
}

// organizationPage is a page as it was read last.
type organizationPage struct {
	ETag  string             `json:"etag"`
	Next  int                `json:"next"`
	Repos []listedRepository `json:"repos"`
}

// listedRepository is a repository in the listing. It contains the whole record, so that it need not be requested.
type listedRepository struct {
	FullName      string     `json:"full_name"`
	Archived      bool       `json:"archived"`
	Fork          bool       `json:"fork"`
	Disabled      bool       `json:"disabled"`
	HTMLURL       string     `json:"html_url,omitempty"`
	DefaultBranch string     `json:"default_branch,omitempty"`
	CreatedAt     *time.Time `json:"created_at,omitempty"`
	PushedAt      *time.Time `json:"pushed_at,omitempty"`
}

// HasID reports whether the record has an id, which tells it from others.
func (r listedRepository) HasID() bool { return r.FullName != "" }

// shownRepository is a record as the listing has shown it.
type shownRepository struct {
	record contents.Record
	at     time.Time
}

// listingLasts is how long records of the listing are used.
const listingLasts = 10 * time.Minute

// shown returns the record of a repository that the listing has just shown; nil if there is none.
func (c *Collector) shown(scope string) *contents.Record {
	l, ok := c.listed.Load(strings.ToLower(scope))
	if !ok {
		return nil
	}
	shown := l.(shownRepository)
	if c.Now().Sub(shown.at) >= listingLasts || shown.record.DefaultBranch == "" {
		return nil
	}
	return &shown.record
}

// Scopes returns the configured repositories and those of the organization, each once; archived ones and forks of the
// organization only if the configuration includes them.
func (c *Collector) Scopes(ctx context.Context, m source.StateStore) ([]string, error) {
	scopes := slices.Clone(c.cfg.Repositories)
	if c.cfg.Organization == "" {
		return scopes, nil
	}
	seen := map[string]bool{}
	for _, s := range scopes {
		seen[strings.ToLower(s)] = true
	}
	listed, err := c.organization(ctx, m)
	if err != nil && !rest.OnlySkipped(err) {
		return nil, err
	}
	for _, r := range listed {
		record := contents.Record{
			HTMLURL:       r.HTMLURL,
			DefaultBranch: r.DefaultBranch,
			CreatedAt:     r.CreatedAt,
			Archived:      &r.Archived,
			PushedAt:      r.PushedAt,
		}
		c.listed.Store(strings.ToLower(r.FullName), shownRepository{record: record, at: c.Now()})
		skip := r.Disabled || r.Archived && !c.cfg.Archived || r.Fork && !c.cfg.Forks
		if key := strings.ToLower(r.FullName); !skip && !seen[key] && repositoryRule.MatchString(r.FullName) {
			seen[key] = true
			scopes = append(scopes, r.FullName)
		}
	}
	return scopes, err
}

// organization returns the repositories of the organization. Pages that have not changed cost a conditional request
// each.
func (c *Collector) organization(ctx context.Context, m source.StateStore) ([]listedRepository, error) {
	var old, now organizationState
	if _, err := m.Load(ctx, organizationStream, &old); err != nil {
		return nil, err
	}
	if now.Path = old.Path; !strings.HasSuffix(now.Path, "/"+c.cfg.Organization+"/repos") {
		old = organizationState{}
		var err error
		if now.Path, err = c.ownerPath(ctx); err != nil {
			return nil, err
		}
	}
	var all []listedRepository
	skipped := map[string]rest.Held{}
	for page := 1; page > 0; {
		var known organizationPage
		if page <= len(old.Pages) {
			known = old.Pages[page-1]
		}
		fresh, odd, err := c.organizationPage(ctx, now.Path, page, known)
		if err != nil {
			return nil, err
		}
		maps.Copy(skipped, odd)
		now.Pages = append(now.Pages, fresh)
		all = append(all, fresh.Repos...)
		page = fresh.Next
	}
	if err := m.Save(ctx, organizationStream, now); err != nil || len(skipped) == 0 {
		return all, err
	}
	return all, &rest.SkippedError{What: "repository", Objects: skipped}
}

// organizationPage reads a page of repositories, except for those at which GitHub fails. A page that lacks some keeps
// those that it had before, and is requested again in full.
func (c *Collector) organizationPage(
	ctx context.Context,
	path string,
	number int,
	known organizationPage,
) (organizationPage, map[string]rest.Held, error) {
	var fresh organizationPage
	odd := map[string]rest.Held{}
	holes, err := rest.Around(ctx, number, 100, func(ctx context.Context, number, size int) error {
		etag := known.ETag
		if size != 100 {
			etag = ""
		}
		var repos client.Listing[listedRepository]
		got, err := c.api.Get(
			ctx,
			fmt.Sprintf("%s?type=all&sort=full_name&per_page=%d&page=%d", path, size, number),
			etag,
			&repos,
		)
		switch {
		case err != nil:
			return err
		case got.NotModified:
			fresh = known
			return nil
		}
		for id, why := range got.Odd {
			odd["repository "+id] = rest.Held{Failures: 1, Error: why.Error()}
		}
		fresh.Repos = append(fresh.Repos, repos...)
		if fresh.Next = 0; got.Next > 0 {
			fresh.Next = number*size/100 + 1
		}
		fresh.ETag = got.ETag
		return nil
	})
	for _, place := range holes {
		odd[fmt.Sprintf("at place %d of %s", place+1, path)] = rest.Held{Failures: 1, Error: "GitHub does not list it"}
	}
	if len(odd) > 0 {
		fresh.ETag = ""
		for _, r := range known.Repos {
			if !slices.ContainsFunc(fresh.Repos, func(f listedRepository) bool { return f.FullName == r.FullName }) {
				fresh.Repos = append(fresh.Repos, r)
			}
		}
	}
	return fresh, odd, err
}

// ownerPath returns the path of the listing, which differs for an organization and for a user.
func (c *Collector) ownerPath(ctx context.Context) (string, error) {
	var owner struct{}
	name := c.cfg.Organization
	_, err := c.api.Get(ctx, "orgs/"+name, "", &owner)
	if err == nil {
		return "orgs/" + name + "/repos", nil
	}
	if client.Status(err) != http.StatusNotFound {
		return "", err
	}
	if _, userErr := c.api.Get(ctx, "users/"+name, "", &owner); userErr != nil {
		return "", fmt.Errorf("organization %q: %w", name, err)
	}
	return "users/" + name + "/repos", nil
}
