package waiver

import (
	"path"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/files"
	"github.com/dxctl/dxctl/repository/fact"
	"github.com/dxctl/dxctl/repository/tree"
	"github.com/dxctl/dxctl/strictyaml"
)

// DefaultFiles are the files that are read if the configuration names none.
const DefaultFiles = "waivers/*.yaml"

// Unfinished ends the name of a file that is being written. One that a crash left is not read.
const Unfinished = ".new"

// Load reads the files that patterns name, relative to baseDir; those of DefaultFiles, which need not exist, if there
// are none. A file or a waiver with mistakes is left out, and the others are read; the warnings say what is wrong, with
// file and line.
func Load(patterns []string, baseDir string) ([]Waiver, []files.Warning) {
	r := files.NewReader(baseDir)
	match := func(pattern string) []string { return r.Match(pattern, "scorecards.waivers") }
	if len(patterns) == 0 {
		patterns = []string{DefaultFiles}
		match = func(pattern string) []string {
			names, _ := r.Expand(pattern, baseDir, func(string, ...any) {})
			return names
		}
	}
	var all []Waiver
	seen := map[string]bool{}
	for _, pattern := range patterns {
		for _, name := range match(pattern) {
			if seen[name] || strings.HasSuffix(name, Unfinished) { // two patterns may match one file
				continue
			}
			seen[name] = true
			data, ok := r.Open(name)
			if !ok {
				continue
			}
			waivers, errs := Parse(data, r.Shown(name), FromScorecards)
			for _, err := range errs {
				for _, m := range strictyaml.Mistakes(err) {
					r.Fail(m.File, m.Line, "%s; this waiver is not used", m.Message)
				}
			}
			all = append(all, waivers...)
		}
	}
	return all, r.Warnings()
}

// Set is what a repository has of waivers.
type Set struct {
	Waivers  []Waiver
	Problems []fact.Problem // what is wrong with those that are left out
}

// Read reads the waivers of a repository; none if it has no RepositoryFile.
func Read(t *tree.Tree) Set {
	var s Set
	f, ok := t.File(RepositoryFile)
	if !ok {
		return s
	}
	text, err := t.Text(f)
	if err != nil {
		s.Problems = append(s.Problems, fact.Problem{At: fact.Location{Path: RepositoryFile}, Reason: err.Error()})
		return s
	}
	waivers, errs := Parse([]byte(text), RepositoryFile, FromRepository)
	s.Waivers = waivers
	for _, err := range errs {
		for _, m := range strictyaml.Mistakes(err) {
			s.Problems = append(s.Problems, fact.Problem{
				At: fact.Location{Path: RepositoryFile, Line: m.Line}, Reason: m.Message,
			})
		}
	}
	return s
}

// In reports whether a waiver of a repository may be for a service whose files lie in a directory.
func (w *Waiver) In(dir string) bool {
	return w.Service != "" || tree.Under(dir, w.Path) || dir == w.Path
}

// Directory is a directory of a repository that belongs to a service.
type Directory struct {
	Service    string // entity ref
	Repository string // at its host, in lower case: acme/shop
	Path       string // "" or "." is all of it
}

// Book finds the waivers of a service. It does not change and may be used from many goroutines. The nil book is empty.
type Book struct {
	all       []Waiver
	byService map[string][]Waiver
	unmatched []Waiver
	problems  []files.Warning
}

// WithProblems returns the book with what is wrong with the files of waivers, as [Load] returns it.
func (b *Book) WithProblems(problems []files.Warning) *Book {
	with := *b
	with.problems = problems
	return &with
}

// Problems returns what is wrong with the files of waivers.
func (b *Book) Problems() []files.Warning {
	if b == nil {
		return nil
	}
	return b.problems
}

// NewBook returns the book of waivers. directories are those of all services: they decide for which services a waiver
// with a path is.
func NewBook(waivers []Waiver, directories []Directory) *Book {
	b := &Book{all: waivers, byService: map[string][]Waiver{}}
	for _, w := range waivers {
		if w.Service != "" {
			b.byService[w.Service] = append(b.byService[w.Service], w)
			continue
		}
		var services []string
		for _, d := range directories {
			if w.isIn(d) && !slices.Contains(services, d.Service) {
				services = append(services, d.Service)
				b.byService[d.Service] = append(b.byService[d.Service], w)
			}
		}
		if len(services) == 0 {
			b.unmatched = append(b.unmatched, w)
		}
	}
	return b
}

func (w *Waiver) isIn(d Directory) bool {
	if w.Repository != d.Repository {
		// The host may be written before the repository: github.com/acme/shop.
		if host, rest, ok := strings.Cut(w.Repository, "/"); !ok || !strings.Contains(host, ".") || rest != d.Repository {
			return false
		}
	}
	return tree.Under(path.Clean("./"+d.Path), w.Path)
}

// Of returns the waivers for a service, in the order of their files.
func (b *Book) Of(service string) []Waiver {
	if b == nil {
		return nil
	}
	return b.byService[service]
}

// All returns all waivers.
func (b *Book) All() []Waiver {
	if b == nil {
		return nil
	}
	return b.all
}

// Unmatched returns the waivers whose path no service has.
func (b *Book) Unmatched() []Waiver {
	if b == nil {
		return nil
	}
	return b.unmatched
}
