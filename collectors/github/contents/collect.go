// Package contents collects what a repository shows of itself: its own record, the list of its files (tree.go), the
// facts that those have (files.go), and the Backstage descriptors (documents.go). The facts are about the services that
// the catalog binds to the repository or to its directories.
package contents

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/dxctl/dxctl/collectors/github/stream"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/servicefacts"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/repository"
	"github.com/dxctl/dxctl/repository/remote"
)

const (
	// streamName is the name of the checkpoint.
	streamName = "facts"
	// askAgain is how long a listing of files counts if nothing was pushed, and a refusal to show it in any case.
	askAgain = 24 * time.Hour
)

// state is the checkpoint. It contains the values, so that an answer of "not modified" renews the facts.
type state struct {
	RepositoryETag string                 `json:"repository_etag,omitempty"`
	Repository     Record                 `json:"repository"`
	Tree           treeState              `json:"tree"`
	Files          servicefacts.Files     `json:"files,omitzero"`
	Documents      map[string]descriptors `json:"documents,omitempty"` // by path
	Inherited      inheritance            `json:"inherited,omitzero"`
	Kept           servicefacts.Kept      `json:"kept,omitzero"`
}

// Record is the record of a repository.
type Record struct {
	HTMLURL       string     `json:"html_url"`
	DefaultBranch string     `json:"default_branch"`
	CreatedAt     *time.Time `json:"created_at,omitempty"`
	Archived      *bool      `json:"archived,omitempty"`
	PushedAt      *time.Time `json:"pushed_at,omitempty"`
}

// collector is one collect of a repository.
type collector struct {
	*stream.Repository
	path         string               // of the descriptor; empty: descriptors are not collected
	shown        *Record              // the record that the organization's listing has just shown; nil: none
	reconfigured bool                 // other files are wanted than the last time
	hidden       error                // why GitHub refuses to show the files; the facts are then unknown
	unread       map[string]rest.Held // files that cannot be read

	owner     *Defaults                 // nil: nothing is inherited
	resolver  resolver                  // nil: nothing was asked about owners yet
	inherited bool                      // defaults were read
	defaults  *repository.Facts         // of the owner's repository of defaults; nil: it has none
	read      map[string]remote.Content // contents that were read, by hash
	requests  int                       // for contents so far
	halves    int                       // requests for contents that were repeated
	noGraphQL bool                      // GraphQL does not show the repository
	refused   error                     // why GitHub refuses to show contents one by one
}

// Collect reads what has changed since the checkpoint, stores facts and descriptors, and sets the default branch and
// the URL of r, which other streams need. path is that of the descriptor, see [Config.DescriptorPath]. shown is the
// repository's record, if it is known already. defaults are those of the owner's repository of defaults.
//
// hidden is why GitHub refuses to show the files, which alone is not an error: the facts are then unknown. err is a
// [rest.SkippedError] if only single files cannot be read.
func Collect(
	ctx context.Context,
	r *stream.Repository,
	path string,
	shown *Record,
	defaults *Defaults,
) (hidden, err error) {
	c := &collector{Repository: r, path: path, shown: shown, owner: defaults, read: map[string]remote.Content{}}
	err = c.collect(ctx)
	return c.hidden, err
}

// collect reads record and files, and stores the facts that have changed, or all once a day: they are observed now.
func (c *collector) collect(ctx context.Context) error {
	var s state
	if _, err := c.Writer.Load(ctx, streamName, &s); err != nil {
		return err
	}
	before, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("encoding what was known of the repository: %w", err)
	}
	if err := c.record(ctx, &s); rest.Faulty(err) && s.Repository.DefaultBranch != "" {
		c.odd("the repository's own record", err) // its earlier content still holds
	} else if err != nil {
		return err
	}
	c.DefaultBranch, c.URL = s.Repository.DefaultBranch, s.Repository.HTMLURL
	files, err := c.tree(ctx, &s)
	if rest.Faulty(err) && s.Tree.Branch == c.DefaultBranch {
		c.odd("the list of its files", err)
	} else if err != nil {
		return err
	}
	if len(c.unread) > 0 {
		s.Tree.ETag, s.Tree.AskedAt, s.Files.Digest = "", time.Time{}, "" // ask again
	}
	if err := c.store(ctx, &s, files); err != nil {
		return err
	}
	if after, err := json.Marshal(s); err != nil || string(after) != string(before) {
		if err := errors.Join(err, c.Writer.Save(ctx, streamName, s)); err != nil {
			return err
		}
	}
	if len(c.unread) > 0 {
		return &rest.SkippedError{What: "file", Objects: c.unread}
	}
	return nil
}

// record reads the repository's own record, unless the organization's listing has just shown it.
func (c *collector) record(ctx context.Context, s *state) error {
	if c.shown != nil {
		s.Repository = *c.shown
		return nil
	}
	var fresh Record
	got, err := c.Get(ctx, "repos/"+c.Scope, s.RepositoryETag, &fresh)
	if err != nil {
		return err
	}
	if !got.NotModified {
		s.Repository, s.RepositoryETag = fresh, got.ETag
	}
	return nil
}

// Retract stores that the facts of a repository that the source no longer lists are unknown.
func Retract(ctx context.Context, r *stream.Repository) error {
	var s state
	if _, err := r.Writer.Load(ctx, streamName, &s); err != nil {
		return err
	}
	of := event.Fact{Source: r.Source, URL: s.Repository.HTMLURL}
	gone := fmt.Sprintf("%s no longer lists %s", r.Source, r.Scope)
	if err := s.Kept.Retract(ctx, r.Writer, r.Now(), of, gone); err != nil {
		return err
	}
	return r.Writer.Save(ctx, streamName, state{Documents: s.Documents}) // a repository that is back is read anew
}
