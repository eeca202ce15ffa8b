package pages

import (
	"context"

	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/report/sorting"
	"github.com/dxctl/dxctl/repository/waiver"
	"github.com/dxctl/dxctl/web/charts"
	"github.com/dxctl/dxctl/web/route"
)

type waiversView struct {
	layout
	listView
	Rows     []report.WaiverRow
	Filter   report.WaiverFilter
	Fields   []pick
	All      int
	States   []stateCount // of all waivers, in the order of their urgency
	Problems causes
	Debt     charts.Chart
	HasDebt  bool
	Notice   int // days
}

type stateCount struct {
	State waiver.State
	N     int
}

// waivers lists the waivers, and shows how many rules were waived over time.
func (p *Pages) waivers(ctx context.Context, r route.Request) (route.Answer, error) {
	page, err := route.PageOf(r)
	if err != nil {
		return route.Answer{}, err
	}
	all, err := p.reader.Waivers(ctx)
	if err != nil {
		return route.Answer{}, err
	}
	filter, err := route.WaiverFilterOf(r, all)
	if err != nil {
		return route.Answer{}, err
	}
	columns := sorting.Columns(report.WaiverColumns)
	order, err := route.OrderOf(r, columns, sorting.Order{})
	if err != nil {
		return route.Answer{}, err
	}
	debt, err := p.reader.WaiverDebt(ctx)
	if err != nil {
		return route.Answer{}, err
	}
	fitting := sorting.Rows(all.Select(filter), report.WaiverColumns, order)
	view := waiversView{
		layout: p.layout("Waivers", "/services"),
		listView: newList("/waivers", r, columns, order, page, route.PageSize, len(fitting)).
			withJSON("/api/v1/waivers", r),
		Rows: report.Part(fitting, page, route.PageSize), Filter: filter, All: len(all.List), HasDebt: len(debt) > 0,
		Notice: waiver.NoticeDays,
	}
	view.Charts = view.HasDebt
	points := make([]charts.Point, len(debt))
	for i, d := range debt {
		points[i] = charts.Point(d)
	}
	view.Debt = charts.Steps("debt", "Waived rules over time", "waived rules", points)
	counts := all.Counts()
	var states []choice
	for _, s := range report.WaiverStates {
		if counts[s] > 0 {
			view.States = append(view.States, stateCount{s, counts[s]})
			states = append(states, choice{string(s), string(s)})
		}
	}
	for _, problem := range all.Problems {
		view.Problems.add(problem)
	}
	view.Fields = []pick{newPick("State", "state", filter.State, states),
		newPick("Team", "team", filter.Team, named(all.Teams()))}
	return p.render("waivers", view)
}
