package web

import (
	"context"
	"slices"
	"strings"
)

type ledgerView struct {
	layout
	Rows    []ledgerRow
	Summary []completeness
	Pages   pager
	Gap     int
	Open    int
	Trouble []string // what the latest collects ended with
	Lost    []string // what of the catalog cannot be read
}

// ledger shows what each source said it has against what is stored.
func (a *app) ledger(ctx context.Context, r request) (answer, error) {
	page, err := pageOf(r)
	if err != nil {
		return answer{}, err
	}
	rows, err := a.ledgerRows(ctx)
	if err != nil {
		return answer{}, err
	}
	view := ledgerView{layout: a.layout("How complete the data is", "/ledger"), Rows: part(rows, page, listSize), Summary: sorted(summarise(rows))}
	view.Pages = newPager("/ledger", r.Values(), page, listSize, len(rows))
	for _, why := range a.degraded(ctx) {
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
	return a.render("ledger", view)
}

func sorted(rows []completeness) []completeness {
	slices.SortFunc(rows, func(x, y completeness) int {
		if c := strings.Compare(x.Source, y.Source); c != 0 {
			return c
		}
		return strings.Compare(x.Kind, y.Kind)
	})
	return rows
}
