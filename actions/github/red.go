package github

import (
	"context"
	"fmt"
	"slices"
)

// redPerQuery is how many pull requests with failing checks one query is about: it lists up to 300 checks of each.
const redPerQuery = 10

// contexts are the checks of a commit by name.
type contexts struct {
	Contexts struct {
		Page struct {
			More bool `json:"hasNextPage"`
		} `json:"pageInfo"`
		Nodes []check `json:"nodes"`
	} `json:"contexts"`
}

// check is a check run or a commit status.
type check struct {
	Name       string `json:"name"`       // of a check run
	Conclusion string `json:"conclusion"` // of a check run: SUCCESS, FAILURE and others; "": it runs
	Context    string `json:"context"`    // of a commit status
	State      string `json:"state"`      // of a commit status: SUCCESS, FAILURE and others
}

// bad are the conclusions and states that make a commit red.
var bad = []string{"FAILURE", "ERROR", "TIMED_OUT", "CANCELLED", "ACTION_REQUIRED", "STARTUP_FAILURE", "STALE"}

// failing returns the names of the checks that fail. cut: there are more checks than were listed.
func (c *contexts) failing() (names []string, cut bool) {
	if c == nil {
		return nil, false
	}
	for _, check := range c.Contexts.Nodes {
		if slices.Contains(bad, check.Conclusion+check.State) {
			names = append(names, check.Name+check.Context)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), c.Contexts.Page.More
}

const listed = `statusCheckRollup { contexts(first: 100) { pageInfo { hasNextPage } nodes {
	... on CheckRun { name conclusion } ... on StatusContext { context state } } } }`

type redAnswer struct {
	Pull *struct {
		Base *struct {
			Target struct {
				Rollup *contexts `json:"statusCheckRollup"`
			} `json:"target"`
		} `json:"baseRef"`
		Commits struct {
			Nodes []struct {
				Commit struct {
					Rollup  *contexts `json:"statusCheckRollup"`
					Parents struct {
						Nodes []struct {
							Rollup *contexts `json:"statusCheckRollup"`
						} `json:"nodes"`
					} `json:"parents"`
				} `json:"commit"`
			} `json:"nodes"`
		} `json:"commits"`
	} `json:"pullRequest"`
}

// unlisted stands for checks that are not among the first 100 of a commit: they may be anyone's fault, and count.
const unlisted = "a check that GitHub does not list"

// blame sets the checks that fail because of the changes.
func (h *Host) blame(ctx context.Context, pulls []PullRef, states []PullState) error {
	var red []int
	for i, s := range states {
		if s.Open && s.Checks == ChecksFailed {
			red = append(red, i)
		}
	}
	for some := range slices.Chunk(red, redPerQuery) {
		names, parts := make([]string, len(some)), make([]string, len(some))
		for k, i := range some {
			names[k] = pulls[i].Repository
			parts[k] = fmt.Sprintf(`pullRequest(number: %d) { baseRef { target { ... on Commit { %s } } }
	commits(last: 1) { nodes { commit { %s parents(first: 1) { nodes { %s } } } } } }`, pulls[i].Number, listed, listed, listed)
		}
		answers, err := each[redAnswer](ctx, h, names, parts)
		if err != nil {
			return err
		}
		for k, i := range some {
			states[i].Failing = answers[k].value.own()
		}
	}
	return nil
}

// own returns the checks that fail on the last commit of a pull request, and on nothing that it rests on.
func (a *redAnswer) own() []string {
	if a == nil || a.Pull == nil || len(a.Pull.Commits.Nodes) == 0 {
		return []string{unlisted}
	}
	last := a.Pull.Commits.Nodes[0].Commit
	failing := last.Rollup.red()
	if a.Pull.Base != nil {
		failing = a.Pull.Base.Target.Rollup.without(failing)
	}
	for _, parent := range last.Parents.Nodes {
		failing = parent.Rollup.without(failing)
	}
	return failing
}

// red returns the names of the checks that fail on a commit that is red. Some of them may be unlisted.
func (c *contexts) red() []string {
	failing, cut := c.failing()
	if cut || len(failing) == 0 { // it is red, by something that is not shown
		failing = append(failing, unlisted)
	}
	return failing
}

// without returns those of names that do not fail here.
func (c *contexts) without(names []string) []string {
	before, _ := c.failing()
	return slices.DeleteFunc(names, func(name string) bool { return slices.Contains(before, name) })
}
