package people_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/people"
)

func TestPeopleCSV(t *testing.T) {
	const head = "person,team,start_date,logins\n"
	tests := []struct {
		name, csv, org   string
		people, logins   []string
		warnings, errors []string
	}{
		{name: "empty file", warnings: []string{"people.csv:1: the file is empty"}},
		{name: "header only", csv: head},
		{
			name:   "plain, byte order mark, CRLF, empty lines",
			csv:    "\ufeffperson,team,start_date,logins\r\n\r\nAlice,payments,2026-03-02,alice\r\n , ,,\r\n",
			people: []string{`alice "payments" 2026-03-02 -`},
			logins: []string{":alice=alice"},
		},
		{
			name: "logins per provider, separated by semicolons and spaces",
			csv: head + "alice,p,2026-03-02,asmith; " +
				"github:Alice-GH  jenkins:@asm\n",
			people: []string{
				`alice "p" 2026-03-02 -`,
			},
			logins: []string{":asmith=alice", "github:alice-gh=alice", "jenkins:asm=alice"},
		},
		{
			name: "other names, order and spelling of the columns", csv: "E-Mail,Full Name,End " +
				"Date,Hire_Date,Group,ID,Login\na@b.c,\"Smith, Alice\",2026-06-01,2026-03-02,p,alice,al\n",
			people: []string{`alice "p" 2026-03-02 2026-06-01`}, logins: []string{":a@b.c=alice", ":al=alice"},
		},
		{
			name: "two memberships", csv: head + "bob,platform,2026-05-01,bob\nbob,payments,2025-01-07,bob\n",
			people: []string{`bob "payments" 2025-01-07 -`, `bob "platform" 2026-05-01 -`}, logins: []string{":bob=bob"},
		},
		{
			name: "the same row twice",
			csv:  head + "bob,p,2026-05-01,bob\nbob,p,2026-05-01,bobby\n",
			people: []string{
				`bob "p" 2026-05-01 -`,
			},
			logins:   []string{":bob=bob", ":bobby=bob"},
			warnings: []string{`people.csv:3: bob in team "p" from the same day stands at people.csv:2`},
		},
		{name: "no person column", csv: "name,team\na,b\n", errors: []string{"people.csv:1: the header \"name,team\" has " +
			"no column person"}},
		{
			name:   "two columns of one meaning",
			csv:    "person,team,squad\n",
			errors: []string{`columns "team" and "squad" both mean team`},
		},
		{
			name:     "unknown column",
			csv:      "person,shoe size,logins\na,44,a\n",
			people:   []string{`a "" - -`},
			logins:   []string{":a=a"},
			warnings: []string{`people.csv:1: column "shoe size" is not known`},
		},
		{
			name:   "a row without a person",
			csv:    head + ",p,2026-01-01,x\nb,p,2026-01-01,b\n",
			people: []string{`b "p" 2026-01-01 -`},
			logins: []string{":b=b"},
			errors: []string{"people.csv:2: the row has no person"},
		},
		{
			name: "too many fields", csv: head + "a,p,2026-01-01,x,y\n", errors: []string{"people.csv:2: column 5: the row " +
				"has 5 fields and the header 4"},
		},
		{
			name:     "too few fields",
			csv:      head + "a,p\nb,p,2026-01-01,b\n",
			people:   []string{`a "p" - -`, `b "p" 2026-01-01 -`},
			logins:   []string{":b=b"},
			warnings: []string{"people.csv:2: 1 of the people have no logins (the first is a)"},
		},
		{
			name: "a broken quote", csv: head + "a,p,2026-01-01,a\nb,\"p\"x,2026-01-01,b\n",
			people: []string{`a "p" 2026-01-01 -`}, logins: []string{":a=a"}, errors: []string{"people.csv:3: column"},
		},
		{
			name: "a multi-line field keeps the line numbers",
			csv:  "person,name,start_date,logins\na,\"A\nB\",2026-01-01,a\nb,B,soon,b\n",
			people: []string{
				`a "" 2026-01-01 -`,
			},
			logins: []string{":a=a"},
			errors: []string{`people.csv:4: start_date "soon" is not a date`},
		},
		{
			name: "a date that could be two",
			csv:  head + "a,p,03/04/2026,a\n",
			errors: []string{
				`people.csv:2: start_date "03/04/2026" could be 3 April or 4 March; write it as 2026-04-03 or 2026-03-04`,
			},
		},
		{
			name: "dates that can only be one",
			csv: head + "a,p,31/03/2026,a\nb,p,03/31/2026,b\nc,p,5.5.2026,c\nd,p,2 Jan " +
				"2026,d\ne,p,2026/3/4,e\n",
			people: []string{
				`a "p" 2026-03-31 -`,
				`b "p" 2026-03-31 -`,
				`c "p" 2026-05-05 -`,
				`d "p" 2026-01-02 -`,
				`e "p" 2026-03-04 -`,
			},
			logins: []string{":a=a", ":b=b", ":c=c", ":d=d", ":e=e"},
		},
		{
			name:   "impossible dates",
			csv:    head + "a,p,2026-02-30,a\nb,p,31/02/2026,b\nc,p,0026-01-01,c\n",
			errors: []string{"people.csv:2", "people.csv:3", "people.csv:4: start_date \"0026-01-01\" is outside"},
		},
		{
			name:   "left before the start",
			csv:    "person,start_date,left_date\na,2026-03-01,2026-02-01\n",
			errors: []string{"a left on 2026-02-01, before the start on 2026-03-01"},
		},
		{
			name: "semicolons between the fields", csv: "person;team;start_date;logins\na;p;2026-01-01;a b\n",
			people: []string{`a "p" 2026-01-01 -`}, logins: []string{":a=a", ":b=a"},
		},
		{name: "UTF-16", csv: "\xff\xfep\x00", errors: []string{"people.csv:1: the header \"p\" has no column person"}},
		{
			name:   "not UTF-8",
			csv:    head + "a,p,,\xe9\n",
			errors: []string{`people.csv:2: column 4: logins: "\xe9" is not UTF-8 text; save the file as CSV in UTF-8`},
		},
		{
			name: "a login claimed by two is nobody's", csv: head + "a,p,2026-01-01,x github:y\nb,p,2026-01-01,x y\n",
			people: []string{`a "p" 2026-01-01 -`, `b "p" 2026-01-01 -`}, logins: []string{":y=b", "github:y=a"},
			warnings: []string{"people.csv:3: login x is claimed by a (people.csv:2) and by b; it is attributed to neither"},
		},
		{
			name:   "an odd provider",
			csv:    head + "a,p,2026-01-01,http://x:y\nb,p,2026-01-01,a b:\n",
			errors: []string{`people.csv:3: login "b:"`, `people.csv:2: login "http://x:y": a login holds no colon`},
		},
		{
			name:   "a bot account",
			csv:    "person,logins,bot\ndeployer,ci-deploy,yes\na,a,\n",
			people: []string{`a "" - -`},
			logins: []string{":a=a", ":ci-deploy= bot"},
		},
		{
			name: "teams get the group's spelling",
			csv:  head + "a,Payments,2026-01-01,a\nb,group:default/payments,2026-01-01,b\nc,Ops Team,2026-01-01,c\nd,ops team,2026-01-01,d\n",
			org:  kind("Group", "payments", "type: team, children: []"),
			people: []string{
				`a "payments" 2026-01-01 -`,
				`b "payments" 2026-01-01 -`,
				`c "Ops Team" 2026-01-01 -`,
				`d "Ops Team" 2026-01-01 -`,
			},
			logins: []string{":a=a", ":b=b", ":c=c", ":d=d"},
		},
		{
			name: "users and groups of Backstage",
			csv:  head + "amy,p,2026-01-01,\n",
			org: kind("Group", "p", "type: team, children: [], members: [bea]") + "---\n" + kind(
				"Group",
				"q",
				"type: team, children: []",
			) + "---\n" + kind("User", "amy", "memberOf: [q]") + "---\n" +
				kind("User", "bea", "memberOf: [q], profile: {displayName: Bea}") + "---\n" + kind(
				"User",
				"cy",
				"memberOf: [], profile: {}",
			) + "---\n" +
				strings.Replace(
					kind("User", "di", "memberOf: []"),
					"{name: di}",
					"{name: di, annotations: {github.com/user-login: Di-GH}}",
					1,
				),
			people:   []string{`amy "p" 2026-01-01 -`, `bea "p" - -`, `bea "q" - -`, `cy "" - -`, `di "" - -`},
			logins:   []string{":bea=bea", ":cy=cy", "github:di-gh=di"},
			warnings: []string{"1 of the people have no logins (the first is amy)"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			directory, warnings, err := loadFiles(t, map[string]string{"people.csv": tt.csv, "org.yaml": tt.org})
			if got := showPeople(directory); !slices.Equal(got, tt.people) {
				t.Errorf("people %q, want %q", got, tt.people)
			}
			if got := showLogins(directory); !slices.Equal(got, tt.logins) {
				t.Errorf("logins %q, want %q", got, tt.logins)
			}
			checkWarnings(t, warnings, tt.warnings)
			checkErrors(t, err, tt.errors)
		})
	}
}

func TestPeopleFileMissing(t *testing.T) {
	_, _, err := catalog.Load(catalog.Config{Strict: true}, people.Config{Files: []string{"people.csv"}}, t.TempDir())
	checkErrors(t, err, []string{"people.csv: the file cannot be read: no such file"})
	_, warnings, err := catalog.Load(
		catalog.Config{Strict: true},
		people.Config{Files: []string{"people/*.csv"}},
		t.TempDir(),
	)
	checkErrors(t, err, nil)
	checkWarnings(t, warnings, []string{"people.files: no file matches people/*.csv"})
	_, _, err = catalog.Load(catalog.Config{Files: []string{" "}, Strict: true}, people.Config{}, t.TempDir())
	checkErrors(t, err, []string{"catalog.files[0] is empty"})
}

// What is no person is refused, row by row; the file goes on.
func TestRowsThatAreNoPeople(t *testing.T) {
	directory, warnings, err := load(
		t,
		"Staff as of 2026-11-01\n\nperson;team;start_date;logins\nana;p;2026-01-02;a\nbo,q\nsep|x\n---\nTotal;;2;\nGrand total: 2;;;\nGenerated by HR on Monday;;;\ntotal;support;2026-01-02;t\ncy;p;1900-01-01;c\n",
		"",
		"",
	)
	compare(
		t,
		"people",
		showPeople(directory),
		[]string{`ana "p" 2026-01-02 -`, `bo,q "" - -`, `cy "p" - -`, `total "support" 2026-01-02 -`},
	)
	checkErrors(t, err, []string{
		`people.csv:6: person "sep|x" is more than one field`,
		`people.csv:7: person "---" has neither a letter nor a digit`,
		`people.csv:8: "total" looks like a total`,
		`people.csv:9: "grand total: 2" looks like a total`,
		`people.csv:10: "generated by hr on monday" stands alone in its row`,
	})
	if !strings.Contains(warningsText(warnings), "people.csv:1: the lines before the header in line 3 are left out") ||
		!strings.Contains(
			warningsText(warnings),
			"people.csv:12: start_date 1900-01-01 stands for a date that is not known; 1 start is read as not known",
		) {
		t.Errorf("warnings:\n%s", warningsText(warnings))
	}
}
