package hosttest_test

import (
	"strings"
	"testing"

	"github.com/dxctl/dxctl/actions/github/hosttest"
)

// TestContract: bodies and paths that GitHub does not describe are refused.
func TestContract(t *testing.T) {
	c := hosttest.Published(t)
	const repo = "/repos/acme/pay"
	for name, tc := range map[string]struct{ method, path, body, want string }{
		"a repository":        {"POST", "/orgs/acme/repos", `{"name":"pay","visibility":"internal","auto_init":true}`, ""},
		"of a person":         {"POST", "/user/repos", `{"name":"pay","private":true}`, ""},
		"without a name":      {"POST", "/user/repos", `{"private":true}`, "missing property 'name'"},
		"a mistyped name":     {"POST", "/user/repos", `{"name":"pay","priviate":true}`, "priviate"},
		"a wrong type":        {"POST", "/user/repos", `{"name":"pay","private":"yes"}`, "got string, want boolean"},
		"a word it lacks":     {"POST", "/orgs/acme/repos", `{"name":"pay","visibility":"secret"}`, "visibility"},
		"no body":             {"POST", "/user/repos", ``, "it needs a body"},
		"no JSON":             {"POST", "/user/repos", `{`, "GitHub refuses {"},
		"a body too many":     {"PUT", repo + "/private-vulnerability-reporting", `{"enabled":true}`, "it takes no body"},
		"without a body":      {"PUT", repo + "/private-vulnerability-reporting", ``, ""},
		"a path it lacks":     {"POST", repo + "/ruleset", `{}`, "GitHub has no POST " + repo + "/ruleset"},
		"a method it lacks":   {"PUT", repo + "/rulesets", `{}`, "GitHub has no PUT"},
		"a ref with slashes":  {"PATCH", repo + "/git/refs/heads/dxctl/fix-go-service", `{"sha":"x","force":true}`, ""},
		"a comment":           {"POST", repo + "/issues/1/comments", `{"body":"x"}`, ""},
		"a pull request":      {"POST", repo + "/pulls", `{"title":"x","head":"a","base":"main","body":"b"}`, ""},
		"an issue":            {"POST", repo + "/issues", `{"title":"x","body":"b","labels":["dxctl"]}`, ""},
		"a tree that deletes": {"POST", repo + "/git/trees", `{"base_tree":"x","tree":[{"path":"a","mode":"100644","type":"blob","sha":null}]}`, ""},
		"a mode of git":       {"POST", repo + "/git/trees", `{"tree":[{"path":"a","mode":"777","type":"blob","content":"x"}]}`, "mode"},
		"a ruleset":           {"POST", repo + "/rulesets", `{"name":"x","enforcement":"active","target":"branch","rules":[{"type":"deletion"}]}`, ""},
		"a rule it lacks":     {"POST", repo + "/rulesets", `{"name":"x","enforcement":"active","rules":[{"type":"delete"}]}`, "rules"},
		"a mistyped parameter": {"POST", repo + "/rulesets", `{"name":"x","enforcement":"active","rules":[{"type":"pull_request",` +
			`"parameters":{"required_approvals":1}}]}`, "required_approvals"},
		"permissions of workflows": {"PUT", repo + "/actions/permissions/workflow", `{"default_workflow_permissions":"none"}`,
			"default_workflow_permissions"},
		"an environment":   {"PUT", repo + "/environments/production", `{"wait_timer":0,"deployment_branch_policy":null}`, ""},
		"a reviewer":       {"PUT", repo + "/environments/production", `{"reviewers":[{"type":"Robot","id":1}]}`, "reviewers"},
		"a setting":        {"PATCH", repo, `{"security_and_analysis":{"secret_scanning":{"status":"enabled"}}}`, ""},
		"a nested setting": {"PATCH", repo, `{"security_and_analysis":{"secret_scaning":{"status":"enabled"}}}`, "secret_scaning"},
		"a deletion":       {"DELETE", repo, ``, ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.Check(tc.method, tc.path, []byte(tc.body))
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("%v, want %q", err, tc.want)
			}
		})
	}
}
