package strictyaml_test

import (
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/dxctl/dxctl/strictyaml"
)

type settings struct {
	Name     string            `yaml:"name"`
	Files    []string          `yaml:"files"`
	Every    time.Duration     `yaml:"every"`
	Labels   map[string]string `yaml:"labels"`
	Anything yaml.Node         `yaml:"anything"`
	Parts    []part            `yaml:"parts"`
}

type part struct {
	Count uint32 `yaml:"count"`
	On    bool   `yaml:"on"`
}

func TestDecode(t *testing.T) {
	const text = `name: a
anything: {free: [1, 2]}
parts:
  - count: 3
  - {count: 4, on: true}
labels: {x: y}
`
	docs, err := strictyaml.Read("a.yaml", []byte(text))
	if err != nil || len(docs) != 1 {
		t.Fatal(docs, err)
	}
	var s settings
	where, err := docs[0].Decode(&s)
	if err != nil || s.Name != "a" || len(s.Parts) != 2 || !s.Parts[1].On || s.Anything.Kind != yaml.MappingNode {
		t.Errorf("%+v, %v", s, err)
	}
	for path, want := range map[string]string{
		"name": "a.yaml:1", "parts[1].count": "a.yaml:5", "parts[1]": "a.yaml:5", "parts[0].on": "a.yaml:4", "labels.x": "a.yaml:6",
		"files[3]": "a.yaml", "": "a.yaml",
	} {
		if got := where.At(path); got != want {
			t.Errorf("At(%q) = %q, want %q", path, got, want)
		}
	}
}

func TestMistakes(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"all at once": {
			"name: [a]\nfils: [x]\nparts:\n  - {count: two}\n  - {onn: true}\n",
			[]string{"a.yaml:1: name: cannot use a list as a text", `a.yaml:2: unknown key "fils" (did you mean "files"?)`,
				"a.yaml:4: parts[0].count: cannot use the text `two` as a whole number", `a.yaml:5: unknown key "onn" in parts[1] (did you mean "on"?)`},
		},
		"a key far from any": {"zzzzzzz: 1\n", []string{`unknown key "zzzzzzz" (known: anything, every, files, labels, name, parts)`}},
		"a key twice":        {"name: a\nname: b\n", []string{`a.yaml:2: mapping key "name" already defined at line 1`}},
		"a merge key":        {"parts:\n  - &a {count: 1}\n  - <<: *a\n", []string{"a.yaml:3: merge keys (<<) in parts[1] are not supported; write the keys out"}},
		"a fraction":         {"parts: [{count: 1.5}]\n", []string{"a.yaml:1: parts[0].count: cannot use the number `1.5` as a whole number"}},
		"below zero":         {"parts: [{count: -2.0}]\n", []string{"a.yaml:1: parts[0].count: cannot use the number `-2.0` as a whole number"}},
		"not UTF-8":          {"name: a\nfiles: [b, \xe9]\n", []string{"a.yaml:2: the file is not UTF-8 text; save it as UTF-8"}},
		"a control byte":     {"name: a\nfiles: [\x01]\n", []string{"a.yaml:2: the file contains the control character U+0001; remove it"}},
		"a list as mapping":  {"labels: [a]\n", []string{"a.yaml:1: labels: cannot use a list as a mapping"}},
		"no mapping at all":  {"- a\n", []string{"a.yaml:1: ", "cannot use a list as a mapping"}},
		"a duration": {"every: soon\n", []string{"a.yaml:1: every: cannot use the text `soon` as a duration such " +
			"as 15m"}},
		"the second one":    {"name: a\n---\n\nnme: b\n", []string{`a.yaml:4: unknown key "nme"`}},
		"an unknown anchor": {"name: *x\n", []string{"a.yaml:1: unknown anchor 'x' referenced"}},
		"broken syntax":     {"name: a\nfiles: [\n", []string{"a.yaml:"}},
	} {
		t.Run(name, func(t *testing.T) {
			docs, err := strictyaml.Read("a.yaml", []byte(c.text))
			if err == nil {
				_, err = docs[len(docs)-1].Decode(new(settings))
			}
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not contain %q", err, want)
				}
			}
		})
	}
}

func TestRead(t *testing.T) {
	for text, want := range map[string]int{"": 0, "# only a comment\n": 0, "---\n---\nname: a\n---\n": 1, "name: a\n---\nname: b\n": 2, "null\n": 0} {
		docs, err := strictyaml.Read("a.yaml", []byte(text))
		if err != nil || len(docs) != want {
			t.Errorf("%q: %d documents, %v; want %d", text, len(docs), err, want)
		}
	}
	docs, err := strictyaml.Read("a.yaml", []byte("name: a\n---\n[\n"))
	if err == nil || len(docs) != 1 {
		t.Errorf("%d documents before the broken one, %v", len(docs), err)
	}
}

// TestTagsAreRefused: a value that begins with ! would lose its beginning.
func TestTagsAreRefused(t *testing.T) {
	docs, err := strictyaml.Read("a.yaml", []byte("name: !(x in y)\nfiles: [a, !b c]\nparts: [{count: !!int 3}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	var s settings
	_, err = docs[0].Decode(&s)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{`a.yaml:1`, `"!(x"`, `a.yaml:2`, `"!b"`, "put the value in quotes"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
	if strings.Contains(err.Error(), "a.yaml:3") {
		t.Errorf("a type of YAML itself is refused: %v", err)
	}
}

// TestAMistakeCostsNoOtherKey: what is right about a mapping is decoded, whatever else is wrong with it.
func TestAMistakeCostsNoOtherKey(t *testing.T) {
	docs, err := strictyaml.Read("a.yaml", []byte("name: a\nname: b\nlabels: {x: y, x: z}\nparts: [{count: 1e3, on: true, on: false}, {count: 0.5}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	var s settings
	_, err = docs[0].Decode(&s)
	mistakes := strictyaml.Mistakes(err)
	if len(mistakes) != 4 || s.Name != "a" || s.Labels["x"] != "y" || len(s.Parts) != 2 || s.Parts[0].Count != 1000 || !s.Parts[0].On {
		t.Errorf("%+v, %v", s, err)
	}
	for _, m := range mistakes {
		if m.Line == 0 || m.Column == 0 {
			t.Errorf("no place: %+v", m)
		}
	}
}
