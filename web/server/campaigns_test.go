package server_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/report"
)

// TestCampaignOverStoredGrades: the burn-down has the days on which something was known, and nothing between.
func TestCampaignOverStoredGrades(t *testing.T) {
	var events []event.Event
	// Three services were graded on 25 October; one of them reached silver on 2 November, and lost it on the 9th.
	for _, g := range []struct {
		day     int // of October; 32 is 1 November
		service string
		rule    string
		outcome event.Outcome
	}{
		{25, "payment-service", "owner", event.Pass}, {25, "payment-service", "readme", event.Pass},
		{25, "payment-service", "ci", event.Fail}, {25, "user-service", "owner", event.Pass},
		{25, "user-service", "readme", event.Fail}, {25, "user-service", "ci", event.Unknown},
		{25, "orphan-service", "owner", event.Fail},
		{33, "payment-service", "ci", event.Waived}, {40, "payment-service", "ci", event.Unknown},
	} {
		events = append(events, event.Grade{
			Entity: "component:default/" + g.service, Scorecard: "test-path", Rule: g.rule, RuleVersion: 1, Level: "bronze",
			Outcome: g.outcome, Reason: "r", EvaluatedAt: time.Date(2026, 10, g.day, 9, 0, 0, 0, time.UTC),
		})
	}
	f := newFixture(t, testCatalog, testPeople, events)
	var doc report.CampaignDetail
	if err := json.Unmarshal([]byte(f.page(t, "/api/v1/campaigns/silver")), &doc); err != nil {
		t.Fatal(err)
	}
	stood := map[string]string{}
	for _, d := range doc.Days {
		stood[d.At.Format("01-02")] = strings.Join([]string{map[bool]string{true: "known", false: "not known"}[d.Known],
			string(rune('0' + d.Failed)), string(rune('0' + d.Unknown)), string(rune('0' + d.Waived)), string(rune('0' + d.NotGraded))},
			" ")
	}
	for day, want := range map[string]string{
		"10-19": "not known 0 0 0 3", "10-25": "not known 0 0 0 3", "10-26": "known 3 0 0 0", "11-02": "known 3 0 0 0",
		"11-03": "known 2 0 1 0", "11-09": "known 2 0 1 0", "11-10": "known 2 1 0 0", "11-18": "known 2 1 0 0",
	} {
		if stood[day] != want {
			t.Errorf("%s: %q, want %q", day, stood[day], want)
		}
	}
	if len(doc.Days) != 31 || doc.Forecast.Known || !strings.Contains(doc.Forecast.Why, "no more services reached") {
		t.Errorf("%d days, %+v", len(doc.Days), doc.Forecast)
	}
	for _, row := range doc.Rows {
		since := "not known"
		if row.Since != nil {
			since = row.Since.Format("01-02")
		}
		want := map[string]string{"payment-service": "11-09", "orphan-service": "10-25",
			"user-service": "not known"}[row.Name] // it failed when it was last graded, and is unknown now
		if since != want || row.SinceFirst != (row.Name == "orphan-service") || len(row.Missing) == 0 {
			t.Errorf("%s is %s since %s, want %s; %+v", row.Name, row.Verdict, since, want, row.Missing)
		}
	}
	page := f.page(t, "/campaigns/silver")
	for _, want := range []string{"26 Oct 2026", "not known", "9 Nov 2026"} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is not on the page", want)
		}
	}
	for path, want := range map[string]bool{ // whether nothing fits
		"/campaigns/silver?verdict=all&team=Payments":             false,
		"/campaigns/silver?verdict=all&team=group:team-payments":  false,
		"/campaigns/readmes?verdict=all&team=Payments":            false,
		"/campaigns/readmes?verdict=all&team=team-ledger":         true,
		"/campaigns/readmes?verdict=all&team=group%3Ateam-ledger": true,
	} {
		if got := strings.Contains(f.page(t, path), "No service fits this filter."); got != want {
			t.Errorf("%s: nothing fits: %t", path, got)
		}
	}
	metrics := f.page(t, "/metrics")
	for _, want := range []string{
		`dxctl_campaign_services{campaign="silver",state="failed"} 1`,
		`dxctl_campaign_services{campaign="silver",state="unknown"} 2`,
		`dxctl_campaign_end_timestamp_seconds{campaign="silver"} 1.7976384e+09`,
		`dxctl_waivers{state="requested"} 4`, `dxctl_waivers{state="expired"} 0`,
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("%s is not a metric", want)
		}
	}
	if strings.Contains(metrics, `campaign="readmes"`) {
		t.Error("a campaign that is over has gauges")
	}
}

// TestWaysSayWhatToDo: the steps of "The cheapest way to …" have what to do, the command that explains, and the waiver,
// as those of "What to do next" have.
func TestWaysSayWhatToDo(t *testing.T) {
	page := sharedFixture(t).page(t, "/services/default/user-service")
	_, ways, found := strings.Cut(page, "The cheapest way to ")
	if !found {
		t.Fatal("there is no way")
	}
	way, _, _ := strings.Cut(ways, `<p class="legend">`)
	for _, want := range []string{"Fix it", "lifts it to bronze", "score +", "dxctl grade user-service --rule ",
		"how, and who passes it", "<summary>Ask for a waiver</summary>", "dxctl waiver request user-service --rule test-path/"} {
		if !strings.Contains(way, want) {
			t.Errorf("%q is not in %s", want, way)
		}
	}
	if strings.Contains(page, "exception") {
		t.Error("a waiver is called an exception")
	}
}
