// Package remote reads the facts of a repository that is not on this machine: its files are listed by an API, and the
// contents that the facts depend on are fetched by another one.
//
// Which contents these are is not decided here. The repository is read once without any content, which records the
// files that its readers open; they are fetched together, and the repository is read again with them. What is opened
// only because of a content that was read, such as a file that an overlay names, is fetched in the next round.
package remote

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/repository"
	"github.com/dxctl/dxctl/repository/tree"
)

const (
	// maxRounds bounds how often contents are fetched.
	maxRounds = 4
	// maxFiles and maxBytes bound what is fetched of one repository.
	maxFiles = 1_000
	maxBytes = 48 << 20
)

// notScanned is why binaries and secrets are unknown.
const notScanned = "its files are read through the API, which does not show every content; run `dxctl grade` in a " +
	"checkout"

// Fetch returns the contents of files by [Entry.ID]. One that it does not return cannot be read. The error is that
// nothing could be fetched, so that the repository has to be read again later.
type Fetch func(ctx context.Context, files []Entry) (map[string]Content, error)

// Reading is a repository that was listed, and is read with [Reading.Read].
type Reading struct {
	listing Listing
	files   *fileSystem
	options repository.Options
	dirs    []string
	facts   map[string]*repository.Facts // by directory
	bytes   int
}

// Open reads what the listing alone shows. dirs are the directories of services, "." the whole repository.
func Open(ctx context.Context, l Listing, options repository.Options, dirs ...string) (*Reading, error) {
	options.NotScanned = cmp.Or(options.NotScanned, notScanned)
	options.Partial = l.Partial
	r := &Reading{listing: l, files: newFileSystem(l), options: options, dirs: dirs}
	return r, r.read(ctx)
}

func (r *Reading) read(ctx context.Context) error {
	facts, err := repository.Read(ctx, r.files, r.options)
	if err != nil {
		return fmt.Errorf("reading the listed files: %w", err)
	}
	r.facts = map[string]*repository.Facts{".": facts}
	for _, dir := range r.dirs {
		r.facts[dir] = facts.Of(dir)
	}
	return nil
}

// Digest returns a digest of everything that the facts depend on: while it is the same, so are they, whatever else has
// changed in the repository. opened are the files that were opened when the facts were read last; see [Reading.Opened].
func (r *Reading) Digest(opened []string) string {
	all := maps.Clone(r.files.opened)
	for _, name := range opened {
		all[name] = true
	}
	languages := make([]any, 0, len(r.facts))
	for _, dir := range slices.Sorted(maps.Keys(r.facts)) {
		for _, l := range r.facts[dir].Language.Languages {
			languages = append(languages, dir, l.Name)
		}
	}
	return r.listing.Digest(all, languages...)
}

// Opened returns the paths of the files on whose contents the facts depend, sorted.
func (r *Reading) Opened() []string { return slices.Sorted(maps.Keys(r.files.opened)) }

// Read fetches the contents that the facts depend on, and returns the facts by directory, with those of ".".
func (r *Reading) Read(ctx context.Context, fetch Fetch) (map[string]*repository.Facts, error) {
	for range maxRounds {
		if len(r.files.missing) == 0 {
			return r.facts, nil
		}
		if err := r.fetch(ctx, fetch); err != nil {
			return nil, err
		}
		if err := r.read(ctx); err != nil {
			return nil, err
		}
	}
	return r.facts, nil
}

// fetch fetches the missing contents: the important ones first, because the bounds may leave out the last.
func (r *Reading) fetch(ctx context.Context, fetch Fetch) error {
	want := slices.SortedFunc(maps.Values(r.files.missing), func(a, b Entry) int {
		return cmp.Or(
			cmp.Compare(importance(a.Path), importance(b.Path)),
			cmp.Compare(strings.Count(a.Path, "/"), strings.Count(b.Path, "/")),
			cmp.Compare(a.Path, b.Path),
		)
	})
	clear(r.files.missing)
	var some []Entry
	for _, e := range want {
		if len(r.files.contents) >= maxFiles {
			r.files.contents[e.ID] = Content{Reason: fmt.Sprintf("more than %d files would have to be fetched", maxFiles)}
			continue
		}
		r.files.contents[e.ID] = Content{Reason: "the host did not return it"}
		some = append(some, e)
	}
	if len(some) == 0 {
		return nil
	}
	got, err := fetch(ctx, some)
	if err != nil {
		return err
	}
	for _, e := range some {
		c, ok := got[e.ID]
		if !ok {
			continue
		}
		if r.bytes += len(c.Data); r.bytes > maxBytes {
			c = Content{Reason: "more than " + tree.Size(maxBytes) + " would have to be fetched"}
		}
		r.files.contents[e.ID] = c
	}
	return nil
}

// important are the files that most rules ask about, the first ones most: patterns of [path.Match] in lower case.
var important = []string{
	"codeowners", ".github/codeowners", ".gitlab/codeowners", "docs/codeowners", "readme*", ".gitlab-ci.yml",
	".circleci/config.yml", "jenkinsfile", ".github/workflows/*", "dockerfile", "security.md", ".github/security.md",
	".github/dependabot.yml", "license*", "agents.md",
}

// importance returns the rank of a file among those that are fetched: the smaller, the earlier.
func importance(name string) int {
	name = strings.ToLower(name)
	rank := slices.IndexFunc(important, func(pattern string) bool {
		matched, err := path.Match(pattern, name)
		return err == nil && matched
	})
	if rank < 0 {
		return len(important)
	}
	return rank
}
