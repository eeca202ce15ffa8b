package paths

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/spelling"
)

// None is the value of a part that a service does not have.
const None = "none"

// shipped are the values that the templates of dxctl support. A golden path that has templates for others says so in
// supports of its path.yaml. The first value is meant if path.yaml has none.
var shipped = map[string][]string{
	"compute":         {"kubernetes"},
	"database":        {None, "postgresql"},
	"cache":           {None, "redis"},
	"metrics":         {"prometheus"},
	"logging":         {"structured-json"},
	"tracing":         {"opentelemetry"},
	"pipeline":        {"github-actions"},
	"deploy_strategy": {"rolling"},
	"environments":    {"staging", "production"},
}

// specKeys are the keys of path.yaml whose values templates can use, with their place.
var specKeys = []struct{ name, at string }{
	{"language", "service.language"},
	{"framework", "service.framework"},
	{"compute", "infrastructure.compute"},
	{"database", "infrastructure.database"},
	{"cache", "infrastructure.cache"},
	{"metrics", "observability.metrics"},
	{"logging", "observability.logging"},
	{"tracing", "observability.tracing"},
	{"pipeline", "ci_cd.pipeline"},
	{"deploy_strategy", "ci_cd.deploy_strategy"},
}

// value returns the value of a key of specKeys.
func (s *Spec) value(name string) *string {
	switch name {
	case "language":
		return &s.Service.Language
	case "framework":
		return &s.Service.Framework
	case "compute":
		return &s.Infrastructure.Compute
	case "database":
		return &s.Infrastructure.Database
	case "cache":
		return &s.Infrastructure.Cache
	case "metrics":
		return &s.Observability.Metrics
	case "logging":
		return &s.Observability.Logging
	case "tracing":
		return &s.Observability.Tracing
	case "pipeline":
		return &s.CICD.Pipeline
	case "deploy_strategy":
		return &s.CICD.DeployStrategy
	}
	return new(string)
}

const (
	maxValue        = 200
	maxEnvironments = 10
)

// specReader reads the part of path.yaml that describes a service.
type specReader struct {
	d        *document
	w        *description
	supports map[string][]string
	found    []placeholder
}

// placeholder is a question in a value of path.yaml.
type placeholder struct {
	question string
	at       string // path of the value
	key      string // key of the value if it is nothing but the placeholder; else ""
}

func newSpecReader(d *document, w *description) specReader {
	s := specReader{d: d, w: w, supports: maps.Clone(shipped)}
	for _, key := range slices.Sorted(maps.Keys(w.Supports)) {
		if _, ok := shipped[key]; !ok {
			d.fail("supports."+key, "supports has no key %q%s", key, spelling.Hint(key, slices.Sorted(maps.Keys(shipped))))
			continue
		}
		values := w.Supports[key]
		if len(values) == 0 || len(values) > 50 {
			d.fail("supports."+key, "supports.%s has %d values; list between 1 and 50, the usual one first", key, len(values))
			continue
		}
		for i, v := range values {
			if !wordPattern.MatchString(v) {
				d.fail(fmt.Sprintf("supports.%s[%d]", key, i), "value %.80q is not a word of lower-case letters, digits, dots and "+
					"hyphens", v)
			}
		}
		s.supports[key] = values
	}
	return s
}

// wordPattern is what the values of infrastructure, observability and ci_cd are.
var wordPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{0,62}$`)

// read checks the values and sets those that are missing.
func (s *specReader) read() {
	spec := &s.d.l.p.Spec
	s.d.l.p.NameQuestion = "service_name"
	if spec.Service.Name == "" {
		spec.Service.Name = "{{ service_name }}"
	}
	if names := s.text("service.name", "", spec.Service.Name); len(names) == 1 && isPlaceholder(spec.Service.Name) {
		s.d.l.p.NameQuestion = names[0]
	} else if len(names) != 1 {
		s.d.fail("service.name", "service.name is %.80q; it must have exactly one placeholder, because every service has a "+
			`name of its own: "{{ service_name }}"`, spec.Service.Name)
	} else {
		s.d.l.p.NameQuestion = names[0]
	}
	for _, k := range specKeys {
		v := spec.value(k.name)
		supported := s.supports[k.name]
		if *v == "" && len(supported) > 0 {
			*v = supported[0]
		}
		names := s.text(k.at, k.name, *v)
		if len(supported) > 0 && len(names) == 0 && !slices.Contains(supported, *v) {
			s.unsupported(k.at, *v, supported)
		}
		if len(supported) > 0 && len(names) > 0 && !isPlaceholder(*v) {
			s.d.fail(k.at, "%s is %.80q; write either one of %s, or one placeholder such as \"{{ %s }}\"", k.at, *v,
				strings.Join(supported, ", "), k.name)
		}
	}
	s.environments(spec)
}

func (s *specReader) unsupported(at, value string, supported []string) {
	hint := ""
	if near := spelling.Nearest(value, supported); near != "" {
		hint = fmt.Sprintf(" (did you mean %s?)", near)
	}
	name, _, _ := strings.Cut(at, "[")
	s.d.fail(at, "%s %.80q is not supported%s; supported: %s. A golden path that has a template for it lists it in "+
		"supports.%s", name, value, hint, strings.Join(supported, ", "), name[strings.LastIndexByte(name, '.')+1:])
}

func (s *specReader) environments(spec *Spec) {
	supported := s.supports["environments"]
	list := &spec.CICD.Environments
	if *list != nil && len(*list) == 0 {
		s.d.fail("ci_cd.environments", "ci_cd.environments is empty; name at least one of %s, or remove the key for all of "+
			"them", strings.Join(supported, ", "))
	}
	if len(*list) == 0 {
		*list = slices.Clone(supported)
	}
	if len(*list) > maxEnvironments {
		s.d.fail("ci_cd.environments", "%d environments; at most %d are supported", len(*list), maxEnvironments)
		return
	}
	for i, e := range *list {
		at := fmt.Sprintf("ci_cd.environments[%d]", i)
		switch {
		case len(s.text(at, "environments", e)) > 0:
			s.d.fail(at, "environment %.80q has a placeholder; name the environments, because the path has a "+
				"template for each", e)
		case !slices.Contains(supported, e):
			s.unsupported(at, e, supported)
		case slices.Index(*list, e) != i:
			s.d.fail(at, "environment %q is listed twice", e)
		}
	}
}

// text checks a value and returns the questions in it.
func (s *specReader) text(at, key, value string) []string {
	err := safeText(strings.ReplaceAll(strings.ReplaceAll(value, "{{", ""), "}}", ""))
	if err == nil && len(value) > maxValue {
		err = fmt.Errorf("is longer than %d bytes", maxValue)
	}
	if err != nil {
		s.d.fail(at, "%s %v", at, err)
		return nil
	}
	names, err := placeholders(value)
	if err != nil {
		s.d.fail(at, "%s is %.80q: %v", at, value, err)
		return nil
	}
	for _, n := range names {
		found := placeholder{question: n, at: at}
		if isPlaceholder(value) {
			found.key = key
		}
		s.found = append(s.found, found)
	}
	return names
}

var (
	placeholderPattern = regexp.MustCompile(`\{\{\s*([^{}]*?)\s*\}\}`)
	questionPattern    = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)
)

// isPlaceholder reports whether a value is a placeholder and nothing else.
func isPlaceholder(value string) bool {
	match := placeholderPattern.FindString(value)
	return match != "" && match == strings.TrimSpace(value)
}

// placeholders returns the questions that a text asks for.
func placeholders(text string) ([]string, error) {
	var names []string
	for _, m := range placeholderPattern.FindAllStringSubmatch(text, -1) {
		if !questionPattern.MatchString(m[1]) || len(m[1]) > 63 {
			return nil, fmt.Errorf("placeholder {{ %.80s }} is not the name of a question; write lower-case letters, digits "+
				"and single underscores, such as {{ service_name }}", m[1])
		}
		if !slices.Contains(names, m[1]) {
			names = append(names, m[1])
		}
	}
	rest := placeholderPattern.ReplaceAllString(text, "")
	if strings.Contains(rest, "{{") || strings.Contains(rest, "}}") {
		return nil, errors.New("a placeholder is not closed; write it as {{ service_name }}")
	}
	return names, nil
}

// fill replaces the placeholders of a text by answers.
func fill(text string, a Answers) string {
	return placeholderPattern.ReplaceAllStringFunc(text, func(match string) string {
		return a[placeholderPattern.FindStringSubmatch(match)[1]]
	})
}

// Resolve returns what path.yaml says with the answers in place of the placeholders.
func (p *Path) Resolve(a Answers) Spec {
	a = p.Complete(a)
	spec := p.Spec
	spec.Service.Name = fill(spec.Service.Name, a)
	for _, k := range specKeys {
		v := spec.value(k.name)
		*v = fill(*v, a)
	}
	spec.CICD.Environments = slices.Clone(spec.CICD.Environments)
	return spec
}
