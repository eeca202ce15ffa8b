package web

import (
	"context"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/metrics"
	"github.com/gofiber/fiber/v2"
)

type definitionsView struct {
	layout
	Definitions []metrics.Definition
}

// definitions lists what is measured.
func (a *app) definitions(ctx context.Context, r request) (answer, error) {
	return a.render("definitions", definitionsView{
		layout: a.layout("How the numbers are defined", ""), Definitions: metrics.Definitions(),
	})
}

type definitionView struct {
	layout
	Definition metrics.Definition
	Basis      []ledgerRow
	More       int // rows of the ledger beyond Basis
	Sum        basisView
}

// definition says how one number is made and how complete the data are that it rests on.
func (a *app) definition(ctx context.Context, r request) (answer, error) {
	id := r.Param("id")
	d, ok := metrics.Lookup(id)
	if !ok {
		var ids []string
		for _, known := range metrics.Definitions() {
			ids = append(ids, known.ID)
		}
		return answer{}, fiber.NewError(fiber.StatusNotFound, "no metric is called "+id+"; there are "+strings.Join(ids, ", "))
	}
	basis, err := kept(ctx, a.figures, "basis "+id, func(ctx context.Context) ([]metrics.Basis, error) {
		return a.deps.Metrics.Basis(ctx, id, "")
	})
	if err != nil {
		return answer{}, err
	}
	rows, err := a.ledgerRows(ctx)
	if err != nil {
		return answer{}, err
	}
	rows = slices.DeleteFunc(slices.Clone(rows), func(r ledgerRow) bool {
		return !slices.ContainsFunc(d.Inputs, func(k event.Kind) bool { return string(k) == r.Kind })
	})
	shown := part(rows, 1, namedSize)
	return a.render("definition", definitionView{
		layout: a.layout(d.Title, ""), Definition: d, Basis: shown, More: len(rows) - len(shown), Sum: sumBasis(basis),
	})
}
