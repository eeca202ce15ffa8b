package settings

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/repository/setting"
)

// New is a repository that is about to be created.
type New struct {
	Repository string // owner/name
	Public     bool
	Workflows  bool
	Checks     []string   // that every pull request gets
	Production []string   // names of environments for production that its workflows deploy to
	Reviewers  []Reviewer // of production; none: it is not protected
}

// ForNew plans what makes the settings of a new repository as rules need them. What the host sets by
// default is taken to be the weakest that it can be.
func ForNew(n New) Planned {
	s := State{
		Repository: n.Repository, Workflows: n.Workflows, Checks: n.Checks, Facts: setting.Settings{
			Branch:                 setting.NoProtection(),
			Public:                 setting.Known(n.Public),
			DeleteBranchOnMerge:    setting.Known(true), // as it is created
			ProductionEnvironments: setting.Known(n.Production),
		},
		Values: map[string]json.RawMessage{
			Ruleset:       json.RawMessage(null),
			WorkflowToken: Value(map[string]string{"default_workflow_permissions": "write"}),
			Reporting:     Value(map[string]bool{"enabled": false}),
			Security: Value(map[string]any{
				"secret_scanning":                 map[string]string{"status": "disabled"},
				"secret_scanning_push_protection": map[string]string{"status": "disabled"},
			}),
		},
	}
	for _, name := range n.Production {
		s.Values[EnvironmentKey(name)] = canonical(environmentBody{
			Reviewers: []Reviewer{}, Branches: json.RawMessage(null), AdminsBypass: true,
		})
	}
	p, _ := Plan(s, Want{Reviewers: n.Reviewers}) // no rule is named, so that none is wrong
	// Environments first: the push has started the workflow that deploys to them.
	slices.SortStableFunc(p.Changes, func(a, b Change) int {
		return strings.Compare(environmentOf(b.Setting), environmentOf(a.Setting))
	})
	return p
}
