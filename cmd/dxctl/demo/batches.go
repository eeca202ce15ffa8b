package demo

import (
	"fmt"
	"time"

	"github.com/dxctl/dxctl/event"
)

// fixed is a fix of a batch of the demo.
type fixed struct {
	service string
	wave    uint32
	outcome string // "": its wave has not begun
	rules   []string
	note    string
	after   time.Duration // from the beginning of the batch to its outcome
}

// fixBatch is a batch of fixes of the demo.
type fixBatch struct {
	id      string
	daysAgo int
	status  event.Status
	note    string
	fixes   []fixed
}

var (
	agentRules = []string{"agents-md", "security-policy"}
	setupRules = []string{"dev-environment"}
	pinRules   = []string{"actions-pinned", "dependency-updates"}
	updateRule = []string{"dependency-updates"}
	timeRule   = []string{"workflow-timeouts"}
)

// fixBatches are the batches of the platform team: two that are done, and one half way, which waits.
var fixBatches = []fixBatch{
	{id: "development-environments", daysAgo: 67, status: event.Succeeded, fixes: []fixed{
		{"user-service", 1, "merged", setupRules, "", 6 * time.Hour},
		{"payout-service", 1, "merged", setupRules, "", 23 * time.Hour},
		{"card-issuing", 2, "merged", setupRules, "", 102 * time.Hour},
		{"reporting-service", 2, "declined", setupRules, "closed without being merged", 90 * time.Hour},
	}},
	{id: "agents-and-security", daysAgo: 43, status: event.Succeeded, fixes: []fixed{
		{"user-service", 1, "merged", agentRules, "", 5 * time.Hour},
		{"payment-service", 2, "merged", agentRules, "", 27 * time.Hour},
		{"fraud-scoring", 2, "merged", agentRules, "", 29 * time.Hour},
		{"web-checkout", 2, "merged", agentRules, "", 50 * time.Hour},
		{"notification-service", 3, "merged", agentRules, "", 76 * time.Hour},
		{"card-issuing", 3, "merged", agentRules, "", 98 * time.Hour},
		{"payout-service", 3, "reverted", agentRules, "reverted: AGENTS.md named a command that is not there", 120 *
			time.Hour},
		{"ledger-service", 3, "declined", agentRules, "closed without being merged", 80 * time.Hour},
		{"kyc-service", 3, "failed", agentRules, "reading the repository: 403 Resource not accessible; give the token of " +
			"actions.github access to it", 55 * time.Hour},
	}},
	{id: "pins-and-updates", daysAgo: 3, status: event.Waiting, note: "checks of wave 2 are not finished after an " +
		"hour: 2 pull requests; resume the batch when they are", fixes: []fixed{
		{"user-service", 1, "merged", pinRules, "", 4 * time.Hour},
		{"notification-service", 2, "merged", pinRules, "", 26 * time.Hour},
		{"loyalty-points", 2, "opened", updateRule, "", 25 * time.Hour},
		{"ledger-service", 2, "opened", updateRule, "", 25 * time.Hour},
		{"fraud-scoring", 2, "failed", pinRules, "reading the repository: 403 Resource not accessible; give the token of " +
			"actions.github access to it", 25 * time.Hour},
		{"web-checkout", 3, "", timeRule, "", 0},
	}},
}

// addBatches adds the batches with their runs and journals. Their pull requests have numbers of their own.
func (o *Organization) addBatches() {
	next := map[string]uint64{}
	for _, c := range o.changes {
		next[c.Scope] = max(next[c.Scope], c.Number+1)
	}
	for i, b := range fixBatches {
		began := o.Today.AddDate(0, 0, -b.daysAgo).Add(9 * time.Hour)
		batch := event.ActionBatch{
			Source: "dxctl", ID: b.id, Action: "fix", Actor: "platform@" + domain, Plan: fmt.Sprintf("sha256:%064d", i+1),
			Settings: "{}", Status: b.status, Note: b.note, StartedAt: began,
		}
		for _, f := range b.fixes {
			for len(batch.Waves) < int(f.wave) {
				batch.Waves = append(batch.Waves, 0)
			}
			batch.Waves[f.wave-1]++
			if f.outcome != "" {
				batch.Wave = max(batch.Wave, f.wave)
			}
			o.addFix(batch, f, next)
		}
		if b.status == event.Succeeded {
			batch.FinishedAt = began.Add(121 * time.Hour)
		}
		o.batches = append(o.batches, batch)
	}
}

// addFix adds a fix of a batch, and what happened in it.
func (o *Organization) addFix(b event.ActionBatch, f fixed, next map[string]uint64) {
	s := serviceNamed(f.service)
	run := event.ActionRun{
		Source: b.Source, ID: b.ID + "/" + s.ref(), Action: b.Action, Entity: s.ref(), Actor: b.Actor, Batch: b.ID,
		Wave: f.wave, Repository: s.slug(), Rules: f.rules, Outcome: f.outcome, Note: f.note, Status: event.Queued,
	}
	began := b.StartedAt.Add(time.Duration(f.wave-1) * 24 * time.Hour)
	step := func(name string, after time.Duration, status event.Status, note string) {
		n := len(o.steps)
		last := uint32(0)
		if n > 0 && o.steps[n-1].Run == run.ID {
			last = o.steps[n-1].Number
		}
		o.steps = append(o.steps, event.ActionStep{
			Source: run.Source, Run: run.ID, Number: last + 1, Name: name, Status: status, At: began.Add(after), URL: run.URL,
			Note: note,
		})
	}
	switch f.outcome {
	case "":
	case "failed":
		run.Status, run.StartedAt, run.FinishedAt = event.Failed, began, began.Add(time.Minute)
		step("failed", time.Minute, event.Failed, f.note)
	default:
		number := max(next[s.slug()], 1)
		next[s.slug()] = number + 1
		run.Pull, run.Patch = number, fmt.Sprintf("sha256:%064d", number)
		run.URL = fmt.Sprintf("https://github.%s/%s/pull/%d", domain, s.slug(), number)
		run.Status, run.StartedAt, run.FinishedAt = event.Succeeded, began, b.StartedAt.Add(f.after)
		step("pull request", time.Minute, event.Succeeded, "opened")
		if f.outcome != "opened" {
			if f.outcome == "reverted" {
				step("outcome", 2*time.Hour, event.Succeeded, "merged")
			}
			step("outcome", run.FinishedAt.Sub(began), event.Succeeded, f.outcome)
		}
	}
	o.fixes = append(o.fixes, run)
}
