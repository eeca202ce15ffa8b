package hosttest

import (
	"cmp"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// graphQL is the path of the GraphQL API.
const graphQL = "/api/graphql"

var (
	asked      = regexp.MustCompile(`(r(\d+)): repository\(`)
	pullNumber = regexp.MustCompile(`pullRequest\(number: (\d+)\)`)
)

// graphQL answers queries about the default branches of repositories, and about pull requests, as actions ask for
// several: r0: repository(owner: $o0, name: $n0) { … }.
func (s *Server) graphQL(body object) (int, any) {
	query := fmt.Sprint(body["query"])
	variables, _ := body["variables"].(object)
	if !asked.MatchString(query) {
		return s.merged(variables)
	}
	data, errs := object{}, []object{}
	for _, part := range strings.Split(query, "\nr")[1:] {
		part = "r" + part
		found := asked.FindStringSubmatch(part)
		if found == nil {
			return http.StatusOK, object{"errors": []object{{"message": "Parse error"}}}
		}
		full := fmt.Sprintf("%s/%s", variables["o"+found[2]], variables["n"+found[2]])
		full = cmp.Or(s.Moved[full], full)
		repo := s.Repos[full]
		if repo == nil {
			data[found[1]] = nil
			errs = append(errs, object{"type": "NOT_FOUND", "path": []string{found[1]},
				"message": "Could not resolve to a Repository with the name '" + full + "'."})
			continue
		}
		if n := pullNumber.FindStringSubmatch(part); n != nil {
			data[found[1]] = object{"pullRequest": repo.pullNode(full, n[1])}
		} else {
			data[found[1]] = repo.node(full)
		}
	}
	if s.Scopes == "-" { // GitHub offers fine-grained tokens no permission for check runs
		hide(data, nil, &errs)
	}
	answer := object{"data": data}
	if len(errs) > 0 {
		answer["errors"] = errs
	}
	return http.StatusOK, answer
}

// hide leaves the checks out of an answer.
func hide(node object, path []any, errs *[]object) {
	for key, value := range node {
		at := slices.Concat(path, []any{key})
		switch value := value.(type) {
		case object:
			if key == "statusCheckRollup" {
				node[key] = nil
				*errs = append(*errs, object{"type": "FORBIDDEN", "path": at,
					"message": "Resource not accessible by personal access token"})
				continue
			}
			hide(value, at, errs)
		case []object:
			for i, one := range value {
				hide(one, slices.Concat(at, []any{i}), errs)
			}
		}
	}
}

// rollup has the checks of a commit: all of Failing, or "test" if it is red without them, and then "unrelated", which
// succeeds.
func (r *Repo) rollup(commit string) any {
	state := r.Checks[commit]
	if state == "" {
		return nil
	}
	nodes := []object{}
	for _, name := range r.failing(commit) {
		nodes = append(nodes, object{"name": name, "conclusion": "FAILURE"})
	}
	nodes = append(nodes, object{"context": "unrelated", "state": "SUCCESS"})
	return object{"state": state, "contexts": object{"pageInfo": object{"hasNextPage": false}, "nodes": nodes}}
}

// failing has the names of the checks of a commit that fail.
func (r *Repo) failing(commit string) []string {
	failing, state := r.Failing[commit], r.Checks[commit]
	if len(failing) == 0 && (state == "FAILURE" || state == "ERROR") {
		return []string{"test"}
	}
	return failing
}

func (r *Repo) node(full string) object {
	node := object{"nameWithOwner": full, "isPrivate": r.Private, "isArchived": r.Archived, "isDisabled": false,
		"viewerPermission": "ADMIN", "defaultBranchRef": nil}
	if r.ReadOnly {
		node["viewerPermission"] = "READ"
	}
	if commit := r.Refs["heads/"+r.DefaultBranch]; commit != "" {
		node["defaultBranchRef"] = object{"name": r.DefaultBranch, "target": object{"oid": commit,
			"tree": object{"oid": r.Trees[commit]}, "statusCheckRollup": r.rollup(commit)}}
	}
	return node
}

func (r *Repo) pullNode(full, number string) any {
	n, _ := strconv.Atoi(number)
	if n < 1 || n > len(r.Requests) {
		return nil
	}
	p := r.Requests[n-1]
	state := "CLOSED"
	switch {
	case p.Open:
		state = "OPEN"
	case p.MergedAt != nil:
		state = "MERGED"
	}
	commit := r.Refs["heads/"+p.Head]
	base := object{"target": object{"statusCheckRollup": r.rollup(r.Refs["heads/"+p.Base])}}
	parents := []object{}
	for _, parent := range r.Parents[commit] {
		parents = append(parents, object{"statusCheckRollup": r.rollup(parent)})
	}
	return object{"baseRef": base, "body": p.Body, "url": p.document(full, r)["html_url"], "state": state,
		"mergedAt": p.MergedAt,
		"commits": object{"nodes": []object{{"commit": object{"statusCheckRollup": r.rollup(commit),
			"parents": object{"nodes": parents}}}}}}
}
