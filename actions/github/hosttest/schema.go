package hosttest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// schemaFile is where `make github-schemas` puts the description of the API, in the module: that of Enterprise Cloud,
// which has what github.com has, and internal repositories.
const schemaFile = "actions/github/hosttest/testdata/schemas/node_modules/@octokit/openapi/generated/ghec.json"

// module is the root of the module: tests change their directory later.
var module = func() string {
	dir, err := os.Getwd()
	for ; err == nil && dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
	}
	return "."
}()

// Contract is GitHub's own description of its requests. It is safe for concurrent use.
type Contract struct {
	paths   map[string]map[string]json.RawMessage // by path and method
	schemas map[string]json.RawMessage            // that others refer to

	mutex    sync.Mutex
	compiled map[string]*jsonschema.Schema // by method and path
}

// published is read once for all tests of a package.
var published = sync.OnceValues(func() (*Contract, error) {
	text, err := os.ReadFile(filepath.Join(module, filepath.FromSlash(schemaFile)))
	if err != nil {
		return nil, fmt.Errorf("the schemas of GitHub's requests are missing; run \"make github-schemas\" first: %w", err)
	}
	c := &Contract{compiled: map[string]*jsonschema.Schema{}}
	var document struct {
		Paths      map[string]map[string]json.RawMessage `json:"paths"`
		Components struct {
			Schemas map[string]json.RawMessage `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(text, &document); err != nil {
		return nil, fmt.Errorf("reading %s: %w", schemaFile, err)
	}
	c.paths, c.schemas = document.Paths, document.Components.Schemas
	return c, nil
})

// Published returns the description that `make github-schemas` downloaded.
func Published(t testing.TB) *Contract {
	t.Helper()
	c, err := published()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Check returns an error for a request that GitHub does not describe: a path or a method that it does not have, or a
// body that its schema refuses or does not name all of. path has its leading slash.
func (c *Contract) Check(method, path string, body []byte) error {
	template, ok := c.template(strings.ToLower(method), path)
	if !ok {
		return fmt.Errorf("GitHub has no %s %s", method, path)
	}
	schema, required, err := c.schema(strings.ToLower(method), template)
	body = bytes.TrimSpace(body)
	switch {
	case err != nil:
		return err
	case len(body) == 0 && required:
		return fmt.Errorf("%s %s: it needs a body", method, template)
	case len(body) == 0:
		return nil
	case schema == nil:
		return fmt.Errorf("%s %s: it takes no body, and got %.200s", method, template, body)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err == nil {
		err = schema.Validate(value)
	}
	if err != nil {
		return fmt.Errorf("%s %s: GitHub refuses %.500s: %w", method, template, body, err)
	}
	return nil
}

// template returns the path of the description that a path fits: the one with the fewest parameters. The last parameter
// of a path of refs and files may have slashes.
func (c *Contract) template(method, path string) (string, bool) {
	segments := strings.Split(strings.Trim(path, "/"), "/")
	best, fewest := "", len(segments)+1
	for template, methods := range c.paths {
		if _, ok := methods[method]; !ok {
			continue
		}
		parts := strings.Split(strings.Trim(template, "/"), "/")
		last := parts[len(parts)-1]
		if slices.Contains([]string{"{ref}", "{path}", "{basehead}", "{branch}"}, last) && len(segments) > len(parts) {
			parts = append(parts, slices.Repeat([]string{last}, len(segments)-len(parts))...)
		}
		parameters := 0
		fits := slices.EqualFunc(parts, segments, func(part, segment string) bool {
			if strings.HasPrefix(part, "{") {
				parameters++
				return segment != ""
			}
			return part == segment
		})
		if fits && parameters < fewest {
			best, fewest = template, parameters
		}
	}
	return best, best != ""
}

// schema returns the schema of the body of a request; nil if it takes none.
func (c *Contract) schema(method, template string) (schema *jsonschema.Schema, required bool, err error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	var operation struct {
		Body *struct {
			Required bool `json:"required"`
			Content  map[string]struct {
				Schema any `json:"schema"`
			} `json:"content"`
		} `json:"requestBody"`
	}
	if err := json.Unmarshal(c.paths[template][method], &operation); err != nil {
		return nil, false, fmt.Errorf("reading %s %s: %w", method, template, err)
	}
	if operation.Body == nil || operation.Body.Content["application/json"].Schema == nil {
		return nil, false, nil
	}
	key := method + " " + template
	if known := c.compiled[key]; known != nil {
		return known, operation.Body.Required, nil
	}
	r := reading{contract: c, schemas: map[string]any{}}
	root := r.at(operation.Body.Content["application/json"].Schema)
	document := map[string]any{"body": root, "components": map[string]any{"schemas": r.schemas}}
	compiler := jsonschema.NewCompiler()
	const address = "https://schemas.example/body.json"
	if err := errors.Join(r.err, compiler.AddResource(address, document)); err != nil {
		return nil, false, fmt.Errorf("reading the schema of %s: %w", key, err)
	}
	if schema, err = compiler.Compile(address + "#/body"); err != nil {
		return nil, false, fmt.Errorf("reading the schema of %s: %w", key, err)
	}
	c.compiled[key] = schema
	return schema, operation.Body.Required, nil
}

// reading makes a JSON schema (draft 2020-12) of a schema of OpenAPI 3.0, with the components that it refers to.
type reading struct {
	contract *Contract
	schemas  map[string]any
	err      error
}

const componentPrefix = "#/components/schemas/"

// at returns the schema of a value. A key of an object that it does not name is refused: the name would be mistyped.
func (r *reading) at(node any) any {
	s, ok := r.convert(node).(object)
	if !ok {
		return node
	}
	_, open := s["additionalProperties"]
	for _, key := range []string{"properties", "$ref", "oneOf", "anyOf", "allOf"} {
		if _, has := s[key]; has && !open {
			s["unevaluatedProperties"] = false
		}
	}
	return s
}

func (r *reading) convert(node any) any {
	s, ok := node.(object)
	if !ok {
		return node
	}
	converted := object{}
	for key, value := range s {
		switch key {
		case "properties":
			properties := object{}
			all, _ := value.(object)
			for name, of := range all {
				properties[name] = r.at(of)
			}
			converted[key] = properties
		case "items":
			converted[key] = r.at(value)
		case "additionalProperties":
			converted[key] = r.convert(value)
		case "oneOf", "anyOf", "allOf":
			list, _ := value.([]any)
			branches := make([]any, len(list))
			for i, of := range list {
				branches[i] = r.convert(of)
			}
			converted[key] = branches
		case "$ref":
			reference, _ := value.(string)
			r.component(reference)
			converted[key] = reference
		case "nullable", "example", "examples", "discriminator", "xml", "externalDocs", "deprecated", "x-multi-segment":
		default:
			converted[key] = value
		}
	}
	if s["nullable"] != true {
		return converted
	}
	return object{"anyOf": []any{converted, object{"type": "null"}}}
}

func (r *reading) component(reference string) {
	name, ok := strings.CutPrefix(reference, componentPrefix)
	if _, known := r.schemas[name]; known || !ok {
		return
	}
	r.schemas[name] = nil // it may refer to itself
	var node any
	if err := json.Unmarshal(r.contract.schemas[name], &node); err != nil {
		r.err = errors.Join(r.err, fmt.Errorf("reading the component %s: %w", name, err))
	}
	r.schemas[name] = r.convert(node)
}
