package pages

import (
	"context"

	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/report/sorting"
	"github.com/dxctl/dxctl/web/route"
)

type adoptionView struct {
	layout
	listView
	Adoption metrics.Adoption
	Filter   report.AdoptionFilter
	Fields   []pick
	Rows     []report.AdoptionRow
	Paths    []metrics.PathAdoption
	MorePath int // golden paths beyond Paths; the API has all
}

// adoption shows how many services follow a golden path, and which.
func (p *Pages) adoption(ctx context.Context, r route.Request) (route.Answer, error) {
	page, err := route.PageOf(r)
	if err != nil {
		return route.Answer{}, err
	}
	a, err := p.reader.Adoption(ctx)
	if err != nil {
		return route.Answer{}, err
	}
	filter, err := route.AdoptionFilterOf(r, a)
	if err != nil {
		return route.Answer{}, err
	}
	columns := sorting.Columns(report.AdoptionColumns)
	order, err := route.OrderOf(r, columns, report.ByName)
	if err != nil {
		return route.Answer{}, err
	}
	fitting := sorting.Rows(p.reader.SelectAdoption(a, filter), report.AdoptionColumns, order)
	shown := a.Paths[:min(len(a.Paths), route.NamedSize)]
	return p.render("adoption", adoptionView{
		layout: p.layout("Golden-path adoption", "/services"),
		listView: newList("/golden-paths", r, columns, order, page, route.PageSize, len(fitting)).
			withJSON("/api/v1/metrics/golden-path-adoption", r),
		Adoption: a, Filter: filter, Rows: report.Part(fitting, page, route.PageSize), Paths: shown,
		MorePath: len(a.Paths) - len(shown),
		Fields: []pick{newPick("State", "state", filter.State, named(report.AdoptionStates)),
			newPick("Golden path", "path", filter.Path, named(report.PathNames(a)))},
	})
}
