package setting

import (
	"cmp"
	"encoding/json"
	"fmt"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/repository/fact"
	"github.com/dxctl/dxctl/repository/named"
)

// entry is a setting with its name.
type entry struct {
	named.Definition
	of  func(*Settings) event.Fact
	set func(*Settings, event.Fact)
}

func entryOf[T any](d named.Definition, value func(*Settings) *fact.Value[T]) entry {
	d.Name = "repository.settings." + d.Name
	of := func(s *Settings) event.Fact {
		f := event.Fact{Name: d.Name, Type: d.Type}
		v := *value(s)
		if !v.Known {
			f.Error = cmp.Or(v.Reason, "it was not read")
			return f
		}
		raw, err := json.Marshal(v.Value)
		switch {
		case err != nil:
			f.Error = fmt.Sprintf("it has a value that cannot be stored: %v", err)
		case d.Type == event.ListFact && string(raw) == "null":
			f.Value = json.RawMessage("[]")
		default:
			f.Value = raw
		}
		return f
	}
	return entry{d, of, func(s *Settings, f event.Fact) {
		var v T
		switch err := json.Unmarshal(f.Value, &v); {
		case f.Error != "":
			*value(s) = Unknown[T](f.Error)
		case err != nil:
			*value(s) = Unknown[T](fmt.Sprintf("its stored value cannot be read: %v", err))
		default:
			*value(s) = Known(v)
		}
	}}
}

// table has the named settings in the order of their subjects.
var table = []entry{
	entryOf(named.Definition{
		Name: "pull_request_required", Type: event.BoolFact,
		True:        "the default branch changes only by pull requests",
		False:       "the default branch can be changed without a pull request",
		Description: "A ruleset or a branch protection of the default branch requires a pull request before merging.",
	}, func(s *Settings) *fact.Value[bool] { return &s.Branch.PullRequestRequired }),
	entryOf(named.Definition{
		Name: "force_push_blocked", Type: event.BoolFact,
		True:        "the history of the default branch cannot be rewritten",
		False:       "the default branch takes force pushes",
		Description: "A ruleset or a branch protection of the default branch blocks force pushes.",
	}, func(s *Settings) *fact.Value[bool] { return &s.Branch.ForcePushBlocked }),
	entryOf(named.Definition{
		Name: "deletion_blocked", Type: event.BoolFact,
		True:        "the default branch cannot be deleted",
		False:       "the default branch can be deleted",
		Description: "A ruleset or a branch protection of the default branch blocks its deletion.",
	}, func(s *Settings) *fact.Value[bool] { return &s.Branch.DeletionBlocked }),
	entryOf(named.Definition{
		Name: "stale_approvals_dismissed", Type: event.BoolFact,
		True:        "new commits dismiss approvals",
		False:       "approvals hold after new commits",
		Description: "An approval of a change to the default branch is dismissed, or ignored, once there are new commits.",
	}, func(s *Settings) *fact.Value[bool] { return &s.Branch.StaleApprovalsDismissed }),
	entryOf(named.Definition{
		Name: "required_approvals", Type: event.NumberFact,
		Label:       "the number of required approvals",
		Description: "Approvals that a change to the default branch needs; of several rules the strictest counts.",
	}, func(s *Settings) *fact.Value[int] { return &s.Branch.RequiredApprovals }),
	entryOf(named.Definition{
		Name: "required_checks", Type: event.ListFact,
		Label:       "the required checks",
		Description: "Names of the checks that must succeed before a change is merged into the default branch.",
	}, func(s *Settings) *fact.Value[[]string] { return &s.Branch.RequiredChecks }),
	entryOf(named.Definition{
		Name: "required_checks_without_runs", Type: event.ListFact,
		Label:       "the required checks that never ran",
		Description: "Required checks of which none of the last 20 merged pull requests has a run.",
	}, func(s *Settings) *fact.Value[[]string] { return &s.RequiredChecksWithoutRuns }),
	entryOf(named.Definition{
		Name: "bypass_actors", Type: event.ListFact,
		Label:       "the actors that can bypass the protection of the default branch",
		Description: "Roles, teams and apps to which the rules of the default branch do not apply.",
	}, func(s *Settings) *fact.Value[[]string] { return &s.Branch.BypassActors }),
	entryOf(named.Definition{
		Name: "workflow_token_read_only", Type: event.BoolFact,
		True:        "the workflow token can only read by default",
		False:       "the workflow token can write by default",
		Description: "The default permission of GITHUB_TOKEN in the repository's workflows is read.",
	}, func(s *Settings) *fact.Value[bool] { return &s.WorkflowTokenReadOnly }),
	entryOf(named.Definition{
		Name: "secret_scanning", Type: event.BoolFact,
		True:        "the repository is scanned for secrets",
		False:       "the repository is not scanned for secrets",
		Description: "The host scans the repository for secrets.",
	}, func(s *Settings) *fact.Value[bool] { return &s.Security.SecretScanning }),
	entryOf(named.Definition{
		Name: "push_protection", Type: event.BoolFact,
		True:        "pushes that contain secrets are rejected",
		False:       "pushes that contain secrets are accepted",
		Description: "The host rejects a push that contains a secret.",
	}, func(s *Settings) *fact.Value[bool] { return &s.Security.PushProtection }),
	entryOf(named.Definition{
		Name: "private_vulnerability_reporting", Type: event.BoolFact,
		True:        "vulnerabilities can be reported in private",
		False:       "the host takes no private vulnerability reports",
		Description: "The host offers a form by which anybody can report a vulnerability in private.",
	}, func(s *Settings) *fact.Value[bool] { return &s.Security.PrivateVulnerabilityReporting }),
	entryOf(named.Definition{
		Name: "delete_branch_on_merge", Type: event.BoolFact,
		True:        "branches are deleted after the merge",
		False:       "branches stay after the merge",
		Description: "The branch of a change is deleted when the change is merged.",
	}, func(s *Settings) *fact.Value[bool] { return &s.DeleteBranchOnMerge }),
	entryOf(named.Definition{
		Name: "public", Type: event.BoolFact,
		True:        "the repository is public",
		False:       "the repository is not public",
		Description: "Everybody can read the repository; an internal one is not public.",
	}, func(s *Settings) *fact.Value[bool] { return &s.Public }),
	entryOf(named.Definition{
		Name: "production_environments", Type: event.ListFact,
		Label:       "its production environments",
		Description: "Environments at the host with a name of environments.production in dx.yaml; empty: it has none.",
	}, func(s *Settings) *fact.Value[[]string] { return &s.ProductionEnvironments }),
	entryOf(named.Definition{
		Name: "production_protected", Type: event.BoolFact,
		True:        "the production environment is protected",
		False:       "the production environment is not protected",
		Description: "Each production environment requires an approval, or admits certain branches only.",
	}, func(s *Settings) *fact.Value[bool] { return &s.Production.Protected }),
	entryOf(named.Definition{
		Name: "production_self_review_prevented", Type: event.BoolFact,
		True:        "nobody approves their own deployment to production",
		False:       "people can approve their own deployments to production",
		Description: "Each production environment requires an approval by somebody who did not start the deployment.",
	}, func(s *Settings) *fact.Value[bool] { return &s.Production.SelfReviewPrevented }),
	entryOf(named.Definition{
		Name: "production_reviewers", Type: event.NumberFact,
		Label:       "the number of reviewers of production",
		Description: "People and teams who can approve a deployment to production; of several environments the least.",
	}, func(s *Settings) *fact.Value[int] { return &s.Production.Reviewers }),
}

// Definitions returns the settings that are facts, in the order of their subjects.
func Definitions() []named.Definition {
	all := make([]named.Definition, len(table))
	for i, e := range table {
		all[i] = e.Definition
	}
	return all
}

// Facts returns every setting with its name and type, and with either a value or an error. The caller sets source,
// entity and times. The error completes the sentence "… is not known: ".
func (s Settings) Facts() []event.Fact {
	all := make([]event.Fact, len(table))
	for i, e := range table {
		all[i] = e.of(&s)
	}
	return all
}

// FromFacts returns the settings that facts, by their names, describe; see [Settings.Facts]. One without a fact, or
// with one that has expired, is unknown.
func FromFacts(facts map[string]event.Fact, now time.Time) Settings {
	all := UnknownSettings("it was not collected")
	for _, e := range table {
		f, collected := facts[e.Name]
		switch {
		case !collected:
		case !f.ExpiresAt.IsZero() && !now.Before(f.ExpiresAt):
			f.Error = "what was collected has expired"
			fallthrough
		default:
			e.set(&all, f)
		}
	}
	return all
}
