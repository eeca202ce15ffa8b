package settings

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// protection is what rules need of the default branch.
type protection struct {
	pullRequest, approval, noForcePush, noDeletion bool
	checks                                         []string
}

// protect adds what a rule needs of the default branch to our ruleset.
func (p *planner) protect(rule string, need protection) bool {
	if !p.readable(rule, Ruleset) {
		return true
	}
	p.guarded = append(p.guarded, rule)
	all := &p.protection
	all.pullRequest = all.pullRequest || need.pullRequest
	all.approval = all.approval || need.approval
	all.noForcePush = all.noForcePush || need.noForcePush
	all.noDeletion = all.noDeletion || need.noDeletion
	for _, check := range need.checks {
		if !slices.Contains(all.checks, check) {
			all.checks = append(all.checks, check)
		}
	}
	return true
}

// why says what the ruleset does.
func (p protection) why() string {
	var parts []string
	switch {
	case p.approval:
		parts = append(parts, "pull requests with an approval")
	case p.pullRequest:
		parts = append(parts, "pull requests")
	}
	if len(p.checks) > 0 {
		parts = append(parts, "the checks "+strings.Join(p.checks, ", "))
	}
	if p.noForcePush {
		parts = append(parts, "no force push")
	}
	if p.noDeletion {
		parts = append(parts, "no deletion")
	}
	return "protect the default branch: " + strings.Join(parts, ", ")
}

// ruleset is the body of the requests that create and update a ruleset.
type ruleset struct {
	Name        string         `json:"name"`
	Target      string         `json:"target"`
	Enforcement string         `json:"enforcement"`
	Bypass      []any          `json:"bypass_actors"`
	Conditions  map[string]any `json:"conditions"`
	Rules       []rule         `json:"rules"`
}

type rule struct {
	Type       string         `json:"type"`
	Parameters map[string]any `json:"parameters,omitempty"`
}

const defaultBranch = "~DEFAULT_BRANCH"

// RulesetValue returns the value of a ruleset from GitHub's answer: what the request that updates it takes. Rules are
// in the order of their types.
func RulesetValue(answer json.RawMessage) (json.RawMessage, error) {
	var r ruleset
	if err := json.Unmarshal(answer, &r); err != nil {
		return nil, fmt.Errorf("reading the ruleset: %w", err)
	}
	if r.Name == "" || r.Target == "" {
		return nil, errors.New("reading the ruleset: the answer has no name or target")
	}
	return r.value(), nil
}

func (r ruleset) value() json.RawMessage {
	slices.SortStableFunc(r.Rules, func(a, b rule) int { return strings.Compare(a.Type, b.Type) })
	if r.Bypass == nil {
		r.Bypass = []any{}
	}
	if r.Rules == nil {
		r.Rules = []rule{}
	}
	return canonical(r)
}

// merged returns our ruleset with what rules need: what it has stays, and nothing of it becomes weaker.
func merged(before json.RawMessage, need protection) (json.RawMessage, error) {
	r := ruleset{Name: RulesetName, Target: "branch", Conditions: map[string]any{"ref_name": map[string]any{
		"include": []any{defaultBranch}, "exclude": []any{},
	}}}
	if string(before) != null {
		if err := json.Unmarshal(before, &r); err != nil {
			return nil, fmt.Errorf("it is not what GitHub documents: %w", err)
		}
		r.include()
	}
	r.Enforcement = "active"
	if need.noDeletion {
		r.rule("deletion")
	}
	if need.noForcePush {
		r.rule("non_fast_forward")
	}
	if need.pullRequest {
		pull := r.rule("pull_request")
		for _, name := range []string{"dismiss_stale_reviews_on_push", "require_code_owner_review",
			"require_last_push_approval", "required_review_thread_resolution"} {
			if _, set := pull.Parameters[name].(bool); !set {
				pull.set(name, false)
			}
		}
		approvals, _ := pull.Parameters["required_approving_review_count"].(float64)
		if need.approval {
			approvals = max(approvals, 1)
			pull.set("dismiss_stale_reviews_on_push", true)
		}
		pull.set("required_approving_review_count", approvals)
	}
	if len(need.checks) > 0 {
		r.rule("required_status_checks").require(need.checks)
	}
	return r.value(), nil
}

// excludes reports whether a ruleset does not count for the default branch because somebody excluded it.
func excludes(value json.RawMessage, branch string) bool {
	var r ruleset
	if json.Unmarshal(value, &r) != nil {
		return false
	}
	names, _ := r.Conditions["ref_name"].(map[string]any)
	list, _ := names["exclude"].([]any)
	return slices.ContainsFunc(list, func(name any) bool {
		return name == defaultBranch || branch != "" && (name == branch || name == "refs/heads/"+branch)
	})
}

// include lets the ruleset count for the default branch.
func (r *ruleset) include() {
	names, _ := r.Conditions["ref_name"].(map[string]any)
	if names == nil {
		names = map[string]any{"exclude": []any{}}
	}
	list, _ := names["include"].([]any)
	if !slices.Contains(list, any(defaultBranch)) && !slices.Contains(list, any("~ALL")) {
		names["include"] = append(list, defaultBranch)
	}
	if r.Conditions == nil {
		r.Conditions = map[string]any{}
	}
	r.Conditions["ref_name"] = names
}

// rule returns the rule of a type, which is added if it is not there.
func (r *ruleset) rule(kind string) *rule {
	i := slices.IndexFunc(r.Rules, func(x rule) bool { return x.Type == kind })
	if i < 0 {
		i = len(r.Rules)
		r.Rules = append(r.Rules, rule{Type: kind})
	}
	return &r.Rules[i]
}

func (r *rule) set(name string, value any) {
	if r.Parameters == nil {
		r.Parameters = map[string]any{}
	}
	r.Parameters[name] = value
}

// require adds checks that are not required yet.
func (r *rule) require(checks []string) {
	list, _ := r.Parameters["required_status_checks"].([]any)
	for _, name := range checks {
		has := func(x any) bool { c, _ := x.(map[string]any); return c["context"] == name }
		if !slices.ContainsFunc(list, has) {
			list = append(list, map[string]any{"context": name})
		}
	}
	r.set("required_status_checks", list)
	if _, set := r.Parameters["strict_required_status_checks_policy"].(bool); !set {
		r.set("strict_required_status_checks_policy", false)
	}
}
