package settings

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/github/client"
)

// ran is a check of the last commit of a pull request: a check run or a commit status.
type ran struct {
	name      string
	succeeded bool
	at        time.Time // when it ended; zero: not yet
}

// mergedPull is a merged pull request and the checks of its last commit.
type mergedPull struct {
	at     time.Time // of the merge
	checks []ran
	cut    bool // there are more checks than were listed
}

var (
	// errHidden is the error of checks that the token may not read.
	errHidden = errors.New("the token may not read the checks of pull requests")
	// errNoRepository is the error of a query about a repository that the token does not see.
	errNoRepository = errors.New("GitHub shows no such repository")
)

// branchQuery and mergesQuery are one point of GraphQL's budget.
const (
	branchQuery = `query($owner:String!,$name:String!){repository(owner:$owner,name:$name){deleteBranchOnMerge}}`
	mergesQuery = `query($owner:String!,$name:String!,$branch:String!,$first:Int!){repository(owner:$owner,name:$name){
deleteBranchOnMerge
pullRequests(states:MERGED,baseRefName:$branch,first:$first,orderBy:{field:UPDATED_AT,direction:DESC}){nodes{
mergedAt commits(last:1){nodes{commit{statusCheckRollup{contexts(first:100){pageInfo{hasNextPage} nodes{
__typename ...on CheckRun{name conclusion completedAt} ...on StatusContext{context state createdAt}}}}}}}}}}}`
)

// mergesAnswer is the answer to either query.
type mergesAnswer struct {
	Repository *struct {
		DeleteBranchOnMerge *bool `json:"deleteBranchOnMerge"`
		PullRequests        struct {
			Nodes []mergedNode `json:"nodes"`
		} `json:"pullRequests"`
	} `json:"repository"`
}

type mergedNode struct {
	MergedAt time.Time `json:"mergedAt"`
	Commits  struct {
		Nodes []struct {
			Commit struct {
				Rollup *struct {
					Contexts struct {
						PageInfo struct {
							HasNextPage bool `json:"hasNextPage"`
						} `json:"pageInfo"`
						Nodes []struct {
							Name        string    `json:"name"`        // of a check run, and what follows
							Conclusion  string    `json:"conclusion"`  // SUCCESS, FAILURE and others
							CompletedAt time.Time `json:"completedAt"` // zero: not yet
							Context     string    `json:"context"`     // of a status, and what follows
							State       string    `json:"state"`       // SUCCESS, FAILURE and others
							CreatedAt   time.Time `json:"createdAt"`
						} `json:"nodes"`
					} `json:"contexts"`
				} `json:"statusCheckRollup"`
			} `json:"commit"`
		} `json:"nodes"`
	} `json:"commits"`
}

// pulls returns the merged pull requests, the newest one first.
func (a *mergesAnswer) pulls() []mergedPull {
	pulls := make([]mergedPull, 0, len(a.Repository.PullRequests.Nodes))
	for _, node := range a.Repository.PullRequests.Nodes {
		pull := mergedPull{at: node.MergedAt}
		for _, commit := range node.Commits.Nodes {
			if commit.Commit.Rollup == nil {
				continue
			}
			contexts := commit.Commit.Rollup.Contexts
			pull.cut = contexts.PageInfo.HasNextPage
			for _, check := range contexts.Nodes {
				one := ran{name: check.Name + check.Context, succeeded: check.Conclusion+check.State == "SUCCESS",
					at: check.CompletedAt}
				if check.Context != "" {
					one.at = check.CreatedAt
				}
				pull.checks = append(pull.checks, one)
			}
		}
		pulls = append(pulls, pull)
	}
	return pulls
}

// queryMerges asks for the last merged pull requests and their checks in one query.
func queryMerges(ctx context.Context, api *client.Client, repository, branch string, n int) (mergesAnswer, error) {
	owner, name, _ := strings.Cut(repository, "/")
	var answer mergesAnswer
	err := api.Query(ctx, mergesQuery, map[string]any{"owner": owner, "name": name, "branch": branch, "first": n}, &answer)
	if err == nil && answer.Repository == nil {
		err = errNoRepository
	}
	return answer, err
}

// readMerges reads the last merged pull requests through REST, for servers that refuse GraphQL: a request for the list,
// and two for the checks of each, until enough have been read. The error wraps errHidden if the token may not read
// checks.
func readMerges(
	ctx context.Context, api *client.Client, repository, branch string, n int, enough func([]mergedPull) bool,
) ([]mergedPull, error) {
	var list []struct {
		MergedAt *time.Time `json:"merged_at"`
		Head     struct {
			SHA string `json:"sha"`
		} `json:"head"`
	}
	query := url.Values{"state": {"closed"}, "base": {branch}, "sort": {"updated"}, "direction": {"desc"},
		"per_page": {"100"}}
	if _, err := api.Get(ctx, "repos/"+repository+"/pulls?"+query.Encode(), "", &list); err != nil {
		return nil, shownOnly(err, "Pull requests: read")
	}
	var pulls []mergedPull
	for _, one := range list {
		if one.MergedAt == nil {
			continue
		}
		if len(pulls) == n || enough(pulls) {
			break
		}
		pull, err := readChecks(ctx, api, repository, one.Head.SHA)
		if err != nil {
			return pulls, err
		}
		pull.at = *one.MergedAt
		pulls = append(pulls, pull)
	}
	return pulls, nil
}

// readChecks reads the checks of a commit: the last check run of each name, and the last status of each context.
func readChecks(ctx context.Context, api *client.Client, repository, commit string) (mergedPull, error) {
	var runs struct {
		Total int `json:"total_count"`
		Runs  []struct {
			Name        string    `json:"name"`
			Conclusion  string    `json:"conclusion"` // success, failure and others
			CompletedAt time.Time `json:"completed_at"`
		} `json:"check_runs"`
	}
	var statuses struct {
		Total    int `json:"total_count"`
		Statuses []struct {
			Context   string    `json:"context"`
			State     string    `json:"state"`
			CreatedAt time.Time `json:"created_at"`
		} `json:"statuses"`
	}
	var pull mergedPull
	at := "repos/" + repository + "/commits/" + commit
	if _, err := api.Get(ctx, at+"/check-runs?per_page=100", "", &runs); err != nil {
		return pull, shownOnly(err, "Checks: read (GitHub offers it to Apps and classic tokens)")
	}
	if _, err := api.Get(ctx, at+"/status?per_page=100", "", &statuses); err != nil {
		return pull, shownOnly(err, "Commit statuses: read")
	}
	pull.cut = runs.Total > len(runs.Runs) || statuses.Total > len(statuses.Statuses)
	for _, run := range runs.Runs {
		pull.checks = append(pull.checks, ran{run.Name, run.Conclusion == "success", run.CompletedAt})
	}
	for _, status := range statuses.Statuses {
		pull.checks = append(pull.checks, ran{status.Context, status.State == "success", status.CreatedAt})
	}
	return pull, nil
}

// shownOnly names the right that an answer shows to be missing.
func shownOnly(err error, right string) error {
	switch client.Status(err) {
	case http.StatusForbidden, http.StatusNotFound:
		return fmt.Errorf("%w (%w); the server refuses GraphQL, and through REST this takes %s", errHidden, err, right)
	}
	return err
}
