// Package strictyaml decodes YAML that people write: every unknown key, wrong type and repeated key is an error with
// file and line, all of them at once, and each value's line can be looked up for errors about its meaning.
package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/dxctl/dxctl/spelling"
)

// Document is a YAML document of a file.
type Document struct {
	File string     // as shown to people
	Root *yaml.Node // the value, below the document node
}

// Read parses the documents of a file. Empty ones are left out. The documents before a syntax error are returned with
// the error, which has file and line.
func Read(file string, text []byte) ([]Document, error) {
	var docs []Document
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var node yaml.Node
		err := decoder.Decode(&node)
		if errors.Is(err, io.EOF) {
			return docs, nil
		}
		if err != nil {
			return docs, unreadable(file, text, err)
		}
		if root := node.Content[0]; root.Kind != yaml.ScalarNode || root.ShortTag() != "!!null" {
			docs = append(docs, Document{File: file, Root: root})
		}
	}
}

// Decode fills dest, a pointer to a struct. The error joins one error per mistake, each with file and line; dest holds
// what could be decoded.
func (d Document) Decode(dest any) (Positions, error) {
	w := walker{file: d.File, places: map[string]place{}}
	w.check(d.Root, reflect.TypeOf(dest).Elem(), "")
	errs := w.errs
	if len(w.refused) > 0 {
		errs = append(errs, located(d.File, &yaml.TypeError{Errors: w.refused}, w.misfits...))
	}
	if err := d.Root.Decode(dest); err != nil {
		errs = append(errs, located(d.File, err, w.misfits...))
	}
	return Positions{file: d.File, places: w.places}, errors.Join(errs...)
}

// Positions are the places of a document's values by path: "people.files[0]".
type Positions struct {
	file   string
	places map[string]place
}

// place is where a value begins, counted from 1; the column counts bytes.
type place struct{ line, column int }

// At returns "file:line" of the value at path, or of its nearest parent in the file.
func (p Positions) At(path string) string {
	line, _ := p.Place(path)
	if line == 0 {
		return p.file
	}
	return fmt.Sprintf("%s:%d", p.file, line)
}

// Place returns where the value at path begins, or its nearest parent in the file; 0, 0 if neither is in the file.
func (p Positions) Place(path string) (line, column int) {
	for path != "" {
		if found, ok := p.places[path]; ok {
			return found.line, found.column
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return 0, 0
}

// Has reports whether the document has a value at path.
func (p Positions) Has(path string) bool {
	_, ok := p.places[path]
	return ok
}

// walker compares a YAML tree with the Go type that it will be decoded into.
type walker struct {
	file    string
	places  map[string]place // by path
	errs    []error
	misfits []misfit
	refused []string // messages of the misfits that the YAML library would take
}

// misfit is a value that its key cannot take, with the YAML library's message, which does not contain the key.
type misfit struct {
	path    string
	column  int
	message string
}

func (w *walker) check(n *yaml.Node, t reflect.Type, path string) {
	if path != "" {
		w.places[path] = place{n.Line, n.Column}
	}
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!") {
		w.errs = append(w.errs, Mistake{File: w.file, Line: n.Line, Column: n.Column, Message: fmt.Sprintf(
			"the value begins with %q, which YAML reads as a tag and not as text; put the value in quotes", n.Tag)})
		return
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case n.Kind == yaml.SequenceNode && t.Kind() == reflect.Slice:
		for i, c := range n.Content {
			w.check(c, t.Elem(), fmt.Sprintf("%s[%d]", path, i))
		}
	case n.Kind == yaml.MappingNode && t.Kind() == reflect.Slice && isUnmarshaler(t) && t.Elem().Kind() == reflect.Struct:
		w.check(n, t.Elem(), path) // a list that takes a single element without the list around it
	case n.Kind == yaml.MappingNode && t.Kind() == reflect.Map:
		w.dropRepeated(n)
		for i := 0; i+1 < len(n.Content); i += 2 {
			w.check(n.Content[i+1], t.Elem(), join(path, n.Content[i].Value))
		}
	case n.Kind == yaml.MappingNode && t.Kind() == reflect.Struct && hasKeys(t):
		w.dropRepeated(n)
		fields := fieldsOf(t, n)
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			ft, ok := fields[key.Value]
			if !ok && key.Tag == "!!merge" {
				w.errs = append(w.errs, Mistake{File: w.file, Line: key.Line, Column: key.Column,
					Message: "merge keys (<<)" + inside(path) + " are not supported; write the keys out"})
				continue
			}
			if !ok {
				w.errs = append(w.errs, Mistake{
					File: w.file, Line: key.Line, Column: key.Column,
					Message: fmt.Sprintf("unknown key %q%s%s", key.Value, inside(path), spelling.Hint(key.Value, keys(fields))),
				})
				continue
			}
			w.check(n.Content[i+1], ft, join(path, key.Value))
		}
	default:
		if message := notWhole(n, t); message != "" {
			w.misfits = append(w.misfits, misfit{path, n.Column, message})
			w.refused = append(w.refused, message)
			return
		}
		var typed *yaml.TypeError
		if err := n.Decode(reflect.New(t).Interface()); errors.As(err, &typed) {
			for _, message := range typed.Errors {
				w.misfits = append(w.misfits, misfit{path, n.Column, message})
			}
		}
	}
}

// dropRepeated removes each key of a mapping that it has already, with a mistake. The YAML library would decode nothing
// of such a mapping, so that every key of it would seem to be missing.
func (w *walker) dropRepeated(n *yaml.Node) {
	lines := map[string]int{}
	kept := n.Content[:0:0]
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if first, repeated := lines[key.Value]; repeated && key.Kind == yaml.ScalarNode {
			w.errs = append(w.errs, Mistake{File: w.file, Line: key.Line, Column: key.Column,
				Message: fmt.Sprintf("mapping key %q already defined at line %d", key.Value, first)})
			continue
		}
		lines[key.Value] = key.Line
		kept = append(kept, n.Content[i], n.Content[i+1])
	}
	n.Content = kept
}

// notWhole returns the message for a number that the whole numbers of type t do not have, although the YAML library
// cuts it down to one; "" otherwise.
func notWhole(n *yaml.Node, t reflect.Type) string {
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!float" || isUnmarshaler(t) || !isWhole(t) {
		return ""
	}
	var value float64
	if n.Decode(&value) != nil || value == math.Trunc(value) && (value >= 0 || t.Kind() < reflect.Uint) {
		return "" // NaN and what is too large are refused by the library
	}
	return fmt.Sprintf("line %d: cannot unmarshal !!float `%s` into %s", n.Line, n.Value, t)
}

// isWhole reports whether t holds whole numbers.
func isWhole(t reflect.Type) bool {
	return t.Kind() >= reflect.Int && t.Kind() <= reflect.Uint64 && t != reflect.TypeFor[time.Duration]()
}

// Variant is a type whose keys depend on the mapping that is decoded into it: those of the structs that Variants
// returns.
type Variant interface{ Variants(n *yaml.Node) []any }

func isVariant(t reflect.Type) bool { return t.Implements(reflect.TypeFor[Variant]()) }

// hasKeys reports whether the fields of the struct t are the keys of its mapping.
func hasKeys(t reflect.Type) bool {
	return isVariant(t) || t != reflect.TypeFor[yaml.Node]() && !isUnmarshaler(t)
}

// fieldsOf returns the keys that may stand in the mapping n, which is decoded into a t.
func fieldsOf(t reflect.Type, n *yaml.Node) map[string]reflect.Type {
	v, ok := reflect.Zero(t).Interface().(Variant)
	if !ok {
		return yamlFields(t)
	}
	fields := map[string]reflect.Type{}
	for _, s := range v.Variants(n) {
		maps.Copy(fields, yamlFields(reflect.TypeOf(s)))
	}
	return fields
}

func isUnmarshaler(t reflect.Type) bool {
	return reflect.PointerTo(t).Implements(reflect.TypeFor[yaml.Unmarshaler]())
}

func yamlFields(t reflect.Type) map[string]reflect.Type {
	fields := map[string]reflect.Type{}
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case strings.Contains(options, "inline"):
			for k, v := range yamlFields(f.Type) {
				fields[k] = v
			}
		case name == "-" || !f.IsExported():
		case name == "":
			fields[strings.ToLower(f.Name)] = f.Type
		default:
			fields[name] = f.Type
		}
	}
	return fields
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func inside(path string) string {
	if path == "" {
		return ""
	}
	return " in " + path
}

// keys returns the names of fields in order.
func keys(fields map[string]reflect.Type) []string { return slices.Sorted(maps.Keys(fields)) }

// RefuseAliases returns an error for each alias and merge key of the document, with its place. A file that may come
// from strangers is refused with them: aliases of aliases expand to more than fits into memory.
func (d Document) RefuseAliases() error {
	var errs []error
	var walk func(n *yaml.Node)
	walk = func(n *yaml.Node) {
		if n.Kind == yaml.AliasNode {
			errs = append(errs, Mistake{File: d.File, Line: n.Line, Column: n.Column, Message: fmt.Sprintf(
				"the alias *%s is not supported here; write the value out", n.Value)})
			return
		}
		for _, c := range n.Content {
			walk(c)
		}
	}
	walk(d.Root)
	return errors.Join(errs...)
}
