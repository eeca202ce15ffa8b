package format

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

func compiledSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("scorecard.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("scorecard.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// asJSON returns a YAML document as an editor hands it to a schema: dates are texts.
func asJSON(t *testing.T, text string) any {
	t.Helper()
	var node yaml.Node
	if err := yaml.Unmarshal([]byte(text), &node); err != nil {
		t.Fatal(err)
	}
	var plainDates func(n *yaml.Node)
	plainDates = func(n *yaml.Node) {
		if n.Tag == "!!timestamp" {
			n.Tag = "!!str"
		}
		for _, c := range n.Content {
			plainDates(c)
		}
	}
	plainDates(&node)
	var value any
	if err := node.Decode(&value); err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(raw)))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestSchemaTakesTheBuiltInFiles(t *testing.T) {
	schema := compiledSchema(t)
	names, err := filepath.Glob("../builtin/*/scorecard.yaml")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(asJSON(t, string(data))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

const card = `apiVersion: dxctl.dev/v1
kind: Scorecard
name: mine
levels: [bronze]
rules:
  - id: r
    level: bronze
    title: R
    effort: days
`

// TestSchemaAgreesWithTheLoader: what the schema refuses, the loader refuses, and the other way round as far as it is
// not about expressions or about the relation of several values.
func TestSchemaAgreesWithTheLoader(t *testing.T) {
	schema := compiledSchema(t)
	for _, tt := range []struct {
		rule string // lines of the rule
		ok   bool
	}{
		{"expr: 'true'", true},
		{"", false},
		{"expr: 'true'\nbands: {value: '1', pass: '<= 1'}", false},
		{"bands: {value: '1', pass: '<= 1', warn: '<= 2'}", true},
		{"bands: [{value: '1', pass: '<= 1'}, {value: '1', pass: '>= 1'}]", true},
		{"bands: []", false},
		{"bands: {value: '1', pass: '10'}", false},
		{"bands: {pass: '<= 1'}", false},
		{"bands: {value: '1', pass: '<= 1', fail: '> 2'}", false},
		{"expr: 'true'\nstatus: announced\nenforced_from: 2027-02-01", true},
		{"expr: 'true'\nstatus: announced", false},
		{"expr: 'true'\nenforced_from: 2027-02-01", false},
		{"expr: 'true'\nstatus: announced\nenforced_from: soon", false},
		{"expr: 'true'\nstatus: later", false},
		{"expr: 'true'\ngrace: 30d\nfreshness: 12h", true},
		{"expr: 'true'\ngrace: 30 days", false},
		{"expr: 'true'\ngrace: 0d", false},
		{"expr: 'true'\nweight: 0", false},
		{"expr: 'true'\nweight: 2.5", true},
		{"expr: 'true'\nweight: heavy", false},
		{"expr: 'true'\nweight: 1000000.5", false},
		{"expr: 'true'\nversion: 0", false},
		{"expr: 'true'\nversion: 1.5", false},
		{"expr: 'true'\nversion: 2147483648", false},
		{"expr: 'true'\napplies_note: x", false},
		{"expr: 'true'\napplies: 'true'\napplies_note: x", true},
		{"review: {note: Look.}", true},
		{"review: {when: 'true', note: Look.}", false},
		{"expr: 'true'\nreview: {note: Look.}", false},
		{"expr: 'true'\nreview: {when: 'true', note: Look.}", true},
		{"expr: 'true'\nreview: {when: 'true'}", false},
		{"expr: 'true'\naction: {kind: patch, command: dxctl fix}", true},
		{"expr: 'true'\naction: {kind: [patch, ask]}", true},
		{"expr: 'true'\naction: {kind: magic}", false},
		{"expr: 'true'\naction: {command: x}", false},
		{"expr: 'true'\nlinks: [{title: T, url: https://example.com/a}]", true},
		{"expr: 'true'\nlinks: [{title: T}]", false},
		{"expr: 'true'\nlinks: [{title: T, url: 'HTTP://example.com'}, {title: T, url: 'https://[::1]:80?a=b@c'}]", true},
		{"expr: 'true'\nlinks: [{title: T, url: wiki}]", false},
		{"expr: 'true'\nlinks: [{title: T, url: 'javascript:alert(1)'}]", false},
		{"expr: 'true'\nlinks: [{title: T, url: 'https://'}]", false},
		{"expr: 'true'\nlinks: [{title: T, url: 'https://ana:secret@example.com/'}]", false},
		{"expr: 'true'\nwaivable: maybe", false},
		{"expr: 'true'\ndocs: https://example.com", false},
	} {
		text := card
		for line := range strings.Lines(tt.rule) {
			text += "    " + strings.TrimRight(line, "\n") + "\n"
		}
		invalid := schema.Validate(asJSON(t, text))
		_, problems := Read([]byte(text), "card.yaml")
		if (invalid == nil) != tt.ok {
			t.Errorf("%q: the schema returns %v", tt.rule, invalid)
		}
		if (len(problems) == 0) != tt.ok {
			t.Errorf("%q: the loader returns %v", tt.rule, problems)
		}
		for _, p := range problems {
			if p.Line == 0 || p.Column == 0 {
				t.Errorf("%q: problem without a place: %v", tt.rule, p)
			}
		}
	}
	for old, broken := range map[string]string{
		"dxctl.dev/v1": "dxctl.dev/v2", "kind: Scorecard": "kind: Card", "name: mine": "name: My Card", "levels: [bronze]": "levels: []",
		"id: r": "id: R R", "effort: days": "effort: years", "title: R": "titel: R",
	} {
		text := strings.Replace(card+"    expr: 'true'\n", old, broken, 1)
		if err := schema.Validate(asJSON(t, text)); err == nil {
			t.Errorf("the schema takes %q", broken)
		}
		if _, problems := Read([]byte(text), "card.yaml"); len(problems) == 0 {
			t.Errorf("the loader takes %q", broken)
		}
	}
}

// TestEveryKeyIsDescribed: an editor has a text for each key.
func TestEveryKeyIsDescribed(t *testing.T) {
	text, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	var root map[string]any
	if err := json.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	var walk func(path string, value any)
	walk = func(path string, value any) {
		node, ok := value.(map[string]any)
		if !ok {
			return
		}
		if properties, ok := node["properties"].(map[string]any); ok && node["additionalProperties"] == false {
			for name, property := range properties {
				at := strings.TrimPrefix(path+"."+name, ".")
				found[at] = true
				if p, ok := property.(map[string]any); !ok || p["description"] == nil {
					t.Errorf("%s has no description", at)
				}
				walk(at, property)
			}
		}
		walk(path, node["items"])
		if alternatives, ok := node["anyOf"].([]any); ok {
			for _, a := range alternatives {
				walk(path, a)
			}
		}
	}
	walk("", root)
	for at := range descriptions {
		if !found[at] {
			t.Errorf("%s is described and does not exist", at)
		}
	}
	if len(found) < 40 {
		t.Errorf("only %s found", fmt.Sprint(found))
	}
}
