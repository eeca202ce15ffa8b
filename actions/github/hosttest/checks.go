package hosttest

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// commitOf answers with a commit, its check runs, or its statuses: commits/{ref}, with what may follow it.
func (s *Server) commitOf(req *http.Request, r *Repo, path []string) (int, any) {
	kind := ""
	if last := path[len(path)-1]; last == "check-runs" || last == "status" {
		kind, path = last, path[:len(path)-1]
	}
	if len(r.Refs) == 0 {
		return problem(http.StatusConflict, "Git Repository is empty.")
	}
	id := strings.Join(path, "/")
	id = cmp.Or(r.Refs[id], id)
	runs, merged := r.mergedChecks(id)
	if !merged {
		runs = r.checkRuns(id)
	}
	if r.Trees[id] == "" && !merged {
		return problem(http.StatusUnprocessableEntity, "No commit found for SHA: "+id)
	}
	switch {
	case kind == "check-runs" && s.Scopes == "-": // GitHub offers fine-grained tokens no permission for check runs
		return problem(http.StatusForbidden, "Resource not accessible by personal access token")
	case kind == "check-runs":
		return http.StatusOK, object{"total_count": len(runs), "check_runs": page(req, runs)}
	case kind == "status":
		statuses := r.statuses(id)
		return http.StatusOK, object{"state": "success", "total_count": len(statuses), "statuses": page(req, statuses)}
	}
	return http.StatusOK, r.commitDocument(id)
}

// checkRuns has the check runs of a commit, as [Repo.rollup] has them; one that runs where that has only a state.
func (r *Repo) checkRuns(commit string) []object {
	runs := []object{}
	for _, name := range r.failing(commit) {
		runs = append(runs, object{"name": name, "status": "completed", "conclusion": "failure"})
	}
	if state := r.Checks[commit]; state == "PENDING" || state == "EXPECTED" {
		runs = append(runs, object{"name": "test", "status": "in_progress", "conclusion": nil})
	}
	return runs
}

// statuses has the status "unrelated" of a commit that has checks.
func (r *Repo) statuses(commit string) []object {
	if r.Checks[commit] == "" {
		return []object{}
	}
	return []object{{"context": "unrelated", "state": "success"}}
}

// page returns the part of a list that the parameters of a request ask for.
func page(r *http.Request, all []object) []object {
	number := func(name string, otherwise int) int {
		if n, err := strconv.Atoi(r.URL.Query().Get(name)); err == nil {
			return n
		}
		return otherwise
	}
	size := number("per_page", 30)
	from := min(len(all), size*(number("page", 1)-1))
	return slices.Clone(all[from:min(len(all), from+size)])
}
