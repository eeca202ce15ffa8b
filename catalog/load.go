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
}

// DefaultConfig returns the configuration of a project that has none: no files.
func DefaultConfig() Config { return Config{} }

// Validate reports empty names.
func (c Config) Validate() error { return validateFiles("catalog.files", c.Files) }

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
// What is merely odd is a warning; what is lost (a file that cannot be read, broken YAML, a person without a name) is an
// error with file and line, all of them joined. In what sources have everything is a warning. The catalog is never nil: it
// holds everything that could be read.
func Load(cfg Config, people PeopleConfig, baseDir string, found ...Found) (*Catalog, []Warning, error) {
	l := &loader{baseDir: baseDir, catalog: newCatalog(), done: map[string]bool{}}
	if err := errors.Join(cfg.Validate(), people.Validate()); err != nil {
		return l.catalog, nil, err
	}
	for _, name := range cfg.Files {
		l.loadPattern(name, "catalog.files", l.descriptors)
	}
	l.found(found)
	p := newPeopleReader(l)
	for _, name := range people.Files {
		l.loadPattern(name, "people.files", p.readFile)
	}
	p.finish(l.readRules(people.Rules))
	l.bind()
	l.catalog.finish()
	return l.catalog, l.warnings, errors.Join(l.errs...)
}

type loader struct {
	baseDir  string
	catalog  *Catalog
	warnings []Warning
	errs     []error
	done     map[string]bool // files read, by absolute name
	reading  []string        // files being read now: a Location within a Location
}

func (l *loader) warn(file string, line int, format string, args ...any) {
	l.warnings = append(l.warnings, Warning{File: file, Line: line, Message: fmt.Sprintf(format, args...)})
}

func (l *loader) fail(file string, line int, format string, args ...any) {
	l.errs = append(l.errs, errors.New(Warning{File: file, Line: line, Message: fmt.Sprintf(format, args...)}.String()))
}

func (l *loader) loadPattern(name, setting string, read func(file string)) {
	files, err := expand(name, l.baseDir)
	if err != nil {
		l.errs = append(l.errs, fmt.Errorf("%s: %w", setting, err))
		return
	}
	if len(files) == 0 {
		l.warn("", 0, "%s: no file matches %s (below %s)", setting, name, l.baseDir)
	}
	for _, f := range files {
		read(f)
	}
}

// shown returns the name under which people know the file.
func (l *loader) shown(file string) string {
	base, errBase := filepath.Abs(l.baseDir)
	abs, errFile := filepath.Abs(file)
	if errBase != nil || errFile != nil {
		return file
	}
	if rel, err := filepath.Rel(base, abs); err == nil && !strings.HasPrefix(rel, "..") {
		return filepath.ToSlash(rel)
	}
	return file
}

// maxDescriptorFile bounds one file; the largest catalogs known are a few megabytes.
const maxDescriptorFile = 64 << 20

func (l *loader) open(file string) ([]byte, bool) {
	info, err := os.Stat(file)
	if err == nil && info.Size() > maxDescriptorFile {
		err = fmt.Errorf("it has %d MB; at most %d are read", info.Size()>>20, maxDescriptorFile>>20)
	}
	var data []byte
	if err == nil {
		data, err = os.ReadFile(file)
	}
	if err != nil {
		var pathErr *os.PathError
		if errors.As(err, &pathErr) {
			err = pathErr.Err
		}
		l.fail(l.shown(file), 0, "the file cannot be read: %v", err)
		return nil, false
	}
	return data, true
}

func (l *loader) descriptors(file string) {
	key := file
	if abs, err := filepath.EvalSymlinks(file); err == nil {
		key = abs
	}
	if abs, err := filepath.Abs(key); err == nil {
		key = abs
	}
	if l.done[key] {
		return
	}
	l.done[key] = true
	data, ok := l.open(file)
	if !ok {
		return
	}
	l.reading = append(l.reading, key)
	defer func() { l.reading = l.reading[:len(l.reading)-1] }()
	reader := descriptorReader{file: l.shown(file), warn: l.warn, fail: l.fail}
	for _, doc := range splitDocuments(data) {
		entity, d, ok := reader.read(doc)
		switch {
		case !ok:
		case d.Kind == "Location":
			l.follow(file, doc, d)
		default:
			l.add(doc, entity)
		}
	}
}

func (l *loader) add(doc document, e Entity) {
	if first, exists := l.catalog.byRef[e.Ref]; exists {
		f := l.catalog.entities[first]
		l.warn(e.File, e.Line, "%s is described twice; the description at %s:%d is used and this one is left out", e.Ref, f.File, f.Line)
		return
	}
	l.catalog.byRef[e.Ref] = len(l.catalog.entities)
	l.catalog.entities = append(l.catalog.entities, e)
	l.catalog.lines = append(l.catalog.lines, bindingLines(doc))
}

// follow reads the targets of a Location, relative to the file that holds it.
func (l *loader) follow(file string, doc document, d descriptor) {
	targets := d.Spec.Targets
	if d.Spec.Target != "" {
		targets = append([]string{d.Spec.Target}, targets...)
	}
	shown, line := l.shown(file), doc.node.Line+doc.offset
	if len(targets) == 0 {
		l.fail(shown, line, "the Location has no spec.target")
		return
	}
	root := l.baseDir
	if !within(file, root) {
		root = filepath.Dir(file)
	}
	for _, target := range targets {
		l.followTarget(file, shown, line, root, strings.TrimSpace(target), d.Spec.Presence == "optional")
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
	files, err := expand(filepath.FromSlash(target), filepath.Dir(file))
	if err != nil {
		l.fail(shown, line, "target %s: %v", target, err)
		return
	}
	if len(files) == 0 {
		l.warn(shown, line, "target %s matches no file", target)
	}
	for _, f := range files {
		_, statErr := os.Stat(f)
		key, err := filepath.EvalSymlinks(f)
		if err != nil {
			key = f
		}
		if abs, err := filepath.Abs(key); err == nil {
			key = abs
		}
		switch {
		case !within(f, root):
			l.warn(shown, line, "target %s is not read: it lies outside %s; name it in catalog.files if it is meant", target, root)
		case slices.Contains(l.reading, key):
			l.warn(shown, line, "target %s is not read again: it leads back to a file that is being read", target)
		case statErr != nil && optional:
		case statErr != nil:
			l.fail(shown, line, "target %s cannot be read: no file %s", target, l.shown(f))
		default:
			l.descriptors(f)
		}
	}
}
