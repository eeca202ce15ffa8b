package yamldoc

import (
	"regexp"

	"go.yaml.in/yaml/v3"
)

// Kind returns the type of a value as messages name it: "a mapping", "a list", "a text", "a number", "a boolean" or
// "nothing".
func Kind(n *yaml.Node) string {
	switch {
	case n == nil:
		return "nothing"
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	}
	if kind := scalarKind(n); kind != "text" {
		return kind
	}
	return "a text"
}

// The scalars of YAML 1.2's core schema, by which Backstage reads descriptors:
// https://yaml.org/spec/1.2.2/#103-core-schema. In it yes, 1_000 and 2026-01-02 are texts.
var (
	coreNull   = regexp.MustCompile(`^(null|Null|NULL|~|)$`)
	coreBool   = regexp.MustCompile(`^(true|True|TRUE|false|False|FALSE)$`)
	coreInt    = regexp.MustCompile(`^([-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$`)
	coreNumber = regexp.MustCompile(`^([-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+|` +
		`[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$`)
)

// scalarKind returns what a scalar is to Backstage: "text", "a number", "a boolean" or "nothing".
func scalarKind(n *yaml.Node) string {
	const quoted = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle
	if n.Style&yaml.TaggedStyle != 0 {
		return taggedKind(n)
	}
	if n.Style&quoted != 0 {
		return "text"
	}
	switch v := n.Value; {
	case v == "":
		return "nothing"
	case v[0] >= 'g' && v[0] != 'n' && v[0] != 't' && v[0] != '~': // most texts
		return "text"
	case coreNull.MatchString(v):
		return "nothing"
	case coreBool.MatchString(v):
		return "a boolean"
	case coreNumber.MatchString(v):
		return "a number"
	}
	return "text"
}

// taggedKind returns what a scalar with a written tag is, in quotes or not: what the tag names if the value has the
// form of that, else a text.
func taggedKind(n *yaml.Node) string {
	v := n.Value
	switch tag := n.ShortTag(); {
	case tag == "!!int" && coreInt.MatchString(v),
		tag == "!!float" && coreNumber.MatchString(v) && !coreInt.MatchString(v):
		return "a number"
	case tag == "!!bool" && coreBool.MatchString(v):
		return "a boolean"
	case tag == "!!null" && coreNull.MatchString(v):
		return "nothing"
	}
	return "text"
}
