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
	Owner     string // entity ref
	Campaigns []string
	Steps     []Step // of each campaign
	Status    Status
	At        time.Time // when it was claimed
	Error     string
}

// Reminder is what is to be said to an owner: one message about all campaigns that are due.
type Reminder struct {
	Owner   string // entity ref
	Webhook string // of the campaign that ends first
	Items   []Due  // the campaign that ends first before the others
	// Ready is when it may be sent: a week after the last message to the owner, or after the pause that follows a
	// failure. The zero time: now.
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
func (c *Campaign) StepAt(now time.Time) Step {
	var step Step
	for _, s := range c.steps() {
		if !s.at.After(now) {
			step = s.step
		}
	}
	if c.Over(now) {
		return ""
	}
	return step
}

// told reports whether an owner has been told of a step of the campaign, or of a later one, or it was given up.
func (c *Campaign) told(owner string, step Step, messages []Message) bool {
	order := c.steps()
	at := func(s Step) int { return slices.IndexFunc(order, func(x stepTime) bool { return x.step == s }) }
	failures := 0
	for i := range messages {
		m := &messages[i]
		if m.Owner != owner || m.At.Before(c.Starts) { // before: of an earlier campaign with this id
			continue
		}
		for j, id := range m.Campaigns {
			if id != c.ID || j >= len(m.Steps) {
				continue
			}
			if m.Status.Taken() && at(m.Steps[j]) >= at(step) {
				return true
			}
			if m.Status == NotSent && m.Steps[j] == step {
				failures++
			}
		}
	}
	return failures >= Attempts
}

// Reminders returns whom to remind of what at a moment, sorted by owner. left are the owners of services that have not
// reached the goal, by the id of the campaign; messages are those of the last year. Of several steps that were missed,
// such as while nothing ran, only the latest is left: an owner is told once.
func Reminders(campaigns []Campaign, left map[string][]string, messages []Message, now time.Time) []Reminder {
	byOwner := map[string]*Reminder{}
	for i := range campaigns {
		c := &campaigns[i]
		step := c.StepAt(now)
		if step == "" || c.Notify == "" {
			continue
		}
		for _, owner := range left[c.ID] {
			if owner == "" || c.told(owner, step, messages) {
				continue
			}
			if byOwner[owner] == nil {
				byOwner[owner] = &Reminder{Owner: owner, Ready: ready(owner, messages, now)}
			}
			byOwner[owner].Items = append(byOwner[owner].Items, Due{c, step})
		}
	}
	reminders := make([]Reminder, 0, len(byOwner))
	for _, r := range byOwner {
		slices.SortStableFunc(r.Items, func(a, b Due) int {
			return cmp.Or(a.Campaign.Ends.Compare(b.Campaign.Ends), cmp.Compare(a.Campaign.ID, b.Campaign.ID))
		})
		r.Webhook = r.Items[0].Campaign.Notify
		reminders = append(reminders, *r)
	}
	slices.SortFunc(reminders, func(a, b Reminder) int { return cmp.Compare(a.Owner, b.Owner) })
	return reminders
}

// ready returns when an owner may get a message; the zero time: now.
func ready(owner string, messages []Message, now time.Time) time.Time {
	var at, failed time.Time
	failures := 0
	for i := range messages {
		m := &messages[i]
		if m.Owner != owner {
			continue
		}
		switch {
		case m.Status.Taken():
			at, failures = later(at, m.At.Add(Quiet)), 0
		case m.Status == NotSent:
			failures++
			failed = m.At
		}
	}
	if failures > 0 {
		at = later(at, failed.Add(firstRetry<<(2*min(failures-1, Attempts))))
	}
	if !at.After(now) {
		return time.Time{}
	}
	return at
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
