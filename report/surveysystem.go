package report

import (
	"context"
	"fmt"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/format"
)

// surveyMetricDays is how many days up to the last day of a survey the numbers of teams are about: the quarter that
// people think of when they answer.
const surveyMetricDays = 91

// outcomesOf has the outcomes of rules at a time: entity → rule.
type outcomesOf map[string]map[scorecards.RuleName]event.Outcome

// outcomesThen returns the outcomes of all rules in force at a time; nil if no history is read here.
func (r *Reader) outcomesThen(ctx context.Context, at time.Time) (outcomesOf, error) {
	if r.deps.OutcomeChanges == nil {
		return nil, nil
	}
	return cached(ctx, r, fmt.Sprint("outcomes at ", at.Unix()), func(ctx context.Context) (outcomesOf, error) {
		var asked []string
		inForce := map[scorecards.RuleName]bool{}
		for _, card := range r.deps.Scorecards.Scorecards() {
			asked = append(asked, askedOf(&card, "")...)
			for i := range card.Rules {
				status := card.Rules[i].Status
				inForce[scorecards.RuleName{Scorecard: card.Name, Rule: card.Rules[i].ID}] = status != format.Draft &&
					status != format.Retired
			}
		}
		grades, err := r.deps.OutcomeChanges(ctx, asked)
		if err != nil {
			return nil, err
		}
		then := outcomesOf{}
		for entity, rules := range scorecards.OutcomeHistories(scorecards.Continue(grades, r.cardNames()...)) {
			of := map[scorecards.RuleName]event.Outcome{}
			for name, history := range rules {
				if outcome, known := history.At(at); known && inForce[name] {
					of[name] = outcome
				}
			}
			if len(of) > 0 {
				then[entity] = of
			}
		}
		return then, nil
	})
}

// outcomesNow returns the outcomes of the rules that count in the grades of the present.
func outcomesNow(services []Service) outcomesOf {
	now := outcomesOf{}
	for _, s := range services {
		now[s.Entity.Ref] = map[scorecards.RuleName]event.Outcome{}
		for _, card := range s.Reports {
			for i := range card.Results {
				if result := &card.Results[i]; result.Counts() {
					now[s.Entity.Ref][scorecards.RuleName{Scorecard: card.Scorecard, Rule: result.Rule}] = result.Outcome
				}
			}
		}
	}
	return now
}

// RuleShare is how many services pass a rule, of those for which it is decided.
type RuleShare struct {
	Pass int `json:"pass"` // with a warning or without
	Of   int `json:"of"`   // that pass or fail
}

// Fails reports whether at least half of the services fail.
func (s RuleShare) Fails() bool { return s.Of > 0 && 2*s.Pass <= s.Of }

func (s *RuleShare) add(o event.Outcome) {
	switch o {
	case event.Pass, event.Warn:
		s.Pass++
		s.Of++
	case event.Fail:
		s.Of++
	case event.Waived, event.NotApplicable, event.Unknown, event.Stale, event.ErrorOutcome, event.NeedsReview:
	}
}

// share counts the outcomes of some rules for some services.
func (o outcomesOf) share(services []string, rules ...scorecards.RuleName) (s RuleShare) {
	for _, service := range services {
		for _, rule := range rules {
			if outcome, known := o[service][rule]; known {
				s.add(outcome)
			}
		}
	}
	return s
}

// all counts the outcomes of all rules for some services.
func (o outcomesOf) all(services []string) (s RuleShare) {
	for _, service := range services {
		for _, outcome := range o[service] {
			s.add(outcome)
		}
	}
	return s
}

// surveyTeam is a team with published results and services, next to what the services of the team and of its sub-teams
// did.
type surveyTeam struct {
	row      SurveyRow
	services []string
	numbers  map[string]*float64 // by the key of a SystemNumber; nil: not known
}

// SystemNumber is a number of the services of a team.
type SystemNumber struct {
	Key  string `json:"key"`
	Text string `json:"text"`
}

// systemNumbers are the numbers with which the results of teams are compared.
var systemNumbers = []SystemNumber{
	{"deploys_per_week", "deployments to production per week and service"},
	{"ci_minutes", "minutes that CI takes, the median of the services' medians"},
	{"ci_success_rate", "share of CI runs that succeed"},
	{"review_share", "share of changes that were reviewed before the merge"},
	{"rules_passed", "share of scorecard rules that pass"},
}

// surveyTeams returns the teams of the results that share nobody, which are those of which no sub-team is shown, and
// that own services.
func (r *Reader) surveyTeams(ctx context.Context, x *SurveyResults, graded outcomesOf) ([]surveyTeam, error) {
	divided := map[string]bool{}
	for _, row := range x.Rows {
		for _, above := range x.Survey.above(row.Team)[1:] {
			divided[above] = true
		}
	}
	to := x.Survey.Closes
	if now := r.deps.Now().UTC().Truncate(time.Minute); now.Before(to) {
		to = now
	}
	stats, err := r.serviceStats(ctx, metrics.Window{From: to.AddDate(0, 0, -surveyMetricDays), To: to})
	if err != nil {
		return nil, fmt.Errorf("reading the numbers of the services of teams: %w", err)
	}
	byService := map[string]*metrics.ServiceStats{}
	for i := range stats {
		byService[stats[i].Service] = &stats[i]
	}
	var teams []surveyTeam
	for _, row := range x.Rows {
		services := r.deps.Catalog().OwnedWithin(row.Team)
		if divided[row.Team] || len(services) == 0 {
			continue
		}
		team := surveyTeam{row: row, services: services, numbers: map[string]*float64{}}
		team.measure(byService)
		if s := graded.all(services); s.Of > 0 {
			team.numbers["rules_passed"] = share(s.Pass, s.Of)
		}
		teams = append(teams, team)
	}
	return teams, nil
}

func (t *surveyTeam) measure(stats map[string]*metrics.ServiceStats) {
	var deploys, minutes []float64
	succeeded, runs, reviewed, changes := 0, 0, 0, 0
	for _, service := range t.services {
		n := stats[service]
		if n == nil {
			continue
		}
		if n.DeploysPerWeek != nil {
			deploys = append(deploys, *n.DeploysPerWeek)
		}
		if n.MedianMinutes != nil {
			minutes = append(minutes, *n.MedianMinutes)
		}
		if n.Runs != nil && n.Succeeded != nil {
			succeeded, runs = succeeded+*n.Succeeded, runs+*n.Runs
		}
		if n.Changes != nil && n.Reviewed != nil {
			reviewed, changes = reviewed+*n.Reviewed, changes+*n.Changes
		}
	}
	if len(deploys) > 0 {
		sum := 0.0
		for _, d := range deploys {
			sum += d
		}
		mean := sum / float64(len(deploys))
		t.numbers["deploys_per_week"] = &mean
	}
	if len(minutes) > 0 {
		middle := median(minutes)
		t.numbers["ci_minutes"] = &middle
	}
	t.numbers["ci_success_rate"], t.numbers["review_share"] = share(succeeded, runs), share(reviewed, changes)
}

// share is n of a number; nil of none.
func share(n, of int) *float64 {
	if of == 0 {
		return nil
	}
	s := float64(n) / float64(of)
	return &s
}
