package campaign

import (
	"cmp"
	"slices"
	"time"
)

// Step is an occasion on which owners are reminded.
type Step string

// Steps.
const (
	AtStart Step = "start"   // the first day begins
	Halfway Step = "halfway" // half of the time is over
	AtWeek  Step = "week"    // the last day ends in 7 days
	Ending  Step = "ending"  // a notice: something ends soon
)

const (
	// Quiet is how long an owner gets no second message, whatever campaigns there are.
	Quiet = 7 * 24 * time.Hour
	// Attempts is how often a message that did not arrive is sent. Then the step is given up; the next one is not.
	Attempts = 5
	// firstRetry is how long after the first failure a message is sent again; later ones wait four times as long each.
	firstRetry = 10 * time.Minute
)

// Status is what became of a message:
//
//	sending ──▶ sent        the chat took it
//	        ──▶ failed      it did not arrive: it is sent again, at most Attempts times
//	        ──▶ unclear     the connection was lost: it may have arrived, so it is not sent again
//	        ──▶ withdrawn   another process was about to send one to the same owner
//
// A message is stored as sending before it is sent. One that stays so, because the process ended, counts as sent: a
// crash may lose a message, and never sends a second one within a week.
type Status string

// Statuses.
const (
	Sending   Status = "sending"
	Sent      Status = "sent"
	NotSent   Status = "failed"
	Unclear   Status = "unclear"
	Withdrawn Status = "withdrawn"
)

// Taken reports whether a message with the status counts as one that the owner got.
func (s Status) Taken() bool { return s == Sending || s == Sent || s == Unclear }

// Message is a message that was sent, or that one tried to send.
type Message struct {
	Owner     string   // entity ref
	Campaigns []string // ids of campaigns, and of notices
	Steps     []Step   // of each of them
	Status    Status
	At        time.Time // when it was claimed
	Error     string
}

// Notice is something other than a campaign that an owner is told once, such as that a waiver ends.
type Notice struct {
	ID      string // unique among notices and campaigns
	Owner   string // entity ref
	Since   time.Time
	Ends    time.Time
	Webhook string
}

// Reminder is what is to be said to an owner: one message about all campaigns and notices that are due.
type Reminder struct {
	Owner   string   // entity ref
	Webhook string   // of what ends first
	Items   []Due    // the campaign that ends first before the others
	Notices []Notice // the one that ends first before the others
	// Ready is when it may be sent: a week after the last message to the owner, and after the pause that follows a
	// failure; of several campaigns, the shortest one. The zero time: now.
	Ready time.Time
}

// Due is a campaign of which an owner is to be reminded.
type Due struct {
	Campaign *Campaign
	Step     Step
}

// stepTime is when a step is due.
type stepTime struct {
	step Step
	at   time.Time
}

// steps returns the steps in the order of their times. A campaign of up to 7 days has no step 7 days before its end.
func (c *Campaign) steps() []stepTime {
	all := []stepTime{{AtStart, c.Starts}, {Halfway, c.Starts.Add(c.End().Sub(c.Starts) / 2)}}
	if week := c.End().AddDate(0, 0, -7); week.After(c.Starts) {
		all = append(all, stepTime{AtWeek, week})
	}
	slices.SortStableFunc(all, func(a, b stepTime) int { return a.at.Compare(b.at) })
	return all
}

// StepAt returns the latest step that is due at a moment; "" before the first day and after the last one.
func (c *Campaign) StepAt(now time.Time) Step { return c.due(now).step }

// due is StepAt with the time of the step.
func (c *Campaign) due(now time.Time) stepTime {
	var due stepTime
	if c.Over(now) {
		return due
	}
	for _, s := range c.steps() {
		if !s.at.After(now) {
			due = s
		}
	}
	return due
}

// past is what became of the messages to an owner about a campaign since its present step was due, or about a notice
// since it is given. Earlier ones tell nothing about this step, whatever they were about: the dates of a campaign may
// have changed meanwhile.
type past struct {
	told     bool
	failures int
	failed   time.Time // the last failure
}

func pastOf(id, owner string, since time.Time, messages []Message) past {
	var p past
	for i := range messages {
		m := &messages[i]
		if m.Owner != owner || m.At.Before(since) || !slices.Contains(m.Campaigns, id) {
			continue
		}
		if m.Status.Taken() {
			p.told = true
		}
		if m.Status == NotSent {
			p.failures++
			p.failed = later(p.failed, m.At)
		}
	}
	return p
}

// done reports whether there is nothing more to send: the owner was told, or the step is given up.
func (p past) done() bool { return p.told || p.failures >= Attempts }

// retry returns when to try again; the zero time without a failure.
func (p past) retry() time.Time {
	if p.failures == 0 {
		return time.Time{}
	}
	return p.failed.Add(firstRetry << (2 * (p.failures - 1)))
}

// Reminders returns whom to remind of what at a moment, sorted by owner. left are the owners of services that have not
// reached the goal, by the id of the campaign; messages are those of the last year. Of several steps that were missed,
// such as while nothing ran, only the latest is left: an owner is told once.
func Reminders(campaigns []Campaign, left map[string][]string, notices []Notice, messages []Message,
	now time.Time,
) []Reminder {
	byOwner := map[string]*Reminder{}
	// due returns the reminder to an owner of whom p is the past of one more thing to say.
	due := func(owner string, p past) *Reminder {
		r := byOwner[owner]
		if r == nil {
			r = &Reminder{Owner: owner, Ready: p.retry()}
			byOwner[owner] = r
		}
		if at := p.retry(); at.Before(r.Ready) {
			r.Ready = at
		}
		return r
	}
	for _, n := range notices {
		if p := pastOf(n.ID, n.Owner, n.Since, messages); n.Owner != "" && n.Webhook != "" && !p.done() {
			r := due(n.Owner, p)
			r.Notices = append(r.Notices, n)
		}
	}
	for i := range campaigns {
		c := &campaigns[i]
		step := c.due(now)
		if step.step == "" || c.Notify == "" {
			continue
		}
		for _, owner := range left[c.ID] {
			if p := pastOf(c.ID, owner, step.at, messages); owner != "" && !p.done() {
				r := due(owner, p)
				r.Items = append(r.Items, Due{c, step.step})
			}
		}
	}
	reminders := make([]Reminder, 0, len(byOwner))
	for _, r := range byOwner {
		slices.SortStableFunc(r.Items, func(a, b Due) int {
			return cmp.Or(a.Campaign.Ends.Compare(b.Campaign.Ends), cmp.Compare(a.Campaign.ID, b.Campaign.ID))
		})
		slices.SortStableFunc(r.Notices, func(a, b Notice) int {
			return cmp.Or(a.Ends.Compare(b.Ends), cmp.Compare(a.ID, b.ID))
		})
		r.Webhook = r.webhook()
		if r.Ready = later(r.Ready, quietUntil(r.Owner, messages)); !r.Ready.After(now) {
			r.Ready = time.Time{}
		}
		reminders = append(reminders, *r)
	}
	slices.SortFunc(reminders, func(a, b Reminder) int { return cmp.Compare(a.Owner, b.Owner) })
	return reminders
}

// webhook returns the webhook of what ends first.
func (r *Reminder) webhook() string {
	if len(r.Items) == 0 || len(r.Notices) > 0 && r.Notices[0].Ends.Before(r.Items[0].Campaign.End()) {
		return r.Notices[0].Webhook
	}
	return r.Items[0].Campaign.Notify
}

// quietUntil returns until when an owner gets no message because of the last one; the zero time without one.
func quietUntil(owner string, messages []Message) time.Time {
	var until time.Time
	for i := range messages {
		if m := &messages[i]; m.Owner == owner && m.Status.Taken() {
			until = later(until, m.At.Add(Quiet))
		}
	}
	return until
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
