package route

import (
	"slices"

	"github.com/dxctl/dxctl/report"
)

// The filters of the lists of scorecards, of the rules of one, and of what it and one of its rules look at.
var (
	CardFilters        = []string{"q", "origin"}
	CardRuleFilters    = []string{"q", "level", "stage"}
	CardServiceFilters = []string{"q", "team", "level"}
	CardTeamFilters    = []string{"q"}
	RuleServiceFilters = []string{"q", "team", "outcome"}
)

// CardFilterOf reads the filter of the list of scorecards.
func CardFilterOf(r Request) (report.CardFilter, error) {
	f := report.CardFilter{Text: r.Query("q", ""), Origin: r.Query("origin", "")}
	if f.Origin == "" {
		return f, nil
	}
	return f, OneOf("origin", f.Origin, report.Origins...)
}

// RuleFilterOf reads the filter of the rules of a scorecard.
func RuleFilterOf(r Request, card *report.Card) (report.RuleFilter, error) {
	f := report.RuleFilter{Text: r.Query("q", ""), Level: r.Query("level", ""), Stage: r.Query("stage", "")}
	if f.Level != "" {
		if err := OneOf("level", f.Level, report.RuleLevels(card.Rules)...); err != nil {
			return f, err
		}
	}
	if f.Stage == "" || slices.Contains(report.RuleStages, f.Stage) {
		return f, nil
	}
	return f, OneOf("stage", f.Stage, report.RuleStages...)
}

// CardServiceFilterOf reads the filter of what a scorecard, or a rule of it, looks at.
func CardServiceFilterOf(r Request, reader *report.Reader, card *report.Card) (report.ServiceFilter, error) {
	return ServiceFilterOf(r, reader, reader.Choices(card))
}
