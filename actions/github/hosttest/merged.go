package hosttest

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// What [Settings.Merged] has was checked before it was merged.
var (
	mergedChecked = time.Date(2026, 11, 1, 10, 0, 0, 0, time.UTC)
	mergedAt      = mergedChecked.Add(time.Hour)
)

// merged answers the query for the checks of merged pull requests.
func (s *Server) merged(variables object) (int, any) {
	if s.Scopes == "-" && s.Permissions == nil && variables["first"] != nil { // fine-grained tokens may not read checks
		return http.StatusOK, object{"data": nil, "errors": []object{{"type": "FORBIDDEN",
			"message": "Resource not accessible by personal access token"}}}
	}
	repo := s.Repos[fmt.Sprintf("%v/%v", variables["owner"], variables["name"])]
	if repo == nil {
		return http.StatusOK, object{"data": object{"repository": nil}}
	}
	pulls := []object{}
	for _, names := range repo.Set.Merged {
		checks := []object{}
		for _, name := range names {
			checks = append(checks, object{"__typename": "CheckRun", "name": strings.TrimPrefix(name, "!"),
				"conclusion":  map[bool]string{true: "FAILURE", false: "SUCCESS"}[strings.HasPrefix(name, "!")],
				"completedAt": mergedChecked})
		}
		rollup := object{"contexts": object{"pageInfo": object{"hasNextPage": false}, "nodes": checks}}
		pulls = append(pulls, object{"mergedAt": mergedAt, "commits": object{"nodes": []object{
			{"commit": object{"statusCheckRollup": rollup}}}}})
	}
	return http.StatusOK, object{"data": object{"repository": object{"deleteBranchOnMerge": repo.Set.Cleanup,
		"pullRequests": object{"nodes": pulls}}}}
}

// mergedCommit is the last commit of a pull request of [Settings.Merged].
func mergedCommit(i int) string { return fmt.Sprintf("%039dm", i) }

// closedPulls lists the pull requests of [Settings.Merged], and one that was not merged before each.
func (r *Repo) closedPulls() (int, any) {
	list := []object{}
	for i := range r.Set.Merged {
		list = append(list, object{"merged_at": nil, "head": object{"sha": "unknown"}},
			object{"merged_at": mergedAt, "head": object{"sha": mergedCommit(i)}})
	}
	return http.StatusOK, list
}

// mergedChecks has the check runs of the last commit of a pull request of [Settings.Merged]; false: it is of none.
func (r *Repo) mergedChecks(commit string) ([]object, bool) {
	for i, names := range r.Set.Merged {
		if mergedCommit(i) != commit {
			continue
		}
		runs := []object{}
		for _, name := range names {
			runs = append(runs, object{"name": strings.TrimPrefix(name, "!"), "status": "completed",
				"conclusion":   map[bool]string{true: "failure", false: "success"}[strings.HasPrefix(name, "!")],
				"completed_at": mergedChecked})
		}
		return runs, true
	}
	return nil, false
}
