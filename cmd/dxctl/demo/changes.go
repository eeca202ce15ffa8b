package demo

import (
	"fmt"
	"time"

	"github.com/dxctl/dxctl/event"
)

// pull is one pull request.
type pull struct {
	by             *person
	machine        bool // a dependency update
	opened, merged time.Time
	pushes         int
	reviewed       bool
	abandoned      bool // closed instead of merged
}

// login is the author at the tool.
func (u pull) login(t tool) string {
	if u.machine {
		return updater
	}
	return actor(u.by, t)
}

// updater is the bot account that opens dependency updates.
const updater = "deps-bot[bot]"

// pull stores a pull request and the runs of its pushes, and returns its merge commit.
func (d *delivery) pull(u pull, p pace) string {
	d.changes++
	number := 100 + d.changes
	if d.s.created >= 0 {
		number = d.changes
	}
	origin := d.origin(actions, fmt.Sprint(number))
	origin.URL += fmt.Sprintf("/pull/%d", number)
	e := event.Change{
		Origin:        origin,
		Repository:    d.s.slug(),
		Number:        uint64(number),
		Title:         title(d.d, u.machine),
		Author:        u.login(actions),
		Bot:           u.machine,
		CreatedAt:     u.opened,
		FirstCommitAt: u.opened.Add(-d.d.about(100 * time.Minute)),
		MergedAt:      u.merged,
		ClosedAt:      u.merged,
		Additions:     uint32(d.d.about(60*time.Second) / time.Second),
		Deletions:     uint32(d.d.about(22*time.Second) / time.Second),
	}
	if e.FirstCommitAt.Before(d.created) {
		e.FirstCommitAt = d.created
	}
	if e.FirstCommitAt.Before(u.by.started) || e.FirstCommitAt.After(u.opened) {
		e.FirstCommitAt = u.opened
	}
	waited := u.merged.Sub(u.opened)
	if u.reviewed && !u.machine {
		e.FirstReviewAt = u.opened.Add(waited * time.Duration(d.d.between(15, 75)) / 100).Truncate(time.Millisecond)
		e.ApprovedAt = u.opened.Add(waited * time.Duration(d.d.between(76, 98)) / 100).Truncate(time.Millisecond)
	}
	t := d.buildTool(p)
	for i := range u.pushes {
		e.HeadSHA = d.d.sha()
		e.CommitSHAs = append(e.CommitSHAs, e.HeadSHA)
		pushed := u.opened.Add(waited * time.Duration(i) / time.Duration(u.pushes)).Truncate(time.Millisecond)
		d.ci(build{tool: t, pipeline: "ci", branch: fmt.Sprintf("change-%d", number), trigger: "pull_request", sha: e.HeadSHA,
			actor: u.login(t), bot: u.machine, created: pushed.Add(3 * time.Second)}, p, "")
	}
	if u.abandoned {
		e.MergedAt = time.Time{}
	} else {
		e.MergeSHA = d.d.sha()
	}
	d.o.addChange(e)
	return e.MergeSHA
}

// addChange cuts a change at today.
func (o *Organization) addChange(e event.Change) {
	if !e.CreatedAt.Before(o.Today) {
		return
	}
	for _, at := range []*time.Time{
		&e.FirstCommitAt,
		&e.CreatedAt,
		&e.FirstReviewAt,
		&e.ApprovedAt,
		&e.MergedAt,
		&e.ClosedAt,
	} {
		if *at = at.Truncate(time.Millisecond); !at.Before(o.Today) {
			*at = time.Time{}
		}
	}
	if e.MergedAt.IsZero() {
		e.MergeSHA = ""
	}
	o.changes = append(o.changes, e)
}

var verbs = []string{"Add", "Fix", "Handle", "Simplify", "Log", "Test", "Speed up", "Move", "Retry", "Validate"}

var things = []string{
	"the amount check",
	"idempotency keys",
	"currency rounding",
	"the settlement export",
	"timeouts to the bank",
	"the health check",
	"a missing index",
	"the merchant filter",
	"pagination",
	"error messages",
	"the retry budget",
	"webhook signatures",
	"the audit trail",
	"feature switches",
}

var dependencies = []string{
	"http client",
	"json library",
	"database driver",
	"test runner",
	"base image",
	"metrics library",
}

func title(d dice, machine bool) string {
	if machine {
		return fmt.Sprintf("Update %s to %d.%d.%d", pick(d, dependencies), d.between(1, 5), d.between(0, 20), d.between(0, 9))
	}
	return pick(d, verbs) + " " + pick(d, things)
}

// ci runs the pipeline for a commit, and again where somebody retries what was red. It returns the end of the last
// attempt. With a status the first attempt ends so, else it is drawn.
func (d *delivery) ci(b build, p pace, status event.Status) time.Time {
	if d.s.noCI {
		return b.created.Add(20 * time.Minute)
	}
	b.queue = d.d.about(12 * time.Second)
	if b.tool == jenkins {
		b.queue = d.d.about(100 * time.Second)
	}
	b.duration = d.d.roughly(p.ci)
	b.jobs = jobNames[b.tool]
	if p.golden {
		b.jobs = goldenJobs
	}
	b.status = status
	if status == "" {
		b.status = d.outcome(p)
	}
	if b.status == event.Failed {
		b.duration = b.duration * 6 / 10
	}
	b.clockBack = b.tool == jenkins && d.d.chance(3)
	b.noTime = b.tool == circleci && d.d.chance(3)
	id, ended := d.record.run(b)
	if b.status == event.Failed && id != "" && (b.branch == "main" || d.d.chance(380)) {
		again := b
		again.created, again.attempt, again.status = ended.Add(d.d.about(14*time.Minute)), 2, event.Succeeded
		again.queue, again.duration = d.d.about(12*time.Second), d.d.roughly(p.ci)
		if b.tool == actions {
			again.id = id // GitHub counts attempts of a run; the others start another
		} else {
			again.attempt = 1
		}
		if b.branch != "main" && d.d.chance(300) {
			again.status = event.Failed
		}
		_, ended = d.record.run(again)
	}
	return ended
}

func (d *delivery) outcome(p pace) event.Status {
	switch {
	case d.d.chance(25):
		return event.Cancelled
	case d.d.chance(p.green):
		return event.Succeeded
	}
	return event.Failed
}

// nightly is the scheduled run of the template.
func (d *delivery) nightly(date time.Time, p pace) {
	d.ci(
		build{
			tool:     actions,
			pipeline: "nightly",
			branch:   "main",
			trigger:  "schedule",
			sha:      d.head,
			actor:    serviceAccounts[actions],
			bot:      true,
			created:  date.Add(2*time.Hour + time.Duration(d.d.between(0, 900))*time.Second),
		},
		p,
		"",
	)
}

var jobNames = map[tool][]string{actions: {"build", "test"}, circleci: {"build", "test"}, jenkins: nil}

var goldenJobs = []string{"build", "test", "scan"}
