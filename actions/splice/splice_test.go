package splice_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/dxctl/dxctl/actions/splice"
)

const workflow = `# CI of the service

name: ci # short
on: [push]

env:
  A: "1"   # one


# what runs
jobs:
  # the tests
  test:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - name: 'run ${{ github.head_ref }}'
        run: |
          echo ${{ github.head_ref }}
          # no comment of YAML

          echo "${{ github.head_ref }}"

  # the release
  release: {runs-on: ubuntu-latest, steps: [{run: make}]}
  # no more
# the end
`

// edits is a table of edits of the workflow above, each with the lines that it adds and removes.
func TestEdits(t *testing.T) {
	jobs := func(f *splice.File) *yaml.Node { return splice.Field(f.Docs[0], "jobs") }
	for name, test := range map[string]struct {
		edit func(f *splice.File) error
		want string // a diff by lines
	}{
		"field after a field": {
			func(f *splice.File) error {
				return f.Insert(f.Docs[0], "on", "permissions", splice.Map{{"contents", "read"}})
			},
			"+permissions:\n+  contents: read\n+\n",
		},
		"field after a block": {
			func(f *splice.File) error { return f.Insert(f.Docs[0], "env", "x", 1) },
			"+x: 1\n+\n",
		},
		"field in a job": {
			func(f *splice.File) error {
				return f.Insert(splice.Field(jobs(f), "test"), "runs-on", "timeout-minutes", 15)
			},
			"+    timeout-minutes: 15\n",
		},
		"last field of a job": {
			func(f *splice.File) error { return f.Insert(splice.Field(jobs(f), "test"), "", "x", "a: b") },
			"+    x: 'a: b'\n",
		},
		"field of a mapping with braces": {
			func(f *splice.File) error {
				return f.Insert(splice.Field(jobs(f), "release"), "", "timeout-minutes", 15)
			},
			"-  release: {runs-on: ubuntu-latest, steps: [{run: make}]}\n" +
				"+  release: {timeout-minutes: 15, runs-on: ubuntu-latest, steps: [{run: make}]}\n",
		},
		"last field of the file": {
			func(f *splice.File) error { return f.Insert(f.Docs[0], "", "x", splice.List{"a", "b"}) },
			"+\n+x:\n+  - a\n+  - b\n",
		},
		"two fields at one place": {
			func(f *splice.File) error {
				if err := f.Insert(f.Docs[0], "on", "a", 1); err != nil {
					return err
				}
				return f.Insert(f.Docs[0], "a", "b", true)
			},
			"+a: 1\n+\n+b: true\n+\n",
		},
		"a list item": {
			func(f *splice.File) error {
				return f.Append(splice.Field(jobs(f), "test", "steps"), splice.Map{{"run", "make"}, {"env", splice.Map{{"A", "1"}}}})
			},
			"+      - run: make\n+        env:\n+          A: \"1\"\n",
		},
		"an item before an item": {
			func(f *splice.File) error {
				return f.InsertItem(splice.Field(jobs(f), "test", "steps"), 1, splice.Map{{"uses", "a/b@v1"}})
			},
			"+      - uses: a/b@v1\n",
		},
		"an item in brackets": {
			func(f *splice.File) error { return f.Append(splice.Field(f.Docs[0], "on"), "pull_request") },
			"-on: [push]\n+on: [pull_request, push]\n",
		},
		"a text": {
			func(f *splice.File) error {
				n := splice.Field(splice.Field(jobs(f), "test", "steps").Content[0], "uses")
				if err := f.Comment(n, "v4.3.0"); err != nil {
					return err
				}
				return f.Replace(n, "actions/checkout@0123")
			},
			"-      - uses: actions/checkout@v4\n+      - uses: actions/checkout@0123 # v4.3.0\n",
		},
		"a comment before a comment": {
			func(f *splice.File) error {
				return f.Comment(splice.Field(f.Docs[0], "name"), "new")
			},
			"-name: ci # short\n+name: ci # new # short\n",
		},
		"a text in quotes": {
			func(f *splice.File) error { return f.Replace(splice.Field(f.Docs[0], "env", "A"), "2\"") },
			"-  A: \"1\"   # one\n+  A: \"2\\\"\"   # one\n",
		},
		"a comment after braces": {
			func(f *splice.File) error {
				steps := splice.Field(jobs(f), "release", "steps")
				return f.Comment(splice.Field(steps.Content[0], "run"), "new")
			},
			"-  release: {runs-on: ubuntu-latest, steps: [{run: make}]}\n" +
				"+  release: {runs-on: ubuntu-latest, steps: [{run: make}]} # new\n",
		},
		"a value": {
			func(f *splice.File) error {
				return f.ReplaceValue(f.Docs[0], "name", splice.Map{{"a", splice.List{"x, y"}}})
			},
			"-name: ci # short\n+name: {a: [\"x, y\"]} # short\n",
		},
		"parts of a script": {
			func(f *splice.File) error {
				step := splice.Field(jobs(f), "test", "steps").Content[1]
				return f.Substitute(step, "run", "${{ github.head_ref }}", []string{`"${REF}"`, "${REF}"})
			},
			"-          echo ${{ github.head_ref }}\n+          echo \"${REF}\"\n" +
				"-          echo \"${{ github.head_ref }}\"\n+          echo \"${REF}\"\n",
		},
		"a part of a text in quotes": {
			func(f *splice.File) error {
				step := splice.Field(jobs(f), "test", "steps").Content[1]
				return f.Substitute(step, "name", "${{ github.head_ref }}", []string{"it's"})
			},
			"-      - name: 'run ${{ github.head_ref }}'\n+      - name: 'run it''s'\n",
		},
	} {
		for style, convert := range map[string]func(string) string{
			"unix":       func(s string) string { return s },
			"windows":    func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") },
			"mark":       func(s string) string { return "\ufeff" + s },
			"no newline": func(s string) string { return strings.TrimSuffix(s, "\n") },
			"documents":  func(s string) string { return "---\n" + s + "---\nother: [1] # x\n...\n" },
		} {
			f, err := splice.Parse([]byte(convert(workflow)))
			if err != nil {
				t.Fatal(err)
			}
			if err := test.edit(f); err != nil {
				t.Errorf("%s, %s: %v", name, style, err)
				continue
			}
			got, err := f.Bytes()
			if err != nil {
				t.Errorf("%s, %s: %v", name, style, err)
				continue
			}
			if style == "windows" && bytes.Count(got, []byte("\n")) != bytes.Count(got, []byte("\r\n")) {
				t.Errorf("%s: line ends are mixed: %q", name, got)
			}
			if style == "no newline" && bytes.HasSuffix(got, []byte("\n")) {
				t.Errorf("%s: a newline was added at the end", name)
			}
			if diff := changed(convert(workflow), string(got)); diff != test.want {
				t.Errorf("%s, %s: (-want +got)\n%s", name, style, cmp.Diff(test.want, diff))
			}
		}
	}
}

// changed returns the lines that were removed and added, by the longest common subsequence.
func changed(before, after string) string {
	lines := func(s string) []string {
		s = strings.TrimPrefix(strings.ReplaceAll(s, "\r\n", "\n"), "\ufeff")
		return strings.Split(strings.TrimSuffix(s, "\n"), "\n")
	}
	a, b := lines(before), lines(after)
	length := make([][]int, len(a)+1)
	for i := range length {
		length[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			length[i][j] = max(length[i+1][j], length[i][j+1])
			if a[i] == b[j] {
				length[i][j] = length[i+1][j+1] + 1
			}
		}
	}
	var out strings.Builder
	for i, j := 0, 0; i < len(a) || j < len(b); {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			i, j = i+1, j+1
		case i < len(a) && (j == len(b) || length[i+1][j] >= length[i][j+1]):
			out.WriteString("-" + a[i] + "\n")
			i++
		default:
			out.WriteString("+" + b[j] + "\n")
			j++
		}
	}
	return out.String()
}

// TestStyles inserts where other files do it otherwise: four spaces, lists that are not indented, anchors, tags, JSON.
func TestStyles(t *testing.T) {
	for name, test := range map[string]struct {
		src, want string
		edit      func(f *splice.File, root *yaml.Node) error
	}{
		"four spaces": {
			"a:\n    b: 1\n", "a:\n    b: 1\n    c:\n        d: x\n",
			func(f *splice.File, root *yaml.Node) error {
				return f.Insert(splice.Field(root, "a"), "", "c", splice.Map{{"d", "x"}})
			},
		},
		"lists are not indented": {
			"a:\n- b: 1\n  c:\n  - 1\nz: 1\n", "a:\n- b: 1\n  c:\n  - 1\n- b:\n  - x\n  - w\nz: 1\n",
			func(f *splice.File, root *yaml.Node) error {
				return f.Append(splice.Field(root, "a"), splice.Map{{"b", splice.List{"x", "w"}}})
			},
		},
		"an anchor and a tag": {
			"a: &x !!map\n  b: 1\nc: 2\n", "a: &x !!map\n  b: 1\n  d: 2\nc: 2\n",
			func(f *splice.File, root *yaml.Node) error { return f.Insert(splice.Field(root, "a"), "", "d", 2) },
		},
		"a text with an anchor": {
			"a: &x v1\nc: 2\n", "a: &x v2 # c\nc: 2\n",
			func(f *splice.File, root *yaml.Node) error {
				if err := f.Comment(splice.Field(root, "a"), "c"); err != nil {
					return err
				}
				return f.Replace(splice.Field(root, "a"), "v2")
			},
		},
		"a comment at an anchor, an alias, and an edit next to both": {
			"a: &x v1\nc: *x\nd:\n  e: *x\n", "a: &x v1 # c\nc: *x\nd:\n  e: *x\n  f: 1\n",
			func(f *splice.File, root *yaml.Node) error {
				if err := f.Comment(splice.Field(root, "a"), "c"); err != nil {
					return err
				}
				return f.Insert(splice.Field(root, "d"), "e", "f", 1)
			},
		},
		"an anchor with the name of another one": {
			"a: &x 1\nb: *x\nc: &x\n  d: 1\n", "a: &x 1\nb: *x\nc: &x\n  d: 1\n  e: 2\n",
			func(f *splice.File, root *yaml.Node) error { return f.Insert(splice.Field(root, "c"), "", "e", 2) },
		},
		"empty braces": {
			"a: {} # x\n", "a: {b: [c]} # x\n",
			func(f *splice.File, root *yaml.Node) error {
				return f.Insert(splice.Field(root, "a"), "", "b", splice.List{"c"})
			},
		},
		"no value": {
			"a: # x\nb: 1\n", "a: {c: 1} # x\nb: 1\n",
			func(f *splice.File, root *yaml.Node) error { return f.ReplaceValue(root, "a", splice.Map{{"c", 1}}) },
		},
		"JSON": {
			"{\n  \"a\": {\"b\": 1}\n}\n", "{\n  \"a\": {\"c\": [\"x\"], \"b\": 1}\n}\n",
			func(f *splice.File, root *yaml.Node) error {
				return f.Insert(splice.Field(root, "a"), "", "c", splice.List{"x"})
			},
		},
		"letters of several bytes": {
			"grüße: {ä: 'ö', b: c} # ü\n", "grüße: {ä: 'ö', b: d} # ü\n",
			func(f *splice.File, root *yaml.Node) error { return f.Replace(splice.Field(root, "grüße", "b"), "d") },
		},
		"a word that is no text": {
			"a: x\n", "a: \"yes\"\n",
			func(f *splice.File, root *yaml.Node) error { return f.Replace(splice.Field(root, "a"), "yes") },
		},
		"a number stays one": {
			"a: 1\n", "a: 2\n",
			func(f *splice.File, root *yaml.Node) error { return f.Replace(splice.Field(root, "a"), "2") },
		},
		"after a folded text": {
			"a:\n  b: >-\n    x\n\n    # y\n\n\n  c: 1\n", "a:\n  b: >-\n    x\n\n    # y\n\n  d: 1\n\n\n  c: 1\n",
			func(f *splice.File, root *yaml.Node) error { return f.Insert(splice.Field(root, "a"), "b", "d", 1) },
		},
		"fields without blank lines": {
			"a:\n  b: 1\nc: 1\n\nd: 1\n", "a:\n  b: 1\ne: 1\nc: 1\n\nd: 1\n",
			func(f *splice.File, root *yaml.Node) error { return f.Insert(root, "a", "e", 1) },
		},
		"fields with blank lines and comments": {
			"a: 1\n\n# c\nc: 1\n# d\n\nd: 1", "a: 1\n\nf: 1\n\n# c\nc: 1\n# d\n\nd: 1\n\ne: 1",
			func(f *splice.File, root *yaml.Node) error {
				return errors.Join(f.Insert(root, "a", "f", 1), f.Insert(root, "", "e", 1))
			},
		},
		"the only field": {
			"a: 1\n", "a: 1\nb: 1\n",
			func(f *splice.File, root *yaml.Node) error { return f.Insert(root, "a", "b", 1) },
		},
		"items with blank lines": {
			"a:\n  - b: 1\n\n  # 2\n  - b: 2\n", "a:\n  - c: 0\n\n  - b: 1\n\n  - c: 1\n\n  # 2\n  - b: 2\n\n  - c: 2\n",
			func(f *splice.File, root *yaml.Node) error {
				list := splice.Field(root, "a")
				return errors.Join(f.InsertItem(list, 1, splice.Map{{"c", 1}}), f.InsertItem(list, 0, splice.Map{{"c", 0}}),
					f.Append(list, splice.Map{{"c", 2}}))
			},
		},
		"items without blank lines": {
			"a:\n  - 1\n  - 2\n\n  - 4\nb: 1\n", "a:\n  - 1\n  - 2\n\n  - 3\n\n  - 4\n  - 5\nb: 1\n",
			func(f *splice.File, root *yaml.Node) error {
				list := splice.Field(root, "a")
				return errors.Join(f.InsertItem(list, 2, 3), f.Append(list, 5))
			},
		},
	} {
		f, err := splice.Parse([]byte(test.src))
		if err != nil {
			t.Fatal(err)
		}
		if err := test.edit(f, f.Docs[0]); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, err := f.Bytes()
		if err != nil || string(got) != test.want {
			t.Errorf("%s: %v, (-want +got)\n%s", name, err, cmp.Diff(test.want, string(got)))
		}
	}
}

// TestRefused has edits that would change more than intended.
func TestRefused(t *testing.T) {
	for name, test := range map[string]struct {
		src  string
		edit func(f *splice.File, root *yaml.Node) error
	}{
		"a text that ends with blank lines": {
			"a: |+\n  x\n\n\nb: 1\n", func(f *splice.File, root *yaml.Node) error { return f.Insert(root, "a", "c", 1) },
		},
		"a mapping with an alias": {
			"a: &x\n  b: 1\nc: *x\n",
			func(f *splice.File, root *yaml.Node) error { return f.Insert(splice.Field(root, "a"), "", "d", 2) },
		},
		"a mapping that is merged": {
			"a: &x\n  b: 1\nc:\n  <<: *x\n",
			func(f *splice.File, root *yaml.Node) error { return f.Insert(splice.Field(root, "a"), "", "d", 2) },
		},
		"below an anchor": {
			"a: &x\n  b: [{c: 1}]\nd: [*x]\n",
			func(f *splice.File, root *yaml.Node) error {
				return f.Append(splice.Field(root, "a", "b"), splice.Map{{"c", 2}})
			},
		},
		"a text with an alias": {
			"a: &x v1\nc: *x\n",
			func(f *splice.File, root *yaml.Node) error { return f.Replace(splice.Field(root, "a"), "v2") },
		},
		"a field that may come from an alias": {
			"a: &x {b: 1}\nc:\n  <<: *x\n  d: 1\n",
			func(f *splice.File, root *yaml.Node) error { return f.Insert(splice.Field(root, "c"), "", "b", 2) },
		},
		"a field that is there": {
			"a: 1\n", func(f *splice.File, root *yaml.Node) error { return f.Insert(root, "", "a", 1) },
		},
		"a text of several lines": {
			"a: x\n  y\n", func(f *splice.File, root *yaml.Node) error { return f.Replace(splice.Field(root, "a"), "z") },
		},
		"an occurrence in a comment": {
			"a: x\n# x\n", func(f *splice.File, root *yaml.Node) error {
				if err := f.Substitute(root, "a", "x", []string{"y"}); err != nil {
					return err
				}
				return nil
			},
		},
		"a plain text that would need quotes": {
			"a: x ${y}\n", func(f *splice.File, root *yaml.Node) error {
				return f.Substitute(root, "a", "${y}", []string{"b: c"})
			},
		},
	} {
		f, err := splice.Parse([]byte(test.src))
		if err != nil {
			t.Fatal(err)
		}
		err = test.edit(f, f.Docs[0])
		if err == nil {
			_, err = f.Bytes()
		}
		if err == nil {
			t.Errorf("%s: it was edited", name)
		}
	}
	for name, src := range map[string]string{
		"not YAML":     "a: [\n",
		"a template":   "a: {{ .Values.x }}\n{{ if }}\n",
		"line ends":    "a: 1\rb: 2\n",
		"not UTF-8":    "a: \xff\n",
		"large":        strings.Repeat("# x\n", splice.MaxSize/4+1),
		"unicode ends": "a: 1\u2028b: 1\n",
	} {
		if _, err := splice.Parse([]byte(src)); err == nil {
			t.Errorf("%s: it was parsed", name)
		}
	}
}

// FuzzInsert inserts a field and an item wherever a file has a place for them: what comes out differs from what went in
// by the inserted bytes only. That it means what was intended, Bytes itself checks.
func FuzzInsert(f *testing.F) {
	for _, src := range []string{workflow, "a: 1", "- a\n- b", "a: {b: c}\r\nd: |\r\n  x\r\n", "a: &x {b: *x}", "\ufeffa: 'x'"} {
		f.Add([]byte(src))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		file, err := splice.Parse(src)
		if err != nil {
			return
		}
		var walk func(n *yaml.Node)
		walk = func(n *yaml.Node) {
			if n == nil || n.Line == 0 {
				return
			}
			children := append([]*yaml.Node(nil), n.Content...)
			switch n.Kind {
			case yaml.MappingNode:
				_ = file.Insert(n, "", "dxctl-new", splice.Map{{"a", splice.List{"b", "c: d"}}})
			case yaml.SequenceNode:
				_ = file.Append(n, splice.Map{{"dxctl-new", true}})
			}
			for _, child := range children {
				walk(child)
			}
		}
		for _, doc := range file.Docs {
			walk(doc)
		}
		got, err := file.Bytes()
		if err != nil {
			return
		}
		rest := got
		for _, c := range src { // src is a subsequence of got
			i := bytes.IndexByte(rest, c)
			if i < 0 {
				t.Fatalf("%q became %q", src, got)
			}
			rest = rest[i+1:]
		}
	})
}
