package actions

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Type is the type of a field.
type Type string

// The types of fields.
const (
	String  Type = "string"
	Boolean Type = "boolean"
	List    Type = "list"  // words, in no order: ids of rules
	Texts   Type = "texts" // names with a text each: answers
)

// Field is a part of the input of an action.
type Field struct {
	Name        string // snake_case; its flag has dashes
	Title       string // of a form: a few words
	Description string // a sentence without a full stop
	Type        Type
	Required    bool
	Default     string   // of a String
	Enum        []string // of a String: the allowed values; nil: any
	Pattern     string   // of a String or of each word: a regular expression that RE2 and ECMA 262 read the same way
	Example     string
	MaxLength   int    // bytes of a String, or of each word or text; 0: [DefaultLength]
	One         string // of a List or of Texts: the name of one of them; the flag of a text takes NAME=VALUE
	Placeholder string // of the value on the command line: NAME; empty: TEXT
	Argument    bool   // on the command line, it is an argument instead of a flag
	// Entity is the kind of the entity of the catalog that a String names, such as Group; empty: it names none. Over HTTP
	// the catalog must have it.
	Entity string
	// Local is a place on the machine of who asks, or a question of the command line. It cannot be given over HTTP.
	Local bool
}

// DefaultLength is the limit of a text, in bytes, unless its field has its own.
const DefaultLength = 4 << 10

// MaxTexts is the limit of the number of names of a field of texts, and of the words of a list.
const MaxTexts = 200

var fieldRule = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

func (f Field) validate() error {
	switch {
	case !fieldRule.MatchString(f.Name):
		return fmt.Errorf("the field name %q is not snake_case", f.Name)
	case f.Title == "" || f.Description == "":
		return fmt.Errorf("the field %s: title and description are required", f.Name)
	case !slices.Contains([]Type{String, Boolean, List, Texts}, f.Type):
		return fmt.Errorf("the field %s: unknown type %q", f.Name, f.Type)
	case f.Type != String && (f.Default != "" || f.Enum != nil || f.Entity != "" || f.Argument):
		return fmt.Errorf("the field %s: only a string has a default, an enum or an entity, or is an argument", f.Name)
	case f.Type != String && f.Type != List && f.Pattern != "":
		return fmt.Errorf("the field %s: only a string and a list have a pattern", f.Name)
	case f.several() != (f.One != ""):
		return fmt.Errorf("the field %s: lists and texts, and only they, have a name of one of them", f.Name)
	}
	if f.Pattern != "" {
		if _, err := regexp.Compile(f.Pattern); err != nil {
			return fmt.Errorf("the field %s: %w", f.Name, err)
		}
	}
	if f.Default != "" {
		if err := f.check(f.Default); err != nil {
			return fmt.Errorf("the default of %w", err)
		}
	}
	return nil
}

// several reports whether the field has several values.
func (f Field) several() bool { return f.Type == List || f.Type == Texts }

// Flag is the name of the flag of the field.
func (f Field) Flag() string { return strings.ReplaceAll(f.Name, "_", "-") }

// length is the limit of a text.
func (f Field) length() int {
	if f.MaxLength > 0 {
		return f.MaxLength
	}
	return DefaultLength
}

// check returns an error for a text that the field does not take.
func (f Field) check(value string) error {
	switch {
	case len(value) > f.length():
		return fmt.Errorf("%s: %d bytes are too long; at most %d are possible", f.Name, len(value), f.length())
	case f.Enum != nil && !slices.Contains(f.Enum, value):
		return fmt.Errorf("%s: %q is not one of %s", f.Name, shown(value), strings.Join(f.Enum, ", "))
	case f.Pattern != "" && !regexp.MustCompile(f.Pattern).MatchString(value):
		example := ""
		if f.Example != "" {
			example = ", for example " + f.Example
		}
		return fmt.Errorf("%s: %q does not match %s%s (%s)", f.Name, shown(value), f.Pattern, example, f.Description)
	}
	return nil
}

// shown shortens a text of a message.
func shown(s string) string {
	const most = 60
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// schema is a part of a JSON schema. Its keys are written in alphabetical order.
type schema map[string]any

func (f Field) schema() schema {
	s := schema{"title": f.Title, "description": f.Description}
	switch f.Type {
	case Boolean:
		s["type"] = "boolean"
	case List:
		word := schema{"type": "string", "maxLength": f.length()}
		if f.Pattern != "" {
			word["pattern"] = f.Pattern
		}
		s["type"], s["items"], s["maxItems"] = "array", word, MaxTexts
	case Texts:
		s["type"] = "object"
		s["additionalProperties"] = schema{"type": "string", "maxLength": f.length()}
		s["maxProperties"] = MaxTexts
	default:
		s["type"] = "string"
		s["maxLength"] = f.length()
	}
	if f.Enum != nil {
		s["enum"] = f.Enum
	}
	if f.Pattern != "" && f.Type == String {
		s["pattern"] = f.Pattern
	}
	if f.Default != "" {
		s["default"] = f.Default
	}
	if f.Example != "" {
		s["examples"] = []any{f.example()}
	}
	return s
}

// example is a value of the field.
func (f Field) example() any {
	if f.Type == List {
		return []string{f.Example}
	}
	return f.Example
}

// Schema returns the JSON schema (draft 2020-12) of the input. remote: of what can be given over HTTP.
func (d Descriptor) Schema(remote bool) map[string]any {
	properties, required := schema{}, []string{}
	for _, f := range d.Fields(remote) {
		properties[f.Name] = f.schema()
		if f.Required || remote && f.Entity != "" {
			required = append(required, f.Name)
		}
	}
	return schema{
		"type": "object", "title": d.Title, "description": d.Description, "properties": properties, "required": required,
		"additionalProperties": false,
	}
}

// Fields returns the fields of the input. remote: without those that cannot be given over HTTP.
func (d Descriptor) Fields(remote bool) []Field {
	return slices.DeleteFunc(slices.Clone(d.Input), func(f Field) bool { return remote && f.Local })
}

// Remote reports whether the action can be planned over HTTP: its input names an entity of the catalog, and nothing
// confines it to the command line.
func (d Descriptor) Remote() bool {
	named := func(f Field) bool { return f.Entity != "" && !f.Local }
	return d.CommandLineOnly == "" && slices.ContainsFunc(d.Input, named)
}
