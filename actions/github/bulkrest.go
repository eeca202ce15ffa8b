package github

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/collectors/github/client"
)

// Bulk is how a host reads several repositories: with one query for PerQuery of them, or, where the server has no
// GraphQL, one after the other through REST. Its methods return how many requests a number of repositories or of open
// pull requests takes. The zero value is that of GraphQL.
type Bulk struct{ REST bool }

// Requests through REST.
const (
	readsOfHead  = 2 + readsOfChecks // the repository, and the commit
	readsOfState = 1 + readsOfChecks
	// readsOfChecks are those of check runs and of commit statuses. A commit with more than perPage of either takes more.
	readsOfChecks = 2
)

// Heads returns how many requests [Host.Heads] takes.
func (b Bulk) Heads(repositories int) int { return b.requests(repositories, readsOfHead) }

// States returns how many requests [Host.States] takes for pull requests whose checks do not fail.
func (b Bulk) States(pulls int) int { return b.requests(pulls, readsOfState) }

func (b Bulk) requests(n, each int) int {
	if b.REST {
		return n * each
	}
	return (n + PerQuery - 1) / PerQuery
}

// Bulk returns how the host reads several repositories, as far as it is known: a host that has asked for nothing yet
// will try GraphQL.
func (h *Host) Bulk() Bulk { return Bulk{REST: h.noGraphQL.Load()} }

// either asks through GraphQL, or, once the server has refused that as such, through REST.
func either[T any](h *Host, query, read func() (T, error)) (T, error) {
	if !h.noGraphQL.Load() {
		answer, err := query()
		if !client.Unserved(err) {
			return answer, err
		}
		h.noGraphQL.Store(true)
	}
	return read()
}

// readHeads is [Host.Heads] through REST.
func (h *Host) readHeads(ctx context.Context, repositories []string) ([]Head, error) {
	heads := make([]Head, 0, len(repositories))
	for _, name := range repositories {
		f, err := h.readHead(ctx, name)
		if err != nil {
			return nil, err
		}
		heads = append(heads, h.head(name, f))
	}
	return heads, nil
}

// readHead returns nil for a repository that the credentials do not see.
func (h *Host) readHead(ctx context.Context, name string) (*found, error) {
	var t Target
	err := h.get(ctx, "repos/"+name, &t)
	if gone(err) || client.Status(err) == http.StatusForbidden {
		return nil, nil //nolint:nilnil // it is no error
	}
	if err != nil {
		return nil, err
	}
	f := &found{name: t.FullName, private: t.Private, closed: t.Archived || t.Disabled, branch: t.DefaultBranch,
		push:  t.Permissions == nil || t.Permissions.Push, // else the first write is refused
		admin: t.Permissions == nil || t.Permissions.Admin}
	if f.closed || !h.app && !f.push || f.branch == "" {
		return f, nil
	}
	commit, err := h.readCommit(ctx, t.FullName, "heads/"+client.Escaped(t.DefaultBranch))
	if commit == nil || err != nil {
		return f, err
	}
	f.commit, f.tree = commit.SHA, commit.Commit.Tree.SHA
	_, f.checks, err = h.readChecks(ctx, t.FullName, f.commit)
	return f, err
}

// gone reports whether something does not exist, as far as the credentials see.
func gone(err error) bool {
	return slices.Contains([]int{http.StatusNotFound, http.StatusGone, http.StatusUnavailableForLegalReasons},
		client.Status(err))
}

type commitOfRef struct {
	SHA     string       `json:"sha"`
	Commit  commitAnswer `json:"commit"`
	Parents []struct {
		SHA string `json:"sha"`
	} `json:"parents"`
}

// readCommit returns a commit by its id or ref, escaped; nil: the repository is empty, or has no such ref.
func (h *Host) readCommit(ctx context.Context, repository, ref string) (*commitOfRef, error) {
	var commit commitOfRef
	err := h.get(ctx, "repos/"+repository+"/commits/"+ref, &commit)
	missing := []int{http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity}
	if slices.Contains(missing, client.Status(err)) {
		return nil, nil //nolint:nilnil // none is no error
	}
	if err != nil {
		return nil, err
	}
	return &commit, nil
}

// readStates is [Host.States] through REST.
func (h *Host) readStates(ctx context.Context, pulls []PullRef) ([]PullState, error) {
	states := make([]PullState, 0, len(pulls))
	for _, pull := range pulls {
		state, err := h.readState(ctx, pull)
		if err != nil {
			return nil, err
		}
		states = append(states, state)
	}
	return states, nil
}

func (h *Host) readState(ctx context.Context, ref PullRef) (PullState, error) {
	var pull struct {
		Pull
		Head struct {
			SHA string `json:"sha"`
		} `json:"head"`
		Base struct {
			Ref string `json:"ref"`
		} `json:"base"`
	}
	path := fmt.Sprintf("repos/%s/pulls/%d", ref.Repository, ref.Number)
	if err := h.get(ctx, path, &pull); gone(err) {
		return PullState{}, nil
	} else if err != nil {
		return PullState{}, err
	}
	s := PullState{Known: true, URL: pull.URL, Open: pull.State == "open", Checks: NoChecks}
	if pull.MergedAt != nil {
		s.MergedAt = *pull.MergedAt
	}
	s.Withdrawn = !s.Open && !s.Merged() && strings.Contains(pull.Body, closedMark)
	if !s.Open {
		return s, nil
	}
	last, checks, err := h.readChecks(ctx, ref.Repository, pull.Head.SHA)
	if s.Checks = checks; err != nil || checks != ChecksFailed {
		return s, err
	}
	s.Failing = last.red()
	return s, h.excuse(ctx, ref.Repository, pull.Base.Ref, pull.Head.SHA, &s)
}

// excuse removes the checks that fail without the changes of a pull request, too. What cannot be read excuses nothing.
func (h *Host) excuse(ctx context.Context, repository, base, head string, s *PullState) error {
	checks, _, err := h.readChecks(ctx, repository, "heads/"+client.Escaped(base))
	if s.Failing = checks.without(s.Failing); err != nil || len(s.Failing) == 0 {
		return err
	}
	commit, err := h.readCommit(ctx, repository, head)
	if commit == nil || len(commit.Parents) == 0 || err != nil {
		return err
	}
	checks, _, err = h.readChecks(ctx, repository, commit.Parents[0].SHA)
	s.Failing = checks.without(s.Failing)
	return err
}

const (
	perPage  = 100 // records, the most that GitHub returns
	maxPages = 10  // of check runs, or of statuses, of one commit
)

// checksPage is a page of the check runs of a commit, or of its commit statuses.
type checksPage struct {
	Total int `json:"total_count"`
	Runs  []struct {
		Name       string `json:"name"`
		Status     string `json:"status"`     // completed, in_progress, queued and others
		Conclusion string `json:"conclusion"` // once it is completed: success, failure and others
	} `json:"check_runs"`
	Statuses []struct {
		Context string `json:"context"`
		State   string `json:"state"` // success, failure, error, pending
	} `json:"statuses"`
}

// checks returns those of the page, with the words of GraphQL.
func (p *checksPage) checks() []check {
	var all []check
	for _, run := range p.Runs {
		one := check{Name: run.Name, Conclusion: strings.ToUpper(run.Conclusion)}
		if run.Status != "completed" {
			one.Conclusion = ""
		}
		all = append(all, one)
	}
	for _, status := range p.Statuses {
		all = append(all, check{Context: status.Context, State: strings.ToUpper(status.State)})
	}
	return all
}

// readChecks returns the checks of a commit, by its id or ref, escaped: the last check run of each name, and the last
// status of each context.
func (h *Host) readChecks(ctx context.Context, repository, ref string) (*contexts, Checks, error) {
	all := &contexts{}
	why := Checks("") // some checks are not shown
	for _, kind := range []string{"check-runs", "status"} {
		listed := 0
		for page := 1; ; page++ {
			if page > maxPages {
				all.Contexts.Page.More = true
				break
			}
			var answer checksPage
			query := url.Values{"per_page": {fmt.Sprint(perPage)}, "page": {fmt.Sprint(page)}}
			err := h.get(ctx, "repos/"+repository+"/commits/"+ref+"/"+kind+"?"+query.Encode(), &answer)
			if client.Status(err) == http.StatusForbidden {
				why = ChecksHidden
				break
			}
			if client.Unserved(err) {
				why = ChecksUnserved
				break
			}
			if err != nil {
				return nil, "", fmt.Errorf("reading the checks of a commit: %w", err)
			}
			checks := answer.checks()
			all.Contexts.Nodes = append(all.Contexts.Nodes, checks...)
			if listed += len(checks); len(checks) == 0 || listed >= answer.Total {
				break
			}
		}
	}
	return all, all.state(why), nil
}

// good are the conclusions and states that leave a commit green.
var good = []string{"SUCCESS", "NEUTRAL", "SKIPPED"}

// state returns the state of all checks together. why: some are not shown, so that the others are green for nobody.
func (c *contexts) state(why Checks) Checks {
	running := c.Contexts.Page.More
	for _, one := range c.Contexts.Nodes {
		word := one.Conclusion + one.State
		if slices.Contains(bad, word) {
			return ChecksFailed
		}
		running = running || !slices.Contains(good, word)
	}
	switch {
	case why != "":
		return why
	case running:
		return ChecksRunning
	case len(c.Contexts.Nodes) == 0:
		return NoChecks
	}
	return ChecksPassed
}
