package pages

import (
	"context"
	"fmt"
	"strings"

	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/report/sorting"
	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/scorecards/campaign"
	"github.com/dxctl/dxctl/web/charts"
	"github.com/dxctl/dxctl/web/route"
)

type campaignsView struct {
	layout
	listView
	Rows     []campaignRow
	Filter   report.CampaignFilter
	Fields   []pick
	All      int
	Problems causes
}

// campaignRow is a campaign in the list.
type campaignRow struct {
	report.Campaign
	DaysLeft int
	Chance   string // of being in time
}

// Path is the page of the campaign.
func (r campaignRow) Path() string { return report.CampaignPath(r.ID) }

// BarText is the bar of a campaign in words.
func (r campaignRow) BarText() string { return standing(r.Now) }

// standing is how many services stand how.
func standing(d campaign.Day) string {
	return fmt.Sprintf("%s reached, %s waived, %s unknown, %s failed", words.Whole(d.Reached), words.Whole(d.Waived),
		words.Whole(d.Unknown), words.Whole(d.Failed))
}

// campaigns lists the campaigns.
func (p *Pages) campaigns(ctx context.Context, r route.Request) (route.Answer, error) {
	page, err := route.PageOf(r)
	if err != nil {
		return route.Answer{}, err
	}
	filter, err := route.CampaignFilterOf(r)
	if err != nil {
		return route.Answer{}, err
	}
	columns := sorting.Columns(report.CampaignColumns)
	order, err := route.OrderOf(r, columns, sorting.Order{})
	if err != nil {
		return route.Answer{}, err
	}
	all, err := p.reader.Campaigns(ctx)
	if err != nil {
		return route.Answer{}, err
	}
	fitting := sorting.Rows(all.Select(filter), report.CampaignColumns, order)
	view := campaignsView{
		layout: p.layout("Campaigns", "/services"),
		listView: newList("/campaigns", r, columns, order, page, route.PageSize, len(fitting)).
			withJSON("/api/v1/campaigns", r),
		Filter: filter, All: len(all.List),
	}
	for _, c := range report.Part(fitting, page, route.PageSize) {
		view.Rows = append(view.Rows, campaignRow{c, c.DaysLeft(p.reader.Now()), c.ChanceCell(p.reader.Now())})
	}
	for _, problem := range all.Problems {
		view.Problems.add(problem)
	}
	var states []choice
	for _, s := range campaign.States {
		states = append(states, choice{string(s), string(s)})
	}
	view.Fields = []pick{newPick("State", "state", filter.State, states)}
	return p.render("campaigns", view)
}

type campaignView struct {
	layout
	listView
	Campaign    *report.Campaign
	DaysLeft    int
	Bar         string
	Chance      string // of being in time
	Rows        []report.CampaignRow
	Filter      report.CampaignRowFilter
	Fields      []pick
	BurnDown    charts.Chart
	HasBurnDown bool
	Forecast    []string // sentences
	Over        bool
}

// campaign shows one campaign: its burn-down, the forecast, and who is left.
func (p *Pages) campaign(ctx context.Context, r route.Request) (route.Answer, error) {
	page, err := route.PageOf(r)
	if err != nil {
		return route.Answer{}, err
	}
	columns := sorting.Columns(report.CampaignRowColumns)
	order, err := route.OrderOf(r, columns, sorting.Order{})
	if err != nil {
		return route.Answer{}, err
	}
	c, err := p.reader.Campaign(ctx, r.Param("campaign"))
	if err != nil {
		return route.Answer{}, err
	}
	filter, err := route.CampaignRowFilterOf(ctx, r, p.reader)
	if err != nil {
		return route.Answer{}, err
	}
	now := p.reader.Now()
	path := report.CampaignPath(c.ID)
	rows := sorting.Rows(c.Select(filter), report.CampaignRowColumns, order)
	view := campaignView{
		layout: p.layout(c.Title, "/services"),
		listView: newList(path, r, columns, order, page, route.PageSize, len(rows)).
			withJSON("/api/v1"+path, r),
		Campaign: &c, DaysLeft: c.DaysLeft(now), Bar: standing(c.Now), Chance: c.ChanceCell(now),
		Rows: report.Part(rows, page, route.PageSize), Filter: filter,
		Forecast: report.ForecastText(&c.Forecast, c.Ends), Over: c.Over(now),
		HasBurnDown: len(c.Days) > 0,
	}
	days := c.Days
	if !view.Over && view.HasBurnDown {
		days = append(days[:len(days):len(days)], c.Now)
	}
	standings := make([]charts.Standing, len(days))
	for i, d := range days {
		standings[i] = charts.Standing{At: d.At, Known: d.Known, Failed: d.Failed, Unknown: d.Unknown, Waived: d.Waived,
			Reached: d.Reached, NotGraded: d.NotGraded}
	}
	view.BurnDown = charts.BurnDown("burndown", "Services by how they stand to the goal, day by day", standings)
	view.Charts = view.HasBurnDown
	var teams []choice
	for _, t := range c.Teams() {
		if t.Owner == "" {
			teams = append(teams, choice{report.NoTeam, fmt.Sprintf("without an owner (%d left)", t.Left)})
			continue
		}
		teams = append(teams, choice{t.Owner, fmt.Sprintf("%s (%d left)", t.Team, t.Left)})
	}
	var verdicts []choice
	for _, v := range route.CampaignVerdicts() {
		label := map[string]string{report.LeftOver: "who is left", report.AnyState: "all"}[v]
		if label == "" {
			label = v
		}
		verdicts = append(verdicts, choice{v, label})
	}
	shown := newPick("Show", "verdict", filter.Verdict, verdicts)
	shown.All = ""
	view.Fields = []pick{shown, newPick("Owner", "team", filter.Team, teams)}
	return p.render("campaign", view)
}

// outcomeOf is the outcome whose sign a verdict has.
func outcomeOf(v campaign.Verdict) string {
	switch v {
	case campaign.Failed:
		return "fail"
	case campaign.Reached:
		return "pass"
	case campaign.Unknown, campaign.Waived:
	}
	return strings.ToLower(string(v))
}
