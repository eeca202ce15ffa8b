package report

import (
	"context"
	"slices"
	"time"

	"github.com/dxctl/dxctl/repository/waiver"
	"github.com/dxctl/dxctl/scorecards/campaign"
)

// Reminder is what is to be said to an owner: one message about all campaigns that are due, and waivers that end.
type Reminder struct {
	Owner   string         `json:"owner"` // entity ref
	Name    string         `json:"name"`  // display name
	Webhook string         `json:"webhook"`
	Ready   *time.Time     `json:"ready"` // when it may be sent; null: now
	Items   []ReminderItem `json:"campaigns"`
	Waivers []WaiverRow    `json:"waivers"` // those that end soon, the next one first
	Surveys []string       `json:"surveys"` // ids of occasions of surveys, such as "survey 2026-Q3 halfway"
}

// Topics returns the ids of what a reminder is about, and the step of each.
func (r *Reminder) Topics() (ids []string, steps []campaign.Step) {
	for i := range r.Waivers {
		ids, steps = append(ids, waiverTopic(&r.Waivers[i])), append(steps, campaign.Ending)
	}
	for _, id := range r.Surveys {
		ids, steps = append(ids, id), append(steps, campaign.Ending)
	}
	for _, item := range r.Items {
		ids, steps = append(ids, item.ID), append(steps, item.Step)
	}
	return ids, steps
}

// waiverTopic identifies the end of a waiver: one that is prolonged is announced again. The spaces keep it apart from
// the ids of campaigns.
func waiverTopic(w *WaiverRow) string {
	return "waiver " + w.Service + " " + w.Scorecard + "/" + w.Rule + " " + w.Waiver.Until.Format(time.DateOnly)
}

// ReminderItem is a campaign of which an owner is reminded, with the owner's services that are left.
type ReminderItem struct {
	ID       string        `json:"id"`
	Title    string        `json:"title"`
	Why      string        `json:"why"`
	Goal     string        `json:"goal"`
	Step     campaign.Step `json:"step"`
	Ends     time.Time     `json:"ends"`      // last day
	DaysLeft int           `json:"days_left"` // after the present day
	Rows     []CampaignRow `json:"rows"`
}

// Reminders returns whom to remind of what now, sorted by owner. messages are those of the last year; waivers names the
// webhook that tells of waivers that end soon, "" if nobody is told.
func (r *Reader) Reminders(ctx context.Context, messages []campaign.Message, waivers string) ([]Reminder, error) {
	notices, ending, err := r.endingWaivers(ctx, waivers)
	if err != nil {
		return nil, err
	}
	set := r.campaignSet()
	now := r.Now()
	var due []campaign.Campaign
	for i := range set.Campaigns {
		if c := &set.Campaigns[i]; c.Notify != "" && c.StepAt(now) != "" {
			due = append(due, *c)
		}
	}
	if len(due) == 0 && len(notices) == 0 {
		return nil, nil
	}
	var services []Service
	if len(due) > 0 {
		if services, err = r.campaignServices(ctx, set); err != nil {
			return nil, err
		}
	}
	standing := make([]Campaign, len(due))
	left := map[string][]string{}
	for i := range due {
		standing[i].Campaign = due[i]
		standing[i].stand(services, now)
		for _, row := range standing[i].Rows {
			if !row.Verdict.Done() && !slices.Contains(left[due[i].ID], row.Owner) {
				left[due[i].ID] = append(left[due[i].ID], row.Owner)
			}
		}
	}
	var reminders []Reminder
	for _, of := range campaign.Reminders(due, left, notices, messages, now) {
		reminder := Reminder{Owner: of.Owner, Name: displayName(r.Catalog(), of.Owner), Webhook: of.Webhook,
			Ready: known(of.Ready)}
		for _, n := range of.Notices {
			reminder.Waivers = append(reminder.Waivers, ending[n.ID])
		}
		for _, d := range of.Items {
			i := slices.IndexFunc(standing, func(c Campaign) bool { return c.ID == d.Campaign.ID })
			item := ReminderItem{ID: d.Campaign.ID, Title: d.Campaign.Title, Why: d.Campaign.Why,
				Goal: d.Campaign.Goal.String(), Step: d.Step, Ends: d.Campaign.Ends, DaysLeft: d.Campaign.DaysLeft(now)}
			for _, row := range standing[i].Rows {
				if row.Owner == of.Owner && !row.Verdict.Done() {
					item.Rows = append(item.Rows, row)
				}
			}
			reminder.Items = append(reminder.Items, item)
		}
		reminders = append(reminders, reminder)
	}
	return reminders, nil
}

// endingWaivers returns a notice for each waiver that ends soon and without which its rule would not be earned, and the
// waivers by the ids of the notices. webhook is where to tell of them; if it is "", there are none.
func (r *Reader) endingWaivers(ctx context.Context, webhook string) ([]campaign.Notice, map[string]WaiverRow, error) {
	if webhook == "" {
		return nil, nil, nil
	}
	all, err := r.Waivers(ctx)
	if err != nil {
		return nil, nil, err
	}
	var notices []campaign.Notice
	ending := map[string]WaiverRow{}
	for _, w := range all.List {
		if w.Waiver.State != waiver.Ending || !w.Needed() {
			continue
		}
		id := waiverTopic(&w)
		ending[id] = w
		notices = append(notices, campaign.Notice{ID: id, Owner: w.Owner, Webhook: webhook,
			Since: w.Waiver.Until.AddDate(0, 0, -waiver.NoticeDays), Ends: w.Waiver.Until})
	}
	return notices, ending, nil
}
