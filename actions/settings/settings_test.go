package settings_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/actions/settings"
	"github.com/dxctl/dxctl/repository/setting"
)

// weak is a public repository with nothing switched on.
func weak() settings.State {
	off := setting.Known(false)
	return settings.State{
		Repository: "acme/pay", Workflows: true, Checks: []string{"test"},
		Facts: setting.Settings{
			Branch: setting.NoProtection(), Public: setting.Known(true), DeleteBranchOnMerge: off, WorkflowTokenReadOnly: off,
			Security:               setting.Security{SecretScanning: off, PushProtection: off, PrivateVulnerabilityReporting: off},
			ProductionEnvironments: setting.Known([]string{"production"}),
		},
		Values: map[string]json.RawMessage{
			settings.Ruleset:       json.RawMessage("null"),
			settings.WorkflowToken: settings.Value(map[string]any{"default_workflow_permissions": "write"}),
			settings.Reporting:     settings.Value(map[string]any{"enabled": false}),
			settings.BranchCleanup: settings.Value(map[string]any{"delete_branch_on_merge": false}),
			settings.Security: json.RawMessage(`{"secret_scanning":{"status":"disabled"},` +
				`"secret_scanning_push_protection":{"status":"disabled"}}`),
			settings.EnvironmentKey("production"): json.RawMessage(`{"deployment_branch_policy":{"protected_branches":true},` +
				`"prevent_self_review":false,"reviewers":[],"wait_timer":30,"can_admins_bypass":true}`),
		},
	}
}

func planned(t *testing.T, s settings.State, w settings.Want) settings.Planned {
	t.Helper()
	p, err := settings.Plan(s, w)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func find(p settings.Planned, key string) (settings.Change, bool) {
	i := slices.IndexFunc(p.Changes, func(c settings.Change) bool { return c.Setting == key })
	if i < 0 {
		return settings.Change{}, false
	}
	return p.Changes[i], true
}

// TestPlanAll plans what a repository without any protection needs: a request for each setting.
func TestPlanAll(t *testing.T) {
	p := planned(t, weak(), settings.Want{Reviewers: []settings.Reviewer{{Type: "Team", ID: 42, Name: "acme/pay"}}})
	if len(p.Left) > 0 || len(p.Met) > 0 {
		t.Errorf("left %v, met %v", p.Left, p.Met)
	}
	var got []string
	for _, c := range p.Changes {
		r := c.Request("https://api.example", "acme/pay", 0)
		got = append(got, fmt.Sprintf("%s %s %s %s", strings.Join(c.Rules, ","), r.Method,
			strings.TrimPrefix(r.URL, "https://api.example/repos/acme/pay"), r.Body))
	}
	want := []string{
		`branch-protected,human-review,tests-on-pull-requests,required-checks POST /rulesets ` +
			`{"bypass_actors":[],"conditions":{"ref_name":{"exclude":[],"include":["~DEFAULT_BRANCH"]}},"enforcement":"active",` +
			`"name":"dxctl golden path","rules":[{"type":"deletion"},{"type":"non_fast_forward"},{"parameters":{` +
			`"dismiss_stale_reviews_on_push":true,"require_code_owner_review":false,"require_last_push_approval":false,` +
			`"required_approving_review_count":1,"required_review_thread_resolution":false},"type":"pull_request"},` +
			`{"parameters":{"required_status_checks":[{"context":"test"}],"strict_required_status_checks_policy":false},` +
			`"type":"required_status_checks"}],"target":"branch"}`,
		`workflow-permissions PUT /actions/permissions/workflow {"default_workflow_permissions":"read"}`,
		`secret-scanning PATCH  {"security_and_analysis":{"secret_scanning":{"status":"enabled"},` +
			`"secret_scanning_push_protection":{"status":"enabled"}}}`,
		`security-policy PUT /private-vulnerability-reporting `,
		`no-binaries-or-secrets PATCH  {"delete_branch_on_merge":true}`,
		`production-protected PUT /environments/production {"deployment_branch_policy":{"protected_branches":true},` +
			`"prevent_self_review":true,"reviewers":[{"id":42,"type":"Team"}],"wait_timer":30}`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestNothingIsWeakened: what our ruleset and an environment have already stays, or becomes stricter.
func TestNothingIsWeakened(t *testing.T) {
	s := weak()
	s.RulesetID = 9
	s.Values[settings.Ruleset] = json.RawMessage(`{"bypass_actors":[{"actor_id":1,"actor_type":"Team","bypass_mode":"always"}],
		"conditions":{"ref_name":{"exclude":["refs/heads/x"],"include":["refs/heads/release"]}},"enforcement":"disabled",
		"name":"dxctl golden path","target":"branch","rules":[{"type":"required_signatures"},
		{"type":"pull_request","parameters":{"required_approving_review_count":3,"require_code_owner_review":true,
			"allowed_merge_methods":["squash"],"dismiss_stale_reviews_on_push":false,"require_last_push_approval":true,
			"required_review_thread_resolution":true}},
		{"type":"required_status_checks","parameters":{"required_status_checks":[{"context":"lint","integration_id":7}],
			"strict_required_status_checks_policy":true}}]}`)
	s.Values[settings.EnvironmentKey("production")] = json.RawMessage(`{"deployment_branch_policy":null,
		"prevent_self_review":false,"reviewers":[{"type":"User","id":5}],"wait_timer":0,"can_admins_bypass":true}`)
	p := planned(t, s, settings.Want{Reviewers: []settings.Reviewer{{Type: "Team", ID: 42}}})
	c, _ := find(p, settings.Ruleset)
	for _, want := range []string{
		`"required_approving_review_count":3`, `"require_code_owner_review":true`, `"dismiss_stale_reviews_on_push":true`,
		`"allowed_merge_methods":["squash"]`, `"require_last_push_approval":true`, `"strict_required_status_checks_policy":true`,
		`{"context":"lint","integration_id":7},{"context":"test"}`, `"type":"required_signatures"`, `"enforcement":"active"`,
		`"include":["refs/heads/release","~DEFAULT_BRANCH"]`, `"exclude":["refs/heads/x"]`, `"actor_type":"Team"`,
	} {
		if !strings.Contains(string(c.After), want) {
			t.Errorf("the ruleset lacks %s:\n%s", want, c.After)
		}
	}
	if r := c.Request("api", "acme/pay", s.RulesetID); r.Method != http.MethodPut || !strings.HasSuffix(r.URL, "/rulesets/9") {
		t.Errorf("%s %s", r.Method, r.URL)
	}
	e, _ := find(p, settings.EnvironmentKey("production"))
	if got := string(e.After); !strings.Contains(got, `"reviewers":[{"id":5,"type":"User"}]`) ||
		!strings.Contains(got, `"prevent_self_review":true`) {
		t.Error(got)
	}
}

// TestLeft has what is not planned, and why.
func TestLeft(t *testing.T) {
	for name, c := range map[string]struct {
		change func(s *settings.State, w *settings.Want)
		rule   string
		want   string // in the reason; "": it is met
	}{
		"declined": {func(_ *settings.State, w *settings.Want) {
			w.Skip = map[string]string{"secret-scanning": "declined until 2027-03-01: x"}
		}, "secret-scanning", "declined until 2027-03-01: x"},
		"no check":    {func(s *settings.State, _ *settings.Want) { s.Checks = nil }, "required-checks", "--required-check"},
		"no reviewer": {func(*settings.State, *settings.Want) {}, "production-protected", "--reviewer"},
		"a check that never runs": {func(s *settings.State, _ *settings.Want) {
			s.Facts.Branch.RequiredChecks = setting.Known([]string{"old"})
			s.Facts.RequiredChecksWithoutRuns = setting.Known([]string{"old"})
		}, "required-checks", "old"},
		"not offered": {func(s *settings.State, _ *settings.Want) {
			s.Refused = map[string]string{settings.Ruleset: "Upgrade to GitHub Pro"}
		}, "branch-protected", "Upgrade to GitHub Pro"},
		"not read": {func(s *settings.State, _ *settings.Want) { delete(s.Values, settings.Security) }, "secret-scanning",
			"could not be read"},
		"not shown": {func(s *settings.State, _ *settings.Want) {
			s.Values[settings.Security] = json.RawMessage(`{"secret_scanning":{"status":"disabled"}}`)
		}, "secret-scanning", "GitHub does not show the setting: secret_scanning_push_protection"},
		"bypassed": {func(s *settings.State, w *settings.Want) {
			p, _ := settings.Plan(*s, *w)
			s.Values[settings.Ruleset] = p.Changes[0].After
		}, "branch-protected", "look at who can bypass the rulesets"},
		"excluded": {func(s *settings.State, w *settings.Want) {
			p, _ := settings.Plan(*s, *w)
			s.Values[settings.Ruleset] = json.RawMessage(strings.Replace(string(p.Changes[0].After), `"exclude":[]`,
				`"exclude":["refs/heads/main"]`, 1))
			s.Branch = "main"
		}, "branch-protected", "our ruleset excludes the default branch"},
		"checks are not shown": {func(s *settings.State, _ *settings.Want) { s.Checks, s.ChecksUnknown = nil, "403" }, "required-checks",
			"not known which checks always run (403)"},
		"no bypass by administrators": {func(s *settings.State, _ *settings.Want) {
			s.Values[settings.EnvironmentKey("production")] = json.RawMessage(`{"reviewers":[],"can_admins_bypass":false}`)
		}, "production-protected", "administrators cannot bypass"},
		"protected by others": {func(s *settings.State, _ *settings.Want) {
			on := setting.Known(true)
			s.Facts.Branch.PullRequestRequired, s.Facts.Branch.ForcePushBlocked, s.Facts.Branch.DeletionBlocked = on, on, on
		}, "branch-protected", ""},
		"private":       {func(s *settings.State, _ *settings.Want) { s.Facts.Public = setting.Known(false) }, "security-policy", ""},
		"no workflows":  {func(s *settings.State, _ *settings.Want) { s.Workflows = false }, "workflow-permissions", ""},
		"no production": {func(s *settings.State, _ *settings.Want) { s.Facts.ProductionEnvironments = setting.Known([]string{}) }, "production-protected", ""},
		"unknown settings": {func(s *settings.State, _ *settings.Want) {
			s.Facts.ProductionEnvironments = setting.Unknown[[]string]("no right")
		}, "production-protected", "no right"},
	} {
		t.Run(name, func(t *testing.T) {
			s, w := weak(), settings.Want{Rules: []string{c.rule}}
			c.change(&s, &w)
			p := planned(t, s, w)
			if c.want == "" {
				if !slices.Equal(p.Met, []string{c.rule}) || len(p.Changes) > 0 {
					t.Errorf("%+v", p)
				}
				return
			}
			if len(p.Left) != 1 || p.Left[0].Rule != c.rule || !strings.Contains(p.Left[0].Reason, c.want) || len(p.Met) > 0 {
				t.Errorf("%+v", p)
			}
		})
	}
	if _, err := settings.Plan(weak(), settings.Want{Rules: []string{"license"}}); err == nil ||
		!strings.Contains(err.Error(), "those with a setting are branch-protected, ") {
		t.Error(err)
	}
}

// TestUndo: what was applied is taken back in reverse, unless somebody has changed it since.
func TestUndo(t *testing.T) {
	before := weak()
	p := planned(t, before, settings.Want{Reviewers: []settings.Reviewer{{Type: "Team", ID: 42}}})
	now := weak()
	now.RulesetID = 9
	for _, c := range p.Changes {
		now.Values[c.Setting] = c.After
	}
	// GitHub adds its defaults to a ruleset.
	now.Values[settings.Ruleset] = json.RawMessage(strings.Replace(string(now.Values[settings.Ruleset]),
		`"dismiss_stale`, `"allowed_merge_methods":["squash"],"dismiss_stale`, 1))
	back := settings.Undo(now, p.Changes)
	if len(back.Changes) != len(p.Changes) || len(back.Left) > 0 {
		t.Fatalf("%+v", back)
	}
	var got []string
	for _, c := range back.Changes {
		r := c.Request("", "acme/pay", now.RulesetID)
		got = append(got, r.Method+" "+strings.TrimPrefix(r.URL, "/repos/acme/pay")+" "+string(r.Body))
	}
	want := []string{
		`PUT /environments/production {"deployment_branch_policy":{"protected_branches":true},"prevent_self_review":false,` +
			`"reviewers":[],"wait_timer":30}`,
		`PATCH  {"delete_branch_on_merge":false}`,
		`DELETE /private-vulnerability-reporting `,
		`PATCH  {"security_and_analysis":{"secret_scanning":{"status":"disabled"},` +
			`"secret_scanning_push_protection":{"status":"disabled"}}}`,
		`PUT /actions/permissions/workflow {"default_workflow_permissions":"write"}`,
		`DELETE /rulesets/9 `,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	// Somebody changed two, and took one back.
	now.Values[settings.Ruleset] = json.RawMessage(strings.Replace(string(now.Values[settings.Ruleset]),
		`"bypass_actors":[]`, `"bypass_actors":[{"actor_id":4,"actor_type":"RepositoryRole","bypass_mode":"always"}]`, 1))
	now.Values[settings.EnvironmentKey("production")] = json.RawMessage(`{"deployment_branch_policy":null,` +
		`"prevent_self_review":true,"reviewers":[{"type":"User","id":5}],"wait_timer":0}`)
	now.Values[settings.BranchCleanup] = before.Values[settings.BranchCleanup]
	back = settings.Undo(now, p.Changes)
	if len(back.Left) != 2 || back.Left[1].Rule != settings.Ruleset || len(back.Changes) != 3 ||
		!slices.Equal(back.Met, []string{settings.BranchCleanup}) {
		t.Errorf("%+v", back)
	}
}

// TestUndoOtherOrder: of an environment that was set by a process that ended before it read it again, GitHub's order of
// the reviewers does not keep it from being restored; somebody's other reviewer does.
func TestUndoOtherOrder(t *testing.T) {
	key := settings.EnvironmentKey("production")
	s := weak()
	p := planned(t, s, settings.Want{Rules: []string{"production-protected"},
		Reviewers: []settings.Reviewer{{Type: "Team", ID: 42}, {Type: "User", ID: 7}}})
	now := weak()
	now.Values[key] = json.RawMessage(strings.Replace(string(p.Changes[0].After),
		`{"id":42,"type":"Team"},{"id":7,"type":"User"}`, `{"id":7,"type":"User"},{"id":42,"type":"Team"}`, 1))
	back := settings.Undo(now, p.Changes)
	if len(back.Changes) != 1 || string(back.Changes[0].Before) != string(now.Values[key]) ||
		string(back.Changes[0].Before) == string(p.Changes[0].After) {
		t.Errorf("%+v", back)
	}
}

// TestUndoReplaced: a ruleset with our name that has another id, an environment that is gone, and what may not be read.
func TestUndoReplaced(t *testing.T) {
	s := weak()
	p := planned(t, s, settings.Want{Rules: []string{"branch-protected", "production-protected"},
		Reviewers: []settings.Reviewer{{Type: "Team", ID: 42}}})
	now := weak()
	now.RulesetID, now.Values[settings.Ruleset] = 9, p.Changes[0].After
	p.Changes[0] = p.Changes[0].Applied(now)
	now.RulesetID, now.Others = 10, map[int64]string{10: settings.RulesetName}
	delete(now.Values, settings.EnvironmentKey("production"))
	back := settings.Undo(now, p.Changes)
	if len(back.Changes)+len(back.Unread) > 0 || len(back.Left) != 2 || !strings.Contains(back.Left[0].Reason, "deleted it") ||
		!strings.Contains(back.Left[1].Reason, "another one has its name") {
		t.Errorf("%+v", back)
	}
	now.Unread = map[string]string{settings.AllEnvironments: "403"}
	if back = settings.Undo(now, p.Changes); len(back.Unread) != 1 || !strings.Contains(back.Unread[0].Reason, "403") {
		t.Errorf("%+v", back)
	}
}

// TestUndoRenamed: a ruleset of ours that somebody renamed is still in force, and is not taken for one that is gone.
func TestUndoRenamed(t *testing.T) {
	s := weak()
	p := planned(t, s, settings.Want{Rules: []string{"branch-protected"}})
	now := weak()
	now.RulesetID, now.Values[settings.Ruleset] = 9, p.Changes[0].After
	applied := []settings.Change{p.Changes[0].Applied(now)}
	now.RulesetID, now.Values[settings.Ruleset] = 0, json.RawMessage("null")
	now.Others = map[int64]string{9: "main"}
	if back := settings.Undo(now, applied); len(back.Left) != 1 || !strings.Contains(back.Left[0].Reason, "renamed our ruleset to main") {
		t.Errorf("%+v", back)
	}
	now.Others = nil // it was deleted
	if back := settings.Undo(now, applied); len(back.Met) != 1 {
		t.Errorf("%+v", back)
	}
}
