package people

import (
	"testing"

	"github.com/dxctl/dxctl/files"
)

func noTeams(string) (string, bool) { return "", false }

func FuzzCSV(f *testing.F) {
	f.Add([]byte("person,team,start_date,logins\nalice,payments,2026-03-02,alice;github:a\n"))
	f.Add([]byte("\ufeffperson;bot\r\n\"a\nb\";yes\r\n"))
	f.Add([]byte("person,logins\na,\"x\nb,:\n"))
	f.Add([]byte("person,left\na,31/12/2026\na,1/1/2026\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		records := newRecords(files.NewReader("."), noTeams)
		records.readCSV("people.csv", data)
		directory := records.Resolve(nil)
		seen := map[[2]string]bool{}
		for _, i := range directory.Identities() {
			if key := [2]string{i.Provider, i.Login}; seen[key] || i.Login == "" {
				t.Errorf("login %v is empty or stands twice", key)
			} else {
				seen[key] = true
			}
		}
		for _, person := range directory.All() {
			if person.ID == "" || len(person.Memberships) == 0 {
				t.Errorf("%+v has no id or no membership", person)
			}
		}
	})
}

func FuzzRules(f *testing.F) {
	f.Add([]byte("same: [{person: x, people: [a, b], logins: ['github:x'], emails: [a@b.c], why: y}]\ndifferent: " +
		"[{people: [a, c]}]\nbots: {logins: [x], patterns: ['*-ci']}\nshared_emails: [q@r.s]\n"))
	f.Add([]byte("same: [{people: [a, b]}, {people: [b, c]}, {people: [c, a], person: b}]\n"))
	f.Add([]byte("different: [{people: [a, b]}]\nsame: [{logins: [a, b]}]\n"))
	f.Add([]byte("same: &x [*x]\n---\n\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		records := newRecords(files.NewReader("."), noTeams)
		records.rules = records.parseRules("rules.yaml", data)
		records.readCSV("people.csv", []byte("person,name,email,logins\na,A,a@b.c,a github:x\nb,A,b@b.c,b\nc,C,a@b.c,c x\n"))
		directory := records.Resolve(nil)
		known := map[string]bool{"": true}
		for _, person := range directory.All() {
			known[person.ID] = true
			if len(person.Memberships) == 0 {
				t.Errorf("%s has no membership", person.ID)
			}
		}
		for _, m := range directory.Report().Merged {
			if known[m.Record] {
				t.Errorf("%s was merged into %s and is still there", m.Record, m.Person)
			}
		}
		seen := map[[2]string]bool{}
		for _, i := range directory.Identities() {
			if !known[i.Person] || i.Login == "" || seen[[2]string{i.Provider, i.Login}] {
				t.Errorf("%+v is of nobody, empty, or stands twice", i)
			}
			seen[[2]string{i.Provider, i.Login}] = true
		}
	})
}
