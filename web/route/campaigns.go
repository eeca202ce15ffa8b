package route

import (
	"context"

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

// CampaignRowFilterOf reads the filter of the services of a campaign. An owner that the catalog has and the campaign
// has not is a filter that nothing fits.
func CampaignRowFilterOf(ctx context.Context, r Request, reader *report.Reader) (report.CampaignRowFilter, error) {
	f := report.CampaignRowFilter{Text: r.Query("q", ""), Verdict: r.Query("verdict", report.LeftOver),
		Team: r.Query("team", "")}
	if err := OneOf("verdict", f.Verdict, CampaignVerdicts()...); err != nil || f.Team == "" {
		return f, err
	}
	team, known, err := reader.CampaignOwner(ctx, f.Team)
	if err != nil {
		return f, err
	}
	if team == "" {
		return f, OneOf("team", f.Team, known...)
	}
	f.Team = team
	return f, nil
}
