package paths

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"text/template"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// plain are the functions of text/template that templates may use. The others format, index or call, which no template
// of a golden path needs.
var plain = []string{"and", "or", "not", "eq", "ne"}

// ours are the functions of dxctl, besides the questions and the keys of path.yaml.
var ours = []string{
	"yaml", "json", "shell", "xml", "upper", "lower", "snake", "kebab", "camel", "pascal", "default", "has",
	"environments",
}

// words are what text/template reads as something else than the name of a function.
var words = []string{
	"true", "false", "nil", "if", "else", "end", "range", "with", "define", "template", "block", "break", "continue",
	"call", "html", "index", "js", "len", "print", "printf", "println", "slice", "urlquery", "lt", "le", "gt", "ge",
	"defaults", "dxctl",
}

// taken returns why a question cannot have a name; key is the key of path.yaml whose value the question is.
func taken(name, key string) string {
	switch {
	case slices.Contains(ours, name), slices.Contains(plain, name), slices.Contains(words, name):
		return fmt.Sprintf("templates use %s for something else", name)
	case isKey(name) && key != name:
		return fmt.Sprintf("templates use %s for the value of that key of path.yaml", name)
	}
	return ""
}

// isKey reports whether templates use a name for a value of path.yaml.
func isKey(name string) bool {
	return slices.ContainsFunc(specKeys, func(k struct{ name, at string }) bool { return k.name == name })
}

// names returns all functions that the templates of the path may use, in order.
func (p *Path) names() []string {
	all := slices.Concat(plain, ours)
	for _, q := range p.Questions {
		if questionPattern.MatchString(q.Name) { // others were reported, and are no names of functions
			all = append(all, q.Name)
		}
	}
	for _, k := range specKeys {
		all = append(all, k.name)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// maxText is how long a text that a function returns may be, in bytes: quoting a quoted text doubles it.
const maxText = 64 << 10

var errLong = fmt.Errorf("a text of a template is longer than %s", size(maxText))

// functions returns the functions with which templates are rendered.
func (p *Path) functions(a Answers, d Defaults) template.FuncMap {
	spec := p.Resolve(a)
	f := template.FuncMap{
		"yaml":  quoteYAML,
		"json":  quoteJSON,
		"shell": limited(quoteShell),
		"xml":   limited(quoteXML),
		"upper": limited(strings.ToUpper),
		"lower": limited(strings.ToLower),
		"snake": limited(func(s string) string { return strings.ToLower(strings.Join(split(s), "_")) }),
		"kebab": limited(func(s string) string { return strings.ToLower(strings.Join(split(s), "-")) }),
		"camel": limited(func(s string) string {
			s = pascal(s)
			first := len(s) - len(strings.TrimLeftFunc(s, unicode.IsUpper))
			return strings.ToLower(s[:min(first, 1)]) + s[min(first, 1):]
		}),
		"pascal":       limited(pascal),
		"default":      d.value,
		"has":          slices.Contains[[]string],
		"environments": func() []string { return slices.Clone(spec.CICD.Environments) },
	}
	for _, k := range specKeys {
		value := *spec.value(k.name)
		f[k.name] = func() string { return value }
	}
	for _, q := range p.Questions {
		value := a[q.Name]
		f[q.Name] = func() string { return value }
	}
	return f
}

// limited bounds the text that a function returns.
func limited(f func(string) string) func(any) (string, error) {
	return func(v any) (string, error) {
		text, err := one(v)
		if err != nil {
			return "", err
		}
		if text = f(text); len(text) > maxText {
			return "", errLong
		}
		return text, nil
	}
}

// one returns the text of a value; a list of one label is its label.
func one(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case bool:
		return fmt.Sprint(v), nil
	case Labels:
		return v.String(), nil
	}
	return "", errors.New("a function of a template takes a text here; a list is written with yaml or json")
}

// plainYAML matches texts that need no quotes in YAML wherever they are written, unless they are a word with a meaning.
var plainYAML = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_./-]*$`)

// quoteYAML returns a value as it is written in YAML, in block and flow style: without quotes if they are not needed.
func quoteYAML(v any) (string, error) {
	text, ok := v.(string)
	if !ok {
		return quoteJSON(v)
	}
	if plainYAML.MatchString(text) {
		out, err := yaml.Marshal(text)
		if err == nil && strings.TrimSuffix(string(out), "\n") == text {
			return text, nil
		}
	}
	return quoteJSON(text)
}

// quoteJSON returns a value as JSON, which YAML, TOML, Go and JavaScript read as the same text.
func quoteJSON(v any) (string, error) {
	if labels, ok := v.(Labels); ok {
		if len(labels) == 1 {
			v = labels[0]
		} else {
			v = []string(labels)
		}
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return "", fmt.Errorf("writing a value as JSON: %w", err)
	}
	if out.Len() > maxText {
		return "", errLong
	}
	return strings.TrimSuffix(out.String(), "\n"), nil
}

var plainShell = regexp.MustCompile(`^[A-Za-z0-9_./:@+][A-Za-z0-9_./:@+-]*$`)

// quoteShell returns a text as one word of a POSIX shell.
func quoteShell(text string) string {
	if plainShell.MatchString(text) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

func quoteXML(text string) string {
	var out bytes.Buffer
	if err := xml.EscapeText(&out, []byte(text)); err != nil {
		return ""
	}
	return out.String()
}

// split divides a name into its words: at every character that is no letter or digit, and before a capital letter that
// follows a small one.
func split(text string) []string {
	var parts []string
	var word strings.Builder
	last := ' '
	flush := func() {
		if word.Len() > 0 {
			parts = append(parts, word.String())
			word.Reset()
		}
	}
	for _, r := range text {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			flush()
		case unicode.IsUpper(r) && (unicode.IsLower(last) || unicode.IsDigit(last)):
			flush()
			word.WriteRune(r)
		default:
			word.WriteRune(r)
		}
		last = r
	}
	flush()
	return parts
}

func pascal(text string) string {
	var out strings.Builder
	for _, w := range split(text) {
		first := []rune(w)[0]
		out.WriteRune(unicode.ToUpper(first))
		out.WriteString(strings.ToLower(string([]rune(w)[1:])))
	}
	return out.String()
}

// Values returns the defaults that are set, by the key that templates use.
func (d Defaults) Values() map[string]string {
	values := map[string]string{}
	for key, text := range map[string]string{
		"registry": d.Registry, "package_mirror": d.PackageMirror, "cloud_identity": d.CloudIdentity,
		"runner": d.Runner.String(),
	} {
		if text != "" {
			values[key] = text
		}
	}
	for name, image := range d.BaseImages {
		values["base_images."+name] = image
	}
	return values
}

// DefaultsOf returns the defaults that Values returned.
func DefaultsOf(values map[string]string) Defaults {
	d := Defaults{
		Registry: values["registry"], PackageMirror: values["package_mirror"], CloudIdentity: values["cloud_identity"],
		Runner: labels(values["runner"]),
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if name, ok := strings.CutPrefix(key, "base_images."); ok {
			if d.BaseImages == nil {
				d.BaseImages = map[string]string{}
			}
			d.BaseImages[name] = values[key]
		}
	}
	return d
}

// value is the function default of templates: a default of the organization, or else the template's own.
func (d Defaults) value(key string, fallback ...string) (any, error) {
	if key == "runner" && len(d.Runner) > 0 {
		return d.Runner, nil
	}
	if text := d.Values()[key]; text != "" {
		return text, nil
	}
	if len(fallback) > 0 {
		return fallback[0], nil
	}
	return "", fmt.Errorf("paths.defaults.%s of dx.yaml is not set, and the golden path has no value of its own; set it",
		key)
}
