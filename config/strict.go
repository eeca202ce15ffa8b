package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"sort"
	"strings"

	"go.yaml.in/yaml/v3"
)

// positions says where in a file a value stands: "people.files[0]" → line 12.
type positions struct {
	file  string
	lines map[string]int
}

// at returns "file:line" of the value at path, or of its nearest parent that the file mentions.
func (p positions) at(path string) string {
	for path != "" {
		if line, ok := p.lines[path]; ok {
			return fmt.Sprintf("%s:%d", p.file, line)
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return p.file
}

// decodeStrict reads one YAML document into dest, a pointer to a struct. ${NAME} in a value is replaced by the
// environment variable, ${NAME:-text} by text where the variable is not set. Every unknown key, wrong type, doubled key
// and unset variable is reported with file and line, all of them at once.
func decodeStrict(file string, text []byte, dest any) (positions, error) {
	where := positions{file: file, lines: map[string]int{}}
	var doc yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(text))
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return where, nil // an empty file is a configuration of defaults
		}
		return where, atLine(file, err)
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return where, fmt.Errorf("%s: a configuration is one YAML document, and there is a second one", file)
	}
	root := doc.Content[0]
	var errs []error
	expand(root, func(line int, msg string) { errs = append(errs, fmt.Errorf("%s:%d: %s", file, line, msg)) })
	w := walker{file: file, where: where}
	w.check(root, reflect.TypeOf(dest).Elem(), "")
	errs = append(errs, w.errs...)
	if err := root.Decode(dest); err != nil {
		errs = append(errs, atLine(file, err, w.misfits...))
	}
	return where, errors.Join(errs...)
}

var variable = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)(:-([^}]*))?\}`)

// expand replaces variables in scalar values after parsing, so that no value can change the structure of the file.
func expand(n *yaml.Node, fail func(line int, msg string)) {
	if n.Kind == yaml.ScalarNode && strings.Contains(n.Value, "${") {
		n.Value = variable.ReplaceAllStringFunc(n.Value, func(m string) string {
			parts := variable.FindStringSubmatch(m)
			if v, ok := os.LookupEnv(parts[1]); ok {
				return v
			}
			if parts[2] != "" {
				return parts[3]
			}
			fail(n.Line, fmt.Sprintf("the environment variable %s is not set; export it, or write ${%s:-} if it may be empty", parts[1], parts[1]))
			return ""
		})
	}
	for _, c := range n.Content {
		expand(c, fail)
	}
}

// walker compares a YAML tree with the Go type that it will be decoded into.
type walker struct {
	file  string
	where positions
	errs  []error

	misfits []misfit
}

// misfit is a value that its key cannot take: what the library says of it, without the key's name.
type misfit struct {
	path, message string
}

func (w *walker) check(n *yaml.Node, t reflect.Type, path string) {
	if path != "" {
		w.where.lines[path] = n.Line
	}
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case n.Kind == yaml.SequenceNode && t.Kind() == reflect.Slice:
		for i, c := range n.Content {
			w.check(c, t.Elem(), fmt.Sprintf("%s[%d]", path, i))
		}
	case n.Kind == yaml.MappingNode && t.Kind() == reflect.Map:
		for i := 0; i+1 < len(n.Content); i += 2 {
			w.check(n.Content[i+1], t.Elem(), join(path, n.Content[i].Value))
		}
	case n.Kind == yaml.MappingNode && t.Kind() == reflect.Struct && (isVariant(t) || !isUnmarshaler(t)):
		fields := fieldsOf(t, n)
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			ft, ok := fields[key.Value]
			if !ok {
				w.errs = append(w.errs, fmt.Errorf("%s:%d: unknown key %q%s%s", w.file, key.Line, key.Value, inside(path), suggest(key.Value, fields)))
				continue
			}
			w.check(n.Content[i+1], ft, join(path, key.Value))
		}
	default:
		var typed *yaml.TypeError
		if err := n.Decode(reflect.New(t).Interface()); errors.As(err, &typed) {
			for _, message := range typed.Errors {
				w.misfits = append(w.misfits, misfit{path, message})
			}
		}
	}
}

// variant is a type whose keys depend on what stands in the mapping: those of the structs that Variants returns.
type variant interface{ Variants(n *yaml.Node) []any }

func isVariant(t reflect.Type) bool { return t.Implements(reflect.TypeFor[variant]()) }

// fieldsOf returns the keys that may stand in the mapping n, which is decoded into a t.
func fieldsOf(t reflect.Type, n *yaml.Node) map[string]reflect.Type {
	v, ok := reflect.Zero(t).Interface().(variant)
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

// suggest names the keys that exist, the nearest first when one is near.
func suggest(key string, fields map[string]reflect.Type) string {
	names := make([]string, 0, len(fields))
	for n := range fields {
		names = append(names, n)
	}
	sort.Strings(names)
	if best, near := Nearest(key, names); near {
		return fmt.Sprintf("; did you mean %q?", best)
	}
	return "; known here: " + strings.Join(names, ", ")
}

// Nearest returns the name that a person may have meant by word: one that is at most two letters away.
func Nearest(word string, names []string) (best string, near bool) {
	if len(names) == 0 {
		return "", false
	}
	best = slices.MinFunc(names, func(a, b string) int { return distance(word, a) - distance(word, b) })
	return best, distance(word, best) <= 2
}

// distance is the Levenshtein distance of two short words.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}

var yamlLine = regexp.MustCompile(`(?:yaml: )?line (\d+): `)

// goTypes puts the library's words for Go types into words of YAML.
var goTypes = strings.NewReplacer("cannot unmarshal", "cannot use", "!!seq", "a list", "!!map", "a mapping", "!!str ", "the text ",
	"!!int ", "the number ", "!!float ", "the number ", "!!bool ", "the boolean ", "into []string", "as a list of texts", "into string", "as a text",
	"into bool", "as true or false", "into int", "as a whole number", "into map[string][]string", "as a mapping of lists",
	"into time.Duration", "as a duration such as 15m")

// goStruct is what is left of the library's words where a mapping is wanted.
var goStruct = regexp.MustCompile(`into \*?[a-z]+\.[A-Za-z]+$`)

// atLine rewrites the YAML library's errors ("line 3: …") to "file:3: …", one an error. Those of misfits name their key.
func atLine(file string, err error, misfits ...misfit) error {
	messages := []string{err.Error()}
	var typed *yaml.TypeError
	if errors.As(err, &typed) {
		messages = typed.Errors
	}
	var errs []error
	for _, m := range messages {
		line := yamlLine.FindStringSubmatch(m)
		key := ""
		if i := slices.IndexFunc(misfits, func(x misfit) bool { return x.message == m }); i >= 0 {
			key = misfits[i].path + ": "
			misfits = slices.Delete(slices.Clone(misfits), i, i+1)
		}
		m = key + goStruct.ReplaceAllString(goTypes.Replace(strings.TrimPrefix(yamlLine.ReplaceAllString(m, ""), "yaml: ")), "as a mapping")
		if line == nil {
			errs = append(errs, fmt.Errorf("%s: %s", file, m))
			continue
		}
		errs = append(errs, fmt.Errorf("%s:%s: %s", file, line[1], m))
	}
	return errors.Join(errs...)
}
