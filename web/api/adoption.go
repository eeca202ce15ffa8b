package api

import (
	"context"

	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/report/sorting"
	"github.com/dxctl/dxctl/web/route"
)

const adoptionPath = "/api/v1/metrics/golden-path-adoption"

// adoption has which services follow a golden path.
func (a *API) adoption(ctx context.Context, r route.Request) (route.Answer, error) {
	p, err := route.APIPage(r, route.APIListSize)
	if err != nil {
		return route.Answer{}, err
	}
	all, err := a.reader.Adoption(ctx)
	if err != nil {
		return route.Answer{}, err
	}
	filter, err := route.AdoptionFilterOf(r, all)
	if err != nil {
		return route.Answer{}, err
	}
	order, err := route.OrderOf(r, sorting.Columns(report.AdoptionColumns), report.ByName)
	if err != nil {
		return route.Answer{}, err
	}
	rows := sorting.Rows(a.reader.SelectAdoption(all, filter), report.AdoptionColumns, order)
	doc := report.NewAdoptionDocument(all, rows, p)
	doc.Next = route.NextPage(adoptionPath, r, p, doc.SubjectsTotal)
	return document(doc)
}
