package report

import (
	"slices"
	"testing"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/repository/waiver"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/campaign"
)

func TestCampaignAhead(t *testing.T) {
	cards := scorecards.LoadFiles([]scorecards.File{{Name: "b.yaml", Data: []byte(`apiVersion: dxctl.dev/v1
kind: Scorecard
name: basics
levels: [bronze]
rules:
  - {id: owner, level: bronze, title: Owner, why: w, fix: f, effort: minutes, expr: 'facts["catalog.owner_exists"]'}
  - {id: soon, level: bronze, title: Soon, why: w, fix: f, effort: hours, status: announced, enforced_from: 2026-11-10, expr: 'facts["repository.files.license"]'}
`)}})
	set := campaign.Parse([]byte(`{apiVersion: dxctl.dev/v1, kind: Campaign, id: a, title: A, why: w, owner: o,
  scorecard: basics, level: bronze, starts: 2026-10-01, ends: 2026-11-30}`), "c.yaml", cards, nil)
	if len(set.Campaigns) != 1 {
		t.Fatal(set.Texts())
	}
	c := Campaign{Campaign: set.Campaigns[0]}
	day := func(month time.Month, day int) time.Time { return time.Date(2026, month, day, 0, 0, 0, 0, time.UTC) }
	for _, x := range []struct {
		until, counts time.Time
		outcome       event.Outcome
	}{
		{day(11, 29), day(11, 10), event.Fail}, {day(11, 30), day(11, 10), event.Fail}, {day(11, 1), day(12, 1), event.Fail},
		{day(12, 9), day(11, 10), event.Pass},
	} {
		c.ahead.add(&c, &scorecards.Report{Scorecard: "basics", Results: []scorecards.Result{
			{Rule: "owner", Title: "Owner", Outcome: event.Waived,
				Waiver: &scorecards.WaiverOn{Waiver: waiver.Waiver{Until: x.until}}},
			{Rule: "soon", Title: "Soon", Outcome: x.outcome, Announced: x.counts},
		}}, campaign.Waived)
	}
	want := []string{"2 waived services lose their waiver before the last day.",
		`The rule "Soon" counts from 10 Nov 2026; 2 services fail it now.`}
	if got := c.ahead.notes(); !slices.Equal(got, want) {
		t.Error(got)
	}
}
