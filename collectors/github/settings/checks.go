package settings

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/github/client"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/repository/fact"
	"github.com/dxctl/dxctl/repository/setting"
)

// lastMerges is how many merged pull requests are looked at for runs of the required checks.
const lastMerges = 20

// merges is what the last merged pull requests show.
type merges struct {
	DeleteBranch *bool    `json:"delete_branch,omitempty"` // branches are deleted on merge
	Number       int      `json:"number"`                  // of pull requests
	Checks       []string `json:"checks"`                  // names of the checks that ran on their last commits
	Cut          bool     `json:"cut,omitempty"`           // a commit has more checks than were listed
}

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
			Nodes []struct {
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
			} `json:"nodes"`
		} `json:"pullRequests"`
	} `json:"repository"`
}

// checks returns the names of the checks of the last commit of each pull request, the newest one first. cut: one has
// more than were listed.
func (a *mergesAnswer) checks() (pulls [][]string, cut bool) {
	for _, pull := range a.Repository.PullRequests.Nodes {
		names := []string{}
		for _, commit := range pull.Commits.Nodes {
			if commit.Commit.Rollup == nil {
				continue
			}
			contexts := commit.Commit.Rollup.Contexts
			cut = cut || contexts.PageInfo.HasNextPage
			for _, check := range contexts.Nodes {
				names = append(names, check.Name+check.Context)
			}
		}
		pulls = append(pulls, names)
	}
	return pulls, cut
}

const (
	// steadyMerges is how many merged pull requests a check must have succeeded on to count as one that always runs, and
	// fewestMerges how few are enough to know.
	steadyMerges = 10
	fewestMerges = 3
)

// SteadyChecks returns the names of the checks that succeeded before the merge on each of the last merged pull
// requests, at most 10, sorted: a merge that waits for them remains possible. There are none with fewer than three of
// these.
func SteadyChecks(ctx context.Context, api *client.Client, repository, branch string) ([]string, error) {
	owner, name, _ := strings.Cut(repository, "/")
	var answer mergesAnswer
	variables := map[string]any{"owner": owner, "name": name, "branch": branch, "first": steadyMerges}
	err := api.Query(ctx, mergesQuery, variables, &answer)
	if err == nil && answer.Repository == nil {
		err = errors.New("GitHub shows no such repository")
	}
	if err != nil {
		return nil, fmt.Errorf("reading the checks of the last pull requests of %s: %w", repository, err)
	}
	pulls := answer.succeeded()
	if len(pulls) < fewestMerges {
		return nil, nil
	}
	steady := slices.DeleteFunc(slices.Clone(pulls[0]), func(check string) bool {
		return slices.ContainsFunc(pulls, func(names []string) bool { return !slices.Contains(names, check) })
	})
	slices.Sort(steady)
	return slices.Compact(steady), nil
}

// succeeded returns the names of the checks that succeeded before the merge of each pull request.
func (a *mergesAnswer) succeeded() (pulls [][]string) {
	for _, pull := range a.Repository.PullRequests.Nodes {
		names := []string{}
		for _, commit := range pull.Commits.Nodes {
			if commit.Commit.Rollup == nil {
				continue
			}
			for _, check := range commit.Commit.Rollup.Contexts.Nodes {
				at := check.CompletedAt
				if check.Context != "" {
					at = check.CreatedAt
				}
				if check.Conclusion+check.State == "SUCCESS" && !at.IsZero() && !at.After(pull.MergedAt) {
					names = append(names, check.Name+check.Context)
				}
			}
		}
		pulls = append(pulls, names)
	}
	return pulls
}

// merges asks which checks ran on the last merged pull requests, if any are required.
func (c *collector) merges(ctx context.Context, s *state) error {
	checks := c.protection(*s).RequiredChecks
	shown := s.Record.Known && s.Record.Value.DeleteBranchOnMerge != nil || c.only != nil && !c.only.Record
	if c.DefaultBranch == "" || len(checks.Value) == 0 && shown {
		s.Merges = part[merges]{}
		return nil
	}
	owner, name, _ := strings.Cut(c.Scope, "/")
	query, variables := branchQuery, map[string]any{"owner": owner, "name": name}
	if len(checks.Value) > 0 {
		query, variables["branch"], variables["first"] = mergesQuery, c.DefaultBranch, lastMerges
	}
	var answer mergesAnswer
	err := c.Query(ctx, query, variables, &answer)
	var said client.GraphQLErrors
	switch {
	case errors.As(err, &said) && !said.TooHeavy() || err == nil && answer.Repository == nil:
		s.Merges = part[merges]{Reason: fmt.Sprintf("the token may not read the checks of pull requests (%v); give it "+
			"Checks: read, Commit statuses: read and Pull requests: read", err)}
		return nil
	case client.Failing(err) || rest.Faulty(err):
		c.failed["checks of the last pull requests"] = rest.Held{Failures: 1, Error: err.Error()}
		if !s.Merges.Known {
			s.Merges = part[merges]{Reason: fmt.Sprintf("GitHub fails to show the checks of pull requests: %v", err)}
		}
		return nil
	case err != nil:
		return err
	}
	m := merges{
		DeleteBranch: answer.Repository.DeleteBranchOnMerge,
		Number:       len(answer.Repository.PullRequests.Nodes),
		Checks:       []string{},
	}
	pulls, cut := answer.checks()
	m.Cut = cut
	for _, names := range pulls {
		m.Checks = append(m.Checks, names...)
	}
	slices.Sort(m.Checks)
	m.Checks = slices.Compact(m.Checks)
	s.Merges = part[merges]{Known: true, Value: m}
	return nil
}

// withoutRuns returns the required checks that ran on none of the last merged pull requests.
func withoutRuns(required fact.Value[[]string], m part[merges]) fact.Value[[]string] {
	switch {
	case !required.Known:
		return setting.Unknown[[]string](required.Reason)
	case len(required.Value) == 0:
		return setting.Known([]string{})
	case !m.Known:
		return setting.Unknown[[]string](reasonOf(m, "it was not asked for"))
	case m.Value.Number == 0:
		return setting.Unknown[[]string]("no pull request was merged into the default branch yet")
	}
	missing := []string{}
	for _, check := range required.Value {
		if !slices.Contains(m.Value.Checks, check) {
			missing = append(missing, check)
		}
	}
	if len(missing) > 0 && m.Value.Cut {
		return setting.Unknown[[]string]("a commit has more than 100 checks, and " + missing[0] + " is not among them")
	}
	return setting.Known(missing)
}
