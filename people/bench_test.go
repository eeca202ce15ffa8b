package people_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/people"
)

// manyLogins must cost in proportion.
const manyLogins = 60_000

// BenchmarkPeople reads one person with 60,000 logins in one row, in 60,000 rows, and 60,000 people with rules about
// each.
func BenchmarkPeople(b *testing.B) {
	logins := make([]string, manyLogins)
	rows, everyone := "person,team,start_date,logins\n", "person,name,team,start_date,email,logins\n"
	var rowText, peopleText, ruleText, apart strings.Builder
	for i := range logins {
		logins[i] = fmt.Sprintf("login-%d", i)
		fmt.Fprintf(&rowText, "one,t%d,20%02d-01-02,login-%d\n", i, i%26, i)
		fmt.Fprintf(&peopleText, "p%d,Name %d,t,2026-01-02,p%d@x.y,github:p%[1]d\n", i, i%1000, i)
		if i%20 == 0 && i+1 < len(logins) {
			fmt.Fprintf(&ruleText, "  - {people: [p%d, p%d], logins: [jenkins:p%[1]d], emails: [p%[1]d@z.y]}\n", i, i+1)
			fmt.Fprintf(&apart, "  - {people: [p%d, p%d]}\n", i+2, i+3)
		}
	}
	rows += rowText.String()
	everyone += peopleText.String()
	rules := "same:\n" + ruleText.String() + "different:\n" + apart.String()
	for _, bb := range []struct{ name, csv, rules string }{
		{"one row", "person,logins\none,\"" + strings.Join(logins, " ") + "\"\n", ""},
		{"many rows", rows, ""},
		{"many people", everyone, rules},
	} {
		b.Run(bb.name, func(b *testing.B) {
			dir := b.TempDir()
			for name, text := range map[string]string{"people.csv": bb.csv, "rules.yaml": bb.rules} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					b.Fatal(err)
				}
			}
			cfg := people.Config{Files: []string{"people.csv"}, Rules: "rules.yaml"}
			b.ReportAllocs()
			for b.Loop() {
				c, _, err := catalog.Load(catalog.Config{Strict: true}, cfg, dir)
				if err != nil || len(c.People().Identities()) < manyLogins {
					b.Fatal(len(c.People().Identities()), err)
				}
			}
		})
	}
}
