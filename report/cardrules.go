package report

import (
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/report/sorting"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/format"
)

// RuleRow is a rule of a scorecard and its outcomes.
type RuleRow struct {
	Rule    scorecards.Rule
	Stage   string                // announced, enforced or retired; drafts are not shown
	From    time.Time             // from when an announced rule counts
	Counts  map[event.Outcome]int // of an announced rule, as if it counted; none of a retired one
	Waivers int                   // written, whether or not they hold
	place   int
}

// Of is how many entities have an outcome.
func (r RuleRow) Of(outcome string) int { return r.Counts[event.Outcome(outcome)] }

// Retired reports whether nothing evaluates the rule any longer.
func (r RuleRow) Retired() bool { return r.Stage == format.Retired }

// Undecided is how many entities have no verdict: unknown, stale, in error or to be reviewed.
func (r RuleRow) Undecided() int {
	return r.Counts[event.Unknown] + r.Counts[event.Stale] + r.Counts[event.ErrorOutcome] + r.Counts[event.NeedsReview]
}

// ruleRows counts the outcomes of the rules of a scorecard. graded have its reports.
func (r *Reader) ruleRows(card *scorecards.Scorecard, graded []Service) []RuleRow {
	var rows []RuleRow
	index := map[string]int{}
	now := r.deps.Now()
	for _, level := range card.Levels {
		for i := range card.Rules {
			rule := &card.Rules[i]
			if rule.Level != level || rule.Status == format.Draft {
				continue
			}
			row := RuleRow{Rule: *rule, Stage: rule.StageAt(now), Counts: map[event.Outcome]int{}, place: len(rows)}
			if row.Stage == format.Announced {
				row.From = rule.EnforcedFrom
			}
			index[rule.ID] = len(rows)
			rows = append(rows, row)
		}
	}
	for i := range graded {
		for j := range graded[i].Report.Results {
			x := &graded[i].Report.Results[j]
			at, ok := index[x.Rule]
			if !ok {
				continue
			}
			rows[at].Counts[x.Outcome]++
			if x.Waiver != nil {
				rows[at].Waivers++
			}
		}
	}
	return rows
}

// RuleStages are the stages of the rules that are shown.
var RuleStages = []string{format.Enforced, format.Announced, format.Retired}

// RuleFilter selects rules. Empty fields select all.
type RuleFilter struct {
	Text  string // part of the id, the title or what it is for, in any case
	Level string // in lower case
	Stage string
}

// SelectRules returns the rules that fit the filter, in their order.
func SelectRules(rows []RuleRow, f RuleFilter) []RuleRow {
	text := strings.ToLower(strings.TrimSpace(f.Text))
	var list []RuleRow
	for _, row := range rows {
		searched := strings.ToLower(strings.Join([]string{row.Rule.ID, row.Rule.Title, row.Rule.Why}, " "))
		if (f.Level == "" || f.Level == strings.ToLower(row.Rule.Level)) && (f.Stage == "" || f.Stage == row.Stage) &&
			strings.Contains(searched, text) {
			list = append(list, row)
		}
	}
	return list
}

func outcomeColumn(key, label string, outcomes ...event.Outcome) sorting.Field[RuleRow] {
	return number(key, label, func(r RuleRow) *float64 {
		if r.Stage == format.Retired {
			return nil
		}
		n := 0
		for _, o := range outcomes {
			n += r.Counts[o]
		}
		return sorting.Count(n)
	})
}

// RuleColumns are the columns of the rules of a scorecard.
var RuleColumns = []sorting.Field[RuleRow]{
	text("title", "rule", func(r RuleRow) string { return r.Rule.Title }),
	{Column: sorting.Column{Key: "level", Label: "level"},
		Value: func(r RuleRow) *float64 { return sorting.Count(r.place) }},
	{Column: sorting.Column{Key: "effort", Label: "effort"},
		Value: func(r RuleRow) *float64 { return sorting.Value(r.Rule.Effort.Cost()) }},
	outcomeColumn("pass", "pass", event.Pass),
	outcomeColumn("warn", "warn", event.Warn),
	outcomeColumn("fail", "fail", event.Fail),
	outcomeColumn("waived", "waived", event.Waived),
	outcomeColumn("undecided", "no verdict", event.Unknown, event.Stale, event.ErrorOutcome, event.NeedsReview),
	outcomeColumn("na", "not applicable", event.NotApplicable),
}

// RuleLevels returns the levels of the rules in lower case, the lowest first.
func RuleLevels(rows []RuleRow) []string {
	var levels []string
	for _, row := range rows {
		if level := strings.ToLower(row.Rule.Level); !slices.Contains(levels, level) {
			levels = append(levels, level)
		}
	}
	return levels
}
