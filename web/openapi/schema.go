package openapi

import (
	"encoding/json"
	"path"
	"reflect"
	"slices"
	"strings"

	"github.com/swaggest/jsonschema-go"
)

// schemas makes JSON schemas of Go types, as encoding/json writes them. Types of objects become components.
type schemas struct {
	reflector jsonschema.Reflector
	all       map[string]jsonschema.Schema // components by name
	words     map[reflect.Type][]string
	names     map[string]reflect.Type // of the components
}

func newSchemas(words []Words) *schemas {
	s := &schemas{all: map[string]jsonschema.Schema{}, words: map[reflect.Type][]string{},
		names: map[string]reflect.Type{}}
	for _, w := range words {
		s.words[reflect.TypeOf(w.Of)] = w.Values
	}
	// Names without the package: what clients are generated from should not have the words of our packages.
	s.reflector.DefaultOptions = append(s.reflector.DefaultOptions,
		jsonschema.InterceptDefName(func(t reflect.Type, _ string) string { return s.name(t) }),
		jsonschema.DefinitionsPrefix("#/components/schemas/"),
		jsonschema.CollectDefinitions(func(name string, schema jsonschema.Schema) { s.all[name] = schema }),
		jsonschema.InterceptNullability(nullable),
		jsonschema.InterceptProp(property),
		jsonschema.InterceptSchema(s.enumerate),
		jsonschema.RootRef,
	)
	return s
}

// name returns the name of a component: that of the type, which a generic one has its type's in front of. Of two types
// with one name, the second has its package in front, too.
func (s *schemas) name(t reflect.Type) string {
	own, of, generic := strings.Cut(t.Name(), "[")
	if generic {
		own = of[strings.LastIndex(of, ".")+1:len(of)-1] + own
	}
	own = strings.ToUpper(own[:1]) + own[1:]
	if first, taken := s.names[own]; taken && first != t {
		of := path.Base(t.PkgPath())
		own = strings.ToUpper(of[:1]) + of[1:] + own
	}
	s.names[own] = t
	return own
}

// describes is a value whose JSON schema does not follow from its type.
type describes interface{ Schema() map[string]any }

// of returns the schema of one of the values.
func (s *schemas) of(values ...any) (object, error) {
	var each []object
	for _, v := range values {
		if own, ok := v.(describes); ok {
			raw, err := json.Marshal(own.Schema())
			if err != nil {
				return nil, err
			}
			one := object{}
			if err := json.Unmarshal(raw, &one); err != nil {
				return nil, err
			}
			each = append(each, one)
			continue
		}
		schema, err := s.reflector.Reflect(v)
		if err != nil {
			return nil, err
		}
		schema.Definitions = nil // they are components
		raw, err := json.Marshal(schema)
		if err != nil {
			return nil, err
		}
		one := object{}
		if err := json.Unmarshal(raw, &one); err != nil {
			return nil, err
		}
		each = append(each, one)
	}
	switch len(each) {
	case 0:
		return object{}, nil
	case 1:
		return each[0], nil
	}
	return object{"anyOf": each}, nil
}

// nullable takes null from lists and maps: the documents have empty ones instead.
func nullable(p jsonschema.InterceptNullabilityParams) {
	if kind := p.Type.Kind(); p.NullAdded && (kind == reflect.Slice || kind == reflect.Map) {
		p.Schema.RemoveType(jsonschema.Null)
	}
}

// property marks fields that are always there, and pointers to objects, which may be null.
func property(p jsonschema.InterceptPropParams) error {
	if !p.Processed {
		return nil
	}
	_, options, _ := strings.Cut(p.Field.Tag.Get("json"), ",")
	absent := slices.ContainsFunc(strings.Split(options, ","), func(o string) bool {
		return o == "omitempty" || o == "omitzero"
	})
	if !absent && !slices.Contains(p.ParentSchema.Required, p.Name) {
		p.ParentSchema.Required = append(p.ParentSchema.Required, p.Name)
	}
	if p.Field.Type.Kind() == reflect.Pointer && !absent && p.PropertySchema.Ref != nil {
		reference := *p.PropertySchema
		null := jsonschema.Schema{}
		null.AddType(jsonschema.Null)
		*p.PropertySchema = jsonschema.Schema{
			AnyOf: []jsonschema.SchemaOrBool{reference.ToSchemaOrBool(), null.ToSchemaOrBool()},
		}
	}
	return nil
}

// enumerate adds the values of the types of words.
func (s *schemas) enumerate(p jsonschema.InterceptSchemaParams) (stop bool, err error) {
	if !p.Processed || !p.Value.IsValid() {
		return false, nil
	}
	for _, value := range s.words[p.Value.Type()] {
		p.Schema.Enum = append(p.Schema.Enum, value)
	}
	return false, nil
}
