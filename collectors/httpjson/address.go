package httpjson

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/catalog/descriptor"
)

// address is the address of a source: what placeholders stand for is escaped, so that no value leads elsewhere.
type address struct {
	base  *url.URL // scheme, host and port
	parts []part
}

// part is a literal text of an address, or a placeholder.
type part struct {
	literal string
	name    string // of the placeholder: name, annotations.example.com/key
	path    bool   // {+name}: slashes of the value separate parts of the path
	query   bool   // it follows the question mark
}

var placeholder = regexp.MustCompile(`\{(\+?)([^{}]*)\}`)

// entityFields are what a placeholder can stand for, besides annotations and labels.
var entityFields = map[string]func(descriptor.Entity) string{
	"ref":       func(e descriptor.Entity) string { return e.Ref },
	"kind":      func(e descriptor.Entity) string { return e.Kind },
	"namespace": func(e descriptor.Entity) string { return e.Namespace },
	"name":      func(e descriptor.Entity) string { return e.Name },
	"type":      func(e descriptor.Entity) string { return e.Type },
	"lifecycle": func(e descriptor.Entity) string { return e.Lifecycle },
	"owner":     func(e descriptor.Entity) string { return e.Owner },
	"system":    func(e descriptor.Entity) string { return e.System },
}

var fieldNames = []string{"ref", "kind", "namespace", "name", "type", "lifecycle", "owner", "system"}

const (
	annotationPrefix = "annotations."
	labelPrefix      = "labels."
)

// parseAddress parses the configured address.
func parseAddress(text string) (address, error) {
	plain := placeholder.ReplaceAllString(text, "x")
	u, err := url.Parse(plain)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return address{}, errors.New("url: give an absolute http or https URL, such as " +
			"https://sonar.example.com/api/measures?component={name}")
	}
	if u.User != nil || u.Fragment != "" {
		return address{}, errors.New("url: remove the user and the fragment; credentials belong into headers, such as " +
			`Authorization: "Bearer ${SONAR_TOKEN}"`)
	}
	prefix := u.Scheme + "://" + u.Host
	if !strings.HasPrefix(text, prefix) {
		return address{}, errors.New("url: the scheme and the host cannot have placeholders")
	}
	a := address{base: &url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/"}}
	rest := strings.TrimPrefix(text, prefix)
	if strings.ContainsAny(placeholder.ReplaceAllString(rest, ""), "{}") {
		return address{}, errors.New("url: a brace without its pair; a placeholder has the form {name}")
	}
	query := false
	literal := func(text string) {
		query = query || strings.Contains(text, "?")
		a.parts = append(a.parts, part{literal: text})
	}
	at := 0
	for _, m := range placeholder.FindAllStringSubmatchIndex(rest, -1) {
		literal(rest[at:m[0]])
		p := part{name: rest[m[4]:m[5]], path: m[2] < m[3], query: query}
		if err := p.validate(); err != nil {
			return address{}, fmt.Errorf("url: %w", err)
		}
		a.parts = append(a.parts, p)
		at = m[1]
	}
	literal(rest[at:])
	return a, nil
}

func (p part) validate() error {
	for _, prefix := range []string{annotationPrefix, labelPrefix} {
		if key, ok := strings.CutPrefix(p.name, prefix); ok && key != "" {
			return nil
		}
	}
	if slices.Contains(fieldNames, p.name) {
		return nil
	}
	return fmt.Errorf("unknown placeholder {%s}; use one of %s, annotations.KEY, labels.KEY", p.name,
		strings.Join(fieldNames, ", "))
}

// hasPlaceholders reports whether the address is another one for each entity.
func (a address) hasPlaceholders() bool {
	return slices.ContainsFunc(a.parts, func(p part) bool { return p.name != "" })
}

// of returns the address for an entity. The error is the reason why it has none.
func (a address) of(e descriptor.Entity) (string, error) {
	var text strings.Builder
	text.WriteString(a.base.Scheme + "://" + a.base.Host)
	for _, p := range a.parts {
		if p.name == "" {
			text.WriteString(p.literal)
			continue
		}
		value, err := p.value(e)
		if err != nil {
			return "", err
		}
		text.WriteString(value)
	}
	return text.String(), nil
}

// value returns what a placeholder stands for, escaped.
func (p part) value(e descriptor.Entity) (string, error) {
	var value, what string
	if key, ok := strings.CutPrefix(p.name, annotationPrefix); ok {
		value, what = e.Annotations[key], "annotation "+key
	} else if key, ok := strings.CutPrefix(p.name, labelPrefix); ok {
		value, what = e.Labels[key], "label "+key
	} else {
		value, what = entityFields[p.name](e), p.name
	}
	if value = strings.TrimSpace(value); value == "" {
		return "", fmt.Errorf("%s has no %s, which the address of the source needs; add it to the descriptor", e.Ref, what)
	}
	if p.query {
		return url.QueryEscape(value), nil
	}
	segments := []string{value}
	if p.path {
		segments = strings.Split(strings.Trim(value, "/"), "/")
	}
	for i, s := range segments {
		if s == "" || s == "." || s == ".." {
			return "", fmt.Errorf("the %s of %s is %q, which cannot be a part of an address", what, e.Ref, value)
		}
		segments[i] = url.PathEscape(s)
	}
	return strings.Join(segments, "/"), nil
}
