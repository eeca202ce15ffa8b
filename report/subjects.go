package report

import (
	"slices"
	"strings"

	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/report/sorting"
	"github.com/dxctl/dxctl/report/words"
)

// SubjectState is where a subject of time to first deploy is.
type SubjectState string

// The states of subjects.
const (
	SubjectDeployed SubjectState = "deployed"
	SubjectWaiting  SubjectState = "waiting"
	SubjectExcluded SubjectState = "excluded" // in no estimate
)

// SubjectStates are all states, in the order in which pages offer them.
var SubjectStates = []SubjectState{SubjectDeployed, SubjectWaiting, SubjectExcluded}

// StateOf returns the state of a subject.
func StateOf(s metrics.Subject) SubjectState {
	switch {
	case !s.Counted:
		return SubjectExcluded
	case s.DeployedAt == nil:
		return SubjectWaiting
	}
	return SubjectDeployed
}

// SubjectFilter selects engineers or services of time to first deploy. Empty fields select all.
type SubjectFilter struct {
	Text   string // part of the name or the id, in any case
	Team   string // as subjects have it
	Cohort string // label
	State  SubjectState
}

// Select returns the subjects that fit.
func (f SubjectFilter) Select(subjects []metrics.Subject) []metrics.Subject {
	text := strings.ToLower(strings.TrimSpace(f.Text))
	return slices.DeleteFunc(slices.Clone(subjects), func(s metrics.Subject) bool {
		return f.Team != "" && f.Team != s.Team || f.Cohort != "" && f.Cohort != s.Cohort ||
			f.State != "" && f.State != StateOf(s) || !strings.Contains(strings.ToLower(s.Name+" "+s.ID), text)
	})
}

// LatestStart is the order of subjects that nobody has sorted.
var LatestStart = sorting.Order{By: "started", Descending: true}

// SubjectColumns are the columns of a list of subjects. Engineers are not sorted by how long they took: a list of
// people is no ranking.
func SubjectColumns(of metrics.Population) []sorting.Field[metrics.Subject] {
	one := "engineer"
	took := sorting.Field[metrics.Subject]{Column: sorting.Column{Label: "took", Number: true}}
	if of == metrics.Services {
		one = "service"
		took = number("took", "took", func(s metrics.Subject) *float64 {
			if StateOf(s) != SubjectDeployed {
				return nil
			}
			return sorting.Value(s.Hours)
		})
	}
	return []sorting.Field[metrics.Subject]{
		text("name", one, func(s metrics.Subject) string {
			if s.Name == "" {
				return s.ID
			}
			return s.Name
		}),
		text("team", "team", func(s metrics.Subject) string { return words.RefName(s.Team) }),
		text("cohort", "cohort", func(s metrics.Subject) string { return s.Cohort }),
		number("started", "started", func(s metrics.Subject) *float64 {
			if s.StartedAt.IsZero() {
				return nil
			}
			return sorting.Value(float64(s.StartedAt.Unix()))
		}),
		number("deployed", "first deployment", func(s metrics.Subject) *float64 {
			if s.DeployedAt == nil {
				return nil
			}
			return sorting.Value(float64(s.DeployedAt.Unix()))
		}),
		took,
		text("link_method", "how it is known", func(s metrics.Subject) string { return s.LinkMethod + s.Note }),
	}
}

// CohortColumns are the columns of a list of cohorts.
var CohortColumns = []sorting.Field[metrics.Cohort]{
	text("name", "cohort", func(c metrics.Cohort) string {
		if c.Start.IsZero() {
			return words.RefName(c.Label)
		}
		return c.Start.Format("2006-01-02")
	}),
	number("n", "n", func(c metrics.Cohort) *float64 { return sorting.Count(c.N) }),
	number("deployed", "deployed", func(c metrics.Cohort) *float64 { return sorting.Count(c.Deployed) }),
	number("waiting", "waiting", func(c metrics.Cohort) *float64 { return sorting.Count(c.Censored) }),
	number("excluded", "in no estimate", func(c metrics.Cohort) *float64 { return sorting.Count(c.Excluded) }),
	number("median", "median", func(c metrics.Cohort) *float64 { return c.MedianHours }),
	number("p90", "90th percentile", func(c metrics.Cohort) *float64 { return c.P90Hours }),
}

// CohortOrder is the order of cohorts that nobody has sorted: the latest first, teams by name.
func CohortOrder(by metrics.Grouping) sorting.Order {
	return sorting.Order{By: "name", Descending: by != metrics.Team}
}
