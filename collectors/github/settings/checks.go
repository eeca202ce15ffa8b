package settings

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

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
commits(last:1){nodes{commit{statusCheckRollup{contexts(first:100){pageInfo{hasNextPage} nodes{
__typename ...on CheckRun{name} ...on StatusContext{context}}}}}}}}}}}`
)

// merges asks which checks ran on the last merged pull requests, if any are required.
func (c *collector) merges(ctx context.Context, s *state) error {
	checks := c.protection(*s).RequiredChecks
	shown := s.Record.Known && s.Record.Value.DeleteBranchOnMerge != nil
	if c.DefaultBranch == "" || len(checks.Value) == 0 && shown {
		s.Merges = part[merges]{}
		return nil
	}
	owner, name, _ := strings.Cut(c.Scope, "/")
	query, variables := branchQuery, map[string]any{"owner": owner, "name": name}
	if len(checks.Value) > 0 {
		query, variables["branch"], variables["first"] = mergesQuery, c.DefaultBranch, lastMerges
	}
	var answer struct {
		Repository *struct {
			DeleteBranchOnMerge *bool `json:"deleteBranchOnMerge"`
			PullRequests        struct {
				Nodes []struct {
					Commits struct {
						Nodes []struct {
							Commit struct {
								Rollup *struct {
									Contexts struct {
										PageInfo struct {
											HasNextPage bool `json:"hasNextPage"`
										} `json:"pageInfo"`
										Nodes []struct {
											Name    string `json:"name"`    // of a check run
											Context string `json:"context"` // of a status
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
	for _, pull := range answer.Repository.PullRequests.Nodes {
		for _, commit := range pull.Commits.Nodes {
			if commit.Commit.Rollup == nil {
				continue
			}
			contexts := commit.Commit.Rollup.Contexts
			m.Cut = m.Cut || contexts.PageInfo.HasNextPage
			for _, check := range contexts.Nodes {
				m.Checks = append(m.Checks, check.Name+check.Context)
			}
		}
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
