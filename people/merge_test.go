package people_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// permutations returns every order of 0 to n-1.
func permutations(n int) [][]int {
	if n == 0 {
		return [][]int{nil}
	}
	var all [][]int
	for _, shorter := range permutations(n - 1) {
		for at := range n {
			all = append(all, slices.Insert(slices.Clone(shorter), at, n-1))
		}
	}
	return all
}

// Who is one person, since when and until when, and whose a login is, does not depend on the order of the rows. Only
// the id by which a person of several records goes is that of the first one.
func TestPeopleDoNotDependOnTheOrderOfRows(t *testing.T) {
	const head = "person,email,team,start_date,left_date,logins\n"
	rows := []string{
		"a,x@acme.example,p,2026-01-01,,github:a",
		"b,x@acme.example,p,2026-01-01,2026-06-30,github:b", // the same membership, which has ended
		"b,y@acme.example,q,2026-07-01,,",
		"c,y@acme.example,q,2026-07-01,,github:c github:d", // may not be a, and b is
		"d,,r,2026-07-01,,github:d",                        // claims what c claims
	}
	const rules = "different: [{people: [a, c]}]\n"
	want := ""
	for _, order := range permutations(len(rows)) {
		csv := head
		for _, i := range order {
			csv += rows[i] + "\n"
		}
		directory, _, err := load(t, csv, "", rules)
		if err != nil {
			t.Fatal(err)
		}
		groups := map[string]string{"": "nobody"}
		var lines []string
		for _, p := range directory.All() {
			ids := append(slices.Clone(p.Records), p.ID)
			slices.Sort(ids)
			var times []string
			for _, m := range p.Memberships {
				times = append(times, fmt.Sprintf("%s %s %s", m.Team, day(m.StartedOn), day(m.LeftOn)))
			}
			groups[p.ID] = strings.Join(ids, "+")
			lines = append(lines, groups[p.ID]+" "+strings.Join(times, ", "))
		}
		for _, i := range directory.Identities() {
			lines = append(lines, i.Provider+":"+i.Login+" "+groups[i.Person])
		}
		slices.Sort(lines)
		got := strings.Join(lines, "\n")
		if want == "" {
			want = got
			for _, line := range []string{"a+b p 2026-01-01 2026-06-30, q 2026-07-01 -", "c q 2026-07-01 -", "github:b a+b"} {
				if !strings.Contains(got, line) {
					t.Errorf("lacks %q:\n%s", line, got)
				}
			}
			if strings.Contains(got, "github:d") {
				t.Errorf("a login of two people is attributed:\n%s", got)
			}
		}
		if got != want {
			t.Fatalf("in the order %v:\n%s\nwant\n%s", order, got, want)
		}
	}
}

// The directory gives one login to two people: it vouches for neither, whichever is read first.
func TestALoginOfTwoUsersVouchesForNobody(t *testing.T) {
	ann, ben := orgUser("ann", "Ann", "''", "shared"), orgUser("ben", "Ben", "''", "shared")
	for _, org := range []string{ann + ben, ben + ann} {
		directory, _, err := load(t, "person,team,start_date,logins\n1001,p,2026-01-01,github:shared\n", org, "")
		if err != nil {
			t.Fatal(err)
		}
		if got := len(directory.All()); got != 3 {
			t.Errorf("%d people, want 3: %v", got, showPeople(directory))
		}
	}
}
