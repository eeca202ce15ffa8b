package descriptor

import (
	"regexp"
	"strings"

	"github.com/dxctl/dxctl/yamldoc"

	"go.yaml.in/yaml/v3"
)

// A skeleton of a software template is a descriptor with places that are still to be filled in: ${{ values.name }},
// {{cookiecutter.name}}, {% if … %}, <%= name %>, ${name}. It describes nothing.
var (
	placeholder = regexp.MustCompile(`\$\{\{|\{\{|\{%|<%|\$\{|\$\(`)
	// unrendered is what only template engines write; other text may hold {{.
	unrendered = regexp.MustCompile(`\$\{\{|\{%[-+ ]?\s*[a-z]`)
	// rawTemplate recognizes a template that is no YAML at all: a line that is a statement, or an identity to be filled
	// in.
	rawTemplate = regexp.MustCompile(
		`(?m)^[ \t]*(- )?(\{%|\{\{|\{#|<%)|^[ \t"]*(apiVersion|kind|name|namespace|title|type|lifecycle|owner|system)"?[ \t]*:.*(\{\{|\{%|<%)|\$\{\{`,
	)
)

// isTemplate reports whether a descriptor that could be parsed is still a template: its identity or what it refers to
// is to be filled in.
func isTemplate(root *yaml.Node) bool {
	_, kind := yamldoc.Field(root, "kind")
	_, metadata := yamldoc.Field(root, "metadata")
	_, spec := yamldoc.Field(root, "spec")
	if open(kind) {
		return true
	}
	for _, name := range []string{"name", "namespace"} {
		if _, n := yamldoc.Field(metadata, name); open(n) {
			return true
		}
	}
	for _, name := range []string{"type", "lifecycle", "owner", "system", "domain", "parent", "subcomponentOf"} {
		if _, n := yamldoc.Field(spec, name); open(n) {
			return true
		}
	}
	for _, name := range []string{"annotations", "labels"} {
		_, all := yamldoc.Field(metadata, name)
		if all == nil || all.Kind != yaml.MappingNode {
			continue
		}
		for i := 0; i+1 < len(all.Content); i += 2 {
			if n := yamldoc.Resolve(
				all.Content[i+1],
			); n != nil && n.Kind == yaml.ScalarNode && strings.ContainsAny(n.Value, "{%") &&
				unrendered.MatchString(n.Value) {
				return true
			}
		}
	}
	return false
}

// open reports whether a value is to be filled in. {{ name }} without quotes is a mapping in a mapping to YAML.
func open(n *yaml.Node) bool {
	if n == nil {
		return false
	}
	if n.Kind == yaml.MappingNode {
		return len(n.Content) > 0 && n.Content[0].Kind == yaml.MappingNode
	}
	return n.Kind == yaml.ScalarNode && strings.ContainsAny(n.Value, "{%$") && placeholder.MatchString(n.Value)
}
