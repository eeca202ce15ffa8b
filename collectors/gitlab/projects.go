package gitlab

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const projectsStream = "projects"

// projectInfo is what is used of a project.
type projectInfo struct {
	ID            int64  `json:"id"`
	Path          string `json:"path_with_namespace"`
	WebURL        string `json:"web_url"`
	DefaultBranch string `json:"default_branch"`
	CreatedAt     stamp  `json:"created_at"`
	Archived      bool   `json:"archived"`
}

// projectsState remembers what the configured names stand for, so that asking again costs nothing.
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
// to a group comes once. A configured name is asked for once a day; the pages of a group each time, conditionally.
func (c *Collector) Scopes(ctx context.Context, m Memory) ([]string, error) {
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
	changed := len(old.Projects) != len(c.cfg.Projects) || len(old.Groups) != len(c.cfg.Groups)
	for _, name := range c.cfg.Projects {
		known := old.Projects[name]
		if known.Info.ID == 0 || c.now().Sub(known.CheckedAt) > renewal || known.CheckedAt.After(c.now()) {
			fresh := knownProject{CheckedAt: c.now().UTC()}
			got, err := c.get(ctx, "projects/"+url.PathEscape(name), known.ETag, &fresh.Info)
			if err != nil {
				return nil, fmt.Errorf("project %s: %w", name, err)
			}
			if fresh.ETag = got.etag; got.notModified {
				fresh.Info = known.Info
			}
			if fresh.Info.ID == 0 || fresh.Info.Path == "" {
				return nil, fmt.Errorf("project %s: the answer names no id and path", name)
			}
			if known.Info.Path != "" && known.Info.Path != fresh.Info.Path {
				c.log.Warn("a GitLab project has another path now; it is read anew under it", "source", c.cfg.Source, "before", known.Info.Path, "now", fresh.Info.Path)
			}
			known, changed = fresh, true
		}
		now.Projects[name] = known
		add(known.Info)
	}
	for _, name := range c.cfg.Groups {
		pages, fresh, err := c.group(ctx, name, old.Groups[name])
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
	if !changed {
		return scopes, nil
	}
	return scopes, m.Save(ctx, projectsStream, now)
}

// group reads the pages of a group's projects, and reports whether any has changed.
func (c *Collector) group(ctx context.Context, name string, old []groupPage) (pages []groupPage, changed bool, err error) {
	query := "include_subgroups=true&with_shared=false&order_by=id&sort=asc&per_page=100"
	for number := 0; query != ""; number++ {
		var known groupPage
		if number < len(old) && old[number].Query == query {
			known = old[number]
		}
		fresh := groupPage{Query: query}
		got, err := c.get(ctx, "groups/"+url.PathEscape(name)+"/projects?"+query, known.ETag, &fresh.Projects)
		if err != nil {
			return nil, false, err
		}
		if got.notModified {
			fresh = known
		} else {
			fresh.ETag, fresh.Next, changed = got.etag, got.next, true
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
	if _, err := c.get(ctx, "projects/"+url.PathEscape(scope), "", &info); err != nil {
		return info, err
	}
	if info.ID == 0 {
		return info, fmt.Errorf("the answer about %s names no id", strconv.Quote(scope))
	}
	c.known.Store(scope, info)
	return info, nil
}
