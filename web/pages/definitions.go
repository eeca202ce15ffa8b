package pages

import (
	"context"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/event"
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
	More         int // rows of the ledger beyond Completeness
	Sum          report.CompletenessSum
}

// definition says how one number is made and how complete the data are that it rests on.
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
	rows, err := p.reader.Ledger(ctx, report.LedgerFilter{})
	if err != nil {
		return route.Answer{}, err
	}
	rows = slices.DeleteFunc(slices.Clone(rows), func(r report.LedgerRow) bool {
		return !slices.ContainsFunc(d.Inputs, func(k event.Kind) bool { return string(k) == r.Kind })
	})
	shown := report.Part(rows, 1, route.NamedSize)
	return p.render("definition", definitionView{
		layout: p.layout(d.Title, ""), Definition: d, Completeness: shown, More: len(rows) - len(shown),
		Sum: report.Sum(completeness),
	})
}
