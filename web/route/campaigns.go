package route

import (
	"slices"

	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/scorecards/campaign"
)

// The filters of campaigns, and of the services of one.
var (
	CampaignFilters    = []string{"q", "state"}
	CampaignRowFilters = []string{"q", "verdict", "team"}
)

// CampaignFilterOf reads the filter of the list of campaigns.
func CampaignFilterOf(r Request) (report.CampaignFilter, error) {
	f := report.CampaignFilter{Text: r.Query("q", ""), State: r.Query("state", "")}
	if f.State == "" {
		return f, nil
	}
	states := make([]string, len(campaign.States))
	for i, s := range campaign.States {
		states[i] = string(s)
	}
	return f, OneOf("state", f.State, states...)
}

// CampaignVerdicts are what the services of a campaign can be filtered by.
func CampaignVerdicts() []string {
	words := []string{report.LeftOver}
	for _, v := range campaign.Verdicts {
		words = append(words, string(v))
	}
	return append(words, report.AnyState)
}

// CampaignRowFilterOf reads the filter of the services of a campaign.
func CampaignRowFilterOf(r Request, c *report.Campaign) (report.CampaignRowFilter, error) {
	f := report.CampaignRowFilter{Text: r.Query("q", ""), Verdict: r.Query("verdict", report.LeftOver),
		Team: r.Query("team", "")}
	if err := OneOf("verdict", f.Verdict, CampaignVerdicts()...); err != nil || f.Team == "" {
		return f, err
	}
	known := []string{report.NoTeam}
	for _, t := range c.Teams() {
		known = append(known, t.Team, t.Owner)
	}
	known = slices.DeleteFunc(known, func(name string) bool { return name == "" })
	if ref, err := entityRef("team", f.Team, "group"); err == nil && !slices.Contains(known, f.Team) {
		f.Team = ref
	}
	return f, OneOf("team", f.Team, known...)
}
