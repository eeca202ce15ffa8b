package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/notify"
	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/scorecards/campaign"
	"github.com/dxctl/dxctl/store"
)

const (
	// remindEvery is how often `dxctl serve` looks whom to remind; retryEvery after a message did not arrive.
	remindEvery, retryEvery = time.Hour, 10 * time.Minute
	// remindPause is how long it waits at least.
	remindPause = time.Second
	// messagesKept is how far back messages are looked at: longer than any campaign lasts.
	messagesKept = (campaign.MaxDays + 30) * 24 * time.Hour
	// saveTimeout is how long saving what became of a message may take while the process stops.
	saveTimeout = 10 * time.Second
)

// Reminded is a reminder and what became of it.
type Reminded struct {
	report.Reminder
	Text   string          `json:"text"`   // of the message
	Status campaign.Status `json:"status"` // "" if it was not sent: it waits, or the run is dry
	Error  string          `json:"error"`  // why it did not arrive, or may not have
}

// Remind sends the reminders that may be sent now, one message to each owner, and returns them with those that wait.
// Nothing is sent or stored in a dry run. The error is about what concerns all of them; a message that does not arrive
// has its own.
func (a *App) Remind(ctx context.Context, dry bool) ([]Reminded, error) {
	reader, err := a.Reader()
	if err != nil {
		return nil, err
	}
	sender, err := notify.New(a.cfg.Notify, "dxctl/"+a.opt.Version, rest.Options{})
	if err != nil {
		return nil, err
	}
	messages, err := a.messages(ctx, messagesKept)
	if err != nil {
		return nil, err
	}
	reminders, err := reader.Reminders(ctx, messages, a.cfg.Notify.Waivers)
	if err != nil {
		return nil, fmt.Errorf("finding out whom to remind: %w", err)
	}
	all := make([]Reminded, len(reminders))
	for i, r := range reminders {
		all[i] = Reminded{Reminder: r, Text: reminderText(&r, a.cfg.Notify.Link)}
	}
	surveyed, err := a.surveyReminders(ctx, reader, messages)
	if err != nil {
		return nil, fmt.Errorf("finding out which messages about surveys are due: %w", err)
	}
	all = append(all, surveyed...)
	for i := range all {
		if dry || all[i].Ready != nil {
			continue
		}
		if err := a.remind(ctx, sender, &all[i]); err != nil {
			return all, err
		}
	}
	return all, nil
}

// messages returns what was sent in the last time, or was tried.
func (a *App) messages(ctx context.Context, last time.Duration) ([]campaign.Message, error) {
	stored, err := a.Store.CampaignMessages(ctx, a.now().Add(-last))
	if err != nil {
		return nil, err
	}
	messages := make([]campaign.Message, len(stored))
	for i, m := range stored {
		messages[i] = campaign.Message{Owner: m.Owner, Campaigns: m.Campaigns, Status: campaign.Status(m.Status),
			At: m.ClaimedAt, Error: m.Error}
		for _, step := range m.Steps {
			messages[i].Steps = append(messages[i].Steps, campaign.Step(step))
		}
	}
	return messages, nil
}

// remind claims the right to send a message, sends it, and stores what became of it. Two processes that claim at the
// same time both see the other's claim, or one of them does: at most one sends.
func (a *App) remind(ctx context.Context, sender *notify.Sender, r *Reminded) error {
	now := a.now().UTC()
	m := store.CampaignMessage{Owner: r.Owner, ID: rand.Text(), Webhook: r.Webhook, Status: string(campaign.Sending),
		ClaimedAt: now, ChangedAt: now}
	topics, steps := r.Topics()
	m.Campaigns = topics
	for _, step := range steps {
		m.Steps = append(m.Steps, string(step))
	}
	if err := a.Store.SaveCampaignMessage(ctx, m); err != nil {
		return err
	}
	others, err := a.Store.CampaignMessages(ctx, now.Add(-campaign.Quiet))
	if err != nil {
		return err
	}
	if slices.ContainsFunc(others, func(o store.CampaignMessage) bool {
		return o.Owner == m.Owner && o.ID != m.ID && campaign.Status(o.Status).Taken()
	}) {
		r.Status, r.Error = campaign.Withdrawn, "another process sends a message to this owner"
	} else {
		err := sender.Send(ctx, r.Webhook, r.Owner, r.Text)
		switch {
		case err == nil:
			r.Status = campaign.Sent
		case errors.Is(err, notify.ErrUnclear):
			r.Status, r.Error = campaign.Unclear, err.Error()
		default:
			r.Status, r.Error = campaign.NotSent, err.Error()
		}
	}
	m.Status, m.Error, m.ChangedAt = string(r.Status), r.Error, a.now().UTC()
	save, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTimeout)
	defer cancel()
	return a.Store.SaveCampaignMessage(save, m)
}

// remindRegularly reminds owners until ctx is done.
func (a *App) remindRegularly(ctx context.Context) {
	if len(a.cfg.Notify.Webhooks) == 0 {
		return
	}
	for wait := time.Duration(0); a.pause(ctx, wait); {
		all, err := a.Remind(ctx, false)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			a.log.Error("reminding of campaigns failed; retrying", "error", err)
		}
		wait = untilNext(all, err != nil, a.now())
		for i := range all {
			r := &all[i]
			switch r.Status {
			case campaign.Sent:
				a.log.Info("reminded of campaigns", "owner", r.Owner, "webhook", r.Webhook)
			case campaign.NotSent:
				a.log.Error("reminder did not arrive; retrying", "owner", r.Owner, "webhook", r.Webhook, "error", r.Error)
			case campaign.Unclear:
				a.log.Error("reminder may not have arrived; it is not sent again", "owner", r.Owner, "webhook", r.Webhook,
					"error", r.Error)
			case campaign.Sending, campaign.Withdrawn:
			}
		}
	}
}

// untilNext returns how long to wait after a run: until the first message that waits may be sent, at most remindEvery.
func untilNext(all []Reminded, failed bool, now time.Time) time.Duration {
	wait := remindEvery
	if failed {
		wait = retryEvery
	}
	for i := range all {
		switch r := &all[i]; {
		case r.Ready != nil:
			wait = min(wait, r.Ready.Sub(now))
		case r.Status == campaign.NotSent:
			wait = min(wait, retryEvery)
		}
	}
	return max(wait, remindPause)
}
