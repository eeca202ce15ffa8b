// Package batch carries out an action on many repositories: one pull request for each service, in waves. It decides
// what comes next; the host and the store are given to it.
package batch

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/actions/github"
	"github.com/dxctl/dxctl/actions/settings"
	"github.com/dxctl/dxctl/event"
)

// Settings are what a batch was started with, and what was decided since. They are stored with it, so that it goes on
// with the same ones.
type Settings struct {
	GoldenPath string            `json:"golden_path,omitempty"`
	Rules      []string          `json:"rules,omitempty"`
	Answers    map[string]string `json:"answers,omitempty"`
	Issues     bool              `json:"issues,omitempty"`   // what no patch can do is opened as issues
	Set        bool              `json:"settings,omitempty"` // settings at the host are changed, too
	Checks     []string          `json:"required_checks,omitempty"`
	Reviewers  []string          `json:"reviewers,omitempty"`
	Selection  string            `json:"selection"` // of services, for people
	Waves      string            `json:"waves"`     // see [Sizes]
	Limit      float64           `json:"limit"`     // share of bad pull requests that stops the batch, 0 to 1
	Settle     time.Duration     `json:"settle"`    // how long a pull request without checks is waited for
	Wait       time.Duration     `json:"wait"`      // how long checks of a wave are waited for
	// Accepted are the pull requests that were bad when somebody resumed the batch, as owner/name#number.
	Accepted []string `json:"accepted,omitempty"`
	Waived   []string `json:"waived,omitempty"`  // are no longer waited for, because somebody resumed the batch
	Stopped  []string `json:"stopped,omitempty"` // for which it stopped last
	Waited   []string `json:"waited,omitempty"`  // for which it paused last
	// Needs is what it writes, by the plan: the rights that it takes to go on. nil: a batch that did not record it.
	Needs *github.Needs `json:"needs,omitempty"`
}

// Poll is how often the checks of a wave are looked at.
const Poll = time.Minute

// Item is a service of a batch and what is proposed to it.
type Item struct {
	Entity   string // ref
	Proposal github.Proposal
	Private  bool          // the repository is
	Checks   github.Checks // of the commit that it was planned on
	Rules    []string      // that the changes make pass
	Issues   []github.Issue
	Closings []github.IssueClosing // issues whose rules pass
	Changes  []settings.Change     // of settings
	Left     []settings.Left       // settings that rules need and that are not planned
	Notes    []string              // what the changes of settings mean for people
	SetWith  string                // service of the same repository that makes the changes that this one needs
}

// Left is a service to which nothing is proposed.
type Left struct {
	Entity string `json:"entity"`
	Reason string `json:"reason"`
	Failed bool   `json:"failed"` // it could not be planned
}

// Plan is what a batch would do.
type Plan struct {
	Settings
	Items    []Item   // in the order of the waves
	Waves    []uint32 // number of items of each
	Left     []Left
	Forecast Forecast
}

// New returns the plan of a batch of items. Their order does not depend on the one given: it is that of hashes of their
// names, so that an early wave is a sample of all of them, and not one team. limits and bulk are those of the host.
func New(s Settings, items []Item, left []Left, limits github.Limits, bulk github.Bulk) (*Plan, error) {
	p := &Plan{Settings: s, Left: left}
	branches := map[string]string{}
	for _, item := range items { // two services of one directory have one branch
		key := item.Proposal.Repository + " " + item.Proposal.Branch
		if other := branches[key]; other != "" {
			p.Left = append(p.Left, Left{Entity: item.Entity, Reason: "its pull request is that of " + other})
			continue
		}
		branches[key] = item.Entity
		p.Items = append(p.Items, item)
	}
	slices.SortFunc(p.Items, func(a, b Item) int {
		return cmp.Or(cmp.Compare(sum(a.Entity), sum(b.Entity)), cmp.Compare(a.Entity, b.Entity))
	})
	shareSettings(p.Items)
	var err error
	if p.Waves, err = Sizes(s.Waves, len(p.Items)); err != nil {
		return nil, err
	}
	p.Forecast = p.forecast(limits, bulk)
	needs := p.needs()
	p.Needs = &needs
	return p, nil
}

func sum(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// Digest identifies what the batch would do: "sha256:" and hex digits. The commits that it is planned on have no part
// in it, because the same changes can be proposed to a later one.
func (p *Plan) Digest() string {
	type item struct {
		Entity, Repository, Branch, Patch string
		Issues                            []string
		Changes                           []settings.Change
		Closings                          []string `json:",omitempty"`
	}
	what := struct {
		Settings Settings
		Waves    []uint32
		Items    []item
	}{p.Settings, p.Waves, nil}
	for _, i := range p.Items {
		one := item{i.Entity, i.Proposal.Repository, i.Proposal.Branch, i.Proposal.Patch(), nil, i.Changes, nil}
		for _, issue := range i.Issues {
			one.Issues = append(one.Issues, issue.Mark)
		}
		for _, closing := range i.Closings { // the fact may be observed again
			one.Closings = append(one.Closings, closing.URL)
		}
		what.Items = append(what.Items, one)
	}
	text, _ := json.Marshal(what) // texts and numbers can always be encoded
	return "sha256:" + sum(string(text))
}

// Blind returns why the batch cannot look at the checks that it would have to look at; nil if it can.
func (p *Plan) Blind() error {
	if len(p.Waves) < 2 {
		return nil
	}
	for i := range p.Items {
		if err := p.Items[i].Checks.Unseen(); err != nil {
			return err
		}
	}
	return nil
}

// runs are the runs of a plan and the steps of their settings, as they are recorded before the first one begins.
func (p *Plan) runs(batch event.ActionBatch) (runs []event.ActionRun, steps []event.ActionStep, err error) {
	next := 0
	for wave, n := range p.Waves {
		for _, item := range p.Items[next : next+int(n)] {
			run := event.ActionRun{
				Source: actions.Source, ID: RunID(batch.ID, item.Entity), Action: batch.Action, Entity: item.Entity,
				Actor: batch.Actor, Plan: batch.Plan, Batch: batch.ID, Wave: uint32(wave + 1),
				Repository: item.Proposal.Repository, Rules: slices.Clone(item.Rules), Patch: item.Proposal.Patch(),
				Status: event.Queued, StartedAt: batch.StartedAt,
			}
			for _, c := range item.Changes {
				run.Rules = append(run.Rules, c.Rules...)
			}
			slices.Sort(run.Rules)
			run.Rules = slices.Compact(run.Rules)
			planned, err := settings.PlannedSteps(item.Changes, run.ID, 0, batch.StartedAt, false)
			if err != nil {
				return nil, nil, err
			}
			runs, steps = append(runs, run), append(steps, planned...)
		}
		next += int(n)
	}
	return runs, steps, nil
}

// RunID is the id of the run of an entity in a batch.
func RunID(batch, entity string) string { return batch + "/" + entity }

// Sizes returns the number of items in each wave, of texts such as "1,5,25%,rest": numbers, and shares of all items.
// The last wave has what is left; empty ones are left out.
func Sizes(waves string, items int) ([]uint32, error) {
	var sizes []uint32
	left := items
	add := func(n int) {
		if n = min(n, left); n > 0 {
			sizes = append(sizes, uint32(n))
			left -= n
		}
	}
	for word := range strings.SplitSeq(waves, ",") {
		word = strings.TrimSpace(word)
		n, percent := 0, strings.HasSuffix(word, "%")
		if word == "rest" {
			add(left)
			continue
		}
		if _, err := fmt.Sscanf(strings.TrimSuffix(word, "%")+" ", "%d ", &n); err != nil || n < 1 || percent && n > 100 ||
			fmt.Sprint(n) != strings.TrimSuffix(word, "%") {
			return nil, fmt.Errorf("waves %q: %q is no number, no share such as 25%%, and not \"rest\"", waves, word)
		}
		if percent {
			n = (items*n + 99) / 100
		}
		add(n)
	}
	add(left)
	return sizes, nil
}

// Host is where pull requests are opened. See [github.Host].
type Host interface {
	settings.Host
	Heads(ctx context.Context, repositories []string) ([]github.Head, error)
	Propose(ctx context.Context, p github.Proposal) (github.Proposed, error)
	States(ctx context.Context, pulls []github.PullRef) ([]github.PullState, error)
	PullWithPatch(ctx context.Context, repository, patch string) (github.Pull, error)
	OpenIssues(ctx context.Context, repository string, issues []github.Issue) ([]github.OpenedIssue, error)
	CloseIssues(ctx context.Context, repository string, issues []github.IssueClosing) ([]github.OpenedIssue, error)
}

// PausedError is the error of a batch that waits for somebody, with nothing lost.
type PausedError struct {
	Batch string
	Err   error
}

// Error says why, and how the batch goes on.
func (e *PausedError) Error() string {
	return fmt.Sprintf("the batch %s is paused: %v; continue with `dxctl fix --all --resume %s`", e.Batch, e.Err, e.Batch)
}

// Unwrap returns the cause.
func (e *PausedError) Unwrap() error { return e.Err }

// ErrStopped is the cause of a batch that stopped at its limit.
var ErrStopped = errors.New("too many pull requests are bad")

// ErrUnfinished is the cause of a batch that paused because checks took too long.
var ErrUnfinished = errors.New("checks are not finished")

// ErrPartly is the error of a batch that is done, and of which some runs failed.
var ErrPartly = errors.New("a part of the batch failed")
