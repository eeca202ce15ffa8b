package api

import (
	"context"

	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/report/sorting"
	"github.com/dxctl/dxctl/web/route"
)

// surveyRoutes has the routes of surveys.
func (a *API) surveyRoutes(list lister) []route.Route {
	return []route.Route{
		live(list("/api/v1/surveys", a.surveys,
			"published surveys with what everyone answered, and who took part in those that are not", nil)).
			With(sortedBy(sorting.Columns(report.SurveyListColumns))).
			Answers(report.SurveysDocument{}),
		list("/api/v1/surveys/:survey", a.survey, "results of a published survey, of the groups that are shown",
			route.SurveyFilters).
			With(sortedBy(sorting.Columns(report.SurveyRowColumns), sorting.Columns(report.SurveyItemColumns)),
				perPage(route.APISurveySize),
				route.Parameter{Name: "by", Description: "what the rows are", Values: texts(report.SurveyBys),
					Default: string(report.SurveyByTeam)},
				route.Parameter{Name: "team", Description: "team with its sub-teams"},
				route.Parameter{Name: "tenure", Description: "band of tenure, such as 1 to 3 years"},
				route.Parameter{Name: "golden_path", Description: "on the golden path", Values: []string{"yes", "no"}},
				route.Parameter{Name: "question", Description: "key of a question"}).
			Answers(report.SurveyResultsDocument{}),
		live(route.Get("/api/v1/surveys/:survey/follow-up", a.followUp)).
			Titled("what a published survey goes with, what to fix, and what was done since").
			Answers(report.SurveyFollowUp{}),
	}
}

// followUp has what follows a survey.
func (a *API) followUp(ctx context.Context, r route.Request) (route.Answer, error) {
	after, err := a.reader.SurveyFollowUp(ctx, r.Param("survey"))
	if err != nil {
		return route.Answer{}, err
	}
	return document(after)
}

// surveys lists the published surveys, and who took part in those that are not.
func (a *API) surveys(ctx context.Context, r route.Request) (route.Answer, error) {
	p, err := route.APIPage(r, route.APIListSize)
	if err != nil {
		return route.Answer{}, err
	}
	order, err := route.OrderOf(r, sorting.Columns(report.SurveyListColumns), sorting.Order{})
	if err != nil {
		return route.Answer{}, err
	}
	all, err := a.reader.SurveyDocuments(ctx)
	if err != nil {
		return route.Answer{}, err
	}
	all = sorting.Rows(all, report.SurveyListColumns, order)
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
	p, err := route.APIPage(r, route.APISurveySize)
	if err != nil {
		return route.Answer{}, err
	}
	q, err := route.SurveyQueryOf(r)
	if err != nil {
		return route.Answer{}, err
	}
	q.NoItems = q.By != report.SurveyByQuestion && q.Question == "" // those of the rows of the page are added
	fields := report.AllSurveyColumns(q)
	order, err := route.OrderOf(r, sorting.Columns(fields), sorting.Order{})
	if err != nil {
		return route.Answer{}, err
	}
	x, err := a.reader.SurveyResults(ctx, q)
	if err == nil {
		err = route.SurveyTeam(q, x.Survey)
	}
	if err != nil {
		return route.Answer{}, err
	}
	rows := sorting.Rows(report.SelectSurveyRows(q, x.Rows, r.Query("q", "")), fields, order)
	doc := x.Document(q.By, rows, p)
	if q.NoItems {
		if doc.Everyone, doc.Rows, err = a.reader.WithQuestions(ctx, x, doc.Rows); err != nil {
			return route.Answer{}, err
		}
	}
	doc.Next = route.NextPage("/api/v1"+x.Survey.Path(), r, p, doc.Total)
	return document(doc)
}
