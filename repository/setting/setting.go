// Package setting has the settings of a repository at its host, GitHub or GitLab, which no file shows: what protects
// the default branch, what the workflow token may do, what protects production.
//
// Each setting is a value or the reason why it is unknown, because a token often may read some of them only.
package setting

import (
	"slices"

	"github.com/dxctl/dxctl/repository/fact"
)

// Settings are the settings of one repository. The locations of the values are empty: a setting is in no file.
type Settings struct {
	Branch   Protection `json:"branch"`
	Security Security   `json:"security"`
	// Production is what protects the environments that the configuration calls production.
	Production Production `json:"production"`
	// ProductionEnvironments are the names of these environments, sorted.
	ProductionEnvironments fact.Value[[]string] `json:"production_environments"`
	// RequiredChecksWithoutRuns are required checks of which none of the last merged changes had a run.
	RequiredChecksWithoutRuns fact.Value[[]string] `json:"required_checks_without_runs"`
	WorkflowTokenReadOnly     fact.Value[bool]     `json:"workflow_token_read_only"`
	DeleteBranchOnMerge       fact.Value[bool]     `json:"delete_branch_on_merge"`
	Public                    fact.Value[bool]     `json:"public"`
}

// Protection is what protects the default branch. It describes what holds for people with write access: administrators,
// and those in BypassActors, may be exempt.
type Protection struct {
	PullRequestRequired     fact.Value[bool]     `json:"pull_request_required"`
	ForcePushBlocked        fact.Value[bool]     `json:"force_push_blocked"`
	DeletionBlocked         fact.Value[bool]     `json:"deletion_blocked"`
	StaleApprovalsDismissed fact.Value[bool]     `json:"stale_approvals_dismissed"`
	RequiredApprovals       fact.Value[int]      `json:"required_approvals"`
	RequiredChecks          fact.Value[[]string] `json:"required_checks"` // names, sorted
	BypassActors            fact.Value[[]string] `json:"bypass_actors"`   // who need not comply, in words, sorted
}

// Security are the settings about secrets and vulnerabilities.
type Security struct {
	SecretScanning                fact.Value[bool] `json:"secret_scanning"`
	PushProtection                fact.Value[bool] `json:"push_protection"`
	PrivateVulnerabilityReporting fact.Value[bool] `json:"private_vulnerability_reporting"`
}

// Production is what protects deployments to production. With several environments, it is what the weakest one has.
type Production struct {
	// Protected is whether a person has to approve a deployment, or only certain branches may be deployed.
	Protected fact.Value[bool] `json:"protected"`
	// SelfReviewPrevented is whether who starts a deployment cannot approve it.
	SelfReviewPrevented fact.Value[bool] `json:"self_review_prevented"`
	// Reviewers is how many people and teams may approve a deployment; 0: nobody has to.
	Reviewers fact.Value[int] `json:"reviewers"`
}

// Weakest returns what protects both of two environments.
func (p Production) Weakest(q Production) Production {
	isFalse := func(v bool) bool { return !v }
	both := func(a, b bool) bool { return a && b }
	return Production{
		Protected:           strictest(p.Protected, q.Protected, isFalse, both),
		SelfReviewPrevented: strictest(p.SelfReviewPrevented, q.SelfReviewPrevented, isFalse, both),
		Reviewers: strictest(p.Reviewers, q.Reviewers, func(n int) bool { return n == 0 },
			func(a, b int) int { return min(a, b) }),
	}
}

// Known is a setting that was read.
func Known[T any](v T) fact.Value[T] { return fact.Known(v, fact.Location{}) }

// Unknown is a setting that could not be read. The reason completes the sentence "unknown because …".
func Unknown[T any](reason string) fact.Value[T] {
	return fact.Unknown[T](fact.Location{}, "%s", reason)
}

// UnknownProtection is a protection of which nothing could be read.
func UnknownProtection(reason string) Protection {
	return Protection{
		PullRequestRequired:     Unknown[bool](reason),
		ForcePushBlocked:        Unknown[bool](reason),
		DeletionBlocked:         Unknown[bool](reason),
		StaleApprovalsDismissed: Unknown[bool](reason),
		RequiredApprovals:       Unknown[int](reason),
		RequiredChecks:          Unknown[[]string](reason),
		BypassActors:            Unknown[[]string](reason),
	}
}

// NoProtection is a branch that nothing protects.
func NoProtection() Protection {
	return Protection{
		PullRequestRequired:     Known(false),
		ForcePushBlocked:        Known(false),
		DeletionBlocked:         Known(false),
		StaleApprovalsDismissed: Known(false),
		RequiredApprovals:       Known(0),
		RequiredChecks:          Known([]string{}),
		BypassActors:            Known([]string{}),
	}
}

// UnknownSecurity are security settings of which nothing could be read.
func UnknownSecurity(reason string) Security {
	return Security{Unknown[bool](reason), Unknown[bool](reason), Unknown[bool](reason)}
}

// UnknownProduction is a protection of production of which nothing could be read.
func UnknownProduction(reason string) Production {
	return Production{Unknown[bool](reason), Unknown[bool](reason), Unknown[int](reason)}
}

// UnknownSettings are settings of which nothing could be read.
func UnknownSettings(reason string) Settings {
	return Settings{
		Branch:                    UnknownProtection(reason),
		Security:                  UnknownSecurity(reason),
		Production:                UnknownProduction(reason),
		ProductionEnvironments:    Unknown[[]string](reason),
		RequiredChecksWithoutRuns: Unknown[[]string](reason),
		WorkflowTokenReadOnly:     Unknown[bool](reason),
		DeleteBranchOnMerge:       Unknown[bool](reason),
		Public:                    Unknown[bool](reason),
	}
}

// And returns the protection of a branch that both protect, such as a ruleset and a classic rule: what either requires
// is required. What one requires holds even if the other is unknown; what the known one does not require is then
// unknown, because the other one may.
func (p Protection) And(q Protection) Protection {
	return Protection{
		PullRequestRequired:     either(p.PullRequestRequired, q.PullRequestRequired),
		ForcePushBlocked:        either(p.ForcePushBlocked, q.ForcePushBlocked),
		DeletionBlocked:         either(p.DeletionBlocked, q.DeletionBlocked),
		StaleApprovalsDismissed: either(p.StaleApprovalsDismissed, q.StaleApprovalsDismissed),
		RequiredApprovals: strictest(p.RequiredApprovals, q.RequiredApprovals, func(n int) bool { return n > 0 },
			func(a, b int) int { return max(a, b) }),
		RequiredChecks: strictest(p.RequiredChecks, q.RequiredChecks, some, union),
		BypassActors:   both(p.BypassActors, q.BypassActors),
	}
}

// strictest combines two values. decides reports whether a value holds, whatever the other one is.
func strictest[T any](a, b fact.Value[T], decides func(T) bool, combine func(a, b T) T) fact.Value[T] {
	switch {
	case a.Known && b.Known:
		return Known(combine(a.Value, b.Value))
	case a.Known && decides(a.Value):
		return a
	case b.Known && decides(b.Value):
		return b
	case a.Known:
		return b
	}
	return a
}

func either(a, b fact.Value[bool]) fact.Value[bool] {
	return strictest(a, b, func(v bool) bool { return v }, func(a, b bool) bool { return a || b })
}

// both joins two lists that are complete only if both are known.
func both(a, b fact.Value[[]string]) fact.Value[[]string] {
	switch {
	case !a.Known:
		return a
	case !b.Known:
		return b
	}
	return Known(union(a.Value, b.Value))
}

func some(list []string) bool { return len(list) > 0 }

func union(a, b []string) []string {
	all := append(append([]string{}, a...), b...)
	slices.Sort(all)
	return slices.Compact(all)
}
