package api

import (
	"context"

	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/report/sorting"
	"github.com/dxctl/dxctl/web/route"
)

// surveys lists the published surveys, and who took part in those that are not.
func (a *API) surveys(ctx context.Context, r route.Request) (route.Answer, error) {
	p, err := route.APIPage(r, route.APIListSize)
	if err != nil {
		return route.Answer{}, err
	}
	all, err := a.reader.SurveyDocuments(ctx)
	if err != nil {
		return route.Answer{}, err
	}
	open, err := a.reader.Participation(ctx)
	if err != nil {
		return route.Answer{}, err
	}
	doc := report.SurveysDocument{Total: len(all), Surveys: append([]report.SurveyDocument{}, report.PageOf(all, p)...),
		Open: open}
	doc.Next = route.NextPage("/api/v1/surveys", r, p, doc.Total)
	return document(doc)
}

// survey has results of a survey.
func (a *API) survey(ctx context.Context, r route.Request) (route.Answer, error) {
	p, err := route.APIPage(r, route.APIListSize)
	if err != nil {
		return route.Answer{}, err
	}
	q, err := route.SurveyQueryOf(r)
	if err != nil {
		return route.Answer{}, err
	}
	fields := report.SurveyColumns(q)
	order, err := route.OrderOf(r, sorting.Columns(fields), sorting.Order{})
	if err != nil {
		return route.Answer{}, err
	}
	x, err := a.reader.SurveyResults(ctx, q)
	if err != nil {
		return route.Answer{}, err
	}
	rows := sorting.Rows(report.SelectSurveyRows(x.Rows, r.Query("q", "")), fields, order)
	doc := x.Document(q.By, rows, p)
	doc.Next = route.NextPage("/api/v1"+x.Survey.Path(), r, p, doc.Total)
	return document(doc)
}
