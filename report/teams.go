package report

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/report/sorting"
)

// Team is a team, its services by level, and how often they were deployed.
type Team struct {
	Name     string // "" for the services without an owner
	Owner    string // entity ref
	Services int
	ByLevel  map[string]int // by the level's name in lower case, "none" included
	Deploys  *int           // nil: of none of its services deployments were ever collected
	ranks    int            // sum of the ranks of its services' levels
}

// Teams are the teams that own services. The window is that of the deployments.
type Teams struct {
	List   []Team // by name; the services without an owner are last
	Window metrics.Window
}

// Teams returns every team that owns services.
func (r *Reader) Teams(ctx context.Context) (Teams, error) {
	window := r.ChartWindow()
	var services Services
	var deployments map[string]int
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) { services, err = r.Services(ctx); return err })
	g.Go(func() (err error) { deployments, err = r.deploymentsByTeam(ctx, window); return err })
	if err := g.Wait(); err != nil {
		return Teams{}, err
	}
	return Teams{teamsOf(services.List, deployments), window}, nil
}

// Select returns the teams whose name contains the text, in any case.
func (t Teams) Select(text string) []Team {
	text = strings.ToLower(strings.TrimSpace(text))
	return slices.DeleteFunc(slices.Clone(t.List), func(t Team) bool {
		return !strings.Contains(strings.ToLower(t.Name), text)
	})
}

// TeamColumns are the columns of the list of teams.
var TeamColumns = []sorting.Field[Team]{
	text("name", "team", func(t Team) string { return t.Name }),
	number("services", "services", func(t Team) *float64 { return sorting.Count(t.Services) }),
	// by the average rank of the levels, in the order of the scorecard
	{Column: sorting.Column{Key: "level", Label: "levels"},
		Value: func(t Team) *float64 { return sorting.Value(float64(t.ranks) / float64(t.Services)) }},
	number("deploys", "deployments", func(t Team) *float64 { return count(t.Deploys) }),
}

// teamsOf joins the levels and the deployments of teams, by name; what has no owner comes last.
func teamsOf(services []Service, deployments map[string]int) []Team {
	index := map[string]int{}
	var teams []Team
	for _, s := range services {
		i, ok := index[s.Entity.Owner]
		if !ok {
			i = len(teams)
			index[s.Entity.Owner] = i
			teams = append(teams, Team{Name: s.Team, Owner: s.Entity.Owner, ByLevel: map[string]int{}})
		}
		t := &teams[i]
		t.Services++
		t.ByLevel[s.Level()]++
		t.ranks += s.Rank
		if s.Numbers.Deploys != nil && t.Deploys == nil {
			t.Deploys = new(int)
		}
	}
	for owner, n := range deployments {
		if i, ok := index[owner]; ok && owner != "" {
			teams[i].Deploys = &n
		}
	}
	slices.SortFunc(teams, func(x, y Team) int {
		if (x.Owner == "") != (y.Owner == "") {
			return cmp.Compare(len(y.Owner), len(x.Owner))
		}
		return cmp.Or(strings.Compare(strings.ToLower(x.Name), strings.ToLower(y.Name)),
			strings.Compare(x.Owner, y.Owner))
	})
	return teams
}
