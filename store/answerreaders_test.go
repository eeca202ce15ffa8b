package store

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadersOf(t *testing.T) {
	name := func(s string) *string { return &s }
	user := func(u, database string) grant { return grant{User: name(u), Database: name(database)} }
	everywhere := grant{User: name("grafana")}
	taken := grant{User: name("grafana"), Database: name("dx_surveys"), Revoked: true}
	for _, c := range []struct {
		name   string
		grants []grant
		roles  []roleGrant
		want   []string
	}{
		{"only the public database", []grant{user("grafana", "dx")}, nil, nil},
		{"all databases", []grant{everywhere}, nil, []string{"grafana"}},
		{"all databases but this", []grant{everywhere, taken}, nil, nil},
		{"all but a table of it", []grant{everywhere, {User: name("grafana"), Database: name("dx_surveys"),
			Table: name("answers"), Revoked: true}}, nil, []string{"grafana"}},
		{"a table of it", []grant{{User: name("b"), Database: name("dx_surveys"), Table: name("answers")}, user("a", "dx_surveys")},
			nil, []string{"a", "b"}},
		{"databases of a prefix", []grant{user("grafana", "dx*"), user("x", "dy*")}, nil, []string{"grafana"}},
		{"a role of a role", []grant{{Role: name("reading"), Database: name("dx_surveys")}},
			[]roleGrant{{User: name("grafana"), Granted: "readers"}, {Role: name("readers"), Granted: "reading"},
				{User: name("other"), Granted: "writers"}}, []string{"grafana"}},
		{"taken from the user, given by a role", []grant{everywhere, taken, {Role: name("reading")}},
			[]roleGrant{{User: name("grafana"), Granted: "reading"}}, []string{"grafana"}},
	} {
		if diff := cmp.Diff(c.want, readersOf("dx_surveys", c.grants, c.roles)); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}
