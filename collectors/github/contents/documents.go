package contents

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
	"go.yaml.in/yaml/v3"

	"github.com/dxctl/dxctl/collectors/github/client"
	"github.com/dxctl/dxctl/collectors/github/mapping"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
)

const (
	documentsPerRepository = 200
	documentDepth          = 8       // how many Locations may follow one another
	documentLimit          = 1 << 20 // bytes of one descriptor
)

// descriptors is what is known of a file of descriptors.
type descriptors struct {
	SHA     string   `json:"sha"`
	Targets []string `json:"targets,omitempty"` // of its Locations, as they are written
}

// documents reads the descriptors of a new list of files: the configured one, and the files of the repository that
// Locations in it point to. One that has not changed is not read again; one that is gone is retracted.
func (c *collector) documents(ctx context.Context, s *state, tree []treeFile, whole bool) error {
	files := make(map[string]treeFile, len(tree))
	for _, f := range tree {
		if f.Type == "blob" && f.SHA != "" {
			files[f.Path] = f
		}
	}
	found := map[string]descriptors{}
	var events []event.Event
	var queue []string
	root := c.path
	if root != "" {
		queue = append(queue, root)
	}
	for depth := 0; len(queue) > 0 && depth < documentDepth; depth++ {
		var next []string
		for _, name := range queue {
			f, exists := files[name]
			if _, again := found[name]; again || !exists {
				continue
			}
			if len(found) >= documentsPerRepository {
				c.Base.Log.Warn(
					"more descriptors than are read of one repository",
					"source",
					c.Source,
					"repository",
					c.Scope,
					"limit",
					documentsPerRepository,
				)
				break
			}
			d, e, err := c.document(ctx, f, s.Documents[name])
			if rest.Faulty(err) {
				c.odd(name, err)
				if d.SHA == "" { // it was never read: what it is, the next listing may show
					continue
				}
				e, err = nil, nil
			}
			if err != nil {
				return err
			}
			if e != nil {
				events = append(events, *e)
			}
			found[name] = d
			next = append(next, targets(name, d.Targets, tree)...)
		}
		queue = next
	}
	gone, err := c.goneDocuments(s, found, files, whole)
	if err != nil {
		return errors.Join(err, c.Append(ctx, events))
	}
	for _, name := range gone {
		events = append(events, c.descriptor(name, "", ""))
	}
	if err := c.Append(ctx, events); err != nil {
		return err
	}
	if s.Documents = found; len(found) == 0 {
		s.Documents = nil
	}
	return nil
}

// goneDocuments returns the descriptors that no longer exist. It adds those that may still exist to found.
func (c *collector) goneDocuments(
	s *state,
	found map[string]descriptors,
	files map[string]treeFile,
	whole bool,
) ([]string, error) {
	wanted := c.path != ""
	var gone []string
	for name, d := range s.Documents {
		if _, still := found[name]; still {
			continue
		}
		if _, listed := files[name]; wanted && (!whole && !listed || len(c.unread) > 0 && listed) {
			found[name] = d // it may be there, or be named by a file that cannot be read
			continue
		}
		gone = append(gone, name)
	}
	return gone, c.retractable(gone, len(s.Documents))
}

// manyDocuments is the number of descriptors of which one list of files may not lack most. Of fewer, one commit may
// remove all; a list that is empty is refused before.
const manyDocuments = 10

// retractable returns an error if most of many descriptors would be retracted, unless the configuration has changed.
func (c *collector) retractable(gone []string, of int) error {
	if of < manyDocuments || c.reconfigured {
		return nil
	}
	return c.Writer.Removing("descriptors", len(gone), of)
}

// document reads a file unless it has not changed since known, and then returns its event, too.
func (c *collector) document(
	ctx context.Context,
	f treeFile,
	known descriptors,
) (descriptors, *event.Descriptor, error) {
	if known.SHA == f.SHA {
		return known, nil, nil
	}
	if f.Size > documentLimit {
		c.Base.Log.Warn(
			"a descriptor is too large to be read",
			"source",
			c.Source,
			"repository",
			c.Scope,
			"file",
			f.Path,
			"bytes",
			f.Size,
		)
		return descriptors{SHA: f.SHA}, nil, nil
	}
	text, err := c.blob(ctx, f.SHA)
	if code := client.Status(err); code == http.StatusNotFound || code == http.StatusForbidden {
		c.Base.Log.Warn(
			"a descriptor cannot be read; the token needs read access to contents",
			"source",
			c.Source,
			"repository",
			c.Scope,
			"file",
			f.Path,
			"status",
			code,
		)
		return known, nil, nil
	}
	if err != nil {
		return known, nil, err
	}
	e := c.descriptor(f.Path, string(text), f.SHA)
	return descriptors{SHA: f.SHA, Targets: locationTargets(text)}, &e, nil
}

func (c *collector) descriptor(file, text, sha string) event.Descriptor {
	d := event.Descriptor{
		Source:     c.Source,
		Provider:   mapping.Provider,
		Scope:      c.Scope,
		Location:   file,
		Document:   text,
		Revision:   sha,
		ObservedAt: c.Now().UTC(),
	}
	if c.URL != "" {
		d.URL = c.URL + "/blob/" + client.Escaped(c.DefaultBranch) + "/" + client.Escaped(file)
	}
	return d
}

// locationTargets returns the targets of the Locations among the documents of a file. A document that cannot be read
// has none; the catalog reports it.
func locationTargets(text []byte) []string {
	var all []string
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var node yaml.Node
		if decoder.Decode(&node) != nil {
			return all
		}
		var location struct {
			Kind string `yaml:"kind"`
			Spec struct {
				Target  string   `yaml:"target"`
				Targets []string `yaml:"targets"`
			} `yaml:"spec"`
		}
		if node.Decode(&location) != nil || !strings.EqualFold(location.Kind, "Location") {
			continue
		}
		for _, t := range append([]string{location.Spec.Target}, location.Spec.Targets...) {
			if t != "" && len(all) < documentsPerRepository {
				all = append(all, t)
			}
		}
	}
}

// targets resolves the relative targets of a file's Locations against the files of the repository. A target may hold
// wildcards within a segment, as Backstage allows; one that leads elsewhere is not followed.
func targets(from string, written []string, tree []treeFile) []string {
	var all []string
	for _, t := range written {
		if strings.Contains(t, "://") || path.IsAbs(t) {
			continue
		}
		pattern := path.Join(path.Dir(from), t)
		if pattern == ".." || strings.HasPrefix(pattern, "../") {
			continue
		}
		if !strings.ContainsAny(pattern, `*?[{\`) {
			all = append(all, pattern)
			continue
		}
		for _, f := range tree {
			if f.Type == "blob" && doublestar.MatchUnvalidated(pattern, f.Path) {
				all = append(all, f.Path)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// odd records a file that cannot be read; the next collect lists the files again.
func (c *collector) odd(file string, err error) {
	if c.unread == nil {
		c.unread = map[string]rest.Held{}
	}
	c.unread[file] = rest.Held{Failures: 1, Error: err.Error()}
}

// blob returns the content of a file by its hash.
func (c *collector) blob(ctx context.Context, sha string) ([]byte, error) {
	if known, ok := c.read[sha]; ok && known.Reason == "" {
		return known.Data, nil
	}
	var b struct {
		Content  string `json:"content"`
		Encoding string `json:"encoding"`
	}
	if _, err := c.Get(ctx, "repos/"+c.Scope+"/git/blobs/"+client.Escaped(sha), "", &b); err != nil {
		return nil, err
	}
	if b.Encoding != "base64" {
		return nil, &rest.AnswerError{Status: http.StatusOK, Err: fmt.Errorf("git/blobs/%s: encoding %q where base64 was "+
			"expected", sha, b.Encoding)}
	}
	text, err := base64.StdEncoding.DecodeString(strings.NewReplacer("\n", "", "\r", "").Replace(b.Content))
	if err != nil {
		return nil, &rest.AnswerError{
			Status: http.StatusOK,
			Err:    fmt.Errorf("git/blobs/%s: the content is not base64: %w", sha, err),
		}
	}
	return text, nil
}
