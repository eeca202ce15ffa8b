package pages

import (
	"context"
	"net/url"
	"slices"

	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/report/sorting"
	"github.com/dxctl/dxctl/web/charts"
	"github.com/dxctl/dxctl/web/route"
)

type surveysView struct {
	layout
	listView
	Rows  []report.SurveyDocument
	Open  []report.Participation
	Trend charts.Chart
}

// surveys lists the published surveys, with the index over time, and who took part in those that are not published.
func (p *Pages) surveys(ctx context.Context, r route.Request) (route.Answer, error) {
	page, err := route.PageOf(r)
	if err != nil {
		return route.Answer{}, err
	}
	columns := sorting.Columns(report.SurveyListColumns)
	order, err := route.OrderOf(r, columns, sorting.Order{})
	if err != nil {
		return route.Answer{}, err
	}
	all, err := p.reader.SurveyDocuments(ctx)
	if err != nil {
		return route.Answer{}, err
	}
	rows := sorting.Rows(all, report.SurveyListColumns, order)
	open, err := p.reader.Participation(ctx)
	if err != nil {
		return route.Answer{}, err
	}
	view := surveysView{
		layout: p.layout("Surveys", "/surveys"),
		listView: newList("/surveys", r, columns, order, page, route.PageSize, len(all)).
			withJSON("/api/v1/surveys", r),
		Rows: report.Part(rows, page, route.PageSize), Open: open,
	}
	view.Trend = trendOf(all)
	view.Charts = len(all) > 0
	return p.render("surveys", view)
}

// trendOf draws the index and its dimensions of everyone; surveys are the latest first.
func trendOf(all []report.SurveyDocument) charts.Chart {
	all = slices.Clone(all)
	slices.Reverse(all)
	var ids []string
	trends := []charts.Trend{{Name: report.IndexName}}
	keys := []string{""}
	for _, d := range []string{"feedback_loops", "cognitive_load", "flow"} {
		trends, keys = append(trends, charts.Trend{Name: report.DimensionNames[d]}), append(keys, d)
	}
	for _, s := range all {
		ids = append(ids, s.ID)
		for i, key := range keys {
			measure := report.SurveyDimension
			if key == "" {
				measure = report.SurveyIndex
			}
			var value *float64
			if n := s.Everyone.Number(measure, key); n != nil {
				value = n.Score.Value
			}
			trends[i].Values = append(trends[i].Values, value)
		}
	}
	return charts.Trends("trend", "The experience index of everyone and its dimensions, 0 to 100", ids, trends)
}

type surveyView struct {
	layout
	listView
	Survey    report.Survey
	Before    *report.Survey
	Everyone  report.SurveyRow
	Rows      []report.SurveyRow
	Query     report.SurveyQuery
	Text      string
	Fields    []pick
	Questions bool // the rows are questions
}

// Stats are the index and the dimensions of everyone.
func (v surveyView) Stats() []report.SurveyNumber {
	var stats []report.SurveyNumber
	for _, n := range v.Everyone.Numbers {
		if n.Measure != report.SurveyItems {
			stats = append(stats, n)
		}
	}
	return stats
}

// QuestionPath is the page of a question of the survey.
func (v surveyView) QuestionPath(key string) string { return questionPath(v.Survey.ID, key) }

func questionPath(survey, key string) string {
	return report.SurveyPath(survey) + "/questions/" + url.PathEscape(key)
}

// survey shows the results of a survey: everyone, and the groups or questions that are chosen.
func (p *Pages) survey(ctx context.Context, r route.Request) (route.Answer, error) {
	page, err := route.PageOf(r)
	if err != nil {
		return route.Answer{}, err
	}
	q, err := route.SurveyQueryOf(r)
	if err != nil {
		return route.Answer{}, err
	}
	if r.Query("by", "") == "" {
		q.By = report.SurveyByQuestion
	}
	q.NoItems = true // the columns of groups
	fields := report.SurveyColumns(q)
	columns := sorting.Columns(fields)
	order, err := route.OrderOf(r, columns, sorting.Order{})
	if err != nil {
		return route.Answer{}, err
	}
	x, err := p.reader.SurveyResults(ctx, q)
	if err == nil {
		err = route.SurveyTeam(q, x.Survey)
	}
	if err != nil {
		return route.Answer{}, err
	}
	text := r.Query("q", "")
	rows := sorting.Rows(report.SelectSurveyRows(q, x.Rows, text), fields, order)
	view := surveyView{
		layout: p.layout(x.Survey.Title, "/surveys"),
		listView: newList(x.Survey.Path(), r, columns, order, page, route.PageSize, len(rows)).
			withJSON("/api/v1"+x.Survey.Path(), r),
		Survey: x.Survey, Before: x.Before, Everyone: x.Everyone, Rows: report.Part(rows, page, route.PageSize), Query: q,
		Text: text, Questions: q.By == report.SurveyByQuestion || q.Question != "",
	}
	if r.Query("by", "") == "" {
		view.JSON = with(view.JSON, "by", string(q.By)) // the API lists teams by default
	}
	by := newPick("Show by", "by", string(q.By), []choice{{"question", "question"}, {"team", "team"}, {"tenure", "tenure"},
		{"golden-path", "golden path"}})
	by.All = "question"
	by.Choices = by.Choices[1:]
	view.Fields = []pick{by, newPick("Team", "team", q.Group.Team, named(surveyTeams(x.Survey)))}
	return p.render("survey", view)
}

// surveyTeams are the teams that are shown, in the order of their names.
func surveyTeams(s report.Survey) []string {
	var teams []string
	for team := range s.Parents {
		teams = append(teams, team)
	}
	slices.Sort(teams)
	return teams
}

type questionView struct {
	layout
	Survey       report.Survey
	Item         report.SurveyItem
	Number       *report.SurveyNumber // of everyone; nil: hidden
	Distribution charts.Chart
	Teams        []report.SurveyRow
	More         int // teams that are not listed
	Rules        []report.LinkedRule
	Done         report.DoneSince // by the rules that there are
}

// mostTeams is how many teams the page of a question lists; the page of the survey has all.
const mostTeams = 50

// question shows the distribution of a question over the surveys, and its results by team.
func (p *Pages) question(ctx context.Context, r route.Request) (route.Answer, error) {
	q := report.SurveyQuery{Survey: r.Param("survey"), By: report.SurveyByTeam, Question: r.Param("question")}
	x, err := p.reader.SurveyResults(ctx, q)
	if err != nil {
		return route.Answer{}, err
	}
	points, err := p.reader.SurveyTrend(ctx, report.SurveyGroup{}, report.SurveyItems, q.Question)
	if err != nil {
		return route.Answer{}, err
	}
	view := questionView{Survey: x.Survey, Number: x.Everyone.Number(report.SurveyItems, q.Question),
		Teams: x.Rows[:min(mostTeams, len(x.Rows))], More: max(0, len(x.Rows)-mostTeams)}
	view.Teams = slices.DeleteFunc(slices.Clone(view.Teams), func(r report.SurveyRow) bool { return len(r.Numbers) == 0 })
	view.Item, _ = x.Survey.Item(q.Question)
	view.Rules = p.reader.LinkedRules(view.Item.Rules)
	if view.Done, err = p.reader.SurveyDone(ctx, x.Survey, view.Item.Key); err != nil {
		return route.Answer{}, err
	}
	view.layout = p.layout(view.Item.Text, "/surveys")
	var answered []charts.Answered
	for _, point := range points {
		a := charts.Answered{Survey: point.Survey.ID}
		if n := point.Number; n != nil && n.Lowest == view.Item.Min && len(n.Counts) == view.Item.Max-view.Item.Min+1 {
			a.Counts = n.Counts
		}
		answered = append(answered, a)
	}
	view.Distribution = charts.Distribution("distribution", "Answers of everyone by survey, the worst at the bottom",
		view.Item.Min, answered)
	view.Charts = true
	return p.render("question", view)
}

type followUpView struct {
	layout
	After *report.SurveyFollowUp
}

// shownTeams is how many teams in which a question hurts the page names.
const shownTeams = 5

// QuestionPath is the page of a question of the survey.
func (v followUpView) QuestionPath(key string) string { return questionPath(v.After.ID, key) }

// followUp shows what a survey goes with, what to fix, and what was done since.
func (p *Pages) followUp(ctx context.Context, r route.Request) (route.Answer, error) {
	after, err := p.reader.SurveyFollowUp(ctx, r.Param("survey"))
	if err != nil {
		return route.Answer{}, err
	}
	return p.render("followup", followUpView{layout: p.layout("After the survey: "+after.Title, "/surveys"), After: after})
}
