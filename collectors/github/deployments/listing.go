package deployments

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/github/client"
	"github.com/dxctl/dxctl/collectors/github/mapping"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
)

const releasesQuery = `query($owner: String!, $name: String!, $first: Int!, $after: String) { repository(owner: $owner, name: $name) {
releases(first: $first, after: $after, orderBy: {field: CREATED_AT, direction: DESC}) {
totalCount pageInfo { hasNextPage endCursor } nodes {
databaseId tagName url isDraft isPrerelease publishedAt author { login __typename } tagCommit { oid } } } } }`

const tagsQuery = `query($owner: String!, $name: String!, $first: Int!, $after: String) { repository(owner: $owner, name: $name) {
refs(refPrefix: "refs/tags/", first: $first, after: $after, orderBy: {field: TAG_COMMIT_DATE, direction: DESC}) {
totalCount pageInfo { hasNextPage endCursor } nodes { name target { oid ... on Commit { committedDate }
... on Tag { tagger { date user { login __typename } } target { oid ... on Commit { committedDate } } } } } } } }`

// listingState is the checkpoint of a listing of releases or tags. The listing is read whole, unless the newest page
// accounts for all of its growth: the records that are new there, compared with Newest, are as many as Total has risen.
// A Rule that changes, or a Floor that moves back, discards the state.
type listingState struct {
	ETag   string    `json:"etag,omitempty"`   // of the REST listing, the probe
	Total  uint64    `json:"total"`            // how many GitHub has
	Kept   uint64    `json:"kept"`             // how many of them are deployments
	Newest []string  `json:"newest,omitempty"` // keys of the newest page
	Floor  time.Time `json:"floor,omitzero"`   // how far back versions are deployments; zero: all
	Rule   string    `json:"rule,omitempty"`   // the part of the configuration that decides on the events
}

// listing is one of the two listings of versions.
type listing struct {
	stream string // and the name of the checkpoint
	probe  string // REST path whose answer changes whenever the listing does
	field  string // of GraphQL's repository
	query  string
	decode func(json.RawMessage) (version, error)
}

// version is a release or a tag.
type version interface {
	key() string // stable: the id of the deployment
	event(m mapping.Mapper, cfg Config) (event.Deployment, bool)
}

// decodeAs decodes a release or a tag.
func decodeAs[T version](raw json.RawMessage) (version, error) {
	var n T
	if err := json.Unmarshal(raw, &n); err != nil {
		return nil, fmt.Errorf("the answer is not what GitHub documents: %w", err)
	}
	return n, nil
}

// readReleases reads what is new of the releases, or of the tags, and returns how many of them are deployments.
func (c *collector) readReleases(ctx context.Context) (uint64, error) {
	p := listing{stream: "releases", field: "releases", query: releasesQuery, decode: decodeAs[release],
		probe: "repos/" + c.Scope + "/releases?per_page=100"}
	if c.cfg.has(FromTags) {
		p = listing{
			stream: "tags",
			field:  "refs",
			query:  tagsQuery,
			decode: decodeAs[tag],
			probe: "repos/" + c.Scope + "/git/matching-refs/" + client.Escaped(
				strings.TrimSuffix("tags/"+literal(c.cfg.Tags), "/"),
			),
		}
	}
	var s listingState
	found, err := c.Writer.Load(ctx, p.stream, &s)
	if err != nil {
		return 0, err
	}
	rule := strings.Join([]string{c.cfg.environment(), c.cfg.Prereleases, c.cfg.Tags}, "\n")
	if deeper := !s.Floor.IsZero() && (c.Since.IsZero() || c.Since.Before(s.Floor)); !found || deeper || s.Rule != rule {
		s = listingState{Floor: c.Since, Rule: rule}
	}
	var probe []json.RawMessage
	got, err := c.Get(ctx, p.probe, s.ETag, &probe)
	if err != nil || got.NotModified {
		return s.Kept, err
	}
	if err := c.releasePages(ctx, p, &s); err != nil {
		return 0, err
	}
	if s.ETag = got.ETag; len(c.releases) > 0 {
		s.ETag = ""
	}
	return s.Kept, c.Writer.Save(ctx, p.stream, s)
}

// oddRelease notes a release or tag that is not what GitHub documents.
func (c *collector) oddRelease(stream string, raw json.RawMessage, err error) {
	if c.releases == nil {
		c.releases = map[string]rest.Held{}
	}
	const shown = 100
	c.releases[stream+" "+strings.ToValidUTF8(string(raw[:min(len(raw), shown)]), "")] = rest.Held{
		Failures: 1,
		Error:    err.Error(),
	}
}

// literal returns the part of a pattern before its first wildcard.
func literal(pattern string) string {
	if i := strings.IndexAny(pattern, `*?[\`); i >= 0 {
		return pattern[:i]
	}
	return pattern
}

// releasePages reads the listing newest first. It ends after the newest page if the records that are new there account
// for all growth of the listing; otherwise something has changed further down, and all of it is read.
func (c *collector) releasePages(ctx context.Context, p listing, s *listingState) error {
	owner, name, _ := strings.Cut(c.Scope, "/")
	first, after, kept, done := true, "", uint64(0), uint64(0)
	var newest []string
	for {
		var data struct {
			Repository map[string]*struct {
				TotalCount uint64            `json:"totalCount"`
				PageInfo   mapping.PageInfo  `json:"pageInfo"`
				Nodes      []json.RawMessage `json:"nodes"`
			} `json:"repository"`
		}
		variables := map[string]any{"owner": owner, "name": name, "first": 100}
		if after != "" {
			variables["after"] = after
		}
		if err := c.Query(ctx, p.query, variables, &data); err != nil {
			return err
		}
		page := data.Repository[p.field]
		if page == nil {
			return errors.New("GraphQL does not show the repository's " + p.stream + "; the token needs read access to contents")
		}
		events, keys, fresh := c.releasePage(p, s, page.Nodes)
		if err := c.Append(ctx, events); err != nil {
			return err
		}
		kept += uint64(len(events))
		done += uint64(len(page.Nodes))
		c.Writer.Progress(p.stream, done, page.TotalCount)
		if first {
			newest = keys
			if page.PageInfo.HasNextPage && s.ETag != "" && page.TotalCount == s.Total+uint64(fresh.all) {
				s.Total, s.Kept, s.Newest = page.TotalCount, s.Kept+uint64(fresh.kept), newest
				return nil
			}
		}
		if first, after = false, page.PageInfo.EndCursor; !page.PageInfo.HasNextPage {
			s.Total, s.Kept, s.Newest = page.TotalCount, kept, newest
			return nil
		}
	}
}

// counted is how many records of a page are new, and how many of those are deployments.
type counted struct{ all, kept int }

// releasePage converts the records of a page, and counts those whose keys are not in s.Newest.
func (c *collector) releasePage(
	p listing,
	s *listingState,
	nodes []json.RawMessage,
) (events []event.Event, keys []string, fresh counted) {
	for _, raw := range nodes {
		n, err := p.decode(raw)
		if err != nil { // read again by the next collect, because the ETag is not kept
			c.oddRelease(p.stream, raw, err)
			continue
		}
		isNew := !slices.Contains(s.Newest, n.key())
		keys = append(keys, n.key())
		e, ok := n.event(c.Mapper, c.cfg)
		ok = ok && !e.CreatedAt.Before(s.Floor)
		if ok {
			events = append(events, e)
		}
		if isNew {
			fresh.all++
		}
		if isNew && ok {
			fresh.kept++
		}
	}
	return events, keys, fresh
}
