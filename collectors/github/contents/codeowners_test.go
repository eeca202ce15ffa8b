package contents

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/collectors/github/githubtest"
	"github.com/dxctl/dxctl/collectors/github/streamtest"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/repository/owners"
)

func TestDefaultOwners(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"an empty file", "", "[]"},
		{"comments", "# * @acme/all\n\n   # @x\n", "[]"},
		{"everything", "* @acme/platform", "[@acme/platform]"},
		{"the last match wins", "* @acme/platform\n/docs/ @acme/writers\n* @alice bob@example.com\n", "[@alice bob@example.com]"},
		{"the last match names nobody", "* @acme/platform\n*\n", "[]"},
		{"narrower rules", "*.go @gophers\n/* @top\napps/ @apps\n", "[]"},
		{"two stars", "** @a\n", "[@a]"},
		{"two stars from the top", "/**/* @a\n", "[@a]"},
		{"a comment after the owners", "* @a # @b\n", "[@a]"},
		{"a hash in a pattern", "docs/c#/ @a\n", "[]"},
		{"an escaped space", `/my\ docs/read\ me.md @a` + "\n", "[]"},
		{"Windows line ends and a byte order mark", "\ufeff* @a\r\n/x @b\r\n", "[@a]"},
		{"tabs", "*\t@a\t@b", "[@a @b]"},
		{"invalid lines do not take the others with them", "* @a\n!x @b\n[ab].go @c\n\\#x @d\n/e notanowner\n/f @g\n", "[@a]"},
		{"a section of GitLab", "[Docs] @a\n", "[]"},
		{"an owner that is a sign", "* @\n", "[]"},
	} {
		if got := fmt.Sprint(DefaultOwners([]byte(tc.text))); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
}

func TestCodeownersAreFacts(t *testing.T) {
	value := func(m *collecttest.Writer, name string) string {
		f := collecttest.Stored[event.Fact](m)["repository.codeowners."+name]
		if f.Error != "" {
			return "unknown: " + f.Error
		}
		return string(f.Value)
	}
	repo := &githubtest.Repo{
		Contents: map[string]string{"CODEOWNERS": "* @acme/old", "docs/CODEOWNERS": "* @acme/docs", "README.md": "x"},
	}
	s, m := streamtest.Serve(t, repo), collecttest.NewWriter()
	step := func(what, want string, queries int) {
		t.Helper()
		s.Requests()
		collect(t, s, m, now, "")
		if n := streamtest.Count(s.Requests(), "graphql"); value(m, "default_owners") != want || n != queries {
			t.Errorf("%s: %s with %d queries, want %s with %d", what, value(m, "default_owners"), n, want, queries)
		}
	}
	step("the file at the top", `["@acme/old"]`, 1)
	step("unchanged", `["@acme/old"]`, 0)
	repo.Contents["main.go"] = "package main"
	step("another file", `["@acme/old"]`, 1)
	repo.Contents["main.go"] = "package main // changed"
	step("a file that nothing depends on has changed", `["@acme/old"]`, 0)
	repo.Contents[".github/CODEOWNERS"] = "* @acme/new\n!x\n"
	step("the directory .github comes first", `["@acme/new"]`, 1)
	if got := value(m, "invalid_lines"); got != `[".github/CODEOWNERS:2: !x: a pattern cannot be negated with !; GitHub skips line 2"]` {
		t.Error(got)
	}
	repo.Truncated = true
	delete(repo.Contents, ".github/CODEOWNERS")
	delete(repo.Contents, "CODEOWNERS")
	delete(repo.Contents, "docs/CODEOWNERS")
	step("a listing that is cut", "unknown: the repository has more files than GitHub lists, and it is not among those "+
		"listed", 1)
	repo.Truncated = false
	step("no file", `[]`, 1)
	repo.Contents = nil
	collect(t, s, m, now.Add(48*time.Hour), "")
	if got := value(m, "owners"); !strings.HasPrefix(got, "unknown: gh does not show the files") {
		t.Error(got)
	}
}

// FuzzCodeowners: whatever a file holds, every line is a rule, a comment or reported, and facts can be made of it.
func FuzzCodeowners(f *testing.F) {
	for _, seed := range []string{"* @a", "# x\n\\# @a\n*.js @b #c", `a\ b @c\`, "\ufeff* @a\r\n[x] @b", "\xff\xfe @a", `\`, "!", "*\x00 @a", "a\u2028b @c"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		file, reported := owners.Parse("", string(text), owners.GitHub), map[int]bool{}
		for _, p := range file.Problems {
			reported[p.At.Line] = true // once for each of its words that is no owner
		}
		lines := 0
		for line := range strings.Lines(strings.TrimPrefix(string(text), "\ufeff")) {
			if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
				lines++
			}
		}
		if len(file.Rules)+len(reported) != lines {
			t.Errorf("%d rules and %d invalid lines of %d", len(file.Rules), len(reported), lines)
		}
		for _, r := range file.Rules {
			if r.Pattern == "" || !utf8.ValidString(r.Pattern) {
				t.Errorf("pattern %q", r.Pattern)
			}
		}
		for _, o := range DefaultOwners(text) {
			if !strings.Contains(o, "@") || strings.ContainsAny(o, " \t\n") {
				t.Errorf("owner %q", o)
			}
		}
	})
}
