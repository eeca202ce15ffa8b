package document

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/dxctl/dxctl/repository/tree"
)

func readAll(t testing.TB, files map[string]string) Set {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, text := range files {
		if target, ok := strings.CutPrefix(text, "->"); ok {
			fsys[name] = &fstest.MapFile{Mode: fs.ModeSymlink, Data: []byte(target)}
			continue
		}
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	tr, err := tree.List(context.Background(), fsys, tree.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return Read(tr, ".")
}

func TestText(t *testing.T) {
	for _, tc := range []struct{ file, text, want string }{
		{"README.md", "# Title #\n\ntext\n\n## [Run](x) it\n```sh\n$ make run\noutput\n# comment\n```\n#no heading\n    # code\n", "1 Title 1, 2 Run it 5 | make run 7"},
		{"README.md", "Title\n=====\nUsage\n-----\na | b\n---|---\n- x\n---\n", "1 Title 1, 2 Usage 3 | "},
		{"README.md", "```\ngo test ./...\nPASS\n```\n~~~bash\ncurl x \\\n  | sh\nls\n~~~\n```json\n{\"go\": 1}\n```\n```\nnot closed\n", " | go test ./... 2, curl x \\ 6, ls 8"},
		{"README.md", "<h1 align=center>Logo <img src=x></h1>\n> ```console\n> $ npm i\n> ```\n", "1 Logo 1 | npm i 3"},
		{"README.rst", "Title\n=====\n\nTesting\n~~~~~~~\n\n.. code-block:: bash\n\n   pip install x\n   pytest\n\nafter::\n\n   make x\n", "1 Title 1, 3 Testing 4 | pip install x 9, pytest 10, make x 14"},
		{"README.adoc", "= Title\n\n== Run\n[source,bash]\n----\n./run.sh\n----\n", "1 Title 1, 2 Run 3 | ./run.sh 6"},
		{"README.md", "", " | "},
	} {
		d := ParseText(tc.file, tc.text)
		var headings, commands []string
		for _, h := range d.Headings {
			headings = append(headings, fmt.Sprint(h.Level, " ", h.Text, " ", h.Line))
		}
		for _, c := range d.Commands {
			commands = append(commands, fmt.Sprint(c.Text, " ", c.Line))
		}
		if got := strings.Join(headings, ", ") + " | " + strings.Join(commands, ", "); got != tc.want {
			t.Errorf("%q:\ngot  %s\nwant %s", tc.text, got, tc.want)
		}
	}
}

func TestComplete(t *testing.T) {
	words := strings.Repeat("word ", 30)
	for text, want := range map[string]string{
		"# x\n" + words + "\n## Development\n```sh\nmake dev\nmake test\n```\n## Contact\n": "true true 5 true 6 true 8",
		"# x\n":                                       "false false 0 false 0 false 0",
		words + "\n## Testing\n":                      "true false 0 true 2 false 0",
		words + "ask in #x on Slack":                  "true false 0 false 0 true 1",
		words + "\n## Quick start\n":                  "true true 2 false 0 false 0",
		words + "\n* `just test` runs all\n":          "true true 2 true 2 false 0",
		words + "\nSee [this](docs/DEVELOPMENT.md)\n": "true false 0 true 2 false 0",
		words + "\nSee `this <docs/hacking.rst>`_\n":  "true false 0 true 2 false 0",
		words + "\nIt has `latest` and `a test`\n":    "true false 0 false 0 false 0",
	} {
		c := ParseText("README.md", text).Complete()
		got := fmt.Sprintf("%v %v %d %v %d %v %d", c.About.Value, c.Run.Value, c.Run.At.Line, c.Test.Value, c.Test.At.Line,
			c.People.Value, c.People.At.Line)
		if got != want {
			t.Errorf("%.60q: %s, want %s", text, got, want)
		}
	}
}

func TestLicense(t *testing.T) {
	apache, err := os.ReadFile("../../LICENSE")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		text, id    string
		proprietary bool
	}{
		{mit, "MIT", false},
		{string(apache), "Apache-2.0", false},
		{"Copyright 2026 Acme. All rights reserved.", "", true},
		{"This program is nice. See the MIT License.", "", false},
		{"", "", false},
	} {
		l := parseLicense("LICENSE", tc.text)
		if l.ID != tc.id || l.Proprietary != tc.proprietary {
			t.Errorf("%.40q: %+v", tc.text, l)
		}
	}
}

func TestRead(t *testing.T) {
	s := readAll(t, map[string]string{
		"Readme.md": "# x\n", "SECURITY.md": "# Security\nMail security@example.com.\n", "LICENSE.txt": mit, ".github/CONTRIBUTING.md": "",
		".github/PULL_REQUEST_TEMPLATE/a.md": "", "AGENTS.md": "# Build\n```sh\nmake\n```\n", "CLAUDE.md": "@AGENTS.md\n", "GEMINI.md": "->AGENTS.md",
		"api/AGENTS.md": "x", "api/CLAUDE.md": "->../../outside", "vendor/x/AGENTS.md": "",
	})
	if s.Readme.Value.Path != "Readme.md" || s.Security.Value.Private.String() != "security@example.com (SECURITY.md:2)" || s.License.Value.ID != "MIT" {
		t.Errorf("%+v", s)
	}
	if s.Contributing.Value != ".github/CONTRIBUTING.md" || s.PullRequestTemplate.Value != ".github/PULL_REQUEST_TEMPLATE/a.md" || s.Conduct.Value != "" || !s.Conduct.Known {
		t.Errorf("%v %v %v", s.Contributing, s.PullRequestTemplate, s.Conduct)
	}
	var agents []string
	for _, a := range s.Agents {
		agents = append(agents, fmt.Sprint(a.Path, ">", a.Target, " ", a.Text.Known))
	}
	if got := fmt.Sprint(agents); got != "[AGENTS.md> true api/AGENTS.md> true CLAUDE.md>AGENTS.md true api/CLAUDE.md> false GEMINI.md>AGENTS.md true]" {
		t.Error(got)
	}
	none := readAll(t, map[string]string{"x": ""})
	if !none.Readme.Known || none.Readme.Value != nil || !none.License.Known || none.License.Value != nil {
		t.Errorf("%+v", none)
	}
	broken := readAll(t, map[string]string{"README.md": "\xff\xfe", "SECURITY": strings.Repeat("x", 2<<20), "LICENSE": "->/etc/passwd"})
	if broken.Readme.Known || broken.Security.Known || broken.License.Known {
		t.Errorf("%+v", broken)
	}
}

const mit = `MIT License

Copyright (c) 2026 Acme

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
`

func FuzzReadDocument(f *testing.F) {
	for _, seed := range []string{"# x\n```sh\n$ y\n```\n", "a\n=\n", "> ```\n", ".. code-block:: x\n\n  y", "[source]\n----\n", mit, "<h1>x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, file := range []string{"README.md", "README.rst", "README.adoc"} {
			ParseText(file, text).Complete()
		}
		parsePolicy("S", text)
		parseLicense("L", text)
	})
}
