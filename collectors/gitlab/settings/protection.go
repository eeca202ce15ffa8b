package settings

import (
	"fmt"

	"slices"
	"strings"

	"github.com/dxctl/dxctl/repository/fact"
	"github.com/dxctl/dxctl/repository/setting"
)

// noAccess is the level of a rule that admits nobody.
const noAccess = 0

// access is who may do something: a role by its level, or a person, a group or a deploy key.
type access struct {
	Level       *int   `json:"access_level"`
	UserID      *int64 `json:"user_id,omitempty"`
	GroupID     *int64 `json:"group_id,omitempty"`
	DeployKeyID *int64 `json:"deploy_key_id,omitempty"`
	Description string `json:"access_level_description,omitempty"`
}

// role reports whether everybody of a role is admitted.
func (a access) role() bool {
	return a.UserID == nil && a.GroupID == nil && a.DeployKeyID == nil && a.Level != nil && *a.Level != noAccess
}

// single reports whether a person, a group or a deploy key is admitted.
func (a access) single() bool { return a.UserID != nil || a.GroupID != nil || a.DeployKeyID != nil }

// protectedBranch is a rule for branches by name, which may have wildcards.
type protectedBranch struct {
	Name           string   `json:"name"`
	Push           []access `json:"push_access_levels"`
	AllowForcePush bool     `json:"allow_force_push"`
}

// approvals are the settings of approvals.
type approvals struct {
	ResetOnPush *bool `json:"reset_approvals_on_push"`
	Required    int   `json:"approvals_before_merge"` // deprecated; a rule in newer versions
}

// approvalRule says how many of some people have to approve.
type approvalRule struct {
	Required int `json:"approvals_required"`
	// Branches are those that the rule is for; none: all.
	Branches []struct {
		Name string `json:"name"`
	} `json:"protected_branches"`
}

// matches reports whether the name of a rule, in which * is any text, means a branch.
func matches(rule, branch string) bool {
	if !strings.Contains(rule, "*") {
		return rule == branch
	}
	parts := strings.Split(rule, "*")
	rest, ok := strings.CutPrefix(branch, parts[0])
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(rest, part)
		if !ok || i < 0 {
			return false
		}
		rest = rest[i+len(part):]
	}
	return ok && strings.HasSuffix(rest, parts[len(parts)-1])
}

// protection returns what protects the default branch. Of several rules for a branch, GitLab applies what admits most.
func (c *collector) protection(s state) setting.Protection {
	p := setting.UnknownProtection(c.Source() + " gave no default branch of " + c.Name)
	if c.DefaultBranch == "" {
		return p
	}
	p.DeletionBlocked = setting.Known(true) // GitLab deletes no default branch, protected or not
	c.pushes(s.Branches, &p)
	p.RequiredApprovals = c.requiredApprovals(s)
	switch reset := s.Approvals.Value.ResetOnPush; {
	case !s.Approvals.Known:
		p.StaleApprovalsDismissed = setting.Unknown[bool](s.Approvals.Reason)
	case reset == nil:
		p.StaleApprovalsDismissed = setting.Unknown[bool]("GitLab does not show whether a push resets approvals")
	default:
		p.StaleApprovalsDismissed = setting.Known(*reset)
	}
	required := shown(s, "GitLab does not show whether the pipeline has to succeed", func(r record) *bool {
		return r.PipelineRequired
	})
	switch {
	case !required.Known:
		p.RequiredChecks = setting.Unknown[[]string](required.Reason)
	case required.Value:
		p.RequiredChecks = setting.Known([]string{"pipeline"})
	default:
		p.RequiredChecks = setting.Known([]string{})
	}
	return p
}

// pushes sets what the protected branches say about pushes.
func (c *collector) pushes(branches part[[]protectedBranch], p *setting.Protection) {
	if !branches.Known {
		p.PullRequestRequired = setting.Unknown[bool](branches.Reason)
		p.ForcePushBlocked = setting.Unknown[bool](branches.Reason)
		p.BypassActors = setting.Unknown[[]string](branches.Reason)
		return
	}
	protected, direct, forced := false, false, false
	bypass := []string{}
	for _, b := range branches.Value {
		if !matches(b.Name, c.DefaultBranch) {
			continue
		}
		protected, forced = true, forced || b.AllowForcePush
		for _, a := range b.Push {
			direct = direct || a.role()
			if a.single() {
				bypass = append(bypass, a.Description+" can push to "+b.Name)
			}
		}
	}
	if !protected && branches.More {
		const reason = "the project has more than 100 protected branches"
		p.PullRequestRequired, p.ForcePushBlocked = setting.Unknown[bool](reason), setting.Unknown[bool](reason)
		p.BypassActors = setting.Unknown[[]string](reason)
		return
	}
	slices.Sort(bypass)
	p.PullRequestRequired = setting.Known(protected && !direct)
	p.ForcePushBlocked = setting.Known(protected && !forced)
	p.BypassActors = setting.Known(slices.Compact(bypass))
}

// requiredApprovals returns how many people have to approve at least: as many as the strictest rule wants.
func (c *collector) requiredApprovals(s state) fact.Value[int] {
	if !s.Rules.Known {
		return setting.Unknown[int](s.Rules.Reason)
	}
	required := s.Approvals.Value.Required
	for _, r := range s.Rules.Value {
		applies := len(r.Branches) == 0
		for _, b := range r.Branches {
			applies = applies || matches(b.Name, c.DefaultBranch)
		}
		if applies {
			required = max(required, r.Required)
		}
	}
	if required == 0 && s.Rules.More {
		return setting.Unknown[int]("the project has more than 100 approval rules")
	}
	return setting.Known(required)
}

// environment is an environment, or the protection of one.
type environment struct {
	Name     string   `json:"name"`
	Deploy   []access `json:"deploy_access_levels,omitempty"`
	Required int      `json:"required_approval_count,omitempty"`
	Rules    []struct {
		Required int `json:"required_approvals"`
	} `json:"approval_rules,omitempty"`
}

// productionOf returns what protects the production environments, and their names.
func (c *collector) productionOf(s state) (setting.Production, fact.Value[[]string]) {
	if !s.Environments.Known {
		return setting.UnknownProduction(s.Environments.Reason), setting.Unknown[[]string](s.Environments.Reason)
	}
	names := []string{}
	for _, e := range s.Environments.Value {
		if slices.ContainsFunc(c.Production, func(name string) bool { return strings.EqualFold(name, e.Name) }) {
			names = append(names, e.Name)
		}
	}
	slices.Sort(names)
	switch {
	case len(names) == 0 && s.Environments.More:
		const reason = "the project has more than 100 environments"
		return setting.UnknownProduction(reason), setting.Unknown[[]string](reason)
	case len(names) == 0:
		reason := fmt.Sprintf("the project has no environment named %s (environments.production of dx.yaml)",
			strings.Join(c.Production, ", "))
		return setting.UnknownProduction(reason), setting.Known(names)
	case !s.Protected.Known:
		return setting.UnknownProduction(s.Protected.Reason), setting.Known(names)
	}
	of := c.protectedEnvironment(s, names[0])
	for _, name := range names[1:] {
		of = of.Weakest(c.protectedEnvironment(s, name))
	}
	return of, setting.Known(names)
}

func (c *collector) protectedEnvironment(s state, name string) setting.Production {
	i := slices.IndexFunc(s.Protected.Value, func(e environment) bool { return strings.EqualFold(e.Name, name) })
	if i < 0 {
		return setting.Production{
			Protected:           setting.Known(false),
			SelfReviewPrevented: setting.Known(false),
			Reviewers:           setting.Known(0),
		}
	}
	e := s.Protected.Value[i]
	reviewers := e.Required
	for _, r := range e.Rules {
		reviewers += r.Required
	}
	p := setting.Production{
		Protected:           setting.Known(true), // only certain people can deploy
		SelfReviewPrevented: setting.Known(false),
		Reviewers:           setting.Known(reviewers),
	}
	if reviewers > 0 {
		const older = "this version of GitLab does not show whether people can approve their own deployments"
		p.SelfReviewPrevented = shown(s, older, func(r record) *bool { return not(r.SelfApproval) })
	}
	return p
}
