package contents

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/dxctl/dxctl/collectors/github/client"
	"github.com/dxctl/dxctl/collectors/github/mapping"
)

// treeFile is an entry of a git tree.
type treeFile struct {
	Path string `json:"path"`
	Type string `json:"type"` // blob, tree, commit
	SHA  string `json:"sha"`
	Size int64  `json:"size"` // of a blob, in bytes
}

// treeFacts is what the list of files of the default branch shows.
type treeFacts struct {
	ETag    string          `json:"etag,omitempty"` // of the list
	Branch  string          `json:"branch,omitempty"`
	Files   map[string]bool `json:"files,omitempty"`   // by name of the fact; absent: unknown
	Error   string          `json:"error,omitempty"`   // why files are unknown
	AskedAt time.Time       `json:"asked_at,omitzero"` // when the list was requested last
	For     string          `json:"for,omitempty"`     // what was looked for in the files, in addition to the facts
}

// known returns how many of the files that are facts exist.
func (t treeFacts) known() int {
	n := 0
	for _, there := range t.Files {
		if there {
			n++
		}
	}
	return n
}

// settled reports whether the list is still valid, because nothing was pushed since. It may take GitHub some minutes to
// show a push everywhere. A list is requested at least once a day.
func (t treeFacts) settled(pushed, now time.Time) bool {
	return t.ETag != "" && !pushed.IsZero() && t.AskedAt.After(pushed.Add(10*time.Minute)) &&
		now.Sub(t.AskedAt).Abs() < askAgain
}

// contents reads the files of a new list whose contents matter. whole reports whether the list has every file.
func (c *collector) contents(ctx context.Context, s *state, tree []treeFile, whole bool) error {
	if err := c.codeowners(ctx, s, tree, whole); err != nil {
		return err
	}
	return c.documents(ctx, s, tree, whole)
}

// tree reads the list of files of the default branch, and those that have changed of the files whose contents matter. A
// refusal of GitHub to show it is remembered for a day.
func (c *collector) tree(ctx context.Context, s *state) error {
	t := &s.Tree
	if t.Branch != c.DefaultBranch {
		*t = treeFacts{Branch: c.DefaultBranch}
	}
	wanted := "codeowners " + c.path
	if c.reconfigured = t.For != wanted; c.reconfigured {
		t.ETag = "" // something is looked for that was not before: list the files again
	}
	if c.DefaultBranch == "" {
		t.Error = "GitHub names no default branch"
		return nil
	}
	if t.Error != "" && t.ETag == "" && t.For == wanted && c.Now().Sub(t.AskedAt).Abs() < askAgain ||
		t.settled(mapping.Time(s.Repository.PushedAt), c.Now()) {
		return nil
	}
	var listing struct {
		Truncated bool       `json:"truncated"`
		Tree      []treeFile `json:"tree"`
	}
	got, err := c.Get(ctx, "repos/"+c.Scope+"/git/trees/"+url.PathEscape(c.DefaultBranch)+"?recursive=1", t.ETag, &listing)
	switch code := client.Status(err); {
	case code == http.StatusConflict || err == nil && !got.NotModified && len(listing.Tree) == 0 &&
		!listing.Truncated: // "Git Repository is empty."
		if known := len(s.Documents) + t.known(); known > 0 {
			if err := c.Writer.Removing("files", known, known); err != nil {
				return err
			}
		}
		*t = treeFacts{Branch: c.DefaultBranch, Files: filesOf(nil, false), AskedAt: c.Now().UTC(), For: wanted}
		return c.contents(ctx, s, nil, true)
	case code == http.StatusNotFound || code == http.StatusForbidden:
		c.hidden = err
		*t = treeFacts{
			Branch:  c.DefaultBranch,
			AskedAt: c.Now().UTC(),
			For:     wanted,
			Error: fmt.Sprintf(
				"%s does not show the files of branch %s (status %d); the token needs read access to contents",
				c.Source,
				c.DefaultBranch,
				code,
			),
		}
	case err != nil:
		return err
	case got.NotModified:
		t.AskedAt = c.Now().UTC()
	default:
		*t = treeFacts{
			Branch:  c.DefaultBranch,
			ETag:    got.ETag,
			Files:   filesOf(listing.Tree, listing.Truncated),
			AskedAt: c.Now().UTC(),
			For:     wanted,
		}
		if listing.Truncated {
			t.Error = "the repository has more files than GitHub lists, and it is not among those listed"
		}
		return c.contents(ctx, s, listing.Tree, !listing.Truncated)
	}
	return nil
}
