package hosttest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Settings are the settings of a repository. The zero value has nothing switched on.
type Settings struct {
	Rulesets      map[int64]object // as they were sent, with what GitHub adds
	Classic       object           // classic protection of the default branch, as GitHub shows it; nil: none
	ReadOnlyToken bool             // of workflows
	Security      map[string]string
	Reporting     bool
	Cleanup       bool // branches are deleted after merge
	Environments  map[string]object
	Merged        [][]string // names of the checks of each merged pull request, the newest one first; "!lint" failed
	// NotOffered is what GitHub answers to requests for rulesets where the plan of the account has none; "": it has.
	NotOffered string
	// Ignored are paths of requests that are accepted and have no effect.
	Ignored []string
}

const (
	rulesetsPath  = "rulesets"
	reportingPath = "private-vulnerability-reporting"
)

// setting answers requests for settings.
func (s *Server) setting(r *http.Request, full string, repo *Repo, path []string, body object, raw []byte) (int, any) {
	name := strings.Join(path, "/")
	if r.Method != http.MethodGet {
		repo.Settings = append(repo.Settings, strings.TrimSpace(r.Method+" "+name+" "+string(raw)))
		if slices.Contains(repo.Set.Ignored, name) {
			return http.StatusNoContent, nil
		}
	}
	switch {
	case path[0] == rulesetsPath, path[0] == "rules":
		if repo.Set.NotOffered != "" {
			return problem(http.StatusForbidden, repo.Set.NotOffered)
		}
		if path[0] == "rules" {
			return http.StatusOK, repo.rules(full)
		}
		return s.rulesets(r.Method, full, repo, path[1:], body)
	case name == "actions/permissions/workflow":
		if r.Method == http.MethodPut {
			repo.Set.ReadOnlyToken = body["default_workflow_permissions"] == "read"
			return http.StatusNoContent, nil
		}
		word := "write"
		if repo.Set.ReadOnlyToken {
			word = "read"
		}
		return http.StatusOK, object{"default_workflow_permissions": word, "can_approve_pull_request_reviews": false}
	case name == "actions/workflows":
		files, _ := repo.Head()
		n := 0
		for _, f := range files {
			if strings.HasPrefix(f.Path, ".github/workflows/") {
				n++
			}
		}
		return http.StatusOK, object{"total_count": n, "workflows": []object{}}
	case path[0] == reportingPath:
		if r.Method == http.MethodGet {
			return http.StatusOK, object{"enabled": repo.Set.Reporting}
		}
		repo.Set.Reporting = r.Method == http.MethodPut
		return http.StatusNoContent, nil
	case path[0] == "environments":
		return s.environments(r.Method, repo, path[1:], body)
	}
	return problem(http.StatusNotFound, "Not Found")
}

// copied is a value as JSON stores it, so that nothing shares it.
func copied(v any) object {
	raw, _ := json.Marshal(v)
	var o object
	_ = json.Unmarshal(raw, &o)
	return o
}

func (s *Server) rulesets(method, full string, repo *Repo, path []string, body object) (int, any) {
	if repo.Set.Rulesets == nil {
		repo.Set.Rulesets = map[int64]object{}
	}
	taken := func(except int64) bool {
		for id, there := range repo.Set.Rulesets {
			if id != except && there["name"] == body["name"] {
				return true
			}
		}
		return false
	}
	duplicate := func() (int, any) {
		return http.StatusUnprocessableEntity, object{"message": "Validation Failed", "errors": []string{
			"Name must be unique"}}
	}
	if len(path) == 0 {
		if method == http.MethodPost {
			if taken(0) {
				return duplicate()
			}
			s.next++
			repo.Set.Rulesets[s.next] = completed(body)
			return http.StatusCreated, withID(s.next, full, repo.Set.Rulesets[s.next])
		}
		list := []object{}
		for _, id := range slices.Sorted(maps.Keys(repo.Set.Rulesets)) {
			one := withID(id, full, repo.Set.Rulesets[id])
			for _, key := range []string{"rules", "conditions", "bypass_actors"} { // GitHub lists without them
				delete(one, key)
			}
			list = append(list, one)
		}
		return http.StatusOK, list
	}
	id, _ := strconv.ParseInt(path[0], 10, 64)
	there, ok := repo.Set.Rulesets[id]
	switch {
	case !ok:
		return problem(http.StatusNotFound, "Not Found")
	case method == http.MethodDelete:
		delete(repo.Set.Rulesets, id)
		return http.StatusNoContent, nil
	case method == http.MethodPut:
		if taken(id) {
			return duplicate()
		}
		repo.Set.Rulesets[id] = completed(body)
		there = repo.Set.Rulesets[id]
	}
	return http.StatusOK, withID(id, full, there)
}

// completed is a ruleset with the parameters that GitHub adds.
func completed(body object) object {
	r := copied(body)
	rules, _ := r["rules"].([]any)
	for _, x := range rules {
		rule, _ := x.(object)
		parameters, _ := rule["parameters"].(object)
		switch rule["type"] {
		case "pull_request":
			if parameters["allowed_merge_methods"] == nil {
				parameters["allowed_merge_methods"] = []any{"merge", "squash", "rebase"}
			}
		case "required_status_checks":
			if parameters["do_not_enforce_on_create"] == nil {
				parameters["do_not_enforce_on_create"] = false
			}
		}
	}
	if r["bypass_actors"] == nil {
		r["bypass_actors"] = []any{}
	}
	return r
}

func withID(id int64, full string, r object) object {
	one := copied(r)
	maps.Copy(one, object{"id": id, "source_type": "Repository", "source": full, "node_id": fmt.Sprint("RRS_", id),
		"current_user_can_bypass": "never"})
	return one
}

// rules are those of active rulesets that count for the default branch.
func (r *Repo) rules(full string) []object {
	all := []object{}
	for _, id := range slices.Sorted(maps.Keys(r.Set.Rulesets)) {
		set := copied(r.Set.Rulesets[id])
		conditions, _ := set["conditions"].(object)
		ref, _ := conditions["ref_name"].(object)
		include, _ := ref["include"].([]any)
		exclude, _ := ref["exclude"].([]any)
		names := func(name any) bool {
			return name == "~DEFAULT_BRANCH" || name == "~ALL" || name == "refs/heads/"+r.DefaultBranch
		}
		counts := slices.ContainsFunc(include, names) && !slices.ContainsFunc(exclude, names)
		if set["enforcement"] != "active" || !counts {
			continue
		}
		rules, _ := set["rules"].([]any)
		for _, x := range rules {
			rule, _ := x.(object)
			maps.Copy(rule, object{"ruleset_id": id, "ruleset_source_type": "Repository", "ruleset_source": full})
			all = append(all, rule)
		}
	}
	return all
}

// environments answers requests for environments. A reviewer must be one of the server's teams or people.
func (s *Server) environments(method string, repo *Repo, path []string, body object) (int, any) {
	if repo.Set.Environments == nil {
		repo.Set.Environments = map[string]object{}
	}
	if len(path) == 0 {
		list := []object{}
		for _, name := range slices.Sorted(maps.Keys(repo.Set.Environments)) {
			list = append(list, environment(name, repo.Set.Environments[name]))
		}
		return http.StatusOK, object{"total_count": len(list), "environments": list}
	}
	name, _ := url.PathUnescape(path[0])
	if method != http.MethodPut {
		return problem(http.StatusNotFound, "Not Found")
	}
	reviewers, _ := body["reviewers"].([]any)
	for _, x := range reviewers {
		reviewer, _ := x.(object)
		id, _ := reviewer["id"].(float64)
		if !slices.Contains(slices.Collect(maps.Values(s.Teams)), int64(id)) && int64(id) != personID {
			return problem(http.StatusUnprocessableEntity, "Reviewer is not a collaborator of the repository")
		}
	}
	repo.Set.Environments[name] = copied(body) // what the request leaves out is reset
	return http.StatusOK, environment(name, repo.Set.Environments[name])
}

func environment(name string, body object) object {
	rules := []object{}
	if minutes, _ := body["wait_timer"].(float64); minutes > 0 {
		rules = append(rules, object{"id": 1, "type": "wait_timer", "wait_timer": minutes})
	}
	if reviewers, _ := body["reviewers"].([]any); len(reviewers) > 0 {
		list := []object{}
		for _, x := range reviewers {
			reviewer, _ := x.(object)
			list = append(list, object{"type": reviewer["type"], "reviewer": object{"id": reviewer["id"]}})
		}
		rules = append(rules, object{"id": 2, "type": "required_reviewers", "reviewers": list,
			"prevent_self_review": body["prevent_self_review"] == true})
	}
	bypass, given := body["can_admins_bypass"].(bool)
	return object{"id": 3, "name": name, "protection_rules": rules, "can_admins_bypass": bypass || !given,
		"deployment_branch_policy": body["deployment_branch_policy"]}
}

// personID is the id of every person.
const personID = 7

// security is what GitHub shows of the scanning for secrets.
func (r *Repo) security() object {
	shown := object{}
	for _, name := range []string{"secret_scanning", "secret_scanning_push_protection"} {
		status := r.Set.Security[name]
		if status == "" {
			status = "disabled"
		}
		shown[name] = object{"status": status}
	}
	return shown
}

// change obeys a request that changes the record of a repository.
func (r *Repo) change(body object) {
	if cleanup, ok := body["delete_branch_on_merge"].(bool); ok {
		r.Set.Cleanup = cleanup
	}
	security, _ := body["security_and_analysis"].(object)
	for name, x := range security {
		if r.Set.Security == nil {
			r.Set.Security = map[string]string{}
		}
		status, _ := x.(object)
		r.Set.Security[name] = fmt.Sprint(status["status"])
	}
}
