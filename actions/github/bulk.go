package github

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/github/client"
)

// PerQuery is how many repositories one query is about. GitHub counts a query by its nodes: this is a point or two.
const PerQuery = 50

// Head is the default branch of a repository.
type Head struct {
	Repository string // owner/name, as the host writes it
	Branch     string
	Commit     string
	Tree       string // of the commit
	Checks     Checks // of the commit
	Private    bool
	Problem    string // why nothing can be proposed to the repository; then the rest may be empty
	Settings   string // why its settings cannot be changed; "": they can, as far as GitHub shows it
}

// Checks is how the checks of a commit stand: check runs and commit statuses together.
type Checks string

// The states of checks.
const (
	NoChecks      Checks = "none"
	ChecksRunning Checks = "running"
	ChecksPassed  Checks = "passed"
	ChecksFailed  Checks = "failed"
	ChecksHidden  Checks = "hidden" // the credentials may not read them
	// ChecksUnserved: the server offers neither GraphQL nor all that REST has of checks. None of those that it shows
	// fails.
	ChecksUnserved Checks = "unserved"
)

// Errors of checks that nobody can look at; see [Checks.Unseen].
var (
	ErrChecks = fmt.Errorf("%w: they may not read the checks of commits, which GitHub shows to no fine-grained token; "+
		"use an App, or a classic token", ErrRights)
	ErrUnserved = errors.New("the server, or a proxy before it, does not offer the checks of commits: neither GraphQL, " +
		"nor both check-runs and status of a commit through REST")
)

// Unseen returns why checks cannot be looked at; nil if they can.
func (c Checks) Unseen() error {
	switch c {
	case ChecksHidden:
		return ErrChecks
	case ChecksUnserved:
		return ErrUnserved
	case NoChecks, ChecksRunning, ChecksPassed, ChecksFailed:
	}
	return nil
}

// rollup is what GitHub says of the checks of a commit.
type rollup struct {
	State string `json:"state"` // SUCCESS, FAILURE, ERROR, PENDING, EXPECTED
}

// checks returns the state. hidden is whether GitHub refused to show some.
func (r *rollup) checks(hidden bool) Checks {
	switch {
	case r == nil && hidden:
		return ChecksHidden
	case r == nil:
		return NoChecks
	case r.State == "SUCCESS":
		return ChecksPassed
	case r.State == "FAILURE", r.State == "ERROR":
		return ChecksFailed
	}
	return ChecksRunning
}

const headFields = `nameWithOwner isPrivate isArchived isDisabled viewerPermission
	defaultBranchRef { name target { oid ... on Commit { tree { oid } statusCheckRollup { state } } } }`

type headAnswer struct {
	Name       string `json:"nameWithOwner"`
	Private    bool   `json:"isPrivate"`
	Archived   bool   `json:"isArchived"`
	Disabled   bool   `json:"isDisabled"`
	Permission string `json:"viewerPermission"`
	Branch     *struct {
		Name   string `json:"name"`
		Target struct {
			ID   string `json:"oid"`
			Tree struct {
				ID string `json:"oid"`
			} `json:"tree"`
			Rollup *rollup `json:"statusCheckRollup"`
		} `json:"target"`
	} `json:"defaultBranchRef"`
}

// found returns what the answer shows.
func (a *headAnswer) found(hidden bool) *found {
	if a == nil {
		return nil
	}
	f := &found{name: a.Name, private: a.Private, closed: a.Archived || a.Disabled, admin: a.Permission == "ADMIN",
		push: slices.Contains([]string{"WRITE", "MAINTAIN", "ADMIN"}, a.Permission)}
	if a.Branch != nil {
		f.branch, f.commit, f.tree = a.Branch.Name, a.Branch.Target.ID, a.Branch.Target.Tree.ID
		f.checks = a.Branch.Target.Rollup.checks(hidden)
	}
	return f
}

// found is what a host shows of a repository and of the last commit of its default branch.
type found struct {
	name           string // as the host writes it
	private        bool
	closed         bool // nobody can write to it
	push, admin    bool // the person of a token may
	branch, commit string
	tree           string // "": there is no commit
	checks         Checks
}

// Heads returns the default branches of repositories, owner/name, in their order. It takes the requests of
// [Bulk.Heads]. A repository to which nothing can be proposed has a Problem, and is no error.
func (h *Host) Heads(ctx context.Context, repositories []string) ([]Head, error) {
	heads, err := either(h, func() ([]Head, error) { return h.queryHeads(ctx, repositories) },
		func() ([]Head, error) { return h.readHeads(ctx, repositories) })
	if err != nil {
		return nil, fmt.Errorf("reading the default branches: %w", err)
	}
	return heads, nil
}

func (h *Host) queryHeads(ctx context.Context, repositories []string) ([]Head, error) {
	heads := make([]Head, 0, len(repositories))
	for names := range slices.Chunk(repositories, PerQuery) {
		answers, err := each[headAnswer](ctx, h, names, slices.Repeat([]string{headFields}, len(names)))
		if err != nil {
			return nil, err
		}
		for i, name := range names {
			heads = append(heads, h.head(name, answers[i].value.found(answers[i].hidden)))
		}
	}
	return heads, nil
}

// head returns what is made of a repository; nil: the credentials do not see it.
func (h *Host) head(name string, f *found) Head {
	head := Head{Repository: name}
	if f == nil {
		head.Problem = "the credentials see no repository " + name
		return head
	}
	head.Repository, head.Private = f.name, f.private
	if !h.app && !f.admin {
		head.Settings = "the credentials lack the role admin in " + f.name
	}
	switch {
	case f.closed:
		head.Problem = "it is archived or disabled, so nobody can write to it"
	case !h.app && !f.push:
		head.Problem = "the credentials lack the right to push to it"
	case f.commit == "" || f.tree == "":
		head.Problem = "it has no commit"
	default:
		head.Branch, head.Commit, head.Tree, head.Checks = f.branch, f.commit, f.tree, f.checks
	}
	return head
}

// PullRef names a pull request.
type PullRef struct {
	Repository string // owner/name
	Number     uint64
}

// PullState is how a pull request stands.
type PullState struct {
	Known    bool // there is such a pull request
	URL      string
	Open     bool
	MergedAt time.Time // zero: it is not merged
	Checks   Checks    // of its last commit, while it is open
	// Failing are the names of the checks that fail on it and neither on the branch that it is for nor on the commit that
	// it starts from: those that its changes broke. Set only if Checks is [ChecksFailed].
	Failing []string
	// Withdrawn: dxctl itself closed it, see [Host.Withdraw]. Nobody declined it.
	Withdrawn bool
}

// Merged reports whether it was merged.
func (s PullState) Merged() bool { return !s.MergedAt.IsZero() }

// Declined reports whether it was closed without being merged.
func (s PullState) Declined() bool { return s.Known && !s.Open && !s.Merged() && !s.Withdrawn }

type pullAnswer struct {
	Pull *struct {
		URL      string     `json:"url"`
		Body     string     `json:"body"`
		State    string     `json:"state"`
		MergedAt *time.Time `json:"mergedAt"`
		Commits  struct {
			Nodes []struct {
				Commit struct {
					Rollup *rollup `json:"statusCheckRollup"`
				} `json:"commit"`
			} `json:"nodes"`
		} `json:"commits"`
	} `json:"pullRequest"`
}

// States returns how pull requests stand, in their order. It takes the requests of [Bulk.States], and more for those
// whose checks fail: one for redPerQuery of them, or through REST two to five for each.
func (h *Host) States(ctx context.Context, pulls []PullRef) ([]PullState, error) {
	states, err := either(h, func() ([]PullState, error) { return h.queryStates(ctx, pulls) },
		func() ([]PullState, error) { return h.readStates(ctx, pulls) })
	if err != nil {
		return nil, fmt.Errorf("reading the state of pull requests: %w", err)
	}
	return states, nil
}

func (h *Host) queryStates(ctx context.Context, pulls []PullRef) ([]PullState, error) {
	states := make([]PullState, 0, len(pulls))
	for some := range slices.Chunk(pulls, PerQuery) {
		names, parts := make([]string, len(some)), make([]string, len(some))
		for i, p := range some {
			names[i] = p.Repository
			parts[i] = fmt.Sprintf(`pullRequest(number: %d) { url body state mergedAt
	commits(last: 1) { nodes { commit { statusCheckRollup { state } } } } }`, p.Number)
		}
		answers, err := each[pullAnswer](ctx, h, names, parts)
		if err != nil {
			return nil, err
		}
		for _, a := range answers {
			states = append(states, stateOf(a.value, a.hidden))
		}
	}
	if err := h.blame(ctx, pulls, states); err != nil {
		return nil, fmt.Errorf("reading which checks of pull requests fail: %w", err)
	}
	return states, nil
}

func stateOf(a *pullAnswer, hidden bool) PullState {
	if a == nil || a.Pull == nil {
		return PullState{}
	}
	s := PullState{Known: true, URL: a.Pull.URL, Open: a.Pull.State == "OPEN", Checks: NoChecks}
	if a.Pull.MergedAt != nil {
		s.MergedAt = *a.Pull.MergedAt
	}
	s.Withdrawn = !s.Open && !s.Merged() && strings.Contains(a.Pull.Body, closedMark)
	if nodes := a.Pull.Commits.Nodes; s.Open && len(nodes) > 0 {
		s.Checks = nodes[0].Commit.Rollup.checks(hidden)
	}
	return s
}

func alias(i int) string { return fmt.Sprintf("r%d", i) }

// answer is what is said of one of several repositories.
type answer[A any] struct {
	value  *A   // nil: it does not exist, or may not be seen
	hidden bool // the checks of a commit may not be seen
}

// each asks something of each of several repositories. A query that is too heavy for GitHub is asked in halves.
func each[A any](ctx context.Context, h *Host, repositories, parts []string) ([]answer[A], error) {
	values := make(map[string]*A, len(repositories))
	hidden, err := h.ask(ctx, repositories, parts, &values)
	if n := len(repositories) / 2; n > 0 && client.Failing(err) && !client.Unserved(err) {
		first, err := each[A](ctx, h, repositories[:n], parts[:n])
		if err != nil {
			return nil, err
		}
		second, err := each[A](ctx, h, repositories[n:], parts[n:])
		return append(first, second...), err
	}
	answers := make([]answer[A], len(repositories))
	for i := range answers {
		answers[i] = answer[A]{values[alias(i)], hidden}
	}
	return answers, err
}

// ask sends one query. What does not exist, or may not be seen, is missing in the answers.
func (h *Host) ask(ctx context.Context, repositories, parts []string, answers any) (hidden bool, err error) {
	variables := map[string]any{}
	var declared, asked strings.Builder
	for i, name := range repositories {
		owner, repository, _ := strings.Cut(name, "/")
		variables[fmt.Sprintf("o%d", i)], variables[fmt.Sprintf("n%d", i)] = owner, repository
		fmt.Fprintf(&declared, "$o%d: String!, $n%d: String!, ", i, i)
		fmt.Fprintf(&asked, "%s: repository(owner: $o%d, name: $n%d) { %s }\n", alias(i), i, i, parts[i])
	}
	text := "query(" + strings.TrimSuffix(declared.String(), ", ") + ") {\n" + asked.String() + "}"
	err = h.client.Query(ctx, text, variables, answers)
	var partial client.GraphQLErrors
	if errors.As(err, &partial) && partial.Missing() {
		return partial.Refused("statusCheckRollup"), nil
	}
	return false, err
}
