package scorecards

import (
	"slices"

	"github.com/dxctl/dxctl/event"
)

// RuleName names a rule of a scorecard.
type RuleName struct{ Scorecard, Rule string }

// formerCard was the built-in scorecard before there were several.
const formerCard = "production-service"

// renamed has the rules of formerCard that are continued under another name. The others ended with it: has-owner and
// has-description, has-repository, ci-green and deploys-weekly.
var renamed = map[string]RuleName{
	"owner-exists":       {"developer-experience", "owner-exists"},
	"lifecycle-known":    {"developer-experience", "descriptor-valid"},
	"has-readme":         {"developer-experience", "readme-complete"},
	"has-codeowners":     {"developer-experience", "codeowners-complete"},
	"dependency-updates": {"developer-experience", "dependency-updates"},
	"ci-fast":            {"developer-experience", "ci-fast-and-green"},
	"has-ci":             {"delivery", "tests-on-pull-requests"},
	"changes-reviewed":   {"delivery", "human-review"},
	"deployed-recently":  {"delivery", "deployed-recently"},
	"has-on-call":        {"production-readiness", "on-call"},
}

// Renamed returns the rules of the earlier built-in scorecard and the rules that continue their history.
func Renamed() map[RuleName]RuleName {
	all := make(map[RuleName]RuleName, len(renamed))
	for old, now := range renamed {
		all[RuleName{formerCard, old}] = now
	}
	return all
}

// Continue returns grades from the store with the rules of the earlier built-in scorecard under the names of those that
// continue them, so that their history does not begin anew. What is stored stays as it is: the version of the rule
// shows where its meaning changed. loaded are the names of the scorecards in use: a copy of the earlier one keeps its
// names.
func Continue(grades []event.Grade, loaded ...string) []event.Grade {
	if slices.Contains(loaded, formerCard) {
		return grades
	}
	all := slices.Clone(grades)
	for i := range all {
		now, ok := renamed[all[i].Rule]
		if ok && all[i].Scorecard == formerCard && slices.Contains(loaded, now.Scorecard) {
			all[i].Scorecard, all[i].Rule = now.Scorecard, now.Rule
		}
	}
	return all
}
