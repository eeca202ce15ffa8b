package catalog

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/files"
)

func loadPeople(t *testing.T, csv, org, rules string) (*Catalog, []files.Warning, error) {
	t.Helper()
	dir := t.TempDir()
	cfg, people := Config{Strict: true}, PeopleConfig{}
	for name, text := range map[string]string{"people.csv": csv, "org.yaml": org, "rules.yaml": rules} {
		if text == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		switch name {
		case "people.csv":
			people.Files = []string{name}
		case "org.yaml":
			cfg.Files = []string{name}
		case "rules.yaml":
			people.Rules = name
		}
	}
	return Load(cfg, people, dir)
}

func orgUser(name, display, email, login string) string {
	annotations := ""
	if login != "" {
		annotations = ", annotations: {github.com/user-login: " + login + "}"
	}
	return fmt.Sprintf("---\napiVersion: backstage.io/v1alpha1\nkind: User\nmetadata: {name: %s%s}\nspec: {memberOf: [core], profile: {displayName: %s, email: %s}}\n", name, annotations, display, email)
}

func showMerged(c *Catalog) (merged, unclear []string) {
	for _, m := range c.PeopleReport().Merged {
		merged = append(merged, m.Record+">"+m.Person+": "+m.Why)
	}
	for _, u := range c.PeopleReport().Unclear {
		unclear = append(unclear, u.What+": "+strings.Join(u.People, " "))
	}
	return merged, unclear
}

func TestWhoIsOnePerson(t *testing.T) {
	const head = "person,name,email,team,start_date,logins\n"
	for _, tc := range []struct {
		name, csv, org, rules                             string
		people, logins, merged, unclear, warnings, errors []string // merged, unclear, warnings, errors: what each begins with
	}{
		{
			name: "the same address", csv: head + "1001,Alice Smith,Alice@acme.example,payments,2026-03-02,jenkins:asmith\n", org: orgUser("alice", "Alice S.", "alice@ACME.example", "alice-gh"),
			people: []string{`1001 "payments" 2026-03-02 -`}, logins: []string{":alice@acme.example=1001", "github:alice-gh=1001", "jenkins:asmith=1001"},
			merged: []string{"alice>1001: the same e-mail address alice@acme.example"},
		},
		{
			name: "the same login, which the directory vouches for", csv: head + "1001,,,payments,2026-03-02,github:alice-gh\n", org: orgUser("alice", "Alice", "''", "Alice-GH"),
			people: []string{`1001 "payments" 2026-03-02 -`}, logins: []string{"github:alice-gh=1001"},
			merged: []string{"alice>1001: the same login github:alice-gh, which the directory vouches for"},
		},
		{
			name: "the same login in two rows proves nothing", csv: head + "a,,,p,2026-01-01,github:x\nb,,,p,2026-01-01,github:x\n",
			people: []string{`a "p" 2026-01-01 -`, `b "p" 2026-01-01 -`}, unclear: []string{"login github:x: a b"}, warnings: []string{"people.csv:3: login github:x is claimed"},
		},
		{
			name: "the same name proves nothing, and is reported", csv: head + "a,Li  Wei,,p,2026-01-01,a\nb,li wei,,p,2026-01-01,b\n",
			people: []string{`a "p" 2026-01-01 -`, `b "p" 2026-01-01 -`}, logins: []string{":a=a", ":b=b"}, unclear: []string{"name Li  Wei: a b"},
		},
		{
			name: "the same name, told apart by a rule", csv: head + "a,Li Wei,,p,2026-01-01,a\nb,Li Wei,,p,2026-01-01,b\n", rules: "different:\n  - people: [A, b]\n",
			people: []string{`a "p" 2026-01-01 -`, `b "p" 2026-01-01 -`}, logins: []string{":a=a", ":b=b"},
		},
		{
			name: "a rule keeps apart what an address would unite", csv: head + "a,,x@y.z,p,2026-01-01,a\nb,,x@y.z,p,2026-01-01,b\n", rules: "different: [{people: [a, b], why: twins}]\n",
			people: []string{`a "p" 2026-01-01 -`, `b "p" 2026-01-01 -`}, logins: []string{":a=a", ":b=b"}, unclear: []string{"the same e-mail address x@y.z: a b"},
		},
		{
			name: "a rule keeps apart those who would be united through a third", csv: head + "a,,x@y.z,p,2026-01-01,a\nc,,q@y.z,p,2026-01-01,c\nc,,x@y.z,q,2026-02-01,\nb,,q@y.z,p,2026-01-01,b\n", rules: "different: [{people: [a, b]}]\n",
			people: []string{`a "p" 2026-01-01 -`, `a "q" 2026-02-01 -`, `b "p" 2026-01-01 -`}, logins: []string{":a=a", ":b=b", ":c=a", ":x@y.z=a"},
			merged: []string{"c>a: the same e-mail address x@y.z"}, unclear: []string{"the same e-mail address q@y.z: a b"},
		},
		{
			name: "a shared address proves nothing", csv: head + "a,,team@y.z,p,2026-01-01,a\nb,,team@y.z,p,2026-01-01,b\n", rules: "shared_emails: [Team@y.z]\n",
			people: []string{`a "p" 2026-01-01 -`, `b "p" 2026-01-01 -`}, logins: []string{":a=a", ":b=b"},
		},
		{
			name: "a rule: ids, logins and addresses are one person", csv: head + "a,Ann,,p,2026-01-01,a\nb,,b@y.z,q,2025-01-01,github:bb\nc,,,r,2026-02-01,jenkins:c\n",
			rules:  "# about Ann\nsame:\n  - person: ann\n    people: [a]\n    logins: [jenkins:c, github:new]\n    emails: [b@y.z, ann@y.z]\n    why: married\n",
			people: []string{`ann "q" 2025-01-01 -`, `ann "p" 2026-01-01 -`, `ann "r" 2026-02-01 -`},
			logins: []string{":a=ann", ":ann@y.z=ann", ":b@y.z=ann", "github:bb=ann", "github:new=ann", "jenkins:c=ann"},
			merged: []string{"a>ann: the rule at rules.yaml:3: married", "b>ann: the rule at rules.yaml:3: married", "c>ann: the rule at rules.yaml:3: married"},
		},
		{
			name: "a rule decides whose a login is", csv: head + "a,,,p,2026-01-01,x\nb,,,p,2026-01-01,x b\n", rules: "different: [{people: [a, b]}]\nsame: [{person: a, logins: [github:x]}]\n",
			people: []string{`a "p" 2026-01-01 -`, `b "p" 2026-01-01 -`}, logins: []string{":b=b", "github:x=a"}, unclear: []string{"login x: a b"}, warnings: []string{"people.csv:3: login x is claimed"},
		},
		{
			name: "somebody only a rule knows", csv: head, rules: "same: [{person: Zoe, logins: [zoe, github:zz]}]\n",
			people: []string{`zoe "" - -`}, logins: []string{":zoe=zoe", "github:zz=zoe"},
		},
		{
			name: "a rule about nobody", csv: head + "a,,,p,2026-01-01,a\n", rules: "same: [{logins: [x, y]}, {people: [gone, a]}]\n",
			people: []string{`a "p" 2026-01-01 -`}, logins: []string{":a=a"}, warnings: []string{"rules.yaml:1: nobody has any of what", "rules.yaml:1: nobody is called gone"},
		},
		{
			name: "bots by a list, whatever a record says", csv: head + "renovate,,,p,2026-01-01,renovate\n", rules: "bots: {logins: ['github:Deploy-Key', renovate]}\n",
			people: []string{`renovate "p" 2026-01-01 -`}, logins: []string{":renovate= bot", "github:deploy-key= bot"},
		},
		{
			name: "rules that contradict", csv: head + "a,,,p,2026-01-01,a\nb,,,p,2026-01-01,b\n", rules: "same: [{people: [a, b]}]\ndifferent: [{people: [b, a]}]\n",
			people: []string{`a "p" 2026-01-01 -`, `b "p" 2026-01-01 -`}, logins: []string{":a=a", ":b=b"}, unclear: []string{"the rule at"}, errors: []string{"rules.yaml:1: a and b are one person here and different"},
		},
		{name: "an unknown key", rules: "same:\n  - people: [a, b]\n    login: [x]\n", warnings: []string{"rules.yaml:2: nobody is called a", "rules.yaml:2: nobody is called b", "rules.yaml:2: nobody has any"}, errors: []string{`rules.yaml:3: unknown key "login" in same[0] (did you mean "logins"?)`}},
		{name: "not YAML", rules: "same: [\n", errors: []string{"rules.yaml:1: the rules cannot be read"}},
		{name: "two documents", rules: "same: []\n---\nbots: {}\n", errors: []string{"rules.yaml:2: a file of rules is one document"}},
		{name: "rules that say nothing", warnings: []string{"rules.yaml:2: nobody is called a", "rules.yaml:2: nobody has any"}, rules: "same:\n  - {people: [a]}\ndifferent:\n  - {people: [b, B]}\n", errors: []string{"rules.yaml:2: the rule names fewer than two things", "rules.yaml:4: the rule names fewer than two people"}},
		{name: "patterns that fit everybody", rules: "bots:\n  patterns: ['*', 'github:**', '']\n  logins: ['a:b:c']\n", errors: []string{"rules.yaml:1: login", `rules.yaml:1: pattern "*"`, `rules.yaml:1: pattern "github:**"`, `rules.yaml:1: pattern ""`}},
		{name: "empty", rules: "# nothing\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, warnings, err := loadPeople(t, tc.csv, tc.org, tc.rules)
			merged, unclear := showMerged(c)
			if tc.csv+tc.org == "" {
				c = newCatalog()
			}
			compare(t, "people", showPeople(c), tc.people)
			compare(t, "logins", showLogins(c), tc.logins)
			begins(t, "merged", merged, tc.merged)
			begins(t, "unclear", unclear, tc.unclear)
			var told, failed []string
			for _, w := range warnings {
				told = append(told, w.String())
			}
			if err != nil {
				failed = strings.Split(err.Error(), "\n")
			}
			begins(t, "warnings", told, tc.warnings)
			begins(t, "errors", failed, tc.errors)
		})
	}
}

func compare(t *testing.T, what string, got, want []string) {
	t.Helper()
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("%s %q, want %q", what, got, want)
	}
}

func begins(t *testing.T, what string, got, want []string) {
	t.Helper()
	ok := len(got) == len(want)
	for i := 0; ok && i < len(got); i++ {
		ok = strings.HasPrefix(got[i], want[i])
	}
	if !ok {
		t.Errorf("%s %q, want %q", what, got, want)
	}
}

func TestRulesFileIsMissing(t *testing.T) {
	if _, _, err := Load(Config{Strict: true}, PeopleConfig{Rules: "no.yaml"}, t.TempDir()); err == nil || !strings.HasPrefix(err.Error(), "no.yaml: the file cannot be read") {
		t.Errorf("got %v", err)
	}
}

func TestBotsByName(t *testing.T) {
	c, _, err := loadPeople(t, "person,team,start_date,logins\nsvc-anna,p,2026-01-01,svc-anna\n", "", "bots: {patterns: ['svc-*', 'github:*-ci', 'x[bot']}\n")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		provider, login string
		bot             bool
	}{
		{"github", "svc-deploy", true}, {"jenkins", "SVC-x", true}, {"github", "svc-anna", false}, {"github", "build-ci", true}, {"jenkins", "build-ci", false},
		{"github", "dependabot[bot]", true}, {"github", "x[bot", true}, {"github", "xb", false}, {"github", "asvc-x", false},
	} {
		with := c.WithSeen([]event.Login{{Provider: tc.provider, Name: strings.ToLower(tc.login)}})
		if got := with.Whose(tc.provider, tc.login).Bot; got != tc.bot {
			t.Errorf("%s:%s is a bot: %t, want %t", tc.provider, tc.login, got, tc.bot)
		}
	}
	if len(c.Identities()) != 1 {
		t.Errorf("the catalog itself changed: %v", c.Identities())
	}
}

func FuzzPeopleRules(f *testing.F) {
	f.Add([]byte("same: [{person: x, people: [a, b], logins: ['github:x'], emails: [a@b.c], why: y}]\ndifferent: [{people: [a, c]}]\nbots: {logins: [x], patterns: ['*-ci']}\nshared_emails: [q@r.s]\n"))
	f.Add([]byte("same: [{people: [a, b]}, {people: [b, c]}, {people: [c, a], person: b}]\n"))
	f.Add([]byte("different: [{people: [a, b]}]\nsame: [{logins: [a, b]}]\n"))
	f.Add([]byte("same: &x [*x]\n---\n\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		l := newLoader(".")
		rules := l.parseRules("rules.yaml", data)
		p := newPeopleReader(l)
		p.readCSV("people.csv", []byte("person,name,email,logins\na,A,a@b.c,a github:x\nb,A,b@b.c,b\nc,C,a@b.c,c x\n"))
		p.finish(rules)
		known := map[string]bool{"": true}
		for _, person := range l.catalog.People() {
			known[person.ID] = true
			if len(person.Memberships) == 0 {
				t.Errorf("%s has no membership", person.ID)
			}
		}
		for _, m := range l.catalog.PeopleReport().Merged {
			if known[m.Record] {
				t.Errorf("%s was merged into %s and is still there", m.Record, m.Person)
			}
		}
		seen := map[[2]string]bool{}
		for _, i := range l.catalog.Identities() {
			if !known[i.Person] || i.Login == "" || seen[[2]string{i.Provider, i.Login}] {
				t.Errorf("%+v is of nobody, empty, or stands twice", i)
			}
			seen[[2]string{i.Provider, i.Login}] = true
		}
	})
}
