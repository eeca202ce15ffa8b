package github

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

	"go.yaml.in/yaml/v3"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/dxctl/dxctl/collectors/github/client"
	"github.com/dxctl/dxctl/collectors/github/mapping"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
)

// Catalog says whether the repositories are searched for Backstage descriptors, which then are part of the catalog.
type Catalog struct {
	Discover *bool  `yaml:"discover"` // default: true with an organization, false with repositories alone
	Path     string `yaml:"path"`     // of the descriptor in each repository; default catalog-info.yaml
}

const (
	documentsPerRepository = 200
	documentDepth          = 8       // how many Locations may follow one another
	documentLimit          = 1 << 20 // bytes of one descriptor
)

func (c Catalog) validate() error {
	if clean := path.Clean(c.Path); c.Path != "" &&
		(clean != c.Path || path.IsAbs(clean) || clean == "." || strings.HasPrefix(clean, "..")) {
		return fmt.Errorf("catalog.path %q: give a path from the top of the repository, such as catalog-info.yaml or "+
			".backstage/catalog.yaml", c.Path)
	}
	return nil
}

// wanted is the path of the descriptors, or empty when they are not looked for.
func (c Catalog) wanted(organization bool) string {
	if discover := c.Discover; discover != nil && !*discover || discover == nil && !organization {
		return ""
	}
	if c.Path == "" {
		return "catalog-info.yaml"
	}
	return c.Path
}

// descriptors is a file of descriptors as it was read.
type descriptors struct {
	SHA     string   `json:"sha"`
	Targets []string `json:"targets,omitempty"` // of its Locations, as they are written
}

// documents reads the descriptors of a new listing: the configured file, and the files of the repository that Locations
// in it point to. One whose content is as before is not read again; one that is gone is stored as gone.
func (r *contentCollect) documents(ctx context.Context, s *factsState, tree []treeFile, whole bool) error {
	files := make(map[string]treeFile, len(tree))
	for _, f := range tree {
		if f.Type == "blob" && f.SHA != "" {
			files[f.Path] = f
		}
	}
	found := map[string]descriptors{}
	var events []event.Event
	var queue []string
	root := r.path
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
				r.Base.Log.Warn(
					"more descriptors than are read of one repository",
					"source",
					r.Source,
					"repository",
					r.Scope,
					"limit",
					documentsPerRepository,
				)
				break
			}
			d, e, err := r.document(ctx, f, s.Documents[name])
			if rest.Faulty(err) {
				r.odd(name, err)
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
	gone, err := r.goneDocuments(s, found, files, whole)
	if err != nil {
		return errors.Join(err, r.Append(ctx, events))
	}
	for _, name := range gone {
		events = append(events, r.descriptor(name, "", ""))
	}
	if err := r.Append(ctx, events); err != nil {
		return err
	}
	if s.Documents = found; len(found) == 0 {
		s.Documents = nil
	}
	return nil
}

// goneDocuments returns the descriptors that are no longer there. Those that may be, it adds to found.
func (r *contentCollect) goneDocuments(
	s *factsState,
	found map[string]descriptors,
	files map[string]treeFile,
	whole bool,
) ([]string, error) {
	wanted := r.path != ""
	var gone []string
	for name, d := range s.Documents {
		if _, still := found[name]; still {
			continue
		}
		if _, listed := files[name]; wanted && (!whole && !listed || len(r.unread) > 0 && listed) {
			found[name] = d // it may be there, or be named by a file that cannot be read
			continue
		}
		gone = append(gone, name)
	}
	return gone, r.retractable(gone, len(s.Documents))
}

// manyDocuments is the number of descriptors from which on a listing of files may not lack most of them. Of a few, all
// may go with one commit; that nothing at all is listed is judged before.
const manyDocuments = 10

// retractable refuses to take back most of many descriptors, unless others are asked for than before.
func (r *contentCollect) retractable(gone []string, of int) error {
	if of < manyDocuments || r.reconfigured {
		return nil
	}
	return r.Writer.Removing("descriptors", len(gone), of)
}

// document reads a file unless it is known, and returns what it is and, if it was read, its event.
func (r *contentCollect) document(
	ctx context.Context,
	f treeFile,
	known descriptors,
) (descriptors, *event.Descriptor, error) {
	if known.SHA == f.SHA {
		return known, nil, nil
	}
	if f.Size > documentLimit {
		r.Base.Log.Warn(
			"a descriptor is too large to be read",
			"source",
			r.Source,
			"repository",
			r.Scope,
			"file",
			f.Path,
			"bytes",
			f.Size,
		)
		return descriptors{SHA: f.SHA}, nil, nil
	}
	text, err := r.blob(ctx, f.SHA)
	if code := client.Status(err); code == http.StatusNotFound || code == http.StatusForbidden {
		r.Base.Log.Warn(
			"a descriptor cannot be read; the token needs read access to contents",
			"source",
			r.Source,
			"repository",
			r.Scope,
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
	e := r.descriptor(f.Path, string(text), f.SHA)
	return descriptors{SHA: f.SHA, Targets: locationTargets(text)}, &e, nil
}

func (r *contentCollect) descriptor(file, text, sha string) event.Descriptor {
	d := event.Descriptor{
		Source:     r.Source,
		Provider:   mapping.Provider,
		Scope:      r.Scope,
		Location:   file,
		Document:   text,
		Revision:   sha,
		ObservedAt: r.Now().UTC(),
	}
	if r.URL != "" {
		d.URL = r.URL + "/blob/" + client.Escaped(r.DefaultBranch) + "/" + client.Escaped(file)
	}
	return d
}

// locationTargets returns the targets of the Locations among the documents of a file. What is no Location, and what
// cannot be read, has none: the catalog reports on it.
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

// odd notes a file that cannot be read; the files are listed again by the next collect.
func (r *contentCollect) odd(file string, err error) {
	if r.unread == nil {
		r.unread = map[string]rest.Held{}
	}
	r.unread[file] = rest.Held{Failures: 1, Error: err.Error()}
}

// blob reads the content of a file by its hash.
func (r *contentCollect) blob(ctx context.Context, sha string) ([]byte, error) {
	var b struct {
		Content  string `json:"content"`
		Encoding string `json:"encoding"`
	}
	if _, err := r.Get(ctx, "repos/"+r.Scope+"/git/blobs/"+client.Escaped(sha), "", &b); err != nil {
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
