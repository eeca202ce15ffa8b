package setup

import (
	"encoding/csv"
	"fmt"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/dxctl/dxctl/collectors/source"
)

func TestEntityNames(t *testing.T) {
	long := strings.Repeat("x", 70)
	repositories := []source.Repository{{Path: "acme/Payment_Service"}, {Path: "acme/.github"}, {Path: "acme/123"},
		{Path: "acme/shop/api"}, {Path: "acme/pay/api"}, {Path: "acme/pay-api"}, {Path: "acme/日本", ID: "7"},
		{Path: "acme/" + long}, {Path: "other/" + long}, {Path: "acme/a--b_"}}
	want := []string{"payment_service", "github", "123", "api", "acme-pay-api", "pay-api", "acme", long[:63],
		"other-" + long[:57], "a--b"}
	names := entityNames(repositories)
	for i, r := range repositories {
		if names[r.Path] != want[i] {
			t.Errorf("%s: got %q, want %q", r.Path, names[r.Path], want[i])
		}
	}
}

func TestOwner(t *testing.T) {
	for name, test := range map[string]struct {
		owners []string
		people map[string]bool
		want   string
	}{
		"none":                   {nil, nil, " []"},
		"a team before a user":   {[]string{"@ada", "@acme/Payments"}, nil, "group:payments [@ada]"},
		"an address only":        {[]string{"me@acme.example"}, nil, " [me@acme.example]"},
		"a user":                 {[]string{"me@acme.example", "@Ada"}, nil, "user:ada [me@acme.example]"},
		"a group of GitLab":      {[]string{"@core"}, map[string]bool{"ada": true}, "group:core []"},
		"a user of GitLab":       {[]string{"@ada"}, map[string]bool{"ada": true}, "user:ada []"},
		"a subgroup of GitLab":   {[]string{"@acme/shop/core"}, map[string]bool{}, "group:core []"},
		"the same name repeated": {[]string{"@acme/a", "@acme/a", "@acme/b"}, nil, "group:a [@acme/b]"},
	} {
		chosen, others := chooseOwner(test.owners, test.people)
		if got := fmt.Sprint(chosen.ref, " ", others); got != test.want {
			t.Errorf("%s: got %s, want %s", name, got, test.want)
		}
	}
}

// Whatever a source contains, the value is read back and stays on its line.
func TestScalar(t *testing.T) {
	for _, text := range []string{"", "yes", "on", "null", "~", "123", "1e3", "0x1f", "2026-01-02", "12:30:45", "- a", "a: b",
		"#x", "a #b", "'", `"`, `\`, "{{ x }}", "${HOME}", "@a", "*a", "&a", "!a", "%a", "a\nb", "a\u2028b", "\x00\x1b[31m",
		"\xff", "日本", "😀", "---", "<<", "=", strings.Repeat("long ", 100)} {
		got := scalar(text)
		var back string
		if err := yaml.Unmarshal([]byte("a: "+got+"  # comment\n"), &struct{ A *string }{&back}); err != nil ||
			back != oneLine(text) || strings.ContainsAny(got, "\n\r\u2028") {
			t.Errorf("%q: written as %s, read as %q, %v", text, got, back, err)
		}
	}
}

func TestEnvironmentsOf(t *testing.T) {
	mapped, others, passing := environmentsOf([]source.Repository{
		{Environments: []string{"PROD", "prod-eu", "Production – shop", "pre-prod", "uat", "qa", "dev", "review/1", "pr-12"}},
		{Environments: []string{"prod", "Dev", "github-pages", "${NAME} prod", "sandbox", "non-prod"}},
	})
	want := "[{production [production prod live Production – shop prod-eu]} {staging [staging stage non-prod pre-prod uat]} " +
		"{test [qa]} {development [Dev]}] [${NAME} prod github-pages sandbox] 2"
	if got := fmt.Sprint(mapped, others, passing); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestParseRemotes(t *testing.T) {
	got := fmt.Sprint(parseRemotes(`fork	https://ada:ghp_secret@github.com/ada/shop.git (fetch)
fork	https://ada:ghp_secret@github.com/ada/shop.git (push)
origin	git@github.com:acme/shop.git (fetch)
origin	git@github.com:acme/shop.git (push)
gl	ssh://git@gitlab.acme.example:2222/group/sub/shop.git (fetch)
own	https://git.acme.example/team/shop.git (fetch)
local	/srv/git/shop.git (fetch)
odd	:::: (fetch)
`))
	want := "[{origin github github.com acme/shop} {fork github github.com ada/shop} " +
		"{gl gitlab gitlab.acme.example group/sub/shop} {own  git.acme.example team/shop}]"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestPeopleCSV(t *testing.T) {
	text := peopleCSV("github", []source.Member{{Login: "Zoe", Name: "Zoe, \"Z\"\nX"}, {Login: "eve",
		Name: `=HYPERLINK("http://x")`}, {Login: "ci-bot", Bot: true}})
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	want := `[[person name team start_date left_date logins bot] [ci-bot     github:ci-bot yes] [eve HYPERLINK("http://x")    ` +
		`github:eve ] [zoe Zoe, "Z" X    github:Zoe ]]`
	if got := fmt.Sprint(rows); err != nil || got != want {
		t.Errorf("got %s, %v", got, err)
	}
}
