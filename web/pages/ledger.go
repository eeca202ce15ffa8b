package pages

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/report/sorting"
	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/web/route"
)

type ledgerView struct {
	layout
	listView
	Rows    []report.LedgerRow
	Filter  report.LedgerFilter
	Fields  []pick
	All     report.LedgerTotals // of the whole ledger
	Trouble causes              // what the latest collects ended with
	Lost    causes              // what of the catalog cannot be read
}

// causes are the first of what is wrong; More are left out.
type causes struct {
	Texts []string
	More  int
}

func (c *causes) add(text string) {
	if len(c.Texts) == route.NamedSize {
		c.More++
		return
	}
	c.Texts = append(c.Texts, text)
}

// ledger shows what each source said it has against what is stored.
func (p *Pages) ledger(ctx context.Context, r route.Request) (route.Answer, error) {
	page, err := route.PageOf(r)
	if err != nil {
		return route.Answer{}, err
	}
	filter, err := route.LedgerFilterOf(ctx, r, p.reader)
	if err != nil {
		return route.Answer{}, err
	}
	columns := sorting.Heads(report.LedgerColumns)
	order, err := route.OrderOf(r, columns, report.MostMissing)
	if err != nil {
		return route.Answer{}, err
	}
	view := ledgerView{layout: p.layout("Data quality", "/ledger"), Filter: filter}
	var fitting report.LedgerTotals
	var sources []string
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		view.Rows, err = p.reader.Ledger(gctx, filter, order, report.Page{Number: page, Size: route.PageSize})
		return err
	})
	g.Go(func() (err error) { fitting, err = p.reader.LedgerTotals(gctx, filter); return err })
	g.Go(func() (err error) { view.All, err = p.reader.LedgerTotals(gctx, report.LedgerFilter{}); return err })
	g.Go(func() (err error) { sources, err = p.reader.SourceNames(gctx); return err })
	if err := g.Wait(); err != nil {
		return route.Answer{}, err
	}
	view.listView = newList("/ledger", r, columns, order, page, route.PageSize, int(fitting.Rows)).
		withJSON("/api/v1/ledger", r)
	kinds := make([]choice, len(report.LedgerKinds))
	for i, kind := range report.LedgerKinds {
		kinds[i] = choice{string(kind), words.KindName(string(kind))}
	}
	view.Fields = []pick{newPick("Source", "source", filter.Source, named(sources)),
		newPick("Kind", "kind", r.Query("kind", ""), kinds)}
	for _, why := range p.reader.Degraded(ctx) {
		switch why.Check {
		case "collectors":
			view.Trouble.add(why.Cause)
		case "catalog":
			view.Lost.add(why.Cause)
		}
	}
	return p.render("ledger", view)
}
