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

func TestCodeowners(t *testing.T) {
	for _, tc := range []struct {
		name, text              string
		defaults, owners, wrong string
	}{
		{"an empty file", "", "[]", "[]", "[]"},
		{"comments", "# * @acme/all\n\n   # @x\n", "[]", "[]", "[]"},
		{"everything", "* @acme/platform", "[@acme/platform]", "[@acme/platform]", "[]"},
		{"the last match wins", "* @acme/platform\n/docs/ @acme/writers\n* @alice bob@example.com\n", "[@alice bob@example.com]", "[@acme/platform @acme/writers @alice bob@example.com]", "[]"},
		{"the last match names nobody", "* @acme/platform\n*\n", "[]", "[@acme/platform]", "[]"},
		{"narrower rules", "*.go @gophers\n/* @top\napps/ @apps\n", "[]", "[@apps @gophers @top]", "[]"},
		{"two stars", "** @a\n", "[@a]", "[@a]", "[]"},
		{"two stars from the top", "/**/* @a\n", "[@a]", "[@a]", "[]"},
		{"a comment after the owners", "* @a # @b\n", "[@a]", "[@a]", "[]"},
		{"a hash in a pattern", "docs/c#/ @a\n", "[]", "[@a]", "[]"},
		{"an escaped space", `/my\ docs/read\ me.md @a` + "\n", "[]", "[@a]", "[]"},
		{"Windows line ends and a byte order mark", "\ufeff* @a\r\n/x @b\r\n", "[@a]", "[@a @b]", "[]"},
		{"tabs", "*\t@a\t@b", "[@a @b]", "[@a @b]", "[]"},
		{"invalid lines do not take the others with them", "* @a\n!x @b\n[ab].go @c\n\\#x @d\n/e notanowner\n/f @g\n", "[@a]", "[@a @g]",
			"[line 2: !x: a pattern cannot be negated with ! line 3: [ab].go: a pattern cannot contain [ ] line 4: #x: a " +
				"pattern cannot begin with #, escaped or not line 5: notanowner is not an owner; write @user, @organization/team " +
				"or an email address]"},
		{"a section of GitLab", "[Docs] @a\n", "[]", "[]", "[line 1: [Docs]: a pattern cannot contain [ ]]"},
		{"an owner that is a sign", "* @\n", "[]", "[]", "[line 1: @ is not an owner; write @user, @organization/team or " +
			"an email address]"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := codeownersOf([]byte(tc.text))
			if got := fmt.Sprint(f.Default); got != tc.defaults {
				t.Errorf("default owners %s, want %s", got, tc.defaults)
			}
			if got := fmt.Sprint(f.Owners); got != tc.owners {
				t.Errorf("owners %s, want %s", got, tc.owners)
			}
			if got := fmt.Sprint(f.Invalid); got != tc.wrong {
				t.Errorf("invalid %s, want %s", got, tc.wrong)
			}
		})
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
	step := func(what, want string, blobs int) {
		t.Helper()
		s.Requests()
		collect(t, s, m, now, "")
		if n := streamtest.Count(s.Requests(), "git/blobs"); value(m, "default_owners") != want || n != blobs {
			t.Errorf("%s: %s with %d files read, want %s with %d", what, value(m, "default_owners"), n, want, blobs)
		}
	}
	step("the file at the top", `["@acme/old"]`, 1)
	step("unchanged", `["@acme/old"]`, 0)
	repo.Contents["README.md"] = "y"
	step("another file has changed", `["@acme/old"]`, 0)
	repo.Contents[".github/CODEOWNERS"] = "* @acme/new\n!x\n"
	step("the directory .github comes first", `["@acme/new"]`, 1)
	if got := value(m, "invalid_lines"); got != `["line 2: !x: a pattern cannot be negated with !"]` {
		t.Error(got)
	}
	repo.Truncated = true
	delete(repo.Contents, ".github/CODEOWNERS")
	delete(repo.Contents, "CODEOWNERS")
	delete(repo.Contents, "docs/CODEOWNERS")
	step("a listing that is cut", `["@acme/new"]`, 0)
	repo.Truncated = false
	step("no file", `[]`, 0)
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
		facts := codeownersOf(text)
		for _, o := range append(facts.Owners, facts.Default...) {
			if !strings.Contains(o, "@") || strings.ContainsAny(o, " \t\n") {
				t.Errorf("owner %q", o)
			}
		}
	})
}
