package contents

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/dxctl/dxctl/collectors/github/client"
	"github.com/dxctl/dxctl/collectors/github/mapping"
	"github.com/dxctl/dxctl/collectors/servicefacts"
	"github.com/dxctl/dxctl/event"
)

// treeFile is an entry of a git tree.
type treeFile struct {
	Path string `json:"path"`
	Mode string `json:"mode"` // of git: 100644
	Type string `json:"type"` // blob, tree, commit
	SHA  string `json:"sha"`
	Size int64  `json:"size"` // of a blob, in bytes
}

// treeState is what is known of the list of files of the default branch.
type treeState struct {
	ETag    string    `json:"etag,omitempty"` // of the list
	Branch  string    `json:"branch,omitempty"`
	Listed  int       `json:"listed,omitempty"`  // how many files it had
	Error   string    `json:"error,omitempty"`   // why files are unknown, or may be missing
	Partial bool      `json:"partial,omitempty"` // the list has some of the files
	AskedAt time.Time `json:"asked_at,omitzero"` // when the list was requested last
	For     string    `json:"for,omitempty"`     // what was looked for in the files
}

// settled reports whether the list is still valid, because nothing was pushed since. It may take GitHub some minutes to
// show a push everywhere. A list is requested at least once a day.
func (t treeState) settled(pushed, now time.Time) bool {
	return t.ETag != "" && !pushed.IsZero() && t.AskedAt.After(pushed.Add(10*time.Minute)) &&
		now.Sub(t.AskedAt).Abs() < askAgain
}

// wanted describes what is looked for in the files, apart from what is in them.
func (c *collector) wanted() string {
	hash := sha256.New()
	_, _ = fmt.Fprintf(hash, "%s %q", servicefacts.Readers, c.Subjects) // a hash never fails
	return hex.EncodeToString(hash.Sum(nil))[:16] + " " + c.path
}

// tree reads the list of files of the default branch, and those that have changed of the files whose contents matter. A
// refusal of GitHub to show it is remembered for a day. It returns the facts of the files; nil: they have not changed.
func (c *collector) tree(ctx context.Context, s *state) (map[string][]event.Fact, error) {
	t := &s.Tree
	if t.Branch != c.DefaultBranch {
		*t, s.Files = treeState{Branch: c.DefaultBranch}, servicefacts.Files{}
	}
	wanted := c.wanted()
	if c.reconfigured = t.For != wanted; c.reconfigured || c.inheritsOther(ctx, s) {
		t.ETag, s.Files = "", servicefacts.Files{} // something is looked for that was not before: list the files again
	}
	if c.DefaultBranch == "" {
		t.Error = "GitHub names no default branch"
		return nil, nil
	}
	if t.Error != "" && t.ETag == "" && t.For == wanted && c.Now().Sub(t.AskedAt).Abs() < askAgain ||
		t.settled(mapping.Time(s.Repository.PushedAt), c.Now()) {
		return nil, nil
	}
	var listing struct {
		Truncated bool       `json:"truncated"`
		Tree      []treeFile `json:"tree"`
	}
	got, err := c.Get(ctx, "repos/"+c.Scope+"/git/trees/"+url.PathEscape(c.DefaultBranch)+"?recursive=1", t.ETag, &listing)
	fresh := treeState{Branch: c.DefaultBranch, AskedAt: c.Now().UTC(), For: wanted}
	switch code := client.Status(err); {
	case code == http.StatusConflict || err == nil && !got.NotModified && len(listing.Tree) == 0 &&
		!listing.Truncated: // "Git Repository is empty."
		if known := len(s.Documents) + t.Listed; known > 0 {
			if err := c.Writer.Removing("files", known, known); err != nil {
				return nil, err
			}
		}
		*t = fresh
		return c.contents(ctx, s, nil, "")
	case code == http.StatusNotFound || code == http.StatusForbidden:
		c.hidden = err
		fresh.Error = fmt.Sprintf("%s does not show the files of branch %s (status %d); the token needs read access to "+
			"contents", c.Source, c.DefaultBranch, code)
		*t, s.Files = fresh, servicefacts.Files{}
		return nil, nil
	case err != nil:
		return nil, err
	case got.NotModified:
		t.AskedAt = fresh.AskedAt
		return nil, nil
	}
	fresh.ETag, fresh.Listed, fresh.Partial = got.ETag, len(listing.Tree), listing.Truncated
	if listing.Truncated {
		fresh.Error = "the repository has more files than GitHub lists, and it is not among those listed"
	}
	*t = fresh
	return c.contents(ctx, s, listing.Tree, fresh.Error)
}

// contents reads the files of a new list whose contents matter. partial is why the list may lack files; "" if it has
// every one.
func (c *collector) contents(
	ctx context.Context,
	s *state,
	tree []treeFile,
	partial string,
) (map[string][]event.Fact, error) {
	facts, err := c.files(ctx, s, tree, partial)
	if err != nil {
		return nil, err
	}
	return facts, c.documents(ctx, s, tree, partial == "")
}
