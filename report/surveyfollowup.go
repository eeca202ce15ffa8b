package report

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/surveys/statistics"
)

// SurveyFollowUp is what the published results of a survey go with, what to fix, and what was done since.
type SurveyFollowUp struct {
	Survey
	// Until is the end of what was done: the first day of the next published survey, or the present.
	Until time.Time `json:"until"`
	// RulesAt is when the rules were graded by which questions are compared: the end of the last day, or the present if no
	// grade of that time is stored.
	RulesAt time.Time `json:"rules_at"`
	// Teams is how many teams can be compared: their results are published, they share nobody, and they own services.
	Teams int `json:"teams"`
	// NotCompared says in a sentence why nothing was correlated; "" if something was.
	NotCompared  string              `json:"not_compared"`
	Correlations []SurveyCorrelation `json:"correlations"`
	Hurts        []SurveyHurt        `json:"hurts"`
	// NotKnown says in a sentence why Then of Done is not known; "" if it is.
	NotKnown string       `json:"not_known"`
	Done     []SurveyDone `json:"done"`
}

// FollowUpPath is the address of the page of what follows a survey.
func (s Survey) FollowUpPath() string { return s.Path() + "/follow-up" }

// SurveyCorrelation is the rank correlation of a result with a number of the services, over teams. It is a hint: what
// goes with something need not be its cause.
type SurveyCorrelation struct {
	Measure string       `json:"measure"` // index, dimension, item
	Item    string       `json:"item"`    // key of the item or the dimension
	Text    string       `json:"text"`
	With    SystemNumber `json:"with"`
	N       int          `json:"n"` // teams
	Rho     float64      `json:"rho"`
	Low     float64      `json:"low"` // 95 % interval
	High    float64      `json:"high"`
	P       float64      `json:"p"`
	// Adjusted is the p-value after the correction for all comparisons of the survey (Holm); Clear that it is below 0.05.
	Adjusted float64 `json:"adjusted_p"`
	Clear    bool    `json:"clear"`
}

// Strength is the correlation with its interval: "0.70 (0.31 to 0.89)".
func (c SurveyCorrelation) Strength() string {
	return words.Fixed(c.Rho, 2) + " (" + words.Fixed(c.Low, 2) + " to " + words.Fixed(c.High, 2) + ")"
}

// Reading says in words what a correlation is: a hint, and of what.
func (c SurveyCorrelation) Reading() string {
	switch {
	case !c.Clear:
		return "not clear"
	case c.Rho > 0:
		return "higher where this is higher"
	}
	return "lower where this is higher"
}

// clearBelow is the adjusted p-value below which a correlation is called clear.
const clearBelow = 0.05

// lowScore is the score (0–100) below which an item is low: the middle of its scale.
const lowScore = 50

// SurveyHurt is a question that is low where a rule that addresses it fails for at least half of the services.
type SurveyHurt struct {
	Item  string         `json:"item"`
	Text  string         `json:"text"`
	Score SurveyEstimate `json:"score"` // of everyone; value null: hidden
	N     int            `json:"n"`
	Rule  LinkedRule     `json:"rule"`
	All   RuleShare      `json:"all"`      // of all services
	Low   bool           `json:"everyone"` // it is low for everyone, and the rule fails for half of all services
	Teams []HurtTeam     `json:"teams"`    // in which both hold, the lowest score first
}

// HurtTeam is a team in which a question is low, and a rule that addresses it fails.
type HurtTeam struct {
	Team  string    `json:"team"`
	Score float64   `json:"score"`
	N     int       `json:"n"`
	Rule  RuleShare `json:"rule"` // of the services of the team
}

// SurveyFollowUp returns what follows a published survey; id "": the latest one.
func (r *Reader) SurveyFollowUp(ctx context.Context, id string) (*SurveyFollowUp, error) {
	x, err := r.SurveyResults(ctx, SurveyQuery{Survey: id, By: SurveyByTeam, Linked: true})
	if err != nil {
		return nil, err
	}
	// What was done changes with the present; a minute is fine enough.
	key := fmt.Sprint("survey follow-up ", x.Survey.ID, x.Survey.Version, r.deps.Now().Truncate(time.Minute).Unix())
	return cached(ctx, r, key, func(ctx context.Context) (*SurveyFollowUp, error) { return r.surveyFollowUp(ctx, x) })
}

func (r *Reader) surveyFollowUp(ctx context.Context, x *SurveyResults) (*SurveyFollowUp, error) {
	out := &SurveyFollowUp{Survey: x.Survey, RulesAt: x.Survey.Closes}
	o, err := r.surveyOutcomes(ctx, x.Survey, r.allRules())
	if err != nil {
		return nil, err
	}
	graded := o.then
	if len(graded) == 0 {
		reports, err := r.gradeReports(ctx)
		if err != nil {
			return nil, err
		}
		graded, out.RulesAt = outcomesNow(reports), r.deps.Now().UTC()
	}
	teams, err := r.surveyTeams(ctx, x, graded)
	if err != nil {
		return nil, err
	}
	rules := r.rulesOf(x.Survey)
	out.Teams = len(teams)
	out.Correlations = correlations(x.Survey, teams, rules, graded)
	if out.NotCompared = notCompared(out); len(out.Correlations) == 0 && out.NotCompared == "" {
		out.NotCompared = "No result and no number of the services differs between teams, or is known of enough of them."
	}
	out.Hurts = hurts(x, teams, rules, graded, r.serviceRefs())
	done, err := r.surveyDone(ctx, x.Survey, rules, o)
	out.Until, out.NotKnown, out.Done = done.Until, done.NotKnown, done.All
	return out, err
}

// rulesOf returns the rules of scorecards that address the items of a survey, by item.
func (r *Reader) rulesOf(s Survey) map[string][]LinkedRule {
	rules := map[string][]LinkedRule{}
	for _, item := range s.Items {
		for _, rule := range r.LinkedRules(item.Rules) {
			if rule.Path != "" {
				rules[item.Key] = append(rules[item.Key], rule)
			}
		}
	}
	return rules
}

func notCompared(f *SurveyFollowUp) string {
	if f.Teams >= statistics.LeastGroups {
		return ""
	}
	return fmt.Sprintf("%d teams can be compared, and it takes at least %d: a team counts if its results are shown, no "+
		"sub-team of it is shown, and it owns services.", f.Teams, statistics.LeastGroups)
}

// correlations compares the index, the dimensions, and the questions that name rules with numbers of the teams.
func correlations(s Survey, teams []surveyTeam, rules map[string][]LinkedRule, graded outcomesOf) []SurveyCorrelation {
	all := []SurveyCorrelation{}
	add := func(measure, item, text string, with SystemNumber, number func(surveyTeam) *float64) {
		var xs, ys []float64
		for _, team := range teams {
			x, y := team.row.value(measure, item), number(team)
			if x != nil && y != nil {
				xs, ys = append(xs, *x), append(ys, *y)
			}
		}
		if c, ok := statistics.Spearman(xs, ys); ok {
			all = append(all, SurveyCorrelation{Measure: measure, Item: item, Text: text, With: with, N: c.N, Rho: c.Rho,
				Low: c.Low, High: c.High, P: c.P})
		}
	}
	for _, with := range systemNumbers {
		number := func(t surveyTeam) *float64 { return t.numbers[with.Key] }
		add(SurveyIndex, "", IndexName, with, number)
		for _, d := range indexDimensions {
			add(SurveyDimension, d, DimensionNames[d], with, number)
		}
	}
	for _, item := range s.Items {
		for _, rule := range rules[item.Key] {
			name := scorecards.RuleName{Scorecard: rule.Scorecard, Rule: rule.Rule}
			with := SystemNumber{RuleName(rule.Scorecard, rule.Rule), "share of services that pass: " + rule.Title}
			add(SurveyItems, item.Key, item.Text, with, func(t surveyTeam) *float64 {
				passed := graded.share(t.services, name)
				return share(passed.Pass, passed.Of)
			})
		}
	}
	ps := make([]float64, len(all))
	for i := range all {
		ps[i] = all[i].P
	}
	for i, adjusted := range statistics.Holm(ps) {
		all[i].Adjusted, all[i].Clear = adjusted, adjusted < clearBelow
	}
	slices.SortStableFunc(all, func(a, b SurveyCorrelation) int {
		return cmp.Or(cmp.Compare(a.Adjusted, b.Adjusted), cmp.Compare(math.Abs(b.Rho), math.Abs(a.Rho)))
	})
	return all
}

// hurts returns the questions that are low where a rule that addresses them fails, the lowest one first.
func hurts(x *SurveyResults, teams []surveyTeam, rules map[string][]LinkedRule, graded outcomesOf, services []string,
) []SurveyHurt {
	all := []SurveyHurt{}
	for _, item := range x.Survey.Items {
		for _, rule := range rules[item.Key] {
			name := scorecards.RuleName{Scorecard: rule.Scorecard, Rule: rule.Rule}
			h := SurveyHurt{Item: item.Key, Text: item.Text, Rule: rule, All: graded.share(services, name), Teams: []HurtTeam{}}
			if n := x.Everyone.Number(SurveyItems, item.Key); n != nil {
				h.Score, h.N = n.Score, n.N
				h.Low = n.Score.Value != nil && *n.Score.Value < lowScore && h.All.Fails()
			}
			for _, team := range teams {
				n, passed := team.row.Number(SurveyItems, item.Key), graded.share(team.services, name)
				if n != nil && n.Score.Value != nil && *n.Score.Value < lowScore && passed.Fails() {
					h.Teams = append(h.Teams, HurtTeam{team.row.Team, *n.Score.Value, n.N, passed})
				}
			}
			slices.SortStableFunc(h.Teams, func(a, b HurtTeam) int { return cmp.Compare(a.Score, b.Score) })
			if h.Low || len(h.Teams) > 0 {
				all = append(all, h)
			}
		}
	}
	score := func(h SurveyHurt) float64 {
		if h.Score.Value == nil {
			return lowScore
		}
		return *h.Score.Value
	}
	slices.SortStableFunc(all, func(a, b SurveyHurt) int { return cmp.Compare(score(a), score(b)) })
	return all
}
