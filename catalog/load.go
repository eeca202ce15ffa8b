package catalog

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Warning is something in a file that is left aside and that its author should know of.
type Warning struct {
	File    string // relative to the base folder where it lies below it
	Line    int    // 0: the file as a whole
	Message string
	Lost    bool // an entity, a row or a rule is not read because of it; the others of the file are
}

// String returns file:line: message.
func (w Warning) String() string {
	switch {
	case w.File == "":
		return w.Message
	case w.Line == 0:
		return w.File + ": " + w.Message
	}
	return fmt.Sprintf("%s:%d: %s", w.File, w.Line, w.Message)
}

func (w Warning) position() string { return fmt.Sprintf("%s:%d", w.File, w.Line) }

// Config names the files that describe what exists.
type Config struct {
	// Files are descriptors: names or patterns ("catalog/*.yaml", "services/**/catalog-info.yaml"), relative to the
	// folder of the configuration.
	Files []string `yaml:"files"`
	// Exclude leaves files out that Files, or a Location among them, would find: patterns such as "**/skeleton/**",
	// relative to the folder of the configuration. What sources have is left out by its path in the repository.
	Exclude []string `yaml:"exclude"`
	// Strict makes an error of everything that cannot be read, in descriptors and in people. Otherwise it is named,
	// counted and tried again, and the rest is read.
	Strict bool `yaml:"strict"`
	// Sources are the configured sources. They tell scopes of one name apart.
	Sources []Source `yaml:"-"`
}

// DefaultConfig returns the configuration of a project that has none: no files.
func DefaultConfig() Config { return Config{} }

// Validate reports empty names.
func (c Config) Validate() error {
	errs := []error{validateFiles("catalog.files", c.Files), validateFiles("catalog.exclude", c.Exclude)}
	for i, p := range c.Exclude {
		if err := validPattern(p); err != nil {
			errs = append(errs, fmt.Errorf("catalog.exclude[%d]: %w", i, err))
		}
	}
	return errors.Join(errs...)
}

func validateFiles(name string, files []string) error {
	for i, f := range files {
		if strings.TrimSpace(f) == "" {
			return fmt.Errorf("%s[%d] is empty; name a file or a pattern such as catalog/*.yaml", name, i)
		}
	}
	return nil
}

// Load reads the descriptors and the people. Relative names are relative to baseDir. What sources have ([ReadFound]) is
// read after the files, and an entity that was described before is left out with a warning.
//
// What is odd or cannot be read is a warning, with file and line; the rest is read. The error is that of a configuration
// that cannot be used, or, with cfg.Strict, everything that is lost. The catalog is never nil: it holds what could be read.
func Load(cfg Config, people PeopleConfig, baseDir string, found ...Found) (*Catalog, []Warning, error) {
	return LoadKeeping(cfg, people, baseDir, nil, found...)
}

// LoadKeeping is Load that keeps what was known: where a file, or a part of one, cannot be read, recall is asked once
// for what the catalog last held of these files, and what is not described now is kept as it was, with a warning.
func LoadKeeping(cfg Config, people PeopleConfig, baseDir string, recall func(files []string) (Recalled, error), found ...Found) (*Catalog, []Warning, error) {
	l := newLoader(baseDir)
	l.exclude, l.sources = newExclusion(cfg.Exclude, baseDir), cfg.Sources
	if err := errors.Join(cfg.Validate(), people.Validate()); err != nil {
		return l.catalog, nil, err
	}
	for _, name := range cfg.Files {
		l.loadPattern(name, "catalog.files", func(files []string) {
			l.descriptors(slices.DeleteFunc(files, l.exclude.matches))
		})
	}
	l.found(found)
	l.warnUnusedExclusions(cfg.Exclude)
	l.summarize()
	p := newPeopleReader(l)
	for _, name := range people.Files {
		l.loadPattern(name, "people.files", func(files []string) {
			for _, file := range files {
				p.readFile(file)
			}
		})
	}
	rules := l.readRules(people.Rules)
	if err := l.keep(p, recall); err != nil {
		return l.catalog, l.warnings, err
	}
	p.finish(rules)
	l.bind()
	l.catalog.finish()
	l.catalog.problems = slices.Clone(l.warnings)
	if !cfg.Strict {
		return l.catalog, l.warnings, nil
	}
	var lost []error
	for _, w := range l.warnings {
		if w.Lost {
			lost = append(lost, errors.New(w.String()))
		}
	}
	l.warnings = slices.DeleteFunc(l.warnings, func(w Warning) bool { return w.Lost })
	return l.catalog, l.warnings, errors.Join(lost...)
}

type loader struct {
	baseDir  string
	root     string // baseDir as an absolute name, so that no file's name has to be made one
	catalog  *Catalog
	sources  []Source // configured
	warnings []Warning
	done     map[string]bool // files read, by absolute name
	reading  []string        // files being read now, by absolute name: a Location within a Location
	via      []string        // the same, as people know them
	exclude  exclusion
	folders  map[Binding]bool // who has a folder of its own in which repository
	lost     map[string]bool  // files of which something could not be read, as people know them

	templates, others summary
}

func newLoader(baseDir string) *loader {
	l := &loader{baseDir: baseDir, root: baseDir, catalog: newCatalog(), done: map[string]bool{}, lost: map[string]bool{}}
	if abs, err := filepath.Abs(baseDir); err == nil {
		l.root = abs
	}
	return l
}

func (l *loader) warn(file string, line int, format string, args ...any) {
	l.warnings = append(l.warnings, Warning{File: file, Line: line, Message: fmt.Sprintf(format, args...)})
}

// fail is a warning of something that is lost.
func (l *loader) fail(file string, line int, format string, args ...any) {
	if file != "" {
		l.lost[file] = true
	}
	l.warnings = append(l.warnings, Warning{File: file, Line: line, Message: fmt.Sprintf(format, args...), Lost: true})
}

func (l *loader) loadPattern(name, setting string, read func(files []string)) {
	files, ok := l.expand(name, l.root, func(format string, args ...any) { l.fail("", 0, setting+": "+format, args...) })
	if ok && len(files) == 0 {
		l.warn("", 0, "%s: no file matches %s (below %s)", setting, name, l.baseDir)
	}
	read(files)
}

// expand returns the files that a pattern names. Directories that cannot be entered are lost, and the others are read.
func (l *loader) expand(name, dir string, fail func(format string, args ...any)) (files []string, ok bool) {
	files, closed, err := expand(name, dir)
	if err != nil {
		fail("%v", err)
		return nil, false
	}
	for _, c := range closed {
		l.fail(l.shown(c.name), 0, "the directory cannot be read: %v; what lies below it is not read", c.err)
	}
	return files, len(closed) == 0
}

// shown returns the name under which people know the file.
func (l *loader) shown(file string) string {
	abs, err := filepath.Abs(file)
	if err != nil {
		return file
	}
	if rel, err := filepath.Rel(l.root, abs); err == nil && !strings.HasPrefix(rel, "..") {
		return filepath.ToSlash(rel)
	}
	return file
}

// maxDescriptorFile bounds one file; the largest catalogs known are a few megabytes.
const maxDescriptorFile = 64 << 20

func (l *loader) open(file string) ([]byte, bool) {
	data, err := l.content(file)
	if err != nil {
		l.unreadable(file, err)
	}
	return data, err == nil
}

func (l *loader) unreadable(file string, err error) {
	l.fail(l.shown(file), 0, "the file cannot be read: %v", err)
}

// content returns what a file holds. Its errors do not name the file.
func (l *loader) content(file string) ([]byte, error) {
	info, err := os.Stat(file)
	if err == nil && info.IsDir() {
		err = errors.New("it is a directory; name files, or a pattern such as " + filepath.ToSlash(filepath.Join(l.shown(file), "*")))
	}
	if err == nil && info.Size() > maxDescriptorFile {
		err = fmt.Errorf("it has %d MB; at most %d are read", info.Size()>>20, maxDescriptorFile>>20)
	}
	var data []byte
	if err == nil {
		data, err = os.ReadFile(file)
	}
	var pathErr *os.PathError
	if errors.As(err, &pathErr) {
		err = pathErr.Err
	}
	return data, err
}

func (l *loader) reader(file string, warn, fail func(file string, line int, format string, args ...any)) descriptorReader {
	return descriptorReader{file: file, warn: warn, fail: fail, template: l.templates.one, other: l.others.add}
}

func (l *loader) add(e Entity, lines map[string]int) {
	if first, exists := l.catalog.byRef[e.Ref]; exists {
		f := l.catalog.entities[first]
		l.warn(e.File, e.Line, "%s is described twice; the description at %s:%d is used and this one is left out", e.Ref, f.File, f.Line)
		return
	}
	l.put(e, lines)
}

func (l *loader) put(e Entity, lines map[string]int) {
	if n := len(l.catalog.entities); n == cap(l.catalog.entities) { // append grows by a quarter, and entities are large
		l.catalog.entities = slices.Grow(l.catalog.entities, n+1)
	}
	l.catalog.byRef[e.Ref] = len(l.catalog.entities)
	l.catalog.entities = append(l.catalog.entities, e)
	l.catalog.lines = append(l.catalog.lines, lines)
}

// follow reads the targets of a Location, relative to the file that holds it.
func (l *loader) follow(file string, line int, where locationTargets) {
	shown := l.shown(file)
	if len(where.targets) == 0 {
		l.fail(shown, line, "the Location has no spec.target")
		return
	}
	root := l.baseDir
	if !within(file, root) {
		root = filepath.Dir(file)
	}
	for _, target := range where.targets {
		l.followTarget(file, shown, line, root, strings.TrimSpace(target), where.optional)
	}
}

func (l *loader) followTarget(file, shown string, line int, root, target string, optional bool) {
	if local, found := strings.CutPrefix(target, "file:"); found {
		target = strings.TrimPrefix(local, "//")
	}
	if strings.Contains(target, "://") || strings.HasPrefix(target, "url:") {
		l.warn(shown, line, "target %s is not read: dxctl reads local files only; fetch it beside this file and name it here", target)
		return
	}
	files, ok := l.expand(filepath.FromSlash(target), filepath.Dir(file), func(format string, args ...any) {
		l.fail(shown, line, "target "+target+": "+format, args...)
	})
	if ok && len(files) == 0 {
		l.warn(shown, line, "target %s matches no file", target)
	}
	var read []string
	for _, f := range files {
		_, statErr := os.Stat(f)
		switch {
		case l.exclude.matches(f):
		case !within(f, root):
			l.warn(shown, line, "target %s is not read: it lies outside %s; name it in catalog.files if it is meant", target, root)
		case slices.Contains(l.reading, realName(f)):
			l.warn(shown, line, "target %s is not read again: it leads back to a file that is being read", target)
		case statErr != nil && optional:
		case statErr != nil:
			l.lost[l.shown(f)] = true
			l.fail(shown, line, "target %s cannot be read: no file %s", target, l.shown(f))
		default:
			read = append(read, f)
		}
	}
	l.descriptors(read)
}
