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

const (
	// steadyMerges is how many merged pull requests a check must have succeeded on to count as one that always runs, and
	// fewestMerges how few are enough to know.
	steadyMerges = 10
	fewestMerges = 3
)

// SteadyChecks returns the names of the checks that succeeded before the merge on each of the last merged pull
// requests, at most 10, sorted: a merge that waits for them remains possible. There are none with fewer than three of
// these. It takes a query, or, where the server refuses GraphQL, a request and two for each pull request.
func SteadyChecks(ctx context.Context, api *client.Client, repository, branch string) ([]string, error) {
	answer, err := queryMerges(ctx, api, repository, branch, steadyMerges)
	var pulls []mergedPull
	switch {
	case err == nil:
		pulls = answer.pulls()
	case client.Unserved(err):
		pulls, err = readMerges(ctx, api, repository, branch, steadyMerges, func(pulls []mergedPull) bool {
			return len(pulls) >= fewestMerges && len(steady(pulls)) == 0
		})
	}
	if err != nil {
		return nil, fmt.Errorf("reading the checks of the last pull requests of %s: %w", repository, err)
	}
	if len(pulls) < fewestMerges {
		return nil, nil
	}
	return steady(pulls), nil
}

// steady returns the names of the checks that succeeded before the merge of each pull request, sorted.
func steady(pulls []mergedPull) []string {
	var names []string
	for i := range pulls {
		passed := []string{}
		for _, check := range pulls[i].checks {
			if check.succeeded && !check.at.IsZero() && !check.at.After(pulls[i].at) {
				passed = append(passed, check.name)
			}
		}
		if i == 0 {
			names = passed
		}
		names = slices.DeleteFunc(names, func(name string) bool { return !slices.Contains(passed, name) })
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// merges asks which checks ran on the last merged pull requests, if any are required.
func (c *collector) merges(ctx context.Context, s *state) error {
	required := c.protection(*s).RequiredChecks.Value
	shown := s.Record.Known && s.Record.Value.DeleteBranchOnMerge != nil || c.only != nil && !c.only.Record
	if c.DefaultBranch == "" || len(required) == 0 && shown {
		s.Merges = part[merges]{}
		return nil
	}
	m, err := c.askMerges(ctx, required)
	var said client.GraphQLErrors
	switch {
	case errors.As(err, &said) && !said.TooHeavy() || errors.Is(err, errNoRepository):
		s.Merges = part[merges]{Reason: fmt.Sprintf("the token may not read the checks of pull requests (%v); give it "+
			"Checks: read, Commit statuses: read and Pull requests: read", err)}
	case errors.Is(err, errHidden):
		s.Merges = part[merges]{Reason: err.Error()}
	case client.Failing(err) || client.Status(err) != 0 && !errors.Is(err, rest.ErrUnauthorized):
		c.failed["checks of the last pull requests"] = rest.Held{Failures: 1, Error: err.Error()}
		if !s.Merges.Known {
			s.Merges = part[merges]{Reason: fmt.Sprintf("GitHub fails to show the checks of pull requests: %v", err)}
		}
	case err != nil:
		return err
	default:
		s.Merges = part[merges]{Known: true, Value: m}
	}
	return nil
}

// askMerges asks for the checks of the last merged pull requests, or, where none is required, only whether branches are
// deleted on merge. A server that refuses GraphQL shows the latter in no other way than with the repository. Through
// REST, the pull requests are read until each required check has run on one.
func (c *collector) askMerges(ctx context.Context, required []string) (merges, error) {
	m := merges{Checks: []string{}}
	var answer mergesAnswer
	var err error
	if len(required) > 0 {
		answer, err = queryMerges(ctx, c.Client, c.Scope, c.DefaultBranch, lastMerges)
	} else {
		owner, name, _ := strings.Cut(c.Scope, "/")
		err = c.Query(ctx, branchQuery, map[string]any{"owner": owner, "name": name}, &answer)
		if err == nil && answer.Repository == nil {
			err = errNoRepository
		}
	}
	var pulls []mergedPull
	switch {
	case err == nil:
		m.DeleteBranch, pulls = answer.Repository.DeleteBranchOnMerge, answer.pulls()
	case !client.Unserved(err):
		return m, err
	case len(required) > 0:
		pulls, err = readMerges(ctx, c.Client, c.Scope, c.DefaultBranch, lastMerges, func(pulls []mergedPull) bool {
			names, _ := checksOf(pulls)
			return !slices.ContainsFunc(required, func(check string) bool { return !slices.Contains(names, check) })
		})
		if err != nil {
			return m, err
		}
	}
	m.Number = len(pulls)
	m.Checks, m.Cut = checksOf(pulls)
	return m, nil
}

// checksOf returns the names of the checks that ran on pull requests, sorted. cut: one has more than were listed.
func checksOf(pulls []mergedPull) (names []string, cut bool) {
	names = []string{}
	for i := range pulls {
		cut = cut || pulls[i].cut
		for _, check := range pulls[i].checks {
			names = append(names, check.name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), cut
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
