package create

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/scorecards/paths"
)

// TestDerived answers the questions of a shipped path from what is known.
func TestDerived(t *testing.T) {
	all, err := paths.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	goService := all[slices.IndexFunc(all, func(p *paths.Path) bool { return p.Name == "go-service" })]
	payments := descriptor.Entity{Kind: "Group", Ref: "group:default/payments", Name: "payments",
		Annotations: map[string]string{"slack.com/channel": "team-payments"},
		Profile:     descriptor.Profile{Email: "payments@acme.example"}}
	known := Surroundings{GitHubOwner: "acme", Team: payments, Systems: []string{"money-movement"}}
	with := func(change func(s *Surroundings)) Surroundings {
		s := known
		s.Team.Annotations = maps.Clone(s.Team.Annotations)
		change(&s)
		return s
	}
	for _, c := range []struct {
		name     string
		known    Surroundings
		defaults paths.Defaults
		input    actions.Input
		want     map[string]string // of the derived answers
		missing  []string
	}{
		{"everything but what it does", known, paths.Defaults{}, actions.Input{}, map[string]string{
			"owner": "group:default/payments", "repository": "acme/pay", "code_owners": "@acme/payments",
			"contact": "#team-payments", "security_contact": "payments@acme.example", "system": "money-movement",
			"organization": "acme",
		}, []string{"description"}},
		{"nothing is known", Surroundings{}, paths.Defaults{}, actions.Input{OwnerField: "group:default/payments"},
			map[string]string{},
			[]string{"description", "repository", "code_owners", "system", "contact", "security_contact", "organization"}},
		{"nothing but the repository", Surroundings{}, paths.Defaults{},
			actions.Input{OwnerField: "payments", RepositoryField: "acme/pay"},
			map[string]string{"code_owners": "@acme/payments", "organization": "acme"},
			[]string{"description", "system", "contact", "security_contact"}},
		{"the defaults of the organization come first", known, paths.Defaults{GitHubOwner: "acme-labs", Answers: map[string]string{
			"organization": "Acme Inc.", "security_contact": "security@acme.example", "unasked": "x", "system": "Not A System",
		}}, actions.Input{}, map[string]string{
			"owner": "group:default/payments", "repository": "acme-labs/pay", "code_owners": "@acme-labs/payments",
			"contact": "#team-payments", "security_contact": "security@acme.example", "system": "money-movement",
			"organization": "Acme Inc.",
		}, []string{"description"}},
		{"what was given stays", known, paths.Defaults{}, actions.Input{DescriptionField: "Takes payments from customers",
			AnswersField: map[string]string{"code_owners": "@ada", "contact": "#pay"}}, map[string]string{
			"owner": "group:default/payments", "repository": "acme/pay", "security_contact": "payments@acme.example",
			"system": "money-movement", "organization": "acme",
		}, nil},
		{"a team of another name on GitHub, several systems, a channel as a link", with(func(s *Surroundings) {
			s.Team.Annotations = map[string]string{"github.com/team-slug": "acme-pay/money"}
			s.Team.Links = []descriptor.Link{{Title: "Chat: #money", URL: "https://chat.acme.example"}}
			s.Team.Profile.Email, s.Systems = "", []string{"a", "b"}
		}), paths.Defaults{}, actions.Input{}, map[string]string{
			"owner": "group:default/payments", "repository": "acme/pay", "code_owners": "@acme-pay/money", "contact": "#money",
			"organization": "acme",
		}, []string{"description", "system", "security_contact"}},
		{"a person owns it", with(func(s *Surroundings) { s.Team = descriptor.Entity{}; s.Systems = nil }), paths.Defaults{},
			actions.Input{OwnerField: "user:default/ada"}, map[string]string{"repository": "acme/pay", "organization": "acme"},
			[]string{"description", "code_owners", "system", "contact", "security_contact"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := New(Deps{Defaults: c.defaults, Now: func() time.Time { return now },
				Path:         func(context.Context, string) (*paths.Path, error) { return goService, nil },
				Surroundings: func(string) Surroundings { return c.known }})
			c.input[NameField], c.input[PathField] = "pay", "go-service"
			p, err := a.Prepare(t.Context(), c.input)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for _, d := range p.Derived {
				got[d.Question] = d.Answer
				if d.From == "" || p.Input.Texts(AnswersField)[d.Question] != d.Answer {
					t.Errorf("%+v is not among the answers, or from nowhere", d)
				}
			}
			if !maps.Equal(got, c.want) {
				t.Errorf("derived are %v, want %v", got, c.want)
			}
			var missing []string
			for _, q := range p.Missing() {
				missing = append(missing, q.Name)
			}
			slices.Sort(missing)
			slices.Sort(c.missing)
			if !slices.Equal(missing, c.missing) {
				t.Errorf("missing are %v, want %v", missing, c.missing)
			}
			again, err := a.Prepare(t.Context(), p.Input)
			if err != nil || len(again.Derived) > 0 {
				t.Errorf("prepared again, derived are %v (%v)", again.Derived, err)
			}
		})
	}
}
