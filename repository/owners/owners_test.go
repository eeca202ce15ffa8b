package owners

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/dxctl/dxctl/repository/tree"
)

// TestMatch has the examples of GitHub's and GitLab's documentation.
func TestMatch(t *testing.T) {
	for _, tc := range []struct {
		dialect      Dialect
		pattern      string
		matches, not string
	}{
		{GitHub, "*", "a a/b .github/x", ""},
		{GitHub, "/*", "a .x", "a/b"},
		{GitHub, "/", "a a/b", ""},
		{GitHub, "*.js", "a.js b/c.js", "a.jsx js"},
		{GitHub, "/build/logs/", "build/logs/a build/logs/b/c", "build/logs x/build/logs/a"},
		{GitHub, "docs/*", "docs/a.md", "docs/b/a.md x/docs/a.md"},
		{GitHub, "apps/", "apps/a x/apps/a/b", "apps"},
		{GitHub, "/apps/github", "apps/github apps/github/a/b", "apps/githubs x/apps/github"},
		{GitHub, "**/logs", "logs/a a/logs/b a/b/logs/c/d logs", "logsx"},
		{GitHub, "docs/**", "docs/a docs/a/b", "docs x/docs/a"},
		{GitHub, "/a/**/z", "a/z a/b/z a/b/c/z a/b/z/y", "z b/a/z"},
		{GitHub, "/scripts", "scripts scripts/a", "x/scripts"},
		{GitHub, "apps/github", "apps/github/a", "x/apps/github/a"},
		{GitHub, "README.md", "README.md a/README.md", "README.md.bak"},
		{GitHub, "**/*foo/**/x", "afoo/x a/foo/b/x a/b/cfoo/d/e/x", "a/x foo"},
		{GitHub, "**/", "a/b", "a"},
		{GitHub, "a/**/", "a/b a/b/c", "a b/c"},
		{GitHub, "/a/ab*b/x", "a/abb/x a/abcb/x/y", "a/ab/x"},
		{GitLab, "*", "a a/b", ""},
		{GitLab, "README.md", "README.md a/README.md", ""},
		{GitLab, "/README.md", "README.md", "a/README.md"},
		{GitLab, "internal/", "internal/a x/internal/b/c", "internal"},
		{GitLab, "/docs/", "docs/a docs/b/c", "x/docs/a"},
		{GitLab, "/docs", "docs", "docs/a"},
		{GitLab, "/docs/*", "docs/a", "docs/a/b"},
		{GitLab, "/docs/**", "docs/a", "docs/a/b"},
		{GitLab, "/docs/**/*.md", "docs/a.md docs/a/b.md", "docs/a.txt a/docs/b.md"},
		{GitLab, "a/b.rb", "a/b.rb x/a/b.rb", "b.rb"},
		{GitLab, "file_[ab].rb", "file_a.rb", "file_c.rb"},
	} {
		m := compile(tc.pattern, tc.dialect)
		for _, file := range strings.Fields(tc.matches) {
			if !m.match(strings.Split(file, "/")) {
				t.Errorf("%s: %s does not match %s", tc.dialect, tc.pattern, file)
			}
		}
		for _, file := range strings.Fields(tc.not) {
			if m.match(strings.Split(file, "/")) {
				t.Errorf("%s: %s matches %s", tc.dialect, tc.pattern, file)
			}
		}
	}
}

func TestOwners(t *testing.T) {
	const github = "* @acme/all\n# comment\n/docs/ @writers dev@example.com # trailing\n/docs/legal\n[x] @a\n!y @a\n/e bad\n/my\\ docs/ @m\n"
	const gitlab = `* @default
[Docs][2] @writers
docs/
*.md @md @md/sub/group
!docs/skip.md
^[Optional] @@maintainer
*.go
[docs]
later.md @late
`
	for _, tc := range []struct {
		dialect    Dialect
		text, file string
		want       string
	}{
		{GitHub, github, "main.go", "[@acme/all] 1"},
		{GitHub, github, "docs/a.md", "[@writers dev@example.com] 3"},
		{GitHub, github, "docs/legal/x", "[] 4"},
		{GitHub, github, "docs", "[@acme/all] 1"},
		{GitHub, github, "e", "[@acme/all] 1"}, // the line with a bad owner is passed over
		{GitHub, github, "my docs/x", "[@m] 8"},
		{GitHub, "", "x", "[]"},
		{GitLab, gitlab, "docs/x.txt", "[@default @writers] 1 3"},
		{GitLab, gitlab, "docs/x.md", "[@default @md @md/sub/group] 1 4"},
		{GitLab, gitlab, "docs/skip.md", "[@default] 1"},
		{GitLab, gitlab, "a.go", "[@default @@maintainer] 1 7"},
		{GitLab, gitlab, "later.md", "[@default @late] 1 9"},
	} {
		owners, rules := Parse("CODEOWNERS", tc.text, tc.dialect).Owners(tc.file)
		got := fmt.Sprint(owners)
		for _, r := range rules {
			got += fmt.Sprint(" ", r.At.Line)
		}
		if got != tc.want {
			t.Errorf("%s %s: %s, want %s", tc.dialect, tc.file, got, tc.want)
		}
	}
	if got := len(Parse("C", github, GitHub).Problems); got != 3 {
		t.Errorf("%d problems", got)
	}
	if r := Parse("C", gitlab, GitLab).Rules[1]; r.Section != "docs" || r.Approvals != 2 || r.Optional {
		t.Errorf("%+v", r)
	}
}

func TestCover(t *testing.T) {
	f := Parse("CODEOWNERS", "/gone/ @a\n/a/ @a\n/a/ @b\n*.go @c\n/free\n", GitHub)
	c, err := f.Cover([]string{"a/x", "b/y.go", "z", "free"})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Dead) != 1 || c.Dead[0].At.Line != 1 || len(c.Shadowed) != 1 || c.Shadowed[0].At.Line != 2 ||
		!slices.Equal(c.Uncovered, []string{"z", "free"}) {
		t.Errorf("%+v", c)
	}
	huge := Parse("C", strings.Repeat("/a/*/b @x\n", 10_000), GitHub)
	if _, err := huge.Cover(make([]string, 10_000)); err == nil {
		t.Error("unbounded")
	}
	if _, err := Parse("C", strings.Repeat("/a/b @x\n", 10_000), GitHub).Cover(make([]string, 10_000)); err != nil {
		t.Error(err) // rules without a wildcard are looked up
	}
	// A pattern of many stars costs no more than its length times that of the path.
	hostile := Parse("C", strings.Repeat("**/a*", 200)+"/b @x", GitHub)
	if owners, _ := hostile.Owners(strings.Repeat("aaaa/", 200) + "c"); owners != nil {
		t.Error(owners)
	}
}

func TestRead(t *testing.T) {
	for _, tc := range []struct {
		name  string
		files fstest.MapFS
		want  string
	}{
		{"no file", fstest.MapFS{"a": {}}, "none"},
		{"GitHub's order", fstest.MapFS{"CODEOWNERS": {}, ".github/CODEOWNERS": {}, "docs/CODEOWNERS": {}}, ".github/CODEOWNERS github"},
		{"GitLab's order", fstest.MapFS{".gitlab/CODEOWNERS": {}, "docs/CODEOWNERS": {}}, "docs/CODEOWNERS gitlab"},
		{"GitLab by its pipeline", fstest.MapFS{"CODEOWNERS": {}, ".gitlab-ci.yml": {}}, "CODEOWNERS gitlab"},
		{"GitLab by a section", fstest.MapFS{"CODEOWNERS": {Data: []byte("* @a\n[Docs] @b\n")}}, "CODEOWNERS gitlab"},
		{"no section", fstest.MapFS{".github/CODEOWNERS": {Data: []byte("[Docs] @b\n")}}, ".github/CODEOWNERS github"},
		{"binary", fstest.MapFS{"CODEOWNERS": {Data: []byte{0}}}, "unknown: CODEOWNERS is binary"},
		{"too large", fstest.MapFS{"CODEOWNERS": {Data: make([]byte, 2<<20)}}, "unknown: CODEOWNERS is larger than 1 MB"},
		{"ignored by GitHub", fstest.MapFS{"CODEOWNERS": {Data: make([]byte, 4<<20)}}, "CODEOWNERS github"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tr, err := tree.List(context.Background(), tc.files, tree.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			got := "none"
			switch v := Read(tr, ""); {
			case !v.Known:
				got = v.String()
			case v.Value != nil:
				got = v.Value.Path + " " + string(v.Value.Dialect)
			}
			if got != tc.want {
				t.Errorf("%s, want %s", got, tc.want)
			}
		})
	}
}

func FuzzReadOwners(f *testing.F) {
	for _, seed := range []string{"* @a\n", "[x][2] @a\n!b\n", "/**/a/**/b @c\n/", "\\", "^[ ]", "a/**/", "[\\\n"} {
		f.Add(seed, "a/b/c")
	}
	f.Fuzz(func(t *testing.T, text, file string) {
		for _, d := range []Dialect{GitHub, GitLab} {
			o := Parse("C", text, d)
			o.Owners(file)
			_, _ = o.Cover([]string{file, "a"})
		}
	})
}
