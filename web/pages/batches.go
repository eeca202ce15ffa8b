package pages

import (
	"context"

	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/report/sorting"
	"github.com/dxctl/dxctl/web/route"
)

type batchesView struct {
	layout
	listView
	Rows   []report.Batch
	Filter report.BatchFilter
	Fields []pick
	All    int
}

// batches lists the batches of fixes.
func (p *Pages) batches(ctx context.Context, r route.Request) (route.Answer, error) {
	page, err := route.PageOf(r)
	if err != nil {
		return route.Answer{}, err
	}
	filter, err := route.BatchFilterOf(r)
	if err != nil {
		return route.Answer{}, err
	}
	columns := sorting.Columns(report.BatchColumns)
	order, err := route.OrderOf(r, columns, report.LatestBatches)
	if err != nil {
		return route.Answer{}, err
	}
	all, err := p.reader.Batches(ctx)
	if err != nil {
		return route.Answer{}, err
	}
	fitting := sorting.Rows(report.SelectBatches(all, filter), report.BatchColumns, order)
	return p.render("batches", batchesView{
		layout: p.layout("Batches of fixes", "/services"),
		listView: newList("/batches", r, columns, order, page, route.PageSize, len(fitting)).
			withJSON("/api/v1/batches", r),
		Rows: report.Part(fitting, page, route.PageSize), Filter: filter, All: len(all),
		Fields: []pick{newPick("Status", "status", filter.Status, named(report.BatchStatuses))},
	})
}

type batchView struct {
	layout
	listView
	Batch  report.Batch
	Rows   []report.FixRun
	Filter report.FixRunFilter
	Fields []pick
}

// batch shows one batch with what became of its fixes.
func (p *Pages) batch(ctx context.Context, r route.Request) (route.Answer, error) {
	page, err := route.PageOf(r)
	if err != nil {
		return route.Answer{}, err
	}
	filter, err := route.FixRunFilterOf(r)
	if err != nil {
		return route.Answer{}, err
	}
	columns := sorting.Columns(report.FixRunColumns)
	order, err := route.OrderOf(r, columns, report.ByWave)
	if err != nil {
		return route.Answer{}, err
	}
	b, err := p.reader.Batch(ctx, r.Param("batch"))
	if err != nil {
		return route.Answer{}, err
	}
	fitting := sorting.Rows(b.Select(filter), report.FixRunColumns, order)
	var states []choice
	for _, f := range report.Fates {
		if b.Of(f) > 0 {
			states = append(states, choice{string(f), string(f)})
		}
	}
	return p.render("batch", batchView{
		layout: p.layout("Batch "+b.ID, "/services"),
		listView: newList(b.Path(), r, columns, order, page, route.PageSize, len(fitting)).
			withJSON("/api/v1"+b.Path(), r),
		Batch: b, Rows: report.Part(fitting, page, route.PageSize), Filter: filter,
		Fields: []pick{newPick("State", "state", filter.State, states)},
	})
}

type fixJournalView struct {
	layout
	report.FixJournal
	BatchPath string
}

// fixJournal shows what happened in the fix of one service of a batch.
func (p *Pages) fixJournal(ctx context.Context, r route.Request) (route.Answer, error) {
	journal, err := p.reader.FixJournal(ctx, r.Param("batch"), r.ServiceRef())
	if err != nil {
		return route.Answer{}, err
	}
	return p.render("fixjournal", fixJournalView{
		layout: p.layout("Fix of "+journal.Name, "/services"), FixJournal: journal,
		BatchPath: report.BatchPath(journal.Batch),
	})
}

type fixRatesView struct {
	layout
	listView
	Rows   []report.FixRate
	Text   string // the filter
	Enough int    // graded fixes from which on a rate orders the cheapest way up
	All    int
}

// fixRates lists how the fixes of each rule did.
func (p *Pages) fixRates(ctx context.Context, r route.Request) (route.Answer, error) {
	page, err := route.PageOf(r)
	if err != nil {
		return route.Answer{}, err
	}
	columns := sorting.Columns(report.FixRateColumns)
	order, err := route.OrderOf(r, columns, sorting.Order{})
	if err != nil {
		return route.Answer{}, err
	}
	all, err := p.reader.FixRates(ctx)
	if err != nil {
		return route.Answer{}, err
	}
	text := r.Query("q", "")
	fitting := sorting.Rows(report.SelectFixRates(all, text), report.FixRateColumns, order)
	return p.render("fixrates", fixRatesView{
		layout: p.layout("Results of fixes", "/services"),
		listView: newList("/fixes", r, columns, order, page, route.PageSize, len(fitting)).
			withJSON("/api/v1/fixes", r),
		Rows: report.Part(fitting, page, route.PageSize), Text: text, Enough: report.EnoughFixes, All: len(all),
	})
}
