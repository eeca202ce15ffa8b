package report

import (
	"context"
	"fmt"
	"slices"
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

// surveyOutcomes are the outcomes of rules when a survey closed and at the end of what is told of it.
type surveyOutcomes struct {
	then  outcomesOf // none: no grade of that time is stored, or no history is read here
	until time.Time  // when the next published survey opened, or the present
	last  outcomesOf // at that time
	first time.Time  // the oldest grade that is stored; zero: none is
}

// surveyOutcomes returns the outcomes of rules, named as [RuleName] does, by one query for both times.
func (r *Reader) surveyOutcomes(ctx context.Context, s Survey, rules []string) (o surveyOutcomes, err error) {
	published, err := r.Surveys(ctx) // the latest one first
	if err != nil {
		return o, err
	}
	o.until = r.deps.Now().UTC()
	next := slices.IndexFunc(published, func(p Survey) bool { return p.ID == s.ID }) - 1
	if next >= 0 {
		o.until = doneUntil(s, published[next])
	}
	if len(rules) == 0 {
		return o, nil
	}
	if next < 0 {
		reports, err := r.gradeReports(ctx)
		if err != nil {
			return o, err
		}
		o.last = outcomesNow(reports)
	}
	if r.deps.OutcomeChanges == nil {
		return o, nil
	}
	grades, err := r.deps.OutcomeChanges(ctx, withEarlier(rules))
	if err != nil {
		return o, err
	}
	for i := range grades {
		if at := grades[i].EvaluatedAt; o.first.IsZero() || at.Before(o.first) {
			o.first = at
		}
	}
	histories := scorecards.OutcomeHistories(scorecards.Continue(grades, r.cardNames()...))
	o.then = r.outcomesAt(histories, s.Closes)
	if next >= 0 {
		o.last = r.outcomesAt(histories, o.until)
	}
	return o, nil
}

// allRules returns the names of all rules of the scorecards.
func (r *Reader) allRules() (names []string) {
	for _, card := range r.deps.Scorecards.Scorecards() {
		for i := range card.Rules {
			names = append(names, RuleName(card.Name, card.Rules[i].ID))
		}
	}
	return names
}

// outcomesAt returns the outcomes of the rules in force at a time.
func (r *Reader) outcomesAt(of map[string]map[scorecards.RuleName]scorecards.OutcomeHistory, at time.Time) outcomesOf {
	inForce := map[scorecards.RuleName]bool{}
	for _, card := range r.deps.Scorecards.Scorecards() {
		for i := range card.Rules {
			status := card.Rules[i].Status
			inForce[scorecards.RuleName{Scorecard: card.Name, Rule: card.Rules[i].ID}] = status != format.Draft &&
				status != format.Retired
		}
	}
	then := outcomesOf{}
	for entity, rules := range of {
		outcomes := map[scorecards.RuleName]event.Outcome{}
		for name, history := range rules {
			if outcome, known := history.At(at); known && inForce[name] {
				outcomes[name] = outcome
			}
		}
		if len(outcomes) > 0 {
			then[entity] = outcomes
		}
	}
	return then
}

// outcomesNow returns the outcomes of the rules that count in the grades of the present.
func outcomesNow(reports []scorecards.Report) outcomesOf {
	now := outcomesOf{}
	for i := range reports {
		card := &reports[i]
		of := now[card.Entity]
		if of == nil {
			of = make(map[scorecards.RuleName]event.Outcome, len(card.Results))
			now[card.Entity] = of
		}
		for k := range card.Results {
			if result := &card.Results[k]; result.Counts() {
				of[scorecards.RuleName{Scorecard: card.Scorecard, Rule: result.Rule}] = result.Outcome
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
