package pages

import (
	"context"

	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/report/sorting"
	"github.com/dxctl/dxctl/web/route"
)

type unmappedView struct {
	layout
	listView
	Rows   []report.UnmappedScope
	Filter report.UnmappedFilter
	Fields []pick
	All    int // scopes
}

// unmapped lists the scopes of the records that no service of the catalog claims.
func (p *Pages) unmapped(ctx context.Context, r route.Request) (route.Answer, error) {
	page, err := route.PageOf(r)
	if err != nil {
		return route.Answer{}, err
	}
	filter, err := route.UnmappedFilterOf(ctx, r, p.reader)
	if err != nil {
		return route.Answer{}, err
	}
	columns := sorting.Heads(report.UnmappedColumns)
	order, err := route.OrderOf(r, columns, report.MostRecords)
	if err != nil {
		return route.Answer{}, err
	}
	rows, total, err := p.reader.Unmapped(ctx, filter, order, report.Page{Number: page, Size: route.CardSize})
	if err != nil {
		return route.Answer{}, err
	}
	providers, err := p.reader.UnmappedProviders(ctx)
	if err != nil {
		return route.Answer{}, err
	}
	view := unmappedView{
		layout:   p.layout("Unmapped records", "/ledger"),
		listView: newList("/unmapped", r, columns, order, page, route.CardSize, total).withJSON("/api/v1/unmapped", r),
		Rows:     rows, Filter: filter,
	}
	view.Table = false
	var names []string
	for _, provider := range providers {
		names = append(names, provider.Provider)
		view.All += provider.Scopes
	}
	view.Fields = []pick{newPick("Provider", "provider", filter.Provider, named(names))}
	return p.render("unmapped", view)
}
