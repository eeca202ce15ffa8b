package report

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/campaign"
)

// TestCampaignContinuesRenamedRules: what is stored of a rule under its earlier name is the history of its campaign.
func TestCampaignContinuesRenamedRules(t *testing.T) {
	cards, err := scorecards.Load(scorecards.Config{}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	set := campaign.Parse([]byte(`{apiVersion: dxctl.dev/v1, kind: Campaign, id: a, title: A, why: w, owner: o,
  scorecard: production-readiness, rule: on-call, starts: 2026-10-01, ends: 2026-11-30}`), "c.yaml", cards, nil)
	if len(set.Campaigns) != 1 {
		t.Fatal(set.Texts())
	}
	engine, err := scorecards.New(cards, nil)
	if err != nil {
		t.Fatal(err)
	}
	first := time.Date(2026, 10, 3, 9, 0, 0, 0, time.UTC)
	r := &Reader{deps: Deps{
		Scorecards: engine,
		OutcomeChanges: func(_ context.Context, rules []string) ([]event.Grade, error) {
			stored := event.Grade{Entity: "component:default/s", Scorecard: "production-service", Rule: "has-on-call",
				Outcome: event.Pass, EvaluatedAt: first}
			if !slices.Contains(rules, RuleName(stored.Scorecard, stored.Rule)) {
				return nil, nil
			}
			return []event.Grade{stored}, nil
		},
	}}
	rows := []CampaignRow{{Service: "component:default/s"}}
	got, err := r.campaignHistory(t.Context(), &set.Campaigns[0], rows, first.AddDate(0, 0, 2))
	if err != nil {
		t.Fatal(err)
	}
	if since := got.Since["component:default/s"]; !since.At.Equal(first) {
		t.Errorf("reached since %v, want %s; %+v", since, first, got.Days)
	}
	if last := got.Days[len(got.Days)-1]; last.Reached != 1 {
		t.Errorf("the last day is %+v", last)
	}
}
