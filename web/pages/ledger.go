package pages

import (
	"context"

	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/web/route"
)

type ledgerView struct {
	layout
	Rows    []report.LedgerRow
	Summary []report.Completeness
	Pages   route.Pager
	Gap     int
	Open    int
	Trouble []string // what the latest collects ended with
	Lost    []string // what of the catalog cannot be read
}

// ledger shows what each source said it has against what is stored.
func (p *Pages) ledger(ctx context.Context, r route.Request) (route.Answer, error) {
	page, err := route.PageOf(r)
	if err != nil {
		return route.Answer{}, err
	}
	rows, err := p.reader.Ledger(ctx, report.LedgerFilter{})
	if err != nil {
		return route.Answer{}, err
	}
	view := ledgerView{
		layout: p.layout("How complete the data is", "/ledger"),
		Rows:   report.Part(rows, page, route.ListSize), Summary: report.Summarize(rows),
	}
	view.Pages = route.NewPager("/ledger", r.Values(), page, route.ListSize, len(rows))
	for _, why := range p.reader.Degraded(ctx) {
		switch why.Check {
		case "collectors":
			view.Trouble = append(view.Trouble, why.Cause)
		case "catalog":
			view.Lost = append(view.Lost, why.Cause)
		}
	}
	for _, s := range view.Summary {
		view.Gap += s.Gap
		view.Open += s.Open
	}
	return p.render("ledger", view)
}
