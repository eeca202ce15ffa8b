package settings

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/google/go-github/v60/github"

	"github.com/dxctl/dxctl/repository/setting"
)

// rule is a rule of a ruleset that applies to the default branch. GitHub lists those of active rulesets only, of the
// repository and of its organization. The type of go-github is not used: it refuses the whole answer because of one
// rule of a type that it does not have.
type rule struct {
	Type       string          `json:"type"`
	RulesetID  int64           `json:"ruleset_id"`
	Parameters json.RawMessage `json:"parameters,omitempty"`
}

// ruleset is what is used of a ruleset.
type ruleset struct {
	Name string `json:"name"`
	// BypassActors is nil where GitHub does not show them: to those who may not change the ruleset.
	BypassActors *[]github.BypassActor `json:"bypass_actors,omitempty"`
}

// classic is a branch protection. The zero value is a branch that has none.
type classic struct {
	Exists     bool               `json:"exists,omitempty"`
	Protection setting.Protection `json:"protection,omitzero"`
}

// protection returns what protects the default branch: rulesets and branch protection together.
func (c *collector) protection(s state) setting.Protection {
	if c.DefaultBranch == "" {
		return setting.UnknownProtection(c.Source + " gave no default branch of " + c.Scope)
	}
	of := setting.UnknownProtection(s.Rules.Reason)
	if s.Rules.Known {
		of = setting.NoProtection()
		for _, id := range rulesetIDs(s.Rules.Value) {
			of = of.And(protectionByRuleset(s.Rules.Value, id, s.Rulesets[id]))
		}
		if s.Rules.More {
			of = of.And(setting.UnknownProtection("more than 100 rules apply to the default branch"))
		}
	}
	switch {
	case !s.Classic.Known:
		return of.And(setting.UnknownProtection(s.Classic.Reason))
	case !s.Classic.Value.Exists:
		return of
	}
	return of.And(s.Classic.Value.Protection)
}

func rulesetIDs(rules []rule) []int64 {
	ids := make([]int64, 0, len(rules))
	for _, r := range rules {
		ids = append(ids, r.RulesetID)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// protectionByRuleset returns what the rules of one ruleset require.
func protectionByRuleset(rules []rule, id int64, of part[ruleset]) setting.Protection {
	p := setting.NoProtection()
	for _, r := range rules {
		if r.RulesetID != id {
			continue
		}
		if err := apply(&p, r); err != nil {
			p = p.And(setting.UnknownProtection(fmt.Sprintf("the rule %s of ruleset %d cannot be read: %v", r.Type, id, err)))
		}
	}
	switch {
	case !of.Known:
		p.BypassActors = setting.Unknown[[]string](reasonOf(of, fmt.Sprintf("only %d rulesets are asked who can bypass them",
			maxRulesets)))
	case of.Value.BypassActors == nil:
		p.BypassActors = setting.Unknown[[]string](fmt.Sprintf("GitHub shows who can bypass the ruleset %q to those who may "+
			"change it", of.Value.Name))
	default:
		for _, actor := range *of.Value.BypassActors {
			p = bypassed(p, actor, of.Value.Name)
		}
	}
	return p
}

func reasonOf[V any](p part[V], otherwise string) string {
	if p.Reason != "" {
		return p.Reason
	}
	return otherwise
}

// apply adds what a rule requires.
func apply(p *setting.Protection, r rule) error {
	switch r.Type {
	case "pull_request":
		var of github.PullRequestRuleParameters
		if err := json.Unmarshal(r.Parameters, &of); err != nil {
			return err
		}
		p.PullRequestRequired = setting.Known(true)
		p.RequiredApprovals = setting.Known(max(p.RequiredApprovals.Value, of.RequiredApprovingReviewCount))
		// Where somebody else has to approve the last push, an earlier approval does not suffice either.
		if of.DismissStaleReviewsOnPush || of.RequireLastPushApproval {
			p.StaleApprovalsDismissed = setting.Known(true)
		}
	case "merge_queue": // it takes pull requests only
		p.PullRequestRequired = setting.Known(true)
	case "non_fast_forward":
		p.ForcePushBlocked = setting.Known(true)
	case "deletion":
		p.DeletionBlocked = setting.Known(true)
	case "required_status_checks":
		var of github.RequiredStatusChecksRuleParameters
		if err := json.Unmarshal(r.Parameters, &of); err != nil {
			return err
		}
		for _, check := range of.RequiredStatusChecks {
			p.RequiredChecks.Value = append(p.RequiredChecks.Value, check.Context)
		}
		slices.Sort(p.RequiredChecks.Value)
		p.RequiredChecks.Value = slices.Compact(p.RequiredChecks.Value)
	}
	return nil
}

// roles has the repository roles of GitHub by their numbers. An organization may define others.
var roles = map[int64]string{1: "read", 2: "maintain", 3: "triage", 4: "write", 5: "admin"}

// bypassed adds an actor to whom a ruleset does not apply. If that is everybody with write access, the ruleset requires
// nothing, or, if they have to open a pull request for it, no more than that.
func bypassed(p setting.Protection, actor github.BypassActor, name string) setting.Protection {
	who := fmt.Sprintf("%s %d", actor.GetActorType(), actor.GetActorID())
	writers := false
	switch actor.GetActorType() {
	case "RepositoryRole":
		if role := roles[actor.GetActorID()]; role != "" {
			who = "the role " + role
		}
		writers = actor.GetActorID() == 4
	case "OrganizationAdmin":
		who = "organization admins"
	case "DeployKey":
		who = "deploy keys"
	case "Integration":
		who = fmt.Sprintf("app %d", actor.GetActorID())
	}
	list := append(slices.Clone(p.BypassActors.Value), fmt.Sprintf("%s can bypass the ruleset %q", who, name))
	inPullRequests := actor.GetBypassMode() == "pull_request"
	if inPullRequests {
		list[len(list)-1] += " in pull requests"
	}
	switch {
	case writers && inPullRequests:
		p.RequiredApprovals, p.RequiredChecks = setting.Known(0), setting.Known([]string{})
		p.StaleApprovalsDismissed = setting.Known(false)
	case writers:
		p = setting.NoProtection()
	}
	p.BypassActors = setting.Known(list)
	return p
}

// classicOf returns what a branch protection requires.
func classicOf(g github.Protection) classic {
	p := setting.NoProtection()
	if r := g.RequiredPullRequestReviews; r != nil {
		p.PullRequestRequired = setting.Known(true)
		p.RequiredApprovals = setting.Known(r.RequiredApprovingReviewCount)
		p.StaleApprovalsDismissed = setting.Known(r.DismissStaleReviews || r.RequireLastPushApproval)
		if b := r.BypassPullRequestAllowances; b != nil {
			for _, u := range b.Users {
				p.BypassActors.Value = append(p.BypassActors.Value, "user "+u.GetLogin()+" can bypass pull requests")
			}
			for _, t := range b.Teams {
				p.BypassActors.Value = append(p.BypassActors.Value, "team "+t.GetSlug()+" can bypass pull requests")
			}
			for _, a := range b.Apps {
				p.BypassActors.Value = append(p.BypassActors.Value, "app "+a.GetSlug()+" can bypass pull requests")
			}
		}
	}
	if g.LockBranch.GetEnabled() { // nobody can push at all
		p.PullRequestRequired = setting.Known(true)
	}
	p.ForcePushBlocked = setting.Known(g.AllowForcePushes == nil || !g.AllowForcePushes.Enabled)
	p.DeletionBlocked = setting.Known(g.AllowDeletions == nil || !g.AllowDeletions.Enabled)
	if g.EnforceAdmins == nil || !g.EnforceAdmins.Enabled {
		p.BypassActors.Value = append(p.BypassActors.Value, "administrators can bypass the branch protection")
	}
	if checks := g.RequiredStatusChecks; checks != nil {
		if checks.Contexts != nil {
			p.RequiredChecks.Value = append(p.RequiredChecks.Value, *checks.Contexts...)
		}
		if checks.Checks != nil {
			for _, check := range *checks.Checks {
				p.RequiredChecks.Value = append(p.RequiredChecks.Value, check.Context)
			}
		}
		slices.Sort(p.RequiredChecks.Value)
		p.RequiredChecks.Value = slices.Compact(p.RequiredChecks.Value)
	}
	return classic{Exists: true, Protection: p}
}
