package report

import (
	"context"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/report/sorting"
)

// Adoption is [metrics.Engine.Adoption], cached.
func (r *Reader) Adoption(ctx context.Context) (metrics.Adoption, error) {
	return cached(ctx, r, "adoption", r.deps.Metrics.Adoption)
}

// AdoptionFilter selects services by the golden path that they follow. Empty fields select all.
type AdoptionFilter struct {
	Text  string // in the name, the ref, the team or the golden path
	State string // follows, follows none, unknown, or drifted
	Path  string // name of the golden path
}

// Drifted selects adopters some of whose files differ from what the golden path wrote.
const Drifted = "drifted"

// AdoptionStates are what services can be selected by.
var AdoptionStates = []string{metrics.Follows, metrics.FollowsNone, metrics.FollowUnknown, Drifted}

// AdoptionRow is a service with the display name of its team.
type AdoptionRow struct {
	metrics.AdoptionState
	TeamName string `json:"team_name"`
}

// AdoptionColumns are the columns of the list of services.
var AdoptionColumns = []sorting.Field[AdoptionRow]{
	text("name", "service", func(s AdoptionRow) string { return s.Name }),
	text("team", "team", func(s AdoptionRow) string { return s.TeamName }),
	text("state", "state", func(s AdoptionRow) string { return s.State }),
	text("path", "golden path", func(s AdoptionRow) string { return s.GoldenPath }),
	number("drift", "files that drifted", func(s AdoptionRow) *float64 { return ofAdopter(s, s.Drift) }),
	number("declined", "declined", func(s AdoptionRow) *float64 { return ofAdopter(s, s.Declined) }),
}

func ofAdopter(s AdoptionRow, n *int) *float64 {
	if s.State == metrics.FollowUnknown || n == nil {
		return nil
	}
	return sorting.Count(*n)
}

// SelectAdoption returns the services that a filter selects.
func (r *Reader) SelectAdoption(a metrics.Adoption, f AdoptionFilter) []AdoptionRow {
	wanted := strings.ToLower(strings.TrimSpace(f.Text))
	cat := r.Catalog()
	rows := []AdoptionRow{}
	for _, s := range a.Subjects {
		row := AdoptionRow{AdoptionState: s, TeamName: s.Team}
		if team, ok := cat.Entity(s.Team); ok {
			row.TeamName = team.DisplayName()
		}
		all := strings.ToLower(strings.Join([]string{s.Name, s.Service, row.TeamName, s.GoldenPath}, " "))
		fits := strings.Contains(all, wanted) && (f.Path == "" || f.Path == s.GoldenPath)
		switch f.State {
		case "":
		case Drifted:
			fits = fits && s.State == metrics.Follows && s.Drift != nil && *s.Drift > 0
		default:
			fits = fits && s.State == f.State
		}
		if fits {
			rows = append(rows, row)
		}
	}
	return rows
}

// PathNames are the names of the golden paths that services follow, each once.
func PathNames(a metrics.Adoption) []string {
	var names []string
	for _, p := range a.Paths {
		names = append(names, p.Name)
	}
	return slices.Compact(names)
}

// AdoptionDocument is the adoption of golden paths as JSON.
type AdoptionDocument struct {
	Definition    metrics.Definition     `json:"definition"`
	Services      int                    `json:"services"` // of which it is known
	Adopters      int                    `json:"adopters"`
	Unknown       int                    `json:"unknown"`
	Share         *float64               `json:"share"` // null: nothing is known
	Paths         []metrics.PathAdoption `json:"paths"`
	SubjectsTotal int                    `json:"subjects_total"` // on all pages
	Subjects      []AdoptionRow          `json:"subjects"`
	Next          string                 `json:"next"`
}

// NewAdoptionDocument returns a page of the services.
func NewAdoptionDocument(a metrics.Adoption, rows []AdoptionRow, p Page) AdoptionDocument {
	return AdoptionDocument{
		Definition: a.Definition, Services: a.Services, Adopters: a.Adopters, Unknown: a.Unknown, Share: a.Share,
		Paths: a.Paths, SubjectsTotal: len(rows), Subjects: PageOf(rows, p),
	}
}
