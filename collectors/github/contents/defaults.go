package contents

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/dxctl/dxctl/collectors/github/client"
	"github.com/dxctl/dxctl/collectors/github/stream"
	"github.com/dxctl/dxctl/repository"
	"github.com/dxctl/dxctl/repository/document"
	"github.com/dxctl/dxctl/repository/fact"
	"github.com/dxctl/dxctl/repository/remote"
)

// defaultsRepository is the repository of an owner whose files GitHub shows for repositories that lack them. It has to
// be public.
const defaultsRepository = ".github"

// defaultsAge is how long the files of a repository of defaults are taken as they were read.
const defaultsAge = time.Hour

// Defaults has the repositories of defaults of the owners that a source collects from. It is safe for use from several
// goroutines: one reads, and the others of the same owner wait.
type Defaults struct {
	owners sync.Map // *ownerDefaults by login in lower case
}

// ownerDefaults is the repository of defaults of an owner, as it was read last.
type ownerDefaults struct {
	lock       sync.Mutex
	at         time.Time
	recordETag string
	record     defaultsRecord
	treeETag   string
	facts      *repository.Facts // nil: there is none
	failed     error             // why they could not be read
}

type defaultsRecord struct {
	DefaultBranch string `json:"default_branch"`
	Private       bool   `json:"private"`
}

// inheritance is what a repository inherited when its owner was asked last. It is part of a checkpoint.
type inheritance struct {
	Digest  string    `json:"digest,omitempty"`
	AskedAt time.Time `json:"asked_at,omitzero"`
}

// inherit reads the defaults of the owner, once in this collect.
func (c *collector) inherit(ctx context.Context, s *state) *repository.Facts {
	if c.inherited {
		return c.defaults
	}
	defaults, err := c.owner.of(ctx, c.Repository)
	if err != nil {
		return unknownDefaults(fmt.Sprintf("the defaults of its owner cannot be read: %v", err))
	}
	c.inherited, c.defaults = true, defaults
	s.Inherited = inheritance{Digest: digestOf(c.defaults), AskedAt: c.Now().UTC()}
	return c.defaults
}

// inheritsOther reports whether the repository inherits something else than before. The owner is asked once a day, and
// whenever the repository is read.
func (c *collector) inheritsOther(ctx context.Context, s *state) bool {
	before := s.Inherited
	if c.Now().Sub(before.AskedAt).Abs() < askAgain {
		return false
	}
	c.inherit(ctx, s)
	return s.Inherited.Digest != before.Digest // not if they could not be read: what was inherited is kept
}

// of returns the facts of the defaults of the repository's owner; nil if the owner has none.
func (d *Defaults) of(ctx context.Context, r *stream.Repository) (*repository.Facts, error) {
	owner, name, _ := strings.Cut(r.Scope, "/")
	if d == nil || strings.EqualFold(name, defaultsRepository) {
		return nil, nil
	}
	v, _ := d.owners.LoadOrStore(strings.ToLower(owner), &ownerDefaults{})
	o, ok := v.(*ownerDefaults)
	if !ok {
		return nil, fmt.Errorf("the defaults of %s are a %T", owner, v)
	}
	o.lock.Lock()
	defer o.lock.Unlock()
	if since := r.Now().Sub(o.at).Abs(); !o.at.IsZero() && since < defaultsAge {
		return o.facts, o.failed
	}
	if o.failed = o.readAgain(ctx, r, owner+"/"+defaultsRepository); o.failed != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		r.Base.Log.Warn("the repository of defaults of the owner cannot be read", "source", r.Source, "owner", owner,
			"error", o.failed)
	}
	o.at = r.Now()
	return o.facts, o.failed
}

// readAgain reads what has changed.
func (o *ownerDefaults) readAgain(ctx context.Context, r *stream.Repository, scope string) error {
	c := &collector{Repository: r, read: map[string]remote.Content{}}
	var fresh defaultsRecord
	got, err := c.Get(ctx, "repos/"+scope, o.recordETag, &fresh)
	switch code := client.Status(err); {
	case code == http.StatusNotFound || code == http.StatusForbidden:
		o.facts, o.treeETag = nil, ""
		return nil
	case err != nil:
		return err
	case !got.NotModified:
		if fresh.DefaultBranch != o.record.DefaultBranch {
			o.treeETag = ""
		}
		o.record, o.recordETag = fresh, got.ETag
	}
	if o.record.Private || o.record.DefaultBranch == "" {
		o.facts, o.treeETag = nil, ""
		return nil
	}
	var listing struct {
		Truncated bool       `json:"truncated"`
		Tree      []treeFile `json:"tree"`
	}
	tree, err := c.Get(ctx, "repos/"+scope+"/git/trees/"+url.PathEscape(o.record.DefaultBranch)+"?recursive=1", o.treeETag,
		&listing)
	switch code := client.Status(err); {
	case code == http.StatusConflict || code == http.StatusNotFound || code == http.StatusForbidden:
		o.facts, o.treeETag = nil, ""
		return nil
	case err != nil:
		return err
	case tree.NotModified:
		return nil
	}
	partial := ""
	if listing.Truncated {
		partial = scope + " has more files than GitHub lists"
	}
	reading, err := remote.Open(ctx, remote.New(entries(listing.Tree), partial), repository.Options{})
	if err != nil {
		return err
	}
	of := *r
	of.Scope = scope
	c.Repository = &of
	facts, err := reading.Read(ctx, c.fetch)
	if err != nil {
		return err
	}
	o.facts = facts["."]
	if o.treeETag = tree.ETag; len(c.unread) > 0 {
		o.treeETag = "" // read again what GitHub failed to show
	}
	return nil
}

// unknownDefaults are defaults that could not be read.
func unknownDefaults(reason string) *repository.Facts {
	none := fact.Unknown[string](fact.Location{}, "%s", reason)
	return &repository.Facts{Documents: document.Set{
		Security:            fact.Unknown[*document.Policy](fact.Location{}, "%s", reason),
		Contributing:        none,
		Conduct:             none,
		PullRequestTemplate: none,
	}}
}

// digestOf returns a digest of what repositories inherit.
func digestOf(defaults *repository.Facts) string {
	if defaults == nil {
		return ""
	}
	d := defaults.Documents
	raw, err := json.Marshal([]any{d.Security, d.Contributing, d.Conduct, d.PullRequestTemplate})
	if err != nil {
		return err.Error()
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:8])
}
