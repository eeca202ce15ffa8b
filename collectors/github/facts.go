package github

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/dxctl/dxctl/collectors/github/client"
	"github.com/dxctl/dxctl/collectors/github/mapping"
	"github.com/dxctl/dxctl/collectors/github/stream"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
)

const (
	factsStream = "facts"
	// factsLast is how long an observation counts: a week without a collect makes it stale, which the scorecard shows.
	factsLast = 7 * daily
)

// factsState is the checkpoint of what the repository shows. It keeps the values, so that "not modified" renews them.
type factsState struct {
	RepositoryETag string                 `json:"repository_etag,omitempty"`
	Repository     repositoryFacts        `json:"repository"`
	Tree           treeFacts              `json:"tree"`
	Owners         codeownersFacts        `json:"owners,omitzero"`
	Documents      map[string]descriptors `json:"documents,omitempty"` // by path
}

type repositoryFacts struct {
	HTMLURL       string     `json:"html_url"`
	DefaultBranch string     `json:"default_branch"`
	CreatedAt     *time.Time `json:"created_at,omitempty"`
	Archived      *bool      `json:"archived,omitempty"`
	PushedAt      *time.Time `json:"pushed_at,omitempty"`
}

type treeFacts struct {
	ETag    string          `json:"etag,omitempty"`
	Branch  string          `json:"branch,omitempty"`
	Files   map[string]bool `json:"files,omitempty"` // by name of the fact; absent: not known
	Error   string          `json:"error,omitempty"` // why not
	AskedAt time.Time       `json:"asked_at,omitzero"`
	For     string          `json:"for,omitempty"` // what was looked for in the files, in addition to the facts
}

// known is how many of the files that are looked for there were.
func (t treeFacts) known() int {
	n := 0
	for _, there := range t.Files {
		if there {
			n++
		}
	}
	return n
}

// settled reports whether the files are what they were when they were listed: nothing has been pushed since. GitHub is
// given some minutes to agree with itself, and is still asked once a day.
func (t treeFacts) settled(pushed, now time.Time) bool {
	return t.ETag != "" && !pushed.IsZero() && t.AskedAt.After(pushed.Add(10*time.Minute)) &&
		now.Sub(t.AskedAt).Abs() < daily
}

// contentCollect is one collect of what a repository shows of itself.
type contentCollect struct {
	*stream.Repository
	path         string               // of the descriptors; empty: they are not collected
	shown        *repositoryFacts     // of the organization's listing; nil: it has not just shown the repository
	reconfigured bool                 // other files are looked for than the last time
	hidden       error                // why the files are not shown, which by itself is a fact that is not known
	unread       map[string]rest.Held // files of the repository that GitHub does not show
}

// describe reads what the repository itself shows and stores it as facts about the scope; the catalog says which
// service that is.
func describe(ctx context.Context, r *stream.Repository, path string, shown *repositoryFacts) (hidden, err error) {
	c := &contentCollect{Repository: r, path: path, shown: shown}
	err = c.collect(ctx)
	return c.hidden, err
}

func (r *contentCollect) collect(ctx context.Context) error {
	var s factsState
	if _, err := r.Writer.Load(ctx, factsStream, &s); err != nil {
		return err
	}
	before, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("encoding what was known of the repository: %w", err)
	}
	if err := r.record(ctx, &s); rest.Faulty(err) && s.Repository.DefaultBranch != "" {
		r.odd("the repository's own record", err) // what it said before still holds
	} else if err != nil {
		return err
	}
	r.DefaultBranch, r.URL = s.Repository.DefaultBranch, s.Repository.HTMLURL
	if err := r.tree(ctx, &s); rest.Faulty(err) && s.Tree.Branch == r.DefaultBranch {
		r.odd("the list of its files", err)
	} else if err != nil {
		return err
	}
	if len(r.unread) > 0 {
		s.Tree.ETag, s.Tree.AskedAt = "", time.Time{} // ask again
	}
	if err := r.Writer.Append(ctx, r.facts(s)...); err != nil {
		return err
	}
	if after, err := json.Marshal(s); err != nil || string(after) != string(before) {
		if err := errors.Join(err, r.Writer.Save(ctx, factsStream, s)); err != nil {
			return err
		}
	}
	if len(r.unread) > 0 {
		return &rest.SkippedError{What: "file", Objects: r.unread}
	}
	return nil
}

// record reads the repository's own record, unless the organization's listing has just shown it.
func (r *contentCollect) record(ctx context.Context, s *factsState) error {
	if r.shown != nil {
		s.Repository = *r.shown
		return nil
	}
	var fresh repositoryFacts
	got, err := r.Get(ctx, "repos/"+r.Scope, s.RepositoryETag, &fresh)
	if err != nil {
		return err
	}
	if !got.NotModified {
		s.Repository, s.RepositoryETag = fresh, got.ETag
	}
	return nil
}

// contents reads those files of a new listing whose contents matter. It is whole when the listing names every file.
func (r *contentCollect) contents(ctx context.Context, s *factsState, tree []treeFile, whole bool) error {
	if err := r.codeowners(ctx, s, tree, whole); err != nil {
		return err
	}
	return r.documents(ctx, s, tree, whole)
}

// tree reads the list of files of the default branch, and what has changed of those that matter. That GitHub does not
// show it is remembered for a day.
func (r *contentCollect) tree(ctx context.Context, s *factsState) error {
	t := &s.Tree
	if t.Branch != r.DefaultBranch {
		*t = treeFacts{Branch: r.DefaultBranch}
	}
	wanted := "codeowners " + r.path
	if r.reconfigured = t.For != wanted; r.reconfigured {
		t.ETag = "" // something is looked for that was not before: list the files again
	}
	if r.DefaultBranch == "" {
		t.Error = "GitHub names no default branch"
		return nil
	}
	if t.Error != "" && t.ETag == "" && t.For == wanted && r.Now().Sub(t.AskedAt).Abs() < daily ||
		t.settled(mapping.Time(s.Repository.PushedAt), r.Now()) {
		return nil
	}
	var listing struct {
		Truncated bool       `json:"truncated"`
		Tree      []treeFile `json:"tree"`
	}
	got, err := r.Get(ctx, "repos/"+r.Scope+"/git/trees/"+url.PathEscape(r.DefaultBranch)+"?recursive=1", t.ETag, &listing)
	switch code := client.Status(err); {
	case code == http.StatusConflict || err == nil && !got.NotModified && len(listing.Tree) == 0 &&
		!listing.Truncated: // "Git Repository is empty."
		if known := len(s.Documents) + t.known(); known > 0 {
			if err := r.Writer.Removing("files", known, known); err != nil {
				return err
			}
		}
		*t = treeFacts{Branch: r.DefaultBranch, Files: filesOf(nil, false), AskedAt: r.Now().UTC(), For: wanted}
		return r.contents(ctx, s, nil, true)
	case code == http.StatusNotFound || code == http.StatusForbidden:
		r.hidden = err
		*t = treeFacts{
			Branch:  r.DefaultBranch,
			AskedAt: r.Now().UTC(),
			For:     wanted,
			Error: fmt.Sprintf(
				"%s does not show the files of branch %s (status %d); the token needs read access to contents",
				r.Source,
				r.DefaultBranch,
				code,
			),
		}
	case err != nil:
		return err
	case got.NotModified:
		t.AskedAt = r.Now().UTC()
	default:
		*t = treeFacts{
			Branch:  r.DefaultBranch,
			ETag:    got.ETag,
			Files:   filesOf(listing.Tree, listing.Truncated),
			AskedAt: r.Now().UTC(),
			For:     wanted,
		}
		if listing.Truncated {
			t.Error = "the repository has more files than GitHub lists, and it is not among those listed"
		}
		return r.contents(ctx, s, listing.Tree, !listing.Truncated)
	}
	return nil
}

// facts makes the facts of what is known. What is not known is a fact with the reason, never false.
func (r *contentCollect) facts(s factsState) []event.Event {
	missing := func(what string) string { return fmt.Sprintf("%s gave no %s for %s", r.Source, what, r.Scope) }
	var all []event.Event
	add := func(name string, kind event.FactType, known bool, value any, why string) {
		f := event.Fact{
			Source:     r.Source,
			Entity:     "unmapped:" + mapping.Provider + "/" + r.Scope,
			Name:       "repository." + name,
			Type:       kind,
			ObservedAt: r.Now().UTC(),
			ExpiresAt:  r.Now().UTC().Add(factsLast),
			URL:        s.Repository.HTMLURL,
		}
		if known {
			raw, err := json.Marshal(value)
			if known = err == nil; known {
				f.Value = raw
			}
		}
		if !known {
			f.Error = why
		}
		all = append(all, f)
	}
	repo := s.Repository
	add("default_branch", event.StringFact, repo.DefaultBranch != "", repo.DefaultBranch, missing("default branch"))
	created := mapping.Time(repo.CreatedAt)
	add("created_at", event.TimeFact, !created.IsZero(), created, missing("creation date"))
	add("archived", event.BoolFact, repo.Archived != nil, repo.Archived, missing("archived flag"))
	for _, f := range fileFacts {
		value, known := s.Tree.Files[f.name]
		add("files."+f.name, event.BoolFact, known, value, s.Tree.Error)
	}
	o := s.Owners
	o.Known = o.Known && len(s.Tree.Files) > 0
	why := cmp.Or(s.Owners.Error, s.Tree.Error, missing("CODEOWNERS file"))
	add("codeowners.default_owners", event.ListFact, o.Known, o.Default, why)
	add("codeowners.owners", event.ListFact, o.Known, o.Owners, why)
	add("codeowners.invalid_lines", event.ListFact, o.Known, o.Invalid, why)
	return all
}
