package paths

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"path"
	"reflect"
	"slices"
	"strings"
	"text/template"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/dxctl/dxctl/repository/pathlock"
	"github.com/dxctl/dxctl/strictyaml"
)

// File is a rendered file.
type File struct {
	Path       string // relative to the directory of the service, separated by slashes
	Content    []byte
	Executable bool
	Mode       Mode
	Source     string // of the golden path, below template/
}

// Tree are the files of a service, in the order of their paths.
type Tree []File

// File returns the file with a path.
func (t Tree) File(name string) (File, bool) {
	i, ok := slices.BinarySearchFunc(t, name, func(f File, name string) int { return strings.Compare(f.Path, name) })
	if !ok {
		return File{}, false
	}
	return t[i], true
}

const (
	// maxResult bounds the size of a rendered file, and maxResults that of all.
	maxResult  = 4 << 20
	maxResults = 64 << 20
	// maxTime bounds how long a service is rendered. Four hundred files take some milliseconds.
	maxTime = 20 * time.Second
	// maxCalls bounds how often templates call functions: conditions that write nothing take time, too. The largest
	// shipped path needs some hundred calls.
	maxCalls = 20_000
)

// budget is what is left of the bounds for the work of functions.
type budget struct {
	calls int
	until time.Time
}

// spend takes one call.
func (b *budget) spend() error {
	if b.calls--; b.calls < 0 {
		return errCalls
	}
	if b.calls%100 == 0 && time.Now().After(b.until) {
		return errTime
	}
	return nil
}

var (
	errTime  = fmt.Errorf("%w: rendering took longer than %s", errBounds, maxTime)
	errCalls = fmt.Errorf("%w: its templates call functions more than %d times", errBounds, maxCalls)
)

// bounded returns functions that stop once the budget is spent.
func bounded(functions template.FuncMap, b *budget) template.FuncMap {
	wrapped := template.FuncMap{}
	for name, f := range functions {
		f := reflect.ValueOf(f)
		wrapped[name] = reflect.MakeFunc(withError(f.Type()), func(args []reflect.Value) []reflect.Value {
			if err := b.spend(); err != nil {
				return []reflect.Value{reflect.Zero(f.Type().Out(0)), reflect.ValueOf(&err).Elem()}
			}
			call := f.Call
			if f.Type().IsVariadic() {
				call = f.CallSlice
			}
			results := call(args)
			if len(results) == 1 {
				results = append(results, reflect.Zero(reflect.TypeFor[error]()))
			}
			return results
		}).Interface()
	}
	return wrapped
}

// withError returns the type of a function that returns an error besides its value.
func withError(t reflect.Type) reflect.Type {
	in := make([]reflect.Type, t.NumIn())
	for i := range in {
		in[i] = t.In(i)
	}
	return reflect.FuncOf(in, []reflect.Type{t.Out(0), reflect.TypeFor[error]()}, t.IsVariadic())
}

func mapKeys[V any](m map[string]V) iter.Seq[string] { return maps.Keys(m) }

// Render returns the files of a service. Equal answers and defaults give equal bytes. The error joins what is wrong
// with the answers ([AnswerError]), or with the templates for these answers ([strictyaml.Mistake]).
func (p *Path) Render(a Answers, d Defaults) (Tree, error) {
	if err := p.Check(a); err != nil {
		return nil, err
	}
	if err := d.Validate(); err != nil {
		return nil, err
	}
	return p.render(p.Complete(a), d)
}

// render renders with answers that may be no valid ones.
func (p *Path) render(a Answers, d Defaults) (Tree, error) {
	r := renderer{p: p, until: time.Now().Add(maxTime), seen: map[string]string{}, spelled: map[string]string{}}
	r.functions = bounded(p.functions(a, d), &budget{calls: maxCalls, until: r.until})
	var errs []error
	for _, s := range p.templates {
		if time.Now().After(r.until) {
			errs = append(errs, errTime)
			break
		}
		if err := r.add(s); err != nil {
			errs = append(errs, err)
			if errors.Is(err, errBounds) || len(errs) == 50 {
				break
			}
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	slices.SortFunc(r.tree, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return r.tree, r.directories()
}

type renderer struct {
	p         *Path
	functions template.FuncMap
	until     time.Time
	total     int
	seen      map[string]string // folded path → source
	spelled   map[string]string // folded directory → directory
	tree      Tree
}

// errBounds is wrapped by the errors after which nothing more is rendered.
var errBounds = errors.New("the golden path was refused")

func (r *renderer) add(s source) error {
	name := strings.TrimSuffix(s.name, Suffix)
	shown := r.p.Origin.at(path.Join(TemplateDir, s.name))
	if s.parts != nil {
		rendered, err := r.execute(shown, s.parts)
		if err != nil {
			return err
		}
		name = string(rendered)
		if slices.Contains(strings.Split(name, "/"), "") {
			return nil
		}
	}
	fail := func(format string, args ...any) error {
		return strictyaml.Mistake{File: shown, Message: fmt.Sprintf(format, args...)}
	}
	if err := pathlock.CheckPath(name); err != nil {
		return fail("the result has the path %.200q, which %v", name, err)
	}
	content := s.data
	if s.content != nil {
		var err error
		if content, err = r.execute(shown, s.content); err != nil {
			return err
		}
		if len(bytes.TrimSpace(content)) == 0 {
			return nil
		}
		if err := parses(name, content); err != nil {
			return fail("the result is not valid: %v; quote answers with the functions yaml and json", err)
		}
	}
	if r.total += len(content); r.total > maxResults {
		return fmt.Errorf("%w: its result is larger than %s", errBounds, size(maxResults))
	}
	folded := pathlock.Folded(name)
	if other, taken := r.seen[folded]; taken {
		return fail("the result has the path %q, as that of %s has, at least where case is ignored", name, other)
	}
	if folded == pathlock.File {
		return fail("the result has the path %q, which dxctl writes itself", name)
	}
	if err := pathlock.CheckSpelling(name, r.spelled); err != nil {
		return fail("the result has the path %q, %v", name, err)
	}
	r.seen[folded] = s.name
	r.tree = append(r.tree, File{
		Path: name, Content: content, Executable: s.executable, Mode: r.p.ModeOf(name), Source: s.name,
	})
	return nil
}

// directories refuses a file where another file needs a directory.
func (r *renderer) directories() error {
	for _, f := range r.tree {
		for dir := path.Dir(f.Path); dir != "."; dir = path.Dir(dir) {
			if other, taken := r.seen[pathlock.Folded(dir)]; taken {
				return strictyaml.Mistake{File: r.p.Origin.at(path.Join(TemplateDir, other)), Message: fmt.Sprintf(
					"the result %q is a file, and %q needs a directory there", dir, f.Path)}
			}
		}
	}
	return nil
}

func (r *renderer) execute(shown string, t *template.Template) ([]byte, error) {
	t, err := t.Clone()
	if err != nil {
		return nil, fmt.Errorf("rendering %s: %w", shown, err)
	}
	out := output{until: r.until}
	if err := t.Funcs(r.functions).Execute(&out, nil); err != nil {
		for _, bound := range []error{out.err, errCalls, errTime} {
			if bound != nil && errors.Is(err, bound) {
				return nil, fmt.Errorf("%s: %w", shown, bound)
			}
		}
		return nil, templateMistake(shown, err, r.p.names())
	}
	return out.buffer.Bytes(), nil
}

// output bounds what a template writes.
type output struct {
	buffer bytes.Buffer
	until  time.Time
	err    error
}

func (o *output) Write(data []byte) (int, error) {
	switch {
	case o.buffer.Len()+len(data) > maxResult:
		o.err = fmt.Errorf("%w: the result of a template is larger than %s", errBounds, size(maxResult))
	case time.Now().After(o.until):
		o.err = errTime
	}
	if o.err != nil {
		return 0, o.err
	}
	return o.buffer.Write(data)
}

// withComments reports whether a JSON file may have comments, as its readers accept them.
func withComments(name string) bool {
	base := path.Base(name)
	return strings.HasPrefix(base, "tsconfig") || strings.Contains(base, "devcontainer") ||
		strings.Contains("/"+name, "/.vscode/")
}

// parses reports whether a rendered file of YAML is one: an answer without quotes may have broken it.
func parses(name string, content []byte) error {
	if path.Ext(name) == ".json" && !withComments(name) && !json.Valid(content) {
		return errors.New("it is no JSON")
	}
	if !isYAML(name) {
		return nil
	}
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	for {
		var node yaml.Node
		if err := decoder.Decode(&node); err != nil {
			if err.Error() == "EOF" {
				return nil
			}
			return err
		}
	}
}
