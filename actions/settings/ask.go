package settings

import (
	"encoding/json"
	"slices"

	"github.com/dxctl/dxctl/repository/setting"
)

// Ask is what is to be read of the settings of a repository.
type Ask struct {
	Repository string   // owner/name
	Branch     string   // the default one; "": it is read
	Production []string // names of environments for production, in lower case
	Want       Want
	// Known are settings that were collected. What a rule needs and has by them is not read again, and neither is what
	// they show completely: see [State.Assumed]. See [setting.UnknownSettings] for none.
	Known     setting.Settings
	Workflows *bool           // whether the repository has workflows; nil: it is read
	Record    json.RawMessage // what the host just answered about the repository; nil: it is read if it is needed
}

// BranchRules are the rules that our ruleset decides.
var BranchRules = []string{"branch-protected", "human-review", "tests-on-pull-requests", "required-checks"}

// Open returns the rules of which something has to be read: those that are wanted, and that known settings do not show
// to be met.
func Open(known setting.Settings, want Want) []string {
	if !known.Public.Known { // it is read then, and may turn out to be public
		known.Public = setting.Known(true)
	}
	wanted := want.Rules
	if len(wanted) == 0 {
		wanted = IDs()
	}
	planned, err := Plan(State{Facts: known, Workflows: true}, want)
	if err != nil {
		return wanted
	}
	var open []string
	for _, rule := range wanted {
		guarded := rule == "production-protected" && holds(known.Production.SelfReviewPrevented) &&
			known.ProductionEnvironments.Known
		checked := rule == "required-checks" && len(known.Branch.RequiredChecks.Value) > 0 // which run is for people to see
		if want.Skip[rule] == "" && !slices.Contains(planned.Met, rule) && !guarded && !checked {
			open = append(open, rule)
		}
	}
	return open
}

// Complete reports whether all is known that rules about the default branch need.
func Complete(p setting.Protection) bool {
	return p.PullRequestRequired.Known && p.ForcePushBlocked.Known && p.DeletionBlocked.Known &&
		p.StaleApprovalsDismissed.Known && p.RequiredApprovals.Known && p.RequiredChecks.Known
}
