package setting

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dxctl/dxctl/event"
)

func TestAnd(t *testing.T) {
	const hidden = "the token may not read branch protection"
	ruleset := NoProtection()
	ruleset.PullRequestRequired, ruleset.RequiredApprovals = Known(true), Known(1)
	ruleset.RequiredChecks = Known([]string{"test", "build"})
	classic := NoProtection()
	classic.ForcePushBlocked, classic.RequiredApprovals = Known(true), Known(2)
	classic.RequiredChecks = Known([]string{"build"})

	merged := NoProtection()
	merged.PullRequestRequired, merged.ForcePushBlocked, merged.RequiredApprovals = Known(true), Known(true), Known(2)
	merged.RequiredChecks = Known([]string{"build", "test"})
	partly := UnknownProtection(hidden)
	partly.PullRequestRequired, partly.RequiredApprovals = Known(true), Known(1)
	partly.RequiredChecks = Known([]string{"test", "build"})
	for name, tc := range map[string]struct{ a, b, want Protection }{
		"either requires":       {ruleset, classic, merged},
		"nothing":               {NoProtection(), NoProtection(), NoProtection()},
		"one hidden":            {ruleset, UnknownProtection(hidden), partly},
		"the other one hidden":  {UnknownProtection(hidden), ruleset, partly},
		"nothing, and a hidden": {NoProtection(), UnknownProtection(hidden), UnknownProtection(hidden)},
	} {
		if diff := cmp.Diff(tc.want, tc.a.And(tc.b)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestFacts(t *testing.T) {
	unknown := UnknownSettings("no such right")
	for _, f := range unknown.Facts() {
		if f.Value != nil || f.Error != "no such right" {
			t.Errorf("%s: %s %q", f.Name, f.Value, f.Error)
		}
	}
	s := Settings{
		Branch:                    NoProtection(),
		Security:                  Security{Known(true), Known(true), Known(false)},
		Production:                Production{Known(true), Known(false), Known(3)},
		ProductionEnvironments:    Known([]string{"production"}),
		RequiredChecksWithoutRuns: Known[[]string](nil),
		WorkflowTokenReadOnly:     Known(true),
		DeleteBranchOnMerge:       Known(false),
		Public:                    Known(true),
	}
	// A checkpoint holds the settings between two readings.
	raw, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var again Settings
	if err := json.Unmarshal(raw, &again); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range again.Facts() {
		f.Source, f.Entity = "gh", "component:default/x"
		if err := f.Validate(); err != nil || f.Error != "" {
			t.Errorf("%s: %q %v", f.Name, f.Error, err)
		}
		got = append(got, fmt.Sprintf("%s=%s", strings.TrimPrefix(f.Name, "repository.settings."), f.Value))
	}
	want := "pull_request_required=false force_push_blocked=false deletion_blocked=false " +
		"stale_approvals_dismissed=false required_approvals=0 required_checks=[] required_checks_without_runs=[] " +
		"bypass_actors=[] workflow_token_read_only=true secret_scanning=true push_protection=true " +
		"private_vulnerability_reporting=false delete_branch_on_merge=false public=true " +
		`production_environments=["production"] production_protected=true ` +
		"production_self_review_prevented=false production_reviewers=3"
	if diff := cmp.Diff(want, strings.Join(got, " ")); diff != "" {
		t.Error(diff)
	}
}

func TestDefinitions(t *testing.T) {
	seen := map[string]bool{}
	for _, d := range Definitions() {
		words := d.Label != ""
		if d.Type == event.BoolFact {
			words = d.True != "" && d.False != ""
		}
		if seen[d.Name] || !words || !strings.HasSuffix(d.Description, ".") {
			t.Errorf("%+v", d)
		}
		seen[d.Name] = true
	}
}
