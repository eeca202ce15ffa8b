package github

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

// releaseState is the checkpoint of the releases, or of the tags: of one listing that is read newest first.
type releaseState struct {
	ETag   string    `json:"etag,omitempty"` // of the REST listing, the probe
	Total  uint64    `json:"total"`          // how many GitHub has
	Kept   uint64    `json:"kept"`           // how many of them are deployments
	Newest []string  `json:"newest,omitempty"`
	Floor  time.Time `json:"floor,omitzero"`
	Rule   string    `json:"rule,omitempty"` // of the configuration, under which that was read
}

// releaseListing is one of the two listings of versions.
type releaseListing struct {
	stream string // and the name of the checkpoint
	probe  string // REST path whose answer changes whenever the listing does
	field  string // of GraphQL's repository
	query  string
	decode func(json.RawMessage) (version, error)
}

// version is a release or a tag.
type version interface {
	key() string // stable: the id of the deployment
	event(r *repository) (event.Deployment, bool)
}

func decodeAs[T version](raw json.RawMessage) (version, error) {
	var n T
	if err := json.Unmarshal(raw, &n); err != nil {
		return nil, fmt.Errorf("the answer is not what GitHub documents: %w", err)
	}
	return n, nil
}

// readReleases reads what is new of the releases, or of the tags, and returns how many of them are deployments.
func (r *repository) readReleases(ctx context.Context) (uint64, error) {
	p := releaseListing{stream: "releases", field: "releases", query: releasesQuery, decode: decodeAs[releaseNode],
		probe: "repos/" + r.Scope + "/releases?per_page=100"}
	if r.cfg.Deployments.has(FromTags) {
		p = releaseListing{
			stream: "tags",
			field:  "refs",
			query:  tagsQuery,
			decode: decodeAs[tagNode],
			probe: "repos/" + r.Scope + "/git/matching-refs/" + client.Escaped(
				strings.TrimSuffix("tags/"+literal(r.cfg.Deployments.Tags), "/"),
			),
		}
	}
	var s releaseState
	found, err := r.w.Load(ctx, p.stream, &s)
	if err != nil {
		return 0, err
	}
	d := r.cfg.Deployments
	rule := strings.Join([]string{d.environment(), d.Prereleases, d.Tags}, "\n")
	if deeper := !s.Floor.IsZero() && (r.since.IsZero() || r.since.Before(s.Floor)); !found || deeper || s.Rule != rule {
		s = releaseState{Floor: r.since, Rule: rule}
	}
	var probe []json.RawMessage
	got, err := r.Get(ctx, p.probe, s.ETag, &probe)
	if err != nil || got.NotModified {
		return s.Kept, err
	}
	if err := r.releasePages(ctx, p, &s); err != nil {
		return 0, err
	}
	if s.ETag = got.ETag; len(r.releases) > 0 {
		s.ETag = ""
	}
	return s.Kept, r.w.Save(ctx, p.stream, s)
}

// oddRelease notes a release or tag that is not what GitHub documents.
func (r *repository) oddRelease(stream string, raw json.RawMessage, err error) {
	if r.releases == nil {
		r.releases = map[string]rest.Held{}
	}
	const shown = 100
	r.releases[stream+" "+strings.ToValidUTF8(string(raw[:min(len(raw), shown)]), "")] = rest.Held{
		Failures: 1,
		Error:    err.Error(),
	}
}

// literal is what stands in a pattern before its first wildcard.
func literal(pattern string) string {
	if i := strings.IndexAny(pattern, `*?[\`); i >= 0 {
		return pattern[:i]
	}
	return pattern
}

// releasePages reads the listing newest first. It ends after the newest page when the records that are new there
// account for all by which the listing has grown; otherwise something has changed further down, and all of it is read.
func (r *repository) releasePages(ctx context.Context, p releaseListing, s *releaseState) error {
	owner, name, _ := strings.Cut(r.Scope, "/")
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
		if err := r.Query(ctx, p.query, variables, &data); err != nil {
			return err
		}
		page := data.Repository[p.field]
		if page == nil {
			return errors.New("GraphQL does not show the repository's " + p.stream + "; the token needs read access to contents")
		}
		events, keys, fresh := r.releasePage(p, s, page.Nodes)
		if err := r.appendSome(ctx, events); err != nil {
			return err
		}
		kept += uint64(len(events))
		done += uint64(len(page.Nodes))
		r.w.Progress(p.stream, done, page.TotalCount)
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

// counted says how many records of a page were not among the newest before, and how many of those are deployments.
type counted struct{ all, kept int }

func (r *repository) releasePage(
	p releaseListing,
	s *releaseState,
	nodes []json.RawMessage,
) (events []event.Event, keys []string, fresh counted) {
	for _, raw := range nodes {
		n, err := p.decode(raw)
		if err != nil { // read again by the next collect, because the ETag is not kept
			r.oddRelease(p.stream, raw, err)
			continue
		}
		isNew := !slices.Contains(s.Newest, n.key())
		keys = append(keys, n.key())
		e, ok := n.event(r)
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
