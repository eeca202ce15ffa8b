package paths_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/dxctl/dxctl/repository/pathlock"
	"github.com/dxctl/dxctl/scorecards/paths"
)

// refused checks that an error has all parts, and that the work ended soon.
func refused(t *testing.T, begin time.Time, err error, parts ...string) {
	t.Helper()
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not in %v", part, err)
		}
	}
}

// TestHostileTrees: what a golden path must not have is refused by name, before any of it is rendered.
func TestHostileTrees(t *testing.T) {
	small := &fstest.MapFile{Data: []byte("x"), Mode: 0o644}
	many := fstest.MapFS{}
	for i := range paths.MaxFiles + 1 {
		many[fmt.Sprintf("template/%d", i)] = small
	}
	large := fstest.MapFS{}
	for i := range 20 {
		large[fmt.Sprintf("template/%d", i)] = &fstest.MapFile{Data: make([]byte, paths.MaxFileBytes), Mode: 0o644}
	}
	one := func(name string, f *fstest.MapFile) fstest.MapFS { return fstest.MapFS{name: f} }
	for _, c := range []struct {
		name string
		add  fstest.MapFS
		want []string
	}{
		{"a symbolic link", one("template/a", &fstest.MapFile{Mode: fs.ModeSymlink, Data: []byte("../../etc/passwd")}),
			[]string{"template/a is a symbolic link", "replace it by a copy"}},
		{"a directory that is a link", one("template", &fstest.MapFile{Mode: fs.ModeSymlink, Data: []byte("..")}),
			[]string{"template is not a directory"}},
		{"a questions file that is a link", one("questions.yaml", &fstest.MapFile{Mode: fs.ModeSymlink}),
			[]string{"questions.yaml is a symbolic link"}},
		{"a device", one("template/null", &fstest.MapFile{Mode: fs.ModeDevice | fs.ModeCharDevice}), []string{"is neither a file"}},
		{"a named pipe", one("template/p", &fstest.MapFile{Mode: fs.ModeNamedPipe}), []string{"is neither a file"}},
		{"a socket", one("template/s", &fstest.MapFile{Mode: fs.ModeSocket}), []string{"is neither a file"}},
		{".git", one("template/.git/config", small), []string{"is in .git"}},
		{".Git", one("template/a/.Git/hooks/pre-commit", small), []string{"is in .git"}},
		{"a backslash", one(`template/a\b`, small), []string{"has a backslash"}},
		{"names equal but for case", fstest.MapFS{"template/Readme.md": small, "template/README.md": small},
			[]string{`"template/README.md" and "template/Readme.md" differ only in case`}},
		{"directories equal but for case", fstest.MapFS{"template/a/x": small, "template/A/y": small}, []string{"differ only in case"}},
		{"a device of Windows", one("template/aux.go", small), []string{"is a device on Windows"}},
		{"a huge file", one("template/a", &fstest.MapFile{Data: make([]byte, paths.MaxFileBytes+1)}), []string{"template/a is larger than 2 MB"}},
		{"a huge path.yaml", one("path.yaml", &fstest.MapFile{Data: []byte(strings.Repeat("# a\n", 100_000))}),
			[]string{"path.yaml is larger than 256 KB"}},
		{"many files", many, []string{"more than 2000 files"}},
		{"large files", large, []string{"larger than 32 MB together"}},
		{"a huge template", one("template/a.tmpl", &fstest.MapFile{Data: []byte(strings.Repeat("a", 300<<10))}),
			[]string{"the template is larger than 256 KB"}},
		{"a binary template", one("template/a.tmpl", &fstest.MapFile{Data: []byte("a\x00b")}), []string{"is not UTF-8 text"}},
		{"two sources of a file", fstest.MapFS{"template/a": small, "template/a.tmpl": small}, []string{"has the same result"}},
		{"the lock file", one("template/"+pathlock.File, small), []string{"dxctl writes this file itself"}},
		{"no name", one("template/.tmpl", small), []string{"has no name"}},
		{"a misspelled file", one("question.yaml", small), []string{`did you mean "questions.yaml"?`}},
		{"aliases", one("questions.yaml", &fstest.MapFile{Data: []byte("a: &a {title: x}\nb: *a\n")}),
			[]string{"questions.yaml:2: the alias *a is not supported here"}},
		{"a bomb of aliases", one("files.yaml", &fstest.MapFile{Data: []byte("a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n" +
			"c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\n" +
			"f: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: &g [*f,*f,*f,*f,*f,*f,*f,*f,*f]\nmodes: *g\n")}),
			[]string{"is not supported here"}},
		{"deep YAML", one("questions.yaml", &fstest.MapFile{Data: []byte("a: " + strings.Repeat("[", 20_000))}), []string{"questions.yaml"}},
		{"several documents", one("files.yaml", &fstest.MapFile{Data: []byte("modes: []\n---\nmodes: []\n")}), []string{"files.yaml:3: "}},
	} {
		t.Run(c.name, func(t *testing.T) {
			fsys := fstest.MapFS{"path.yaml": {Data: []byte("name: pay-service\n"), Mode: 0o644}}
			for name, f := range c.add {
				fsys[name] = f
			}
			begin := time.Now()
			_, err := paths.Load(fsys, paths.Origin{Kind: paths.FromDirectory, Location: "pay-service"})
			refused(t, begin, err, c.want...)
		})
	}
}

// TestLinksInDirectories: a real directory with symbolic links is not followed out of it, wherever they lead.
func TestLinksInDirectories(t *testing.T) {
	for _, c := range []struct{ name, link, target, want string }{
		{"a file outside", "template/a", "/etc/passwd", "template/a is a symbolic link"},
		{"dangling", "template/a", "nowhere", "template/a is a symbolic link"},
		{"a chain", "template/a", "b", "is a symbolic link"},
		{"the description", "path.yaml", "/etc/passwd", "path.yaml is a symbolic link"},
		{"the templates", "template", "/etc", "template is not a directory"},
		{"itself", "template/a", "a", "template/a is a symbolic link"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range map[string]string{"path.yaml": "name: pay\n", "template/x": "x"} {
				if name == c.link || strings.HasPrefix(name, c.link+"/") {
					continue
				}
				file := filepath.Join(dir, name)
				if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if c.name == "a chain" {
				if err := os.Symlink("x", filepath.Join(dir, "template/b")); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Symlink(c.target, filepath.Join(dir, c.link)); err != nil {
				t.Fatal(err)
			}
			begin := time.Now()
			_, err := paths.OpenDir(dir, "pay")
			refused(t, begin, err, c.want)
		})
	}
}

// TestHostileTemplates: a template cannot call, loop or grow without bound.
func TestHostileTemplates(t *testing.T) {
	for _, c := range []struct{ name, template, want string }{
		{"recursion", `{{ define "a" }}{{ template "a" }}{{ end }}{{ template "a" }}`, "define and block are not supported"},
		{"a block", `{{ block "a" . }}x{{ end }}`, "not supported"},
		{"an unknown template", `{{ template "a" }}`, `:1: {{template "a"}} is not supported`},
		{"a loop over a number", `{{ range 1000000000 }}x{{ end }}`, ":1: range is supported only as {{ range environments }}"},
		{"a loop over a question", `{{ range service_name }}x{{ end }}`, "range is supported only"},
		{"a loop with a variable", `{{ range $i := environments }}x{{ end }}`, "range is supported only"},
		{"loops in loops", strings.Repeat("{{ range environments }}", 5) + "x" + strings.Repeat("{{ end }}", 5), "ranges stand more than 2 deep"},
		{"width", `{{ printf "%1000000000d" 1 }}`, "{{ printf }} is neither a question nor a function"},
		{"a call", `{{ call service_name }}`, "{{ call }} is neither"},
		{"index", `{{ index environments 1 }}`, "{{ index }} is neither"},
		{"slice", `{{ slice service_name 1 }}`, "{{ slice }} is neither"},
		{"a variable", "a\n{{ $x := service_name }}", ":2: variables are not supported"},
		{"a method", `{{ .Env.HOME }}`, ":1: .Env.HOME is not supported"},
		{"a dot", `{{ . }}`, "the dot stands for an environment inside of"},
		{"a field of an answer", `{{ service_name.X }}`, "not supported"},
		{"with", `{{ with service_name }}x{{ end }}`, "not supported"},
		{"the environment of the process", `{{ env "HOME" }}`, "{{ env }} is neither a question"},
		{"another file", `{{ include "../x" }}`, "{{ include }} is neither"},
		{"a misspelled question", "a\nb {{ service_nam }}", ".tmpl:2: {{ service_nam }} is neither a question nor a function of templates (did you mean"},
		{"a question with a dot", "{{ .service_name }}", "write {{ service_name }} without the dot"},
		{"not closed", "a\n{{ service_name", ".tmpl:2: "},
		{"not ended", "{{ if service_name }}", "unexpected EOF"},
		{"parentheses", "{{ " + strings.Repeat("(", 200) + "service_name" + strings.Repeat(")", 200) + " }}", "deep in each other"},
		{"conditions", strings.Repeat("{{ if service_name }}", 200) + strings.Repeat("{{ end }}", 200), "deep in each other"},
		{"a pipeline", "{{ service_name" + strings.Repeat(" | json", 60) + " }}", "more than 50 functions"},
		{"quotes of quotes", `{{ "\"" ` + strings.Repeat(" | json", 40) + " }}", "a text of a template is longer than 64 KB"},
		{"an unknown default", `{{ default "registri" }}`, `there is no default "registri" (did you mean "registry"?)`},
		{"a computed default", `{{ default service_name }}`, "the name of a default is written out"},
		{"a default that is not set", "a\n{{ default \"registry\" }}", ".tmpl:2: paths.defaults.registry of dx.yaml is not set"},
		{"a list as a text", `{{ upper environments }}`, "takes a text here"},
		{"two types", `{{ eq environments "x" }}`, "incompatible types"},
	} {
		t.Run(c.name, func(t *testing.T) {
			begin := time.Now()
			_, err := render(t, c.template, nil, paths.Defaults{})
			refused(t, begin, err, "file.txt.tmpl", c.want)
		})
	}
}

// TestResultsAreBounded: the largest template in the deepest range writes no more than is allowed.
func TestResultsAreBounded(t *testing.T) {
	text := "{{ range environments }}{{ range environments }}" + strings.Repeat("a", 250<<10) + "{{ end }}{{ end }}"
	p, err := load(t, map[string]string{
		"path.yaml":       "ci_cd: {environments: [a, b, c, d, e, f]}\nsupports: {environments: [a, b, c, d, e, f]}\n",
		"template/a.tmpl": text,
	})
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	_, err = p.Render(paths.Answers{"service_name": "pay"}, paths.Defaults{})
	refused(t, begin, err, "template/a.tmpl", "the result of a template is larger than 4 MB")
	files := map[string]string{"path.yaml": "ci_cd: {environments: [a, b]}\nsupports: {environments: [a, b]}\n"}
	for i := range 70 {
		files[fmt.Sprintf("template/%d.tmpl", i)] = text
	}
	if p, err = load(t, files); err != nil {
		t.Fatal(err)
	}
	_, err = p.Render(paths.Answers{"service_name": "pay"}, paths.Defaults{})
	refused(t, begin, err, "larger than 64 MB")
}

// TestWorkIsBounded: conditions that write nothing take no longer than what is written.
func TestWorkIsBounded(t *testing.T) {
	quoted := strings.Repeat("(json ", 12) + `"\"\"\""` + strings.Repeat(")", 12)
	p, err := load(t, map[string]string{
		"path.yaml": "ci_cd: {environments: [a, b, c, d, e, f, g, h, i, j]}\nsupports: {environments: [a, b, c, d, e, f, g, h, i, j]}\n",
		"template/a.tmpl": "{{ range environments }}{{ range environments }}" +
			strings.Repeat(`{{ if eq "x" `+quoted+` }}{{ end }}`, 1200) + "{{ end }}{{ end }}",
	})
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	_, err = p.Render(paths.Answers{"service_name": "pay"}, paths.Defaults{})
	if took := time.Since(begin); took > 30*time.Second {
		t.Errorf("it took %s", took)
	}
	if err == nil || !strings.Contains(err.Error(), "template/a.tmpl: the golden path was refused") {
		t.Errorf("error %.300v", err)
	}
}

// TestHostileNames: an answer in the name of a file cannot move the file out of the tree.
func TestHostileNames(t *testing.T) {
	for _, c := range []struct{ file, answer, want string }{
		{"{{ dir }}/x", "..", "has an empty, . or .. component"},
		{"{{ dir }}/x", "../../etc", "has an empty, . or .. component"},
		{"{{ dir }}/x", "/etc", ""},
		{"a/{{ dir }}", "b/../../..", "has an empty, . or .. component"},
		{"{{ dir }}/config", ".git", "is in .git"},
		{"{{ dir }}/hooks", ".GIT", "is in .git"},
		{"{{ dir }}/golden-path.lock", ".dxctl", "which dxctl writes itself"},
		{"{{ dir }}", "README.MD", "as that of README.md"},
		{"{{ dir }}", "docs", `is a file, and "docs/a" needs a directory`},
		{"{{ dir }}", "aux", "is a device on Windows"},
		{"{{ dir }}/b", "Docs", `whose directory "Docs" differs from "docs" only in case`},
		{"{{ dir }}", strings.Repeat("a", 300), "file systems take at most 255"},
		{"{{ dir }}/{{ x }}", "a", "{{ x }} is neither a question"},
	} {
		t.Run(c.file+" "+c.answer[:min(len(c.answer), 20)], func(t *testing.T) {
			p, err := load(t, map[string]string{
				"path.yaml": "name: pay-service\n", "questions.yaml": "dir: {pattern: '.*'}\n",
				"template/" + c.file: "x", "template/README.md": "x", "template/docs/a": "x",
			})
			begin := time.Now()
			if err == nil {
				var tree paths.Tree
				tree, err = p.Render(paths.Answers{"service_name": "pay", "dir": c.answer}, paths.Defaults{})
				if c.want == "" { // an empty component leaves the file out
					if len(tree) != 2 || err != nil {
						t.Errorf("%d files, %v", len(tree), err)
					}
					return
				}
			}
			refused(t, begin, err, c.want)
		})
	}
}

// TestHostileAnswers: what has a meaning for workflows, shells or templates is no answer to any question, and the error
// does not repeat it.
func TestHostileAnswers(t *testing.T) {
	secret := "ghp_" + strings.Repeat("aB3", 12)
	for _, c := range []struct{ answer, want string }{
		{"${{ github.token }}", "has {{"},
		{"{{ service_name }}", "has {{"},
		{"a }} b", "has }}"},
		{"$(id)", "has $("},
		{"${HOME}", "has ${"},
		{"`id`", "has `"},
		{"a\nb", "has a line break"},
		{"a\r", "has a line break"},
		{"a\x00b", "has a line break or the control character U+0000"},
		{"a\u2028b", "U+2028"},
		{"a\u202eb", "U+202E"},
		{"\xff", "is not UTF-8"},
		{" a", "begins or ends with a space"},
		{"", "is empty"},
		{strings.Repeat("a", 401), "has 401 bytes; at most 400"},
		{secret, "is a secret (GitHub token)"},
		{"postgres://admin:hunter2@db/pay", "is a secret (address with a password)"},
		{"password: hunter2hunter2", "is a secret (password)"},
		{"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc", "is a secret (JSON web token)"},
		{"-----BEGIN RSA PRIVATE KEY-----", "is a secret (private key)"},
	} {
		t.Run(c.want, func(t *testing.T) {
			begin := time.Now()
			_, err := render(t, "{{ title }}", paths.Answers{"title": c.answer}, paths.Defaults{})
			refused(t, begin, err, "the answer to title", c.want)
			if strings.Contains(err.Error(), secret) {
				t.Error("the error has the secret")
			}
		})
	}
	for _, harmless := range []string{"it's \"x\": #1", "- a", "*x", "!x", "a; rm -rf", "null", "a | b > c"} {
		got, err := render(t, "{{ yaml title }}|{{ shell title }}", paths.Answers{"title": harmless}, paths.Defaults{})
		if err != nil || !strings.ContainsAny(got, `"`) {
			t.Errorf("%q: %q, %v", harmless, got, err)
		}
	}
	// Without a pattern, only words are accepted.
	p, err := load(t, map[string]string{"path.yaml": "name: pay-service\n"})
	if err != nil {
		t.Fatal(err)
	}
	for _, answer := range []string{"a b", "a;b", "a'b", `a"b`, "a$b", "a:b", "a#b", "-a", "*a"} {
		err := p.Check(paths.Answers{"service_name": answer})
		if err == nil || strings.Contains(err.Error(), answer) {
			t.Errorf("%q: %v", answer, err)
		}
	}
}

// FuzzPath reads and renders golden paths of anything: none may break out, take long or grow.
func FuzzPath(f *testing.F) {
	article, err := os.ReadFile("testdata/article/path.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(article), "language: {choices: [go]}", "{{ service_name }}", "{{ service_name }} ${{ x }}", "pay")
	f.Add("name: x\n", "a: {pattern: '.*'}", "{{ a }}", "{{ range environments }}{{ yaml . }}{{ end }}", "../x")
	f.Add("infrastructure: {database: '{{ database }}'}", "", "a.yaml", "x: {{ if eq database \"none\" }}{{ json service_name }}{{ end }}", "a: b")
	f.Add("name: x\n", "'a:': {pattern: '.*'}", "{{ a }}", "x", "y")
	f.Add("supports: {cache: [a]}", "{", "{{", "{{ `", "${{")
	f.Fuzz(func(t *testing.T, description, questions, name, template, answer string) {
		if !fs.ValidPath("template/"+name) || strings.HasSuffix(name, ".tmpl") {
			return
		}
		fsys := fstest.MapFS{
			"path.yaml": {Data: []byte(description)}, "questions.yaml": {Data: []byte(questions)},
			"template/" + name + ".tmpl": {Data: []byte(template)},
		}
		p, err := paths.Load(fsys, paths.Origin{Kind: paths.FromDirectory, Location: "pay"})
		if err != nil {
			return
		}
		answers, _ := p.Samples()
		for i := range p.Questions {
			if p.Questions[i].Check(answer) == nil {
				answers[p.Questions[i].Name] = answer
			}
		}
		tree, err := p.Render(answers, paths.Defaults{})
		if err != nil {
			return
		}
		for _, file := range tree {
			if err := pathlock.CheckPath(file.Path); err != nil {
				t.Errorf("path %q %v", file.Path, err)
			}
			if len(file.Content) > 4<<20 {
				t.Errorf("%q has %d bytes", file.Path, len(file.Content))
			}
		}
		again, err := p.Render(answers, paths.Defaults{})
		if err != nil || len(again) != len(tree) {
			t.Errorf("the second time %d files instead of %d, %v", len(again), len(tree), err)
		}
		if data, err := p.Lock(answers, paths.Defaults{}, tree).Encode(); err != nil {
			t.Errorf("no lock: %v\n%s", err, data)
		}
	})
}
