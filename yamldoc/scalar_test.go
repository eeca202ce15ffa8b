package yamldoc

import (
	"slices"
	"testing"

	"go.yaml.in/yaml/v3"
)

// The values are those of a real Backstage; make test-backstage compares them.
func TestScalarsAsBackstageReadsThem(t *testing.T) {
	for text, want := range map[string]string{
		`!!int "5"`:     "a number",
		`!!int 5`:       "a number",
		`!!int a`:       "a text",
		`!!float "1.5"`: "a number",
		`!!float "1"`:   "a text",
		`!!bool "true"`: "a boolean",
		`!!bool "yes"`:  "a text",
		`!!null ""`:     "nothing",
		`!!null x`:      "a text",
		`!!str 123`:     "a text",
		`!foo 5`:        "a text",
		`"5"`:           "a text",
		`5`:             "a number",
		`yes`:           "a text",
		`~`:             "nothing",
	} {
		var n yaml.Node
		if err := yaml.Unmarshal([]byte("a: "+text), &n); err != nil {
			t.Fatal(err)
		}
		if got := Kind(n.Content[0].Content[1]); got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
}

func TestKeysAsBackstageReadsThem(t *testing.T) {
	for text, want := range map[string]string{
		`a`: "a", `"1.0"`: "1.0", `1`: "1", `1.0`: "1", `1.10`: "1.1", `012`: "12", `0x1F`: "31", `0o17`: "15", `-0`: "0",
		`1e3`: "1000", `1e21`: "1e+21", `1e-7`: "1e-7", `1.5e-10`: "1.5e-10", `.inf`: "Infinity", `-.INF`: "-Infinity",
		`.NaN`: "NaN", `123456789012345678901234`: "1.2345678901234569e+23", `0xffffffffffffffffffff`: "1.2089258196146292e+24", `1e999`: "Infinity",
		`True`: "true", `FALSE`: "false", `yes`: "yes", `~`: "", `null`: "", `"~"`: "~", `2026-01-02`: "2026-01-02",
	} {
		for doc := range Documents([]byte("{" + text + ": x}\n")) {
			warn := func(line int, format string, args ...any) { t.Errorf(text+": "+format, args...) }
			m := FieldReader{Warn: warn}.Mapping(doc.Node, "")
			if len(m.Entries) != 1 || m.Entries[0].Key != want {
				t.Errorf("%s: %+v, want the key %q", text, m.Entries, want)
			}
		}
	}
}

// A document may follow the mark of an end without a mark of its own.
func TestDocumentsBehindAnEnd(t *testing.T) {
	const text = "a: 1\n...\nb: 2\n...  \n# nothing\n...\n%YAML 1.2\n---\nc: |\n  ...\n  x\n...\r\nd: 4\n... x: no mark\n"
	var got []string
	var lines []int
	for doc := range Documents([]byte(text)) {
		if doc.Err != nil {
			got, lines = append(got, "error"), append(lines, doc.Line)
			continue
		}
		got, lines = append(got, doc.Node.Content[0].Value), append(lines, doc.StartLine())
	}
	if !slices.Equal(got, []string{"a", "b", "c", "error"}) || !slices.Equal(lines[:3], []int{1, 3, 9}) {
		t.Errorf("documents %q at lines %d", got, lines)
	}
}
