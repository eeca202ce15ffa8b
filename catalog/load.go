package catalog

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/files"
	"github.com/dxctl/dxctl/people"
)

// Config names the files that describe what exists.
type Config struct {
	// Files are descriptors: names or patterns ("catalog/*.yaml", "services/**/catalog-info.yaml"), relative to the
	// directory of the configuration.
	Files []string `yaml:"files"`
	// Exclude leaves files out that Files, or a Location among them, would find: patterns such as "**/skeleton/**",
	// relative to the directory of the configuration. What sources have is left out by its path in the repository.
	Exclude []string `yaml:"exclude"`
	// Strict makes an error of everything that cannot be read, in descriptors and in people. Otherwise it is named,
	// counted and tried again, and the rest is read.
	Strict bool `yaml:"strict"`
	// Sources are the configured sources. They tell scopes of one name apart.
	Sources []Source `yaml:"-"`
}

// Validate reports empty names.
func (c Config) Validate() error {
	errs := []error{files.ValidateNames("catalog.files", c.Files), files.ValidateNames("catalog.exclude", c.Exclude)}
	for i, p := range c.Exclude {
		if err := files.ValidatePattern(p); err != nil {
			errs = append(errs, fmt.Errorf("catalog.exclude[%d]: %w", i, err))
		}
	}
	return errors.Join(errs...)
}

// Load reads the descriptors and the people. Relative names are relative to baseDir. What sources have ([ReadFound]) is
// read after the files, and an entity that was described before is left out with a warning.
//
// What is odd or cannot be read is a warning, with file and line; the rest is read. The error is that of a
// configuration that cannot be used, or, with cfg.Strict, everything that is lost. The catalog is never nil: it holds
// what could be read.
func Load(cfg Config, peopleCfg people.Config, baseDir string, found ...Found) (*Catalog, []files.Warning, error) {
	return LoadKeeping(cfg, peopleCfg, baseDir, nil, found...)
}

// LoadKeeping is Load that keeps what was known: where a file, or a part of one, cannot be read, recall is asked once
// for what the catalog last held of these files, and what is not described now is kept as it was, with a warning.
func LoadKeeping(
	cfg Config, peopleCfg people.Config, baseDir string, recall func(files []string) (Recalled, error), found ...Found,
) (*Catalog, []files.Warning, error) {
	l := newLoader(baseDir)
	l.exclude, l.sources = newExclusion(cfg.Exclude, baseDir), cfg.Sources
	if err := errors.Join(cfg.Validate(), peopleCfg.Validate()); err != nil {
		return l.catalog, nil, err
	}
	for _, pattern := range cfg.Files {
		l.descriptors(slices.DeleteFunc(l.Match(pattern, "catalog.files"), l.exclude.matches))
	}
	l.found(found)
	l.warnUnusedExclusions(cfg.Exclude)
	l.summarize()
	records := people.Read(peopleCfg, l.Reader, l.teamName)
	if err := l.keep(records, recall); err != nil {
		return l.catalog, l.Warnings(), err
	}
	l.catalog.people = records.Resolve(l.users())
	l.bind()
	l.catalog.finish()
	warnings := l.Warnings()
	l.catalog.problems = warnings
	if !cfg.Strict {
		return l.catalog, slices.Clone(warnings), nil
	}
	var lost []error
	for _, w := range files.Lost(warnings) {
		lost = append(lost, errors.New(w.String()))
	}
	odd := slices.DeleteFunc(slices.Clone(warnings), func(w files.Warning) bool { return w.Lost })
	return l.catalog, odd, errors.Join(lost...)
}

// loader builds a catalog from files and from the descriptors of sources.
type loader struct {
	*files.Reader
	catalog     *Catalog
	sources     []Source        // configured
	done        map[string]bool // files read, by absolute name
	reading     []string        // files being read now, by absolute name: a Location within a Location
	via         []string        // the same, as warnings name them
	exclude     exclusion
	origins     []origin         // of the catalog's entities, by index
	directories map[Binding]bool // who has a directory of its own in which repository

	templates, others summary
}

func newLoader(baseDir string) *loader {
	return &loader{Reader: files.NewReader(baseDir), catalog: newCatalog(), done: map[string]bool{}}
}

// reporter returns a reporter that counts templates and unused kinds, which are reported once.
func (l *loader) reporter(warn, fail func(file string, line int, format string, args ...any)) descriptor.Reporter {
	return descriptor.Reporter{Warn: warn, Fail: fail, Template: l.templates.one, OtherKind: l.others.add}
}

// origin is what a description of an entity says of where it comes from.
type origin struct {
	lines map[string]int // of the annotations that bind
	found *Found         // the source's document that describes it; nil: a file does
}

func (l *loader) add(e descriptor.Entity, from origin) {
	if first, exists := l.catalog.byRef[e.Ref]; exists {
		f := l.catalog.entities[first]
		l.Warn(
			e.File,
			e.Line,
			"%s is described twice; the description at %s:%d is used and this one is left out",
			e.Ref,
			f.File,
			f.Line,
		)
		return
	}
	l.put(e, from)
}

func (l *loader) put(e descriptor.Entity, from origin) {
	if n := len(l.catalog.entities); n == cap(l.catalog.entities) { // append grows by a quarter, and entities are large
		l.catalog.entities = slices.Grow(l.catalog.entities, n+1)
	}
	l.catalog.byRef[e.Ref] = len(l.catalog.entities)
	l.catalog.entities = append(l.catalog.entities, e)
	l.origins = append(l.origins, from)
}

// follow reads the targets of a Location, relative to the file that holds it.
func (l *loader) follow(file string, line int, where descriptor.Location) {
	shown := l.Shown(file)
	if len(where.Targets) == 0 {
		l.Fail(shown, line, "the Location has no spec.target")
		return
	}
	root := l.BaseDir
	if !files.Within(file, root) {
		root = filepath.Dir(file)
	}
	for _, target := range where.Targets {
		l.followTarget(file, shown, line, root, strings.TrimSpace(target), where.Optional)
	}
}

func (l *loader) followTarget(file, shown string, line int, root, target string, optional bool) {
	if local, found := strings.CutPrefix(target, "file:"); found {
		target = strings.TrimPrefix(local, "//")
	}
	if strings.Contains(target, "://") || strings.HasPrefix(target, "url:") {
		l.Warn(
			shown,
			line,
			"target %s is not read: dxctl reads local files only; download it next to this file and name it here",
			target,
		)
		return
	}
	names, ok := l.Expand(filepath.FromSlash(target), filepath.Dir(file), func(format string, args ...any) {
		l.Fail(shown, line, "target "+target+": "+format, args...)
	})
	if ok && len(names) == 0 {
		l.Warn(shown, line, "target %s matches no file", target)
	}
	var read []string
	for _, f := range names {
		_, statErr := os.Stat(f)
		switch {
		case l.exclude.matches(f):
		case !files.Within(f, root):
			l.Warn(
				shown,
				line,
				"target %s is not read: it lies outside %s; name it in catalog.files if it is meant",
				target,
				root,
			)
		case slices.Contains(l.reading, realName(f)):
			l.Warn(shown, line, "target %s is not read again: it leads back to a file that is being read", target)
		case statErr != nil && optional:
		case statErr != nil:
			l.MarkLost(l.Shown(f))
			l.Fail(shown, line, "target %s cannot be read: no file %s", target, l.Shown(f))
		default:
			read = append(read, f)
		}
	}
	l.descriptors(read)
}
