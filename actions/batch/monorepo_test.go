package batch_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/actions/batch"
	"github.com/dxctl/dxctl/actions/settings"
)

// TestReviewersOfMonorepo: services of one repository that name different reviewers of one environment get all of them,
// and the plan says so; if these are too many, the plan names both services.
func TestReviewersOfMonorepo(t *testing.T) {
	team := func(ids ...int64) (reviewers []settings.Reviewer) {
		for _, id := range ids {
			reviewers = append(reviewers, settings.Reviewer{Type: "Team", ID: id})
		}
		return reviewers
	}
	for name, c := range map[string]struct {
		there any // reviewers of the environment before
		a, b  []settings.Reviewer
		want  string // teams of the environment after
		said  bool   // that it has more than one service names
		left  bool   // the second service is left
	}{
		"the same team":       {nil, team(1), team(1), "[1]", false, false},
		"different teams":     {nil, team(1), team(2), "[1 2]", true, false},
		"it has some":         {[]any{map[string]any{"type": "Team", "id": 3.0}}, team(1), team(2), "[3]", false, false},
		"more than there are": {nil, team(1, 2, 3, 4), team(5, 6, 7), "[1 2 3 4]", false, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 1)
			w.Teams = map[string]int64{}
			for id := range int64(8) {
				w.Teams[fmt.Sprint("acme/", id)] = id
			}
			repo := w.Repos["acme/s000"]
			repo.Set.Environments = map[string]map[string]any{"production": {"reviewers": c.there}}
			head, err := w.host.Heads(t.Context(), []string{"acme/s000"})
			if err != nil {
				t.Fatal(err)
			}
			var items []batch.Item
			// The order of the waves is that of a hash: b comes first.
			for entity, reviewers := range map[string][]settings.Reviewer{"component:default/a": c.b, "component:default/b": c.a} {
				want := settings.Want{Rules: []string{"production-protected"}, Reviewers: reviewers}
				state, err := w.host.Settings(t.Context(), settings.Ask{Repository: "acme/s000", Branch: "main", Want: want,
					Production: []string{"production"}})
				if err != nil {
					t.Fatal(err)
				}
				planned, err := settings.Plan(state, want)
				if err != nil || len(planned.Changes) != 1 {
					t.Fatalf("%+v, %v", planned, err)
				}
				one := item(head[0])
				one.Entity, one.Proposal.Branch, one.Changes = entity, "dxctl/fix-"+entity[18:], planned.Changes
				items = append(items, one)
			}
			p, err := batch.New(defaults(), items, nil, w.limits(), w.host.Bulk())
			if err != nil {
				t.Fatal(err)
			}
			if p.Items[0].Entity != "component:default/b" {
				t.Fatalf("the first one is %s", p.Items[0].Entity)
			}
			notes, left := strings.Join(p.Items[0].Notes, "\n"), fmt.Sprint(p.Items[1].Left)
			if c.said != strings.Contains(notes, "gets the reviewers of component:default/b and those of component:default/a") {
				t.Errorf("the notes are %q", notes)
			}
			refused := strings.Contains(left, "component:default/b and component:default/a need different things of the "+
				"environment production") && strings.Contains(left, "at most 6 reviewers")
			if c.left != refused || c.left != (p.Items[1].SetWith == "") {
				t.Errorf("left: %s, set with %q", left, p.Items[1].SetWith)
			}
			if err := w.start(t, p); err != nil {
				t.Fatal(err)
			}
			var ids []any
			reviewers, _ := repo.Set.Environments["production"]["reviewers"].([]any)
			for _, reviewer := range reviewers {
				one, _ := reviewer.(map[string]any)
				ids = append(ids, one["id"])
			}
			if fmt.Sprint(ids) != c.want {
				t.Errorf("the reviewers are %v, want %s", ids, c.want)
			}
		})
	}
}
