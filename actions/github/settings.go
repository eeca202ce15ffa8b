package github

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/collectors/github/client"
)

// RulesetName is the name of the ruleset that protects the default branch.
const RulesetName = "dxctl golden path"

// SettingsOf is what the settings of a repository depend on.
type SettingsOf struct {
	Checks    []string // names of the checks that a pull request must pass
	Workflows bool     // it has workflows
}

// ruleset is the body of the request that creates a ruleset.
type ruleset struct {
	Name        string     `json:"name"`
	Target      string     `json:"target"`
	Enforcement string     `json:"enforcement"`
	Conditions  conditions `json:"conditions"`
	Rules       []rule     `json:"rules"`
}

type conditions struct {
	RefName struct {
		Include []string `json:"include"`
		Exclude []string `json:"exclude"`
	} `json:"ref_name"`
}

type rule struct {
	Type       string `json:"type"`
	Parameters any    `json:"parameters,omitempty"`
}

type pullRequests struct {
	RequiredApprovals    int  `json:"required_approving_review_count"`
	DismissStale         bool `json:"dismiss_stale_reviews_on_push"`
	CodeOwnerReview      bool `json:"require_code_owner_review"`
	LastPushApproval     bool `json:"require_last_push_approval"`
	ConversationResolved bool `json:"required_review_thread_resolution"`
}

type statusChecks struct {
	Checks []check `json:"required_status_checks"`
	Strict bool    `json:"strict_required_status_checks_policy"`
}

type check struct {
	Context string `json:"context"`
}

// protection is the ruleset of a default branch: it changes by pull requests that another person approves and whose
// checks pass; nobody deletes it or rewrites its history.
func protection(checks []string) ruleset {
	r := ruleset{Name: RulesetName, Target: "branch", Enforcement: "active", Rules: []rule{
		{Type: "deletion"}, {Type: "non_fast_forward"},
		{Type: "pull_request", Parameters: pullRequests{RequiredApprovals: 1, DismissStale: true, LastPushApproval: true}},
	}}
	r.Conditions.RefName.Include, r.Conditions.RefName.Exclude = []string{"~DEFAULT_BRANCH"}, []string{}
	if len(checks) > 0 {
		required := statusChecks{}
		for _, name := range checks {
			required.Checks = append(required.Checks, check{Context: name})
		}
		r.Rules = append(r.Rules, rule{Type: "required_status_checks", Parameters: required})
	}
	return r
}

// Settings returns the requests that set what the built-in rules ask of the settings of a repository.
func Settings(api string, r Repository, of SettingsOf) []actions.Request {
	at := api + "/repos/" + r.FullName()
	request := func(method, path string, body any, why string) actions.Request {
		q := actions.Request{Method: method, URL: at + path, Why: why, Setting: true}
		if body != nil {
			q.Body, _ = json.Marshal(body) //nolint:errchkjson // texts, numbers and booleans
		}
		return q
	}
	type object = map[string]any
	enabled := object{"status": "enabled"}
	all := []actions.Request{request(http.MethodPost, "/rulesets", protection(of.Checks),
		"protect the default branch: pull requests with an approval and passing checks, no force push, no deletion")}
	if of.Workflows {
		all = append(all, request(http.MethodPut, "/actions/permissions/workflow",
			object{"default_workflow_permissions": "read", "can_approve_pull_request_reviews": false},
			"let the token of workflows only read by default"))
	}
	all = append(all, request(http.MethodPatch, "", object{"security_and_analysis": object{
		"secret_scanning": enabled, "secret_scanning_push_protection": enabled}},
		"scan for secrets, and refuse pushes with one (private repositories need GitHub Secret Protection)"))
	if r.Visibility == "public" {
		all = append(all, request(http.MethodPut, "/private-vulnerability-reporting", nil,
			"let people report vulnerabilities in private"))
	}
	return all
}

// Apply sends a request of a plan that changes a setting. A ruleset of the same name that is there already is kept.
func (h *Host) Apply(ctx context.Context, r actions.Request) error {
	path, ok := strings.CutPrefix(r.URL, h.api+"/")
	if !ok {
		return fmt.Errorf("applying a setting: %s is not an address of %s", r.URL, h.api)
	}
	var body any
	if r.Body != nil {
		body = r.Body
	}
	err := h.client.Send(ctx, r.Method, path, body, nil)
	if client.Status(err) == http.StatusUnprocessableEntity && strings.HasSuffix(path, "/rulesets") &&
		strings.Contains(err.Error(), "Name must be unique") {
		return nil
	}
	if err != nil {
		return fmt.Errorf("applying a setting (%s): %w", r.Why, err)
	}
	return nil
}
