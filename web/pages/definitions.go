package pages

import (
	"context"
	"strings"

	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/web/route"
	"github.com/gofiber/fiber/v2"
)

type definitionsView struct {
	layout
	Definitions []metrics.Definition
}

// definitions lists what is measured.
func (p *Pages) definitions(ctx context.Context, r route.Request) (route.Answer, error) {
	return p.render("definitions", definitionsView{
		layout: p.layout("How the numbers are defined", ""), Definitions: metrics.Definitions(),
	})
}

type definitionView struct {
	layout
	Definition   metrics.Definition
	Completeness []report.LedgerRow
	More         int    // rows of the ledger beyond Completeness
	Ledger       string // the rows of its inputs
	Sum          report.CompletenessSum
}

// definition explains how one number is computed, and shows how complete the data is that it is computed from.
func (p *Pages) definition(ctx context.Context, r route.Request) (route.Answer, error) {
	id := r.Param("id")
	d, ok := metrics.Lookup(id)
	if !ok {
		var ids []string
		for _, known := range metrics.Definitions() {
			ids = append(ids, known.ID)
		}
		return route.Answer{}, fiber.NewError(fiber.StatusNotFound,
			"no metric is called "+id+"; there are "+strings.Join(ids, ", "))
	}
	completeness, err := p.reader.Completeness(ctx, id)
	if err != nil {
		return route.Answer{}, err
	}
	filter := report.LedgerFilter{Kinds: d.Inputs}
	rows, err := p.reader.Ledger(ctx, filter, report.MostMissing, report.Page{Number: 1, Size: route.NamedSize})
	if err != nil {
		return route.Answer{}, err
	}
	totals, err := p.reader.LedgerTotals(ctx, filter)
	if err != nil {
		return route.Answer{}, err
	}
	return p.render("definition", definitionView{
		layout: p.layout(d.Title, ""), Definition: d, Completeness: rows, More: int(totals.Rows) - len(rows),
		Ledger: ledgerPath(d.Inputs), Sum: report.Sum(completeness),
	})
}
