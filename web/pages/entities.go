package pages

import (
	"context"

	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/report/sorting"
	"github.com/dxctl/dxctl/web/route"
)

type entitiesView struct {
	layout
	listView
	Rows   []serviceRow
	Text   string
	Fields []pick
	All    int // graded entities that are no services
}

// entities lists the graded entities that are no services.
func (p *Pages) entities(ctx context.Context, r route.Request) (route.Answer, error) {
	services, err := p.reader.Services(ctx)
	if err != nil {
		return route.Answer{}, err
	}
	page, err := route.PageOf(r)
	if err != nil {
		return route.Answer{}, err
	}
	others := report.Services{List: services.Others}
	choices := p.reader.ServiceChoices(others)
	filter, err := route.ServiceFilterOf(r, p.reader, choices)
	if err != nil {
		return route.Answer{}, err
	}
	columns := sorting.Columns(report.EntityColumns)
	order, err := route.OrderOf(r, columns, report.ByName)
	if err != nil {
		return route.Answer{}, err
	}
	fitting := others.Select(filter)
	sorted := sorting.Rows(fitting, report.EntityColumns, order)
	view := entitiesView{
		layout:   p.layout("Other graded entities", "/services"),
		listView: newList("/entities", r, columns, order, page, route.PageSize, len(fitting)).withJSON("/api/v1/entities", r),
		Rows:     serviceRows(report.Part(sorted, page, route.PageSize), filter),
		Text:     filter.Text, All: len(others.List),
	}
	view.Fields, _ = serviceFields(r, choices)
	return p.render("entities", view)
}
