package github

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/dxctl/dxctl/actions"
)

// Requests returns the requests that create a repository of an account and push files to it. api is the address of the
// API. The bodies that depend on what GitHub answers are left out, and that of the tree: it has the files of the plan.
func Requests(api string, r Repository, ownerType string, files []actions.FileChange, message string) (
	[]actions.Request, error) {
	owner := account{Login: r.Owner, Type: ownerType}
	create, err := json.Marshal(r.creation(owner.organization()))
	if err != nil {
		return nil, fmt.Errorf("writing the request that creates %s: %w", r.FullName(), err)
	}
	commit, err := json.Marshal(commitOf(files, message))
	if err != nil {
		return nil, fmt.Errorf("writing the request that commits to %s: %w", r.FullName(), err)
	}
	at := api + "/repos/" + r.FullName()
	return []actions.Request{
		{Method: http.MethodPost, URL: api + "/" + createPath(owner), Body: create, Why: "create the repository " +
			r.FullName()},
		{Method: http.MethodPost, URL: at + "/git/trees", Why: fmt.Sprintf("store the %d files of this plan as the tree %s",
			len(files), TreeID(files))},
		{Method: http.MethodPost, URL: at + "/git/commits", Body: commit, Why: "commit them, without a parent"},
		{Method: http.MethodPatch, URL: at + "/git/refs/heads/" + Branch, Why: "make that commit the only one of " + Branch +
			"; the push starts the workflows"},
	}, nil
}
