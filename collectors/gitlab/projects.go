package gitlab

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/collectors/rest"
)

const projectsStream = "projects"

// projectInfo is what is used of a project.
type projectInfo struct {
	ID            int64            `json:"id"`
	Path          string           `json:"path_with_namespace"`
	WebURL        string           `json:"web_url"`
	DefaultBranch string           `json:"default_branch"`
	CreatedAt     source.Timestamp `json:"created_at"`
	Archived      bool             `json:"archived"`
}

// projectsState stores which projects the configured names mean, so that they are not requested each time.
type projectsState struct {
	Projects map[string]knownProject `json:"projects,omitempty"` // by configured name
	Groups   map[string][]groupPage  `json:"groups,omitempty"`   // by configured name
}

type knownProject struct {
	ETag      string      `json:"etag,omitempty"`
	CheckedAt time.Time   `json:"checked_at"`
	Info      projectInfo `json:"info"`
}

type groupPage struct {
	Query    string        `json:"query"`
	ETag     string        `json:"etag,omitempty"`
	Next     string        `json:"next,omitempty"`
	Projects []projectInfo `json:"projects"`
}

// renewal is how long a project's name, default branch and age are taken as they were.
const renewal = 24 * time.Hour

// Scopes returns the paths of the configured projects and those of the groups. A project that is configured and belongs
// to a group comes once. A configured name is requested once a day; the pages of a group each time, conditionally.
func (c *Collector) Scopes(ctx context.Context, m source.StateStore) ([]string, error) {
	var old projectsState
	if _, err := m.Load(ctx, projectsStream, &old); err != nil {
		return nil, err
	}
	now := projectsState{Projects: map[string]knownProject{}, Groups: map[string][]groupPage{}}
	var scopes []string
	seen := map[string]bool{}
	add := func(info projectInfo) {
		c.known.Store(info.Path, info)
		if key := strings.ToLower(info.Path); info.Path != "" && info.ID != 0 && !seen[key] {
			seen[key] = true
			scopes = append(scopes, info.Path)
		}
	}
	skipped := map[string]rest.Held{}
	changed := len(old.Projects) != len(c.cfg.Projects) || len(old.Groups) != len(c.cfg.Groups)
	for _, name := range c.cfg.Projects {
		known := old.Projects[name]
		if known.Info.ID == 0 || c.Now().Sub(known.CheckedAt) > renewal || known.CheckedAt.After(c.Now()) {
			fresh, err := c.project(ctx, name, known)
			if rest.Unusable(err) { // the others are collected, and this one too if it is known
				skipped[name] = rest.Held{Failures: 1, Error: err.Error()}
				if now.Projects[name] = known; known.Info.ID != 0 {
					add(known.Info)
				}
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("project %s: %w", name, err)
			}
			known, changed = fresh, true
		}
		now.Projects[name] = known
		add(known.Info)
	}
	for _, name := range c.cfg.Groups {
		pages, fresh, err := c.group(ctx, name, old.Groups[name], skipped)
		if rest.Unusable(err) {
			skipped["group "+name] = rest.Held{Failures: 1, Error: err.Error()}
			pages, err = old.Groups[name], nil
		}
		if err != nil {
			return nil, fmt.Errorf("group %s: %w", name, err)
		}
		changed = changed || fresh
		now.Groups[name] = pages
		for _, page := range pages {
			for _, info := range page.Projects {
				if !info.Archived || c.cfg.Archived {
					add(info)
				}
			}
		}
	}
	if changed {
		if err := m.Save(ctx, projectsStream, now); err != nil {
			return nil, err
		}
	}
	return scopes, c.skippedScopes(skipped, len(scopes))
}

// skippedScopes is the error about projects and groups that could not be read; where nothing could, they are the
// reason.
func (c *Collector) skippedScopes(skipped map[string]rest.Held, listed int) error {
	if len(skipped) == 0 {
		return nil
	}
	if listed > 0 {
		return &rest.SkippedError{What: "project", Objects: skipped}
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(skipped)) {
		errs = append(errs, fmt.Errorf("project %s: %s", name, skipped[name].Error))
	}
	return errors.Join(errs...)
}

// project requests the project that a configured name means.
func (c *Collector) project(ctx context.Context, name string, known knownProject) (knownProject, error) {
	fresh := knownProject{CheckedAt: c.Now().UTC()}
	got, err := c.Read(ctx, "projects/"+url.PathEscape(name), known.ETag, &fresh.Info)
	if err != nil {
		return known, err
	}
	if fresh.ETag = got.ETag; got.NotModified {
		fresh.Info = known.Info
	}
	if fresh.Info.ID == 0 || fresh.Info.Path == "" {
		return known, &rest.AnswerError{Status: http.StatusOK, Err: errors.New("the answer names no id and path")}
	}
	if known.Info.Path != "" && known.Info.Path != fresh.Info.Path {
		c.Log.Warn(
			"project has another path; reading it anew under that",
			"source",
			c.cfg.Source,
			"before",
			known.Info.Path,
			"now",
			fresh.Info.Path,
		)
	}
	return fresh, nil
}

// group reads the pages of a group's projects, around those at which GitLab fails, and reports whether any has changed.
func (c *Collector) group(
	ctx context.Context,
	name string,
	old []groupPage,
	skipped map[string]rest.Held,
) (pages []groupPage, changed bool, err error) {
	query := "include_subgroups=true&with_shared=false&order_by=id&sort=asc&per_page=100"
	for number := 0; query != ""; number++ {
		var known groupPage
		if number < len(old) && old[number].Query == query {
			known = old[number]
		}
		fresh := groupPage{Query: query}
		var part []projectInfo
		got, holes, err := c.ReadAround(ctx, "groups/"+url.PathEscape(name)+"/projects", query, known.ETag,
			func() any { part = nil; return &part }, func() { fresh.Projects = append(fresh.Projects, part...) })
		if err != nil {
			return nil, false, err
		}
		for _, place := range holes { // what the page showed before stays on it
			skipped[fmt.Sprintf("at place %d of group %s", place+1, name)] = rest.Held{
				Failures: 1,
				Error:    "GitLab does not list it",
			}
			fresh.Projects = append(fresh.Projects, known.Projects...)
		}
		if got.NotModified {
			fresh = known
		} else {
			fresh.ETag, fresh.Next, changed = got.ETag, got.Next, true
		}
		pages = append(pages, fresh)
		query = fresh.Next
	}
	return pages, changed || len(pages) != len(old), nil
}

// lookup returns what is known of a scope's project, asking GitLab when nothing is.
func (c *Collector) lookup(ctx context.Context, scope string) (projectInfo, error) {
	if v, ok := c.known.Load(scope); ok {
		if info, ok := v.(projectInfo); ok {
			return info, nil
		}
	}
	var info projectInfo
	if _, err := c.Read(ctx, "projects/"+url.PathEscape(scope), "", &info); err != nil {
		return info, err
	}
	if info.ID == 0 {
		return info, fmt.Errorf("the answer about %s names no id", strconv.Quote(scope))
	}
	c.known.Store(scope, info)
	return info, nil
}
