package pages

import (
	"context"

	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/report/sorting"
	"github.com/dxctl/dxctl/web/route"
)

type teamsView struct {
	layout
	listView
	Rows []teamRow
	Text string
	All  int // teams
}

// teams lists the teams that own services.
func (p *Pages) teams(ctx context.Context, r route.Request) (route.Answer, error) {
	teams, err := p.reader.Teams(ctx)
	if err != nil {
		return route.Answer{}, err
	}
	page, err := route.PageOf(r)
	if err != nil {
		return route.Answer{}, err
	}
	columns := sorting.Columns(report.TeamColumns)
	order, err := route.OrderOf(r, columns, report.ByName)
	if err != nil {
		return route.Answer{}, err
	}
	text := r.Query("q", "")
	fitting := sorting.Rows(teams.Select(text), report.TeamColumns, order)
	return p.render("teams", teamsView{
		layout:   p.layout("Teams", "/services"),
		listView: newList("/teams", r, columns, order, page, route.PageSize, len(fitting)).withJSON("/api/v1/teams", r),
		Rows:     p.teamRows(report.Part(fitting, page, route.PageSize), teams), Text: text, All: len(teams.List),
	})
}
