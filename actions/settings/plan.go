package settings

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/repository/fact"
)

// need is what a rule needs of the settings.
type need struct {
	rule string
	// plan plans what the rule needs, and reports whether there was something. It names what is left.
	plan func(p *planner, rule string) bool
}

// needs has the rules that a setting decides. The conditions are those of the expressions of the built-in rules.
var needs = []need{
	{"branch-protected", func(p *planner, rule string) bool {
		b := p.Facts.Branch
		if holds(b.PullRequestRequired) && holds(b.ForcePushBlocked) && holds(b.DeletionBlocked) {
			return false
		}
		return p.protect(rule, protection{pullRequest: true, noForcePush: true, noDeletion: true})
	}},
	{"human-review", func(p *planner, rule string) bool {
		b := p.Facts.Branch
		if b.RequiredApprovals.Known && b.RequiredApprovals.Value >= 1 && holds(b.StaleApprovalsDismissed) {
			return false
		}
		p.note("a change of the default branch will need the approval of another person with the right to write")
		return p.protect(rule, protection{pullRequest: true, approval: true})
	}},
	{"tests-on-pull-requests", (*planner).requireChecks},
	{"required-checks", (*planner).requireChecks},
	{"workflow-permissions", func(p *planner, rule string) bool {
		if holds(p.Facts.WorkflowTokenReadOnly) || !p.Workflows {
			return false
		}
		p.note("workflows that declare no permissions and write, such as those that push or comment, will fail: `dxctl " +
			"fix --rule workflow-permissions` adds what they need")
		return p.change(rule, WorkflowToken, "let the token of workflows only read by default",
			map[string]any{"default_workflow_permissions": "read"})
	}},
	{"secret-scanning", func(p *planner, rule string) bool {
		on := map[string]any{}
		for name, is := range map[string]fact.Value[bool]{
			"secret_scanning":                 p.Facts.Security.SecretScanning,
			"secret_scanning_push_protection": p.Facts.Security.PushProtection,
		} {
			if !holds(is) {
				on[name] = map[string]any{"status": "enabled"}
			}
		}
		return len(on) > 0 && p.change(rule, Security, "scan for secrets, and refuse pushes with one", on)
	}},
	{"security-policy", func(p *planner, rule string) bool {
		if !holds(p.Facts.Public) || holds(p.Facts.Security.PrivateVulnerabilityReporting) {
			return false // private repositories take no reports
		}
		return p.change(rule, Reporting, "let people report vulnerabilities in private", map[string]any{"enabled": true})
	}},
	{"no-binaries-or-secrets", func(p *planner, rule string) bool {
		return !holds(p.Facts.DeleteBranchOnMerge) && p.change(rule, BranchCleanup,
			"delete the branch of a pull request when it is merged", map[string]any{"delete_branch_on_merge": true})
	}},
	{"production-protected", (*planner).protectProduction},
}

func holds(v fact.Value[bool]) bool { return v.Known && v.Value }

// planner plans the changes of one repository.
type planner struct {
	State
	Want
	planned    Planned
	protection protection
	guarded    []string // rules that need our ruleset
}

func (p *planner) left(rule, reason string) {
	p.planned.Left = append(p.planned.Left, Left{rule, reason})
}

func (p *planner) note(text string) {
	if !slices.Contains(p.planned.Notes, text) {
		p.planned.Notes = append(p.planned.Notes, text)
	}
}

// readable reports whether a setting can be changed: it was read, and the host offers it. If not, the rule is left.
func (p *planner) readable(rule, key string) bool {
	switch _, read := p.Values[key]; {
	case p.Refused[key] != "":
		p.left(rule, "GitHub does not offer it here: "+p.Refused[key])
	case !read:
		p.left(rule, "the setting could not be read: "+key)
	default:
		return true
	}
	return false
}

// change plans a change of some keys of a setting whose value is an object. The other keys are left out of the request,
// which keeps them.
func (p *planner) change(rule, key, why string, to map[string]any) bool {
	if !p.readable(rule, key) {
		return true
	}
	var all map[string]any
	if err := json.Unmarshal(p.Values[key], &all); err != nil {
		p.left(rule, "the setting has a value that dxctl does not know: "+key)
		return true
	}
	before := map[string]any{}
	for name := range to {
		if before[name] = all[name]; before[name] == nil {
			p.left(rule, "GitHub does not show the setting: "+name)
			return true
		}
	}
	p.planned.Changes = append(p.planned.Changes, Change{
		Setting: key, Rules: []string{rule}, Why: why, Before: canonical(before), After: canonical(to),
	})
	return true
}

// requireChecks lets merges wait for checks, if they wait for none.
func (p *planner) requireChecks(rule string) bool {
	required := p.Facts.Branch.RequiredChecks
	if required.Known && len(required.Value) > 0 {
		idle := p.Facts.RequiredChecksWithoutRuns
		switch {
		case rule != "required-checks":
		case !idle.Known:
			p.left(rule, "it is not known whether the required checks run: "+idle.Reason)
		case len(idle.Value) > 0:
			p.left(rule, "a person has to decide: nothing reports the required checks "+strings.Join(idle.Value, ", ")+
				"; correct their names where they are required")
		}
		return false
	}
	checks := p.Want.Checks
	if len(checks) == 0 {
		checks = p.State.Checks
	}
	switch {
	case len(checks) > 0:
	case p.ChecksUnknown != "":
		p.left(rule, "it is not known which checks always run ("+p.ChecksUnknown+"); name one with --required-check NAME")
		return true
	default:
		p.left(rule, "no check succeeded on each of the last merged pull requests, so that a merge might never be possible; "+
			"name one that always runs with --required-check NAME")
		return true
	}
	return p.protect(rule, protection{checks: checks})
}

// finish plans the change of our ruleset for all rules that need it, first: it is what others rest on.
func (p *planner) finish() {
	if len(p.guarded) == 0 {
		return
	}
	c := Change{Setting: Ruleset, Rules: p.guarded, Why: p.protection.why(), Before: p.Values[Ruleset]}
	if excludes(c.Before, p.Branch) {
		for _, rule := range p.guarded {
			p.left(rule, "our ruleset excludes the default branch: somebody decided that; take it off the list of excluded "+
				"branches")
		}
		return
	}
	after, err := merged(c.Before, p.protection)
	if err != nil {
		for _, rule := range p.guarded {
			p.left(rule, "our ruleset cannot be changed: "+err.Error())
		}
		return
	}
	if c.After = after; string(c.After) == string(c.Before) {
		for _, rule := range p.guarded {
			p.left(rule, "our ruleset asks for it already, and the rule is not met: look at who can bypass the rulesets")
		}
		return
	}
	p.planned.Changes = slices.Insert(p.planned.Changes, 0, c)
}
