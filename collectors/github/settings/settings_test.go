package settings

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/collectors/github/githubtest"
	"github.com/dxctl/dxctl/collectors/github/streamtest"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
)

var now = streamtest.Now

func tryCollect(t *testing.T, s *githubtest.Server, m *collecttest.Writer, at time.Time) error {
	t.Helper()
	return Collect(t.Context(), streamtest.Repository(t, s, m, at), []string{"Production", "live"})
}

func collect(t *testing.T, s *githubtest.Server, m *collecttest.Writer, at time.Time) {
	t.Helper()
	if err := tryCollect(t, s, m, at); err != nil {
		t.Fatal(err)
	}
}

// value returns a setting as it is stored, or why it is unknown.
func value(m *collecttest.Writer, name string) string {
	f, ok := collecttest.Stored[event.Fact](m)["repository.settings."+name]
	switch {
	case !ok:
		return "none"
	case f.Error != "":
		return "unknown: " + f.Error
	}
	return string(f.Value)
}

// check compares settings, given as "name=value" or "name=unknown: the beginning of the reason".
func check(t *testing.T, m *collecttest.Writer, wants ...string) {
	t.Helper()
	for _, want := range wants {
		name, want, _ := strings.Cut(want, "=")
		got := value(m, name)
		if got != want && (!strings.HasPrefix(want, "unknown: ") || !strings.HasPrefix(got, want)) {
			t.Errorf("%s = %s, want %s", name, got, want)
		}
	}
}

// answer is a setting as GitHub documents it.
func answer(t *testing.T, body string) githubtest.Setting {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return githubtest.Setting{Body: v}
}

func refused(status int, message string) githubtest.Setting {
	return githubtest.Setting{Status: status, Body: map[string]any{"message": message}}
}

const (
	rules      = "rules/branches/main"
	protection = "branches/main/protection"
)

// shown is a repository of which the token may read everything.
func shown(t *testing.T) *githubtest.Repo {
	t.Helper()
	return &githubtest.Repo{
		Record: map[string]any{
			"visibility":             "public",
			"delete_branch_on_merge": true,
			"security_and_analysis": map[string]any{
				"secret_scanning":                 map[string]any{"status": "enabled"},
				"secret_scanning_push_protection": map[string]any{"status": "disabled"},
			},
		},
		Settings: map[string]githubtest.Setting{
			rules:                             answer(t, `[]`),
			protection:                        refused(404, "Branch not protected"),
			"actions/permissions/workflow":    answer(t, `{"default_workflow_permissions":"read","can_approve_pull_request_reviews":false}`),
			"private-vulnerability-reporting": answer(t, `{"enabled":true}`),
			"environments":                    answer(t, `{"total_count":0,"environments":[]}`),
		},
	}
}

func TestSettings(t *testing.T) {
	s, m := streamtest.Serve(t, shown(t)), collecttest.NewWriter()
	collect(t, s, m, now)
	check(t, m, "pull_request_required=false", "force_push_blocked=false", "deletion_blocked=false",
		"stale_approvals_dismissed=false", "required_approvals=0", "required_checks=[]", "required_checks_without_runs=[]",
		"bypass_actors=[]", "workflow_token_read_only=true", "secret_scanning=true", "push_protection=false",
		"private_vulnerability_reporting=true", "delete_branch_on_merge=true", "public=true", "production_environments=[]",
		"production_protected=unknown: the repository has no environment named production, live")
	first := s.Requests()
	if len(first) != 6 {
		t.Errorf("%d requests: %+v", len(first), first)
	}
	// Settings are read once a day, and then only if they have changed.
	collect(t, s, m, now.Add(23*time.Hour))
	if again := s.Requests(); len(again) != 0 {
		t.Errorf("asked again within a day: %+v", again)
	}
	appended := m.Appended()
	collect(t, s, m, now.Add(25*time.Hour))
	again := s.Requests()
	for _, r := range again {
		if r.Status != http.StatusNotModified && r.Path != "/api/v3/repos/acme/shop/"+protection {
			t.Errorf("%s: %d", r.Path, r.Status)
		}
	}
	if len(again) != len(first) || m.Appended() == appended {
		t.Errorf("%d requests, %d facts", len(again), m.Appended()-appended)
	}
	check(t, m, "secret_scanning=true", "private_vulnerability_reporting=true", "required_checks=[]")
}

// What either a ruleset or a branch protection requires is required.
func TestProtection(t *testing.T) {
	const classicProtection = `{
		"required_status_checks": {"strict": true, "contexts": ["build"], "checks": [{"context": "build", "app_id": 15368}]},
		"enforce_admins": {"url": "x", "enabled": false},
		"required_pull_request_reviews": {"dismiss_stale_reviews": true, "require_code_owner_reviews": false,
			"required_approving_review_count": 2, "require_last_push_approval": false,
			"bypass_pull_request_allowances": {"users": [{"login": "bot"}], "teams": [], "apps": []}},
		"allow_force_pushes": {"enabled": false}, "allow_deletions": {"enabled": true}
	}`
	const rulesOfBranch = `[
		{"type": "deletion", "ruleset_source_type": "Organization", "ruleset_source": "acme", "ruleset_id": 7},
		{"type": "required_status_checks", "ruleset_source_type": "Repository", "ruleset_source": "acme/shop", "ruleset_id": 8,
			"parameters": {"strict_required_status_checks_policy": false,
				"required_status_checks": [{"context": "test", "integration_id": 15368}, {"context": "lint"}]}},
		{"type": "copilot_code_review", "ruleset_id": 8, "parameters": {"review_on_push": true}},
		{"type": "pull_request", "ruleset_id": 8, "parameters": {"required_approving_review_count": 1,
			"dismiss_stale_reviews_on_push": false, "require_last_push_approval": false, "require_code_owner_review": true}}
	]`
	ruleset := func(id, actors string) githubtest.Setting {
		return answer(t, `{"id": `+id+`, "name": "set `+id+`", "enforcement": "active", "rules": []`+actors+`}`)
	}
	hidden := refused(403, "Resource not accessible by personal access token")
	for name, tc := range map[string]struct {
		settings map[string]githubtest.Setting
		want     []string
	}{
		"classic": {map[string]githubtest.Setting{protection: answer(t, classicProtection)}, []string{
			"pull_request_required=true", "force_push_blocked=true", "deletion_blocked=false", "required_approvals=2",
			"stale_approvals_dismissed=true", `required_checks=["build"]`,
			`bypass_actors=["administrators can bypass the branch protection","user bot can bypass pull requests"]`,
		}},
		"rulesets": {map[string]githubtest.Setting{
			rules: answer(t, rulesOfBranch), "rulesets/7": ruleset("7", ``),
			"rulesets/8": ruleset("8", `, "bypass_actors": [{"actor_id": 5, "actor_type": "RepositoryRole", "bypass_mode": "always"},
				{"actor_id": null, "actor_type": "OrganizationAdmin", "bypass_mode": "pull_request"}]`),
		}, []string{
			"pull_request_required=true", "force_push_blocked=false", "deletion_blocked=true", "required_approvals=1",
			"stale_approvals_dismissed=false", `required_checks=["lint","test"]`,
			`bypass_actors=unknown: GitHub shows who can bypass the ruleset "set 7" to those who may change it`,
		}},
		"both": {map[string]githubtest.Setting{
			rules: answer(t, rulesOfBranch), protection: answer(t, classicProtection),
			"rulesets/7": ruleset("7", `, "bypass_actors": []`), "rulesets/8": ruleset("8", `, "bypass_actors": []`),
		}, []string{
			"force_push_blocked=true", "deletion_blocked=true", "required_approvals=2", "stale_approvals_dismissed=true",
			`required_checks=["build","lint","test"]`, "pull_request_required=true",
		}},
		"everybody bypasses": {map[string]githubtest.Setting{
			rules: answer(t, rulesOfBranch), "rulesets/7": ruleset("7", `, "bypass_actors": []`),
			"rulesets/8": ruleset("8", `, "bypass_actors": [{"actor_id": 4, "actor_type": "RepositoryRole", "bypass_mode": "always"}]`),
		}, []string{
			"pull_request_required=false", "deletion_blocked=true", "required_approvals=0", "required_checks=[]",
			`bypass_actors=["the role write can bypass the ruleset \"set 8\""]`,
		}},
		"everybody bypasses in pull requests": {map[string]githubtest.Setting{
			rules: answer(t, rulesOfBranch), "rulesets/7": ruleset("7", `, "bypass_actors": []`),
			"rulesets/8": ruleset("8", `, "bypass_actors": [{"actor_id": 4, "actor_type": "RepositoryRole", "bypass_mode": "pull_request"}]`),
		}, []string{"pull_request_required=true", "required_approvals=0", "required_checks=[]"}},
		"protection is hidden": {map[string]githubtest.Setting{rules: answer(t, rulesOfBranch), protection: hidden}, []string{
			"pull_request_required=true", "deletion_blocked=true", "required_approvals=1", `required_checks=["lint","test"]`,
			"force_push_blocked=unknown: the token may not read the protection of branch main (GET " +
				"/repos/acme/shop/branches/main/protection: 403); give it Administration: read",
			"stale_approvals_dismissed=unknown: the token may not read",
		}},
		"a classic token without rights": {map[string]githubtest.Setting{protection: refused(404, "Not Found")}, []string{
			"pull_request_required=unknown: the token may not read the protection of branch main (GET " +
				"/repos/acme/shop/branches/main/protection: 404)",
		}},
		"rulesets are hidden": {map[string]githubtest.Setting{rules: hidden, protection: answer(t, classicProtection)}, []string{
			"pull_request_required=true", "deletion_blocked=unknown: the token may not read rulesets (GET " +
				"/repos/acme/shop/rules/branches/main: 403); give it Metadata: read",
		}},
		"a plan without protection": {map[string]githubtest.Setting{
			rules:      refused(403, "Upgrade to GitHub Pro or make this repository public to enable this feature."),
			protection: refused(403, "Upgrade to GitHub Pro or make this repository public to enable this feature."),
		}, []string{"pull_request_required=false", "required_approvals=0"}},
		"a locked branch": {map[string]githubtest.Setting{
			protection: answer(t, `{"lock_branch": {"enabled": true}, "enforce_admins": {"enabled": true}}`),
		}, []string{"pull_request_required=true", "force_push_blocked=true", "deletion_blocked=true", "bypass_actors=[]"}},
		"a rule that is not what GitHub documents": {map[string]githubtest.Setting{
			rules: answer(t, `[{"type": "pull_request", "ruleset_id": 7, "parameters": []}, {"type": "deletion", "ruleset_id": 7}]`),
		}, []string{
			"pull_request_required=unknown: the rule pull_request of ruleset 7 cannot be read", "deletion_blocked=true",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			repo := shown(t)
			for path, s := range tc.settings {
				repo.Settings[path] = s
			}
			s, m := streamtest.Serve(t, repo), collecttest.NewWriter()
			collect(t, s, m, now)
			check(t, m, tc.want...)
			if n := len(s.Requests()); n > 10 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

func TestRequiredChecksWithoutRuns(t *testing.T) {
	repo := shown(t)
	repo.Settings[protection] = answer(t, `{"required_status_checks": {"contexts": ["build", "test"]}}`)
	s, m := streamtest.Serve(t, repo), collecttest.NewWriter()
	collect(t, s, m, now)
	check(t, m, "required_checks_without_runs=unknown: no pull request was merged into the default branch yet")
	repo.Pulls = streamtest.Pulls(30, time.Hour)
	repo.Checks = []string{"test", "other"}
	collect(t, s, m, now.Add(25*time.Hour))
	check(t, m, `required_checks_without_runs=["build"]`, `required_checks=["build","test"]`)
	repo.Checks = nil
	collect(t, s, m, now.Add(50*time.Hour))
	check(t, m, `required_checks_without_runs=["build","test"]`)
	repo.NoGraphQL = true
	collect(t, s, m, now.Add(75*time.Hour))
	check(t, m, "required_checks_without_runs=unknown: the token may not read the checks of pull requests")
}

// Where the server refuses GraphQL, the checks of merged pull requests are read through REST, and the rest as ever.
func TestWithoutGraphQL(t *testing.T) {
	repo := shown(t)
	repo.Settings[protection] = answer(t, `{"required_status_checks": {"contexts": ["build", "test", "legacy"]}}`)
	repo.Settings["pulls"] = answer(t, `[{"merged_at": null, "head": {"sha": "c0"}},
		{"merged_at": "2026-01-02T03:04:05Z", "head": {"sha": "c1"}}]`)
	repo.Settings["commits/c1/check-runs"] = answer(t, `{"total_count": 1, "check_runs": [{"name": "test",
		"conclusion": "success", "completed_at": "2026-01-02T03:04:04Z"}]}`)
	repo.Settings["commits/c1/status"] = answer(t, `{"total_count": 1, "statuses": [{"context": "legacy",
		"state": "failure", "created_at": "2026-01-02T03:04:04Z"}]}`)
	s, m := streamtest.Serve(t, repo), collecttest.NewWriter()
	s.SetBefore(func(_ int, r *http.Request) *githubtest.Fault {
		if r.URL.Path == "/api/graphql" {
			return &githubtest.Fault{Status: http.StatusMethodNotAllowed, Body: `{"message": "Method Not Allowed"}`}
		}
		return nil
	})
	collect(t, s, m, now)
	check(t, m, `required_checks_without_runs=["build"]`, "workflow_token_read_only=true", "delete_branch_on_merge=true")
	repo.Settings["commits/c1/check-runs"] = refused(403, "Resource not accessible by personal access token")
	collect(t, s, m, now.Add(25*time.Hour))
	check(t, m, "required_checks_without_runs=unknown: the token may not read the checks of pull requests", "public=true")
	if reason := value(m, "required_checks_without_runs"); !strings.Contains(reason, "Checks: read") {
		t.Error(reason)
	}
	// A token that does not see whether branches are deleted on merge: only GraphQL would show it.
	delete(repo.Record, "delete_branch_on_merge")
	repo.Settings[protection] = refused(404, "Branch not protected")
	collect(t, s, m, now.Add(50*time.Hour))
	check(t, m, "delete_branch_on_merge=unknown: ", "required_checks_without_runs=[]")
}

func TestProduction(t *testing.T) {
	env := func(name, rules, policy string) string {
		return `{"name": "` + name + `", "protection_rules": [` + rules + `], "deployment_branch_policy": ` + policy + `}`
	}
	reviewers := func(prevent string) string {
		return `{"id": 1, "type": "required_reviewers"` + prevent + `, "reviewers": [{"type": "User", "reviewer": {"login": "a"}},
			{"type": "Robot", "reviewer": {"name": "b"}}]}`
	}
	const branches = `{"protected_branches": true, "custom_branch_policies": false}`
	for name, tc := range map[string]struct {
		environments string
		want         []string
	}{
		"reviewers": {env("production", `{"type": "wait_timer", "wait_timer": 30},`+reviewers(`, "prevent_self_review": true`), "null"),
			[]string{`production_environments=["production"]`, "production_protected=true", "production_reviewers=2", "production_self_review_prevented=true"}},
		"branches": {env("LIVE", "", branches),
			[]string{`production_environments=["LIVE"]`, "production_protected=true", "production_reviewers=0", "production_self_review_prevented=false"}},
		"nothing": {env("production", "", "null"),
			[]string{"production_protected=false", "production_reviewers=0", "production_self_review_prevented=false"}},
		"the weakest counts": {env("production", reviewers(`, "prevent_self_review": true`), "null") + "," + env("live", "", branches),
			[]string{`production_environments=["live","production"]`, "production_protected=true", "production_reviewers=0", "production_self_review_prevented=false"}},
		"an older server": {env("production", reviewers(""), "null"),
			[]string{"production_reviewers=2", "production_self_review_prevented=unknown: the server does not report who may approve a deployment"}},
		"another name": {env("staging", reviewers(""), "null"),
			[]string{`production_environments=[]`, "production_protected=unknown: the repository has no environment named production, live (environments.production of dx.yaml)"}},
	} {
		t.Run(name, func(t *testing.T) {
			repo := shown(t)
			repo.Settings["environments"] = answer(t, `{"total_count": 1, "environments": [`+tc.environments+`]}`)
			s, m := streamtest.Serve(t, repo), collecttest.NewWriter()
			collect(t, s, m, now)
			check(t, m, tc.want...)
		})
	}
}

// A token that may read the code and nothing else: everything else is unknown, with what is missing.
func TestATokenWithoutRights(t *testing.T) {
	repo := &githubtest.Repo{Private: true, Record: map[string]any{"visibility": "private"}, Settings: map[string]githubtest.Setting{}}
	for _, path := range []string{rules, protection, "actions/permissions/workflow", "environments"} {
		repo.Settings[path] = refused(403, "Resource not accessible by integration")
	}
	s, m := streamtest.Serve(t, repo), collecttest.NewWriter()
	collect(t, s, m, now)
	check(t, m, "public=false", "private_vulnerability_reporting=false", "delete_branch_on_merge=false", // by GraphQL
		"workflow_token_read_only=unknown: the token may not read the permissions of workflows (GET "+
			"/repos/acme/shop/actions/permissions/workflow: 403); give it Administration: read",
		"secret_scanning=unknown: GET /repos/acme/shop does not show it to the token; give it Administration: read",
		"push_protection=unknown: ", "pull_request_required=unknown: ", "required_approvals=unknown: ",
		"required_checks_without_runs=unknown: ", "production_environments=unknown: the token may not read environments (GET "+
			"/repos/acme/shop/environments: 403); give it Actions: read")
}

// A request at which GitHub fails costs its own settings, keeps what was known of them, and is repeated soon.
func TestFailing(t *testing.T) {
	repo := shown(t)
	s, m := streamtest.Serve(t, repo), collecttest.NewWriter()
	collect(t, s, m, now)
	repo.Settings["actions/permissions/workflow"] = answer(t, `{"default_workflow_permissions":"write"}`)
	repo.Settings[protection] = answer(t, `{"enforce_admins": {"enabled": true}}`)
	s.SetBefore(streamtest.Always500(func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "permissions/workflow") }))
	if err := tryCollect(t, s, m, now.Add(25*time.Hour)); !rest.OnlySkipped(err) || !strings.Contains(err.Error(), "workflow") {
		t.Errorf("%v", err)
	}
	check(t, m, "workflow_token_read_only=true", "force_push_blocked=true")
	s.SetBefore(nil)
	collect(t, s, m, now.Add(27*time.Hour))
	check(t, m, "workflow_token_read_only=false")
	// Killed at any write, the settings are complete after the next collect.
	for n := 1; n < 4; n++ {
		k := collecttest.NewWriter()
		k.FailAt = n
		killed := tryCollect(t, s, k, now) != nil
		k.FailAt = 0
		collect(t, s, k, now.Add(time.Minute))
		check(t, k, "workflow_token_read_only=false", "force_push_blocked=true", "secret_scanning=true")
		if !killed && n < 3 {
			t.Errorf("write %d did not fail", n)
		}
	}
	if err := Retract(t.Context(), streamtest.Repository(t, s, m, now.Add(28*time.Hour))); err != nil {
		t.Fatal(err)
	}
	check(t, m, "force_push_blocked=unknown: gh no longer lists acme/shop")
}
