package report

import (
	"context"
	"slices"
	"time"

	"github.com/dxctl/dxctl/scorecards/campaign"
)

// Reminder is what is to be said to an owner: one message about all campaigns that are due.
type Reminder struct {
	Owner   string         `json:"owner"` // entity ref
	Name    string         `json:"name"`  // display name
	Webhook string         `json:"webhook"`
	Ready   *time.Time     `json:"ready"` // when it may be sent; null: now
	Items   []ReminderItem `json:"campaigns"`
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

// Reminders returns whom to remind of what now, sorted by owner. messages are those of the last year.
func (r *Reader) Reminders(ctx context.Context, messages []campaign.Message) ([]Reminder, error) {
	set := r.campaignSet()
	now := r.Now()
	var due []campaign.Campaign
	for i := range set.Campaigns {
		if c := &set.Campaigns[i]; c.Notify != "" && c.StepAt(now) != "" {
			due = append(due, *c)
		}
	}
	if len(due) == 0 {
		return nil, nil
	}
	services, err := r.campaignServices(ctx, set)
	if err != nil {
		return nil, err
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
	for _, of := range campaign.Reminders(due, left, messages, now) {
		reminder := Reminder{Owner: of.Owner, Name: displayName(r.Catalog(), of.Owner), Webhook: of.Webhook,
			Ready: known(of.Ready)}
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
