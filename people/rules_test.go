package people_test

import (
	"strings"
	"testing"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/people"
)

func TestWhoIsOnePerson(t *testing.T) {
	const head = "person,name,email,team,start_date,logins\n"
	for _, tc := range []struct {
		name, csv, org, rules                               string
		people, logins, merged, ambiguous, warnings, errors []string // merged, ambiguous, warnings, errors: what each begins with
	}{
		{
			name: "the same address", csv: head + "1001,Alice Smith,Alice@acme.example,payments,2026-03-02,jenkins:asmith\n", org: orgUser("alice", "Alice S.", "alice@ACME.example", "alice-gh"),
			people: []string{`1001 "payments" 2026-03-02 -`}, logins: []string{":alice@acme.example=1001", "github:alice-gh=1001", "jenkins:asmith=1001"},
			merged: []string{"alice>1001: the same e-mail address alice@acme.example"},
		},
		{
			name: "the same login, which the directory vouches for", csv: head + "1001,,,payments,2026-03-02,github:alice-gh\n", org: orgUser("alice", "Alice", "", "Alice-GH"),
			people: []string{`1001 "payments" 2026-03-02 -`}, logins: []string{"github:alice-gh=1001"},
			merged: []string{"alice>1001: the same login github:alice-gh, which the directory vouches for"},
		},
		{
			name: "the same login in two rows proves nothing", csv: head + "a,,,p,2026-01-01,github:x\nb,,,p,2026-01-01,github:x\n",
			people: []string{`a "p" 2026-01-01 -`, `b "p" 2026-01-01 -`}, ambiguous: []string{"login github:x: a b"}, warnings: []string{"people.csv:3: login github:x is claimed"},
		},
		{
			name: "the same name proves nothing, and is reported", csv: head + "a,Li  Wei,,p,2026-01-01,a\nb,li " +
				"wei,,p,2026-01-01,b\n",
			people: []string{`a "p" 2026-01-01 -`, `b "p" 2026-01-01 -`}, logins: []string{":a=a", ":b=b"}, ambiguous: []string{"name Li  Wei: a b"},
		},
		{
			name: "the same name, distinguished by a rule", csv: head + "a,Li Wei,,p,2026-01-01,a\nb,Li Wei,,p,2026-01-01,b\n", rules: "different:\n  - people: [A, b]\n",
			people: []string{`a "p" 2026-01-01 -`, `b "p" 2026-01-01 -`}, logins: []string{":a=a", ":b=b"},
		},
		{
			name: "a rule keeps apart what an address would unite", csv: head + "a,,x@y.z,p,2026-01-01,a\nb,,x@y.z,p,2026-01-01,b\n", rules: "different: [{people: [a, b], why: twins}]\n",
			people: []string{`a "p" 2026-01-01 -`, `b "p" 2026-01-01 -`}, logins: []string{":a=a", ":b=b"}, ambiguous: []string{"the same e-mail address x@y.z: a b"},
		},
		{
			name: "a rule keeps apart those who would be united through a third", csv: head + "a,,x@y.z,p,2026-01-01,a\nc,,q@y.z,p,2026-01-01,c\nc,,x@y.z,q,2026-02-01,\nb,,q@y.z,p,2026-01-01,b\n", rules: "different: [{people: [a, b]}]\n",
			people: []string{`a "p" 2026-01-01 -`, `a "q" 2026-02-01 -`, `b "p" 2026-01-01 -`}, logins: []string{":a=a", ":b=b", ":c=a", ":x@y.z=a"},
			merged: []string{"c>a: the same e-mail address x@y.z"}, ambiguous: []string{"the same e-mail address q@y.z: a b"},
		},
		{
			name: "a shared address proves nothing", csv: head + "a,,team@y.z,p,2026-01-01,a\nb,,team@y.z,p,2026-01-01,b\n", rules: "shared_emails: [Team@y.z]\n",
			people: []string{`a "p" 2026-01-01 -`, `b "p" 2026-01-01 -`}, logins: []string{":a=a", ":b=b"},
		},
		{
			name: "a rule: ids, logins and addresses are one person", csv: head + "a,Ann,,p,2026-01-01,a\nb,,b@y.z,q,2025-01-01,github:bb\nc,,,r,2026-02-01,jenkins:c\n",
			rules: "# about Ann\nsame:\n  - person: ann\n    people: [a]\n    logins: [jenkins:c, github:new]\n    emails: " +
				"[b@y.z, ann@y.z]\n    why: married\n",
			people: []string{`ann "q" 2025-01-01 -`, `ann "p" 2026-01-01 -`, `ann "r" 2026-02-01 -`},
			logins: []string{":a=ann", ":ann@y.z=ann", ":b@y.z=ann", "github:bb=ann", "github:new=ann", "jenkins:c=ann"},
			merged: []string{"a>ann: the rule at rules.yaml:3: married", "b>ann: the rule at rules.yaml:3: married", "c>ann: the rule at rules.yaml:3: married"},
		},
		{
			name: "a rule decides whose a login is", csv: head + "a,,,p,2026-01-01,x\nb,,,p,2026-01-01,x b\n", rules: "different: [{people: [a, b]}]\nsame: [{person: a, logins: [github:x]}]\n",
			people: []string{`a "p" 2026-01-01 -`, `b "p" 2026-01-01 -`}, logins: []string{":b=b", "github:x=a"}, ambiguous: []string{"login x: a b"}, warnings: []string{"people.csv:3: login x is claimed"},
		},
		{
			name: "ids and logins that are numbers", csv: head + "1001,,,p,2026-01-01,a\n1002,,,q,2026-02-01,b\n",
			rules:  "same: [{person: 1001, people: [1002], logins: [77]}]\n",
			people: []string{`1001 "p" 2026-01-01 -`, `1001 "q" 2026-02-01 -`}, logins: []string{":77=1001", ":a=1001", ":b=1001"},
			merged: []string{"1002>1001: the rule at rules.yaml:1"},
		},
		{
			name: "somebody only a rule knows", csv: head, rules: "same: [{person: Zoe, logins: [zoe, github:zz]}]\n",
			people: []string{`zoe "" - -`}, logins: []string{":zoe=zoe", "github:zz=zoe"},
		},
		{
			name: "a rule about nobody", csv: head + "a,,,p,2026-01-01,a\n", rules: "same: [{logins: [x, y]}, {people: " +
				"[gone, a]}]\n",
			people: []string{`a "p" 2026-01-01 -`}, logins: []string{":a=a"}, warnings: []string{"rules.yaml:1: nobody has " +
				"any of what", "rules.yaml:1: nobody is called gone"},
		},
		{
			name: "bots by a list, whatever a record says", csv: head + "renovate,,,p,2026-01-01,renovate\n", rules: "bots: {logins: ['github:Deploy-Key', renovate]}\n",
			people: []string{`renovate "p" 2026-01-01 -`}, logins: []string{":renovate= bot", "github:deploy-key= bot"},
		},
		{
			name: "rules that contradict", csv: head + "a,,,p,2026-01-01,a\nb,,,p,2026-01-01,b\n", rules: "same: [{people: [a, b]}]\ndifferent: [{people: [b, a]}]\n",
			people: []string{`a "p" 2026-01-01 -`, `b "p" 2026-01-01 -`}, logins: []string{":a=a", ":b=b"}, ambiguous: []string{"the rule at"}, errors: []string{"rules.yaml:1: a and b are one person here and different"},
		},
		{name: "an unknown key", rules: "same:\n  - people: [a, b]\n    login: [x]\n", warnings: []string{"rules.yaml:2: nobody is called a", "rules.yaml:2: nobody is called b", "rules.yaml:2: nobody has any"}, errors: []string{`rules.yaml:3: unknown key "login" in same[0] (did you mean "logins"?)`}},
		{name: "not YAML", rules: "same: [\n", errors: []string{"rules.yaml:1: the rules cannot be read"}},
		{name: "two documents", rules: "same: []\n---\nbots: {}\n", errors: []string{"rules.yaml:2: a file of rules is " +
			"one document"}},
		{name: "rules that say nothing", warnings: []string{"rules.yaml:2: nobody is called a", "rules.yaml:2: nobody has any"}, rules: "same:\n  - {people: [a]}\ndifferent:\n  - {people: [b, B]}\n", errors: []string{"rules.yaml:2: the rule names fewer than two things", "rules.yaml:4: the rule names fewer than two people"}},
		{name: "patterns that fit everybody", rules: "bots:\n  patterns: ['*', 'github:**', '']\n  logins: ['a:b:c']\n", errors: []string{"rules.yaml:1: login", `rules.yaml:1: pattern "*"`, `rules.yaml:1: pattern "github:**"`, `rules.yaml:1: pattern ""`}},
		{name: "empty", rules: "# nothing\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			directory, warnings, err := load(t, tc.csv, tc.org, tc.rules)
			merged, ambiguous := showMerged(directory)
			if tc.csv+tc.org == "" {
				directory = &people.Directory{}
			}
			compare(t, "people", showPeople(directory), tc.people)
			compare(t, "logins", showLogins(directory), tc.logins)
			begins(t, "merged", merged, tc.merged)
			begins(t, "ambiguous", ambiguous, tc.ambiguous)
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

func TestRulesFileIsMissing(t *testing.T) {
	if _, _, err := catalog.Load(
		catalog.Config{Strict: true},
		people.Config{Rules: "no.yaml"},
		t.TempDir(),
	); err == nil ||
		!strings.HasPrefix(err.Error(), "no.yaml: the file cannot be read") {
		t.Errorf("got %v", err)
	}
}

func TestBotsByName(t *testing.T) {
	directory, _, err := load(
		t,
		"person,team,start_date,logins\nsvc-anna,p,2026-01-01,svc-anna\n",
		"",
		"bots: {patterns: ['svc-*', 'github:*-ci', 'x[bot']}\n",
	)
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
		with := directory.WithSeen([]event.Login{{Provider: tc.provider, Name: strings.ToLower(tc.login)}})
		if got := with.Whose(tc.provider, tc.login).Bot; got != tc.bot {
			t.Errorf("%s:%s is a bot: %t, want %t", tc.provider, tc.login, got, tc.bot)
		}
	}
	if len(directory.Identities()) != 1 {
		t.Errorf("the catalog itself changed: %v", directory.Identities())
	}
}
