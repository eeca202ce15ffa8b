package api

import (
	"context"

	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/report/sorting"
	"github.com/dxctl/dxctl/web/route"
)

// batchRoutes are the addresses of batches of fixes, and of how fixes did.
func (a *API) batchRoutes(list lister) []route.Route {
	return []route.Route{
		list("/api/v1/batches", a.batches, "batches of fixes: pull requests in waves, what became of them, what the grades "+
			"after the merges say", route.BatchFilters).
			With(sortedBy(sorting.Columns(report.BatchColumns)), oneOf("status", "status of the batch", report.BatchStatuses)).
			Answers(report.BatchesDocument{}),
		list("/api/v1/batches/:batch", a.batch, "one batch with its fixes", route.FixRunFilters).
			With(sortedBy(sorting.Columns(report.FixRunColumns)), oneOf("state", "what became of the fix", report.Fates)).
			Answers(report.BatchDetail{}),
		route.Get("/api/v1/batches/:batch/:namespace/:name", a.fixJournal).
			Titled("the journal of the fix of one service in a batch").Answers(report.FixJournal{}),
		list("/api/v1/fixes", a.fixRates, "the success and revert rate of the fixes of each rule", route.FixRateFilters).
			With(sortedBy(sorting.Columns(report.FixRateColumns))).Answers(report.FixRatesDocument{}),
	}
}

// batches lists the batches.
func (a *API) batches(ctx context.Context, r route.Request) (route.Answer, error) {
	p, err := route.APIPage(r, route.APIListSize)
	if err != nil {
		return route.Answer{}, err
	}
	filter, err := route.BatchFilterOf(r)
	if err != nil {
		return route.Answer{}, err
	}
	order, err := route.OrderOf(r, sorting.Columns(report.BatchColumns), report.LatestBatches)
	if err != nil {
		return route.Answer{}, err
	}
	all, err := a.reader.Batches(ctx)
	if err != nil {
		return route.Answer{}, err
	}
	doc := report.NewBatchesDocument(sorting.Rows(report.SelectBatches(all, filter), report.BatchColumns, order), p)
	doc.Next = route.NextPage("/api/v1/batches", r, p, doc.Total)
	return document(doc)
}

// batch has one batch with its fixes.
func (a *API) batch(ctx context.Context, r route.Request) (route.Answer, error) {
	p, err := route.APIPage(r, route.APIListSize)
	if err != nil {
		return route.Answer{}, err
	}
	filter, err := route.FixRunFilterOf(r)
	if err != nil {
		return route.Answer{}, err
	}
	order, err := route.OrderOf(r, sorting.Columns(report.FixRunColumns), report.ByWave)
	if err != nil {
		return route.Answer{}, err
	}
	b, err := a.reader.Batch(ctx, r.Param("batch"))
	if err != nil {
		return route.Answer{}, err
	}
	doc := report.NewBatchDetail(b, sorting.Rows(b.Select(filter), report.FixRunColumns, order), p)
	doc.Next = route.NextPage("/api/v1"+b.Path(), r, p, doc.Total)
	return document(doc)
}

// fixJournal has the journal of a fix.
func (a *API) fixJournal(ctx context.Context, r route.Request) (route.Answer, error) {
	journal, err := a.reader.FixJournal(ctx, r.Param("batch"), r.ServiceRef())
	if err != nil {
		return route.Answer{}, err
	}
	return document(journal)
}

// fixRates lists how the fixes of rules did.
func (a *API) fixRates(ctx context.Context, r route.Request) (route.Answer, error) {
	p, err := route.APIPage(r, route.APIListSize)
	if err != nil {
		return route.Answer{}, err
	}
	order, err := route.OrderOf(r, sorting.Columns(report.FixRateColumns), sorting.Order{})
	if err != nil {
		return route.Answer{}, err
	}
	rates, err := a.reader.FixRates(ctx)
	if err != nil {
		return route.Answer{}, err
	}
	rows := sorting.Rows(report.SelectFixRates(rates, r.Query("q", "")), report.FixRateColumns, order)
	doc := report.NewFixRatesDocument(rows, p)
	doc.Next = route.NextPage("/api/v1/fixes", r, p, doc.Total)
	return document(doc)
}
