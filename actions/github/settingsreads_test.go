package github_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/actions/github/hosttest"
	"github.com/dxctl/dxctl/actions/settings"
	"github.com/dxctl/dxctl/repository/setting"
)

// TestSteadyChecks: only checks that succeeded on each of at least three merged pull requests are required, also where
// the server refuses GraphQL.
func TestSteadyChecks(t *testing.T) {
	s := hosttest.New(t)
	repo := served(t, s, "public")
	ten := slices.Repeat([][]string{{"test"}}, 30)
	for _, c := range []struct {
		merged [][]string
		want   string
		reads  int // of checks through REST
	}{
		{[][]string{{"test"}, {"test"}, {"test", "lint"}}, "[test]", 3},
		{[][]string{{"test"}, {"test"}}, "[]", 2},
		{[][]string{{"test", "!cover"}, {"test", "!cover"}, {"test", "!cover"}}, "[test]", 3},
		{[][]string{{"test"}, {}, {"test"}}, "[]", 3},
		{append([][]string{{}, {}}, ten...), "[]", 3},
		{ten, "[test]", 10},
		{nil, "[]", 0},
	} {
		repo.Set.Merged = c.merged
		for _, status := range []int{0, http.StatusNotFound, http.StatusNotImplemented} {
			s.NoGraphQL, s.Reads = status, nil
			state, err := host(t, s).Settings(t.Context(), settings.Ask{Repository: "acme/pay"})
			if err != nil || fmt.Sprint(state.Checks) != c.want || state.ChecksUnknown != "" {
				t.Errorf("%d, %v: %v, %v, %s, want %s", status, c.merged, state.Checks, err, state.ChecksUnknown, c.want)
			}
			read := 0
			for _, path := range s.Reads {
				if strings.HasSuffix(path, "/check-runs") {
					read++
				}
			}
			if status != 0 && read != c.reads {
				t.Errorf("%v: the checks of %d pull requests were read, want %d", c.merged, read, c.reads)
			}
		}
	}
}

// TestRequiredChecksWithoutGraphQL: where branches require checks and the server refuses GraphQL, the settings are
// planned by what REST shows, and what it does not show is named.
func TestRequiredChecksWithoutGraphQL(t *testing.T) {
	s := hosttest.New(t)
	repo := served(t, s, "public")
	repo.Set.Classic = map[string]any{"required_status_checks": map[string]any{"contexts": []string{"test", "gone"}}}
	repo.Set.Merged = slices.Repeat([][]string{{"test"}}, 30)
	ask := settings.Ask{Repository: "acme/pay", Want: settings.Want{Rules: []string{"required-checks", "human-review"}}}
	for _, status := range []int{0, http.StatusForbidden, http.StatusMethodNotAllowed, http.StatusNotImplemented} {
		s.NoGraphQL = status
		state, err := host(t, s).Settings(t.Context(), ask)
		if err != nil {
			t.Fatal(status, err)
		}
		idle := state.Facts.RequiredChecksWithoutRuns
		if fmt.Sprint(idle.Value) != "[gone]" {
			t.Errorf("%d: %+v", status, idle)
		}
		planned, err := settings.Plan(state, ask.Want)
		if err != nil || len(planned.Changes) != 1 || !strings.Contains(fmt.Sprint(planned.Left), "required checks gone") {
			t.Errorf("%d: %+v, %v", status, planned, err)
		}
	}
	s.NoGraphQL, s.Reads = http.StatusForbidden, nil
	repo.Set.Classic = map[string]any{"required_status_checks": map[string]any{"contexts": []string{"test"}}}
	if _, err := host(t, s).Settings(t.Context(), ask); err != nil || strings.Count(strings.Join(s.Reads, " "), "check-runs") != 1 {
		t.Errorf("%q, %v", s.Reads, err) // one pull request shows that all required checks run
	}
	s.Scopes = "-" // no fine-grained token may read check runs
	state, err := host(t, s).Settings(t.Context(), ask)
	if reason := state.Facts.RequiredChecksWithoutRuns.Reason; err != nil || !strings.Contains(reason, "Checks: read") ||
		!strings.Contains(reason, "refuses GraphQL") {
		t.Errorf("%q, %v", reason, err)
	}
	planned, err := settings.Plan(state, ask.Want)
	if err != nil || !strings.Contains(fmt.Sprint(planned.Left), "Checks: read") {
		t.Errorf("%+v, %v", planned, err)
	}
}

// TestSettingsReads: what several rules need is read once, and what is known is not read.
func TestSettingsReads(t *testing.T) {
	s := hosttest.New(t)
	repo := served(t, s, "public")
	repo.Set.Environments = map[string]map[string]any{"production": {}}
	all := settings.Ask{Repository: "acme/pay", Production: []string{"production"}}
	whole, err := host(t, s).Settings(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	guarded := settings.Ask{Repository: "acme/pay", Branch: "main", Known: whole.Facts}
	guarded.Want = settings.Want{Rules: settings.BranchRules, Checks: []string{"test"}}
	collected := all
	collected.Known, collected.Branch = whole.Facts, "main"
	workflows := true
	collected.Workflows = &workflows
	met := collected
	on := setting.Known(true)
	met.Known.Branch = setting.Protection{PullRequestRequired: on, ForcePushBlocked: on, DeletionBlocked: on,
		StaleApprovalsDismissed: on, RequiredApprovals: setting.Known(1), RequiredChecks: setting.Known([]string{"test"})}
	met.Known.Security = setting.Security{SecretScanning: on, PushProtection: on, PrivateVulnerabilityReporting: on}
	met.Known.WorkflowTokenReadOnly, met.Known.DeleteBranchOnMerge = on, on
	met.Known.Production.SelfReviewPrevented = on
	for name, c := range map[string]struct {
		ask   settings.Ask
		reads int
	}{
		"nothing is known":              {all, 9},
		"all is known, and nothing met": {collected, 3},
		"the default branch":            {guarded, 1},
		"all is met":                    {met, 0},
	} {
		s.Reads = nil
		if _, err := host(t, s).Settings(t.Context(), c.ask); err != nil || len(s.Reads) != c.reads {
			t.Errorf("%s: %d reads, want %d: %q, %v", name, len(s.Reads), c.reads, s.Reads, err)
		}
	}
	s.Reads = nil
	back, err := host(t, s).Settings(t.Context(), collected)
	if err != nil || fmt.Sprint(back.Values) != fmt.Sprint(whole.Values) {
		t.Errorf("%v\n%s\n%s", err, back.Values, whole.Values)
	}
}

// TestSettingsAssumed: a change that was planned on what was collected is compared with what is there before it is
// sent, so that nothing of somebody is overwritten or taken back later.
func TestSettingsAssumed(t *testing.T) {
	s := hosttest.New(t)
	repo := served(t, s, "public")
	workflows := true
	ask := settings.Ask{Branch: "main", Workflows: &workflows}
	whole, err := host(t, s).Settings(t.Context(), settings.Ask{Repository: "acme/pay"})
	if err != nil {
		t.Fatal(err)
	}
	ask.Known = whole.Facts
	ask.Want.Rules = []string{"workflow-permissions", "secret-scanning", "security-policy", "no-binaries-or-secrets"}
	a, j := action(t, s)
	a.Ask = ask
	repo.Set.ReadOnlyToken = true                                      // since it was collected, by somebody
	repo.Set.Security = map[string]string{"secret_scanning": "paused"} // neither as it was nor as it should be
	s.Reads = nil
	var told []string
	p, err := a.Plan(t.Context(), actions.Input{"repository": a.Repository})
	if err != nil || len(p.Requests) != 4 || len(s.Reads) > 0 {
		t.Fatalf("%v, %v, read %q", p.Requests, err, s.Reads)
	}
	_, err = actions.Run(t.Context(), a, p.Input, p.Digest(), actions.RunOptions{ID: a.Run, Now: a.Now, Record: j.record,
		Progress: func(step actions.Step) { told = append(told, step.Note) }})
	if err != nil {
		t.Fatal(err)
	}
	if !repo.Set.Cleanup || !repo.Set.Reporting || repo.Set.Security["secret_scanning"] != "paused" || len(s.Writes) != 2 {
		t.Errorf("%+v, written %q", repo.Set, s.Writes)
	}
	said := strings.Join(told, "\n")
	for _, want := range []string{"workflow token: it is so already", "security and analysis: somebody has changed it"} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not in\n%s", want, said)
		}
	}
	if changes := j.changes(t); len(changes) != 2 {
		t.Errorf("recorded to be taken back: %+v", changes)
	}
	s.Scopes = ""
	s.Refuse = func(r *http.Request, _ http.Header) (int, string) {
		return map[bool]int{true: http.StatusInternalServerError}[strings.HasSuffix(r.URL.Path, "permissions/workflow")], "no"
	}
	a, j = action(t, s)
	a.Ask, s.Writes = ask, nil
	if _, err := run(t, a, j); err == nil || !strings.Contains(err.Error(), "nothing was changed") || len(s.Writes) > 0 {
		t.Errorf("%v, written %q", err, s.Writes)
	}
}
