package api

import (
	"context"

	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/report/sorting"
	"github.com/dxctl/dxctl/web/route"
)

// scorecards lists the scorecards.
func (a *API) scorecards(ctx context.Context, r route.Request) (route.Answer, error) {
	reader, past, err := a.readerOf(ctx, r)
	if err != nil {
		return route.Answer{}, err
	}
	p, err := route.APIPage(r, route.APIListSize)
	if err != nil {
		return route.Answer{}, err
	}
	filter, err := route.CardFilterOf(r)
	if err != nil {
		return route.Answer{}, err
	}
	order, err := route.OrderOf(r, sorting.Columns(report.CardColumns), sorting.Order{})
	if err != nil {
		return route.Answer{}, err
	}
	cards, err := reader.Cards(ctx)
	if err != nil {
		return route.Answer{}, err
	}
	list := sorting.Rows(report.SelectCards(cards, filter), report.CardColumns, order)
	doc := report.NewCardsDocument(list, p)
	doc.Past = past
	doc.Next = route.NextPageAsOf("/api/v1/scorecards", r, p, doc.Total, past.AsOf)
	return document(doc)
}

// scorecard has one scorecard with its rules.
func (a *API) scorecard(ctx context.Context, r route.Request) (route.Answer, error) {
	reader, past, err := a.readerOf(ctx, r)
	if err != nil {
		return route.Answer{}, err
	}
	p, err := route.APIPage(r, route.APIListSize)
	if err != nil {
		return route.Answer{}, err
	}
	card, err := reader.Card(ctx, r.Param("scorecard"))
	if err != nil {
		return route.Answer{}, err
	}
	filter, err := route.RuleFilterOf(r, &card)
	if err != nil {
		return route.Answer{}, err
	}
	order, err := route.OrderOf(r, sorting.Columns(report.RuleColumns), sorting.Order{})
	if err != nil {
		return route.Answer{}, err
	}
	trend, err := reader.Trend(ctx, &card)
	if err != nil {
		return route.Answer{}, err
	}
	rows := sorting.Rows(report.SelectRules(card.Rules, filter), report.RuleColumns, order)
	doc := report.NewCardDetail(&card, rows, trend, p)
	doc.Past = past
	doc.Next = route.NextPageAsOf("/api/v1"+doc.Path, r, p, doc.Total, past.AsOf)
	return document(doc)
}

// scorecardServices lists what a scorecard grades.
func (a *API) scorecardServices(ctx context.Context, r route.Request) (route.Answer, error) {
	reader, past, err := a.readerOf(ctx, r)
	if err != nil {
		return route.Answer{}, err
	}
	p, err := route.APIPage(r, route.APIListSize)
	if err != nil {
		return route.Answer{}, err
	}
	card, err := reader.Card(ctx, r.Param("scorecard"))
	if err != nil {
		return route.Answer{}, err
	}
	filter, err := route.CardServiceFilterOf(r, reader, &card)
	if err != nil {
		return route.Answer{}, err
	}
	order, err := route.OrderOf(r, sorting.Columns(report.CardServiceColumns), report.ByName)
	if err != nil {
		return route.Answer{}, err
	}
	list := sorting.Rows(report.Services{List: card.Graded}.Select(filter), report.CardServiceColumns, order)
	doc := report.NewCardServicesDocument(&card, list, p)
	doc.Past = past
	doc.Next = route.NextPageAsOf("/api/v1"+report.ScorecardPath(doc.Scorecard)+"/services", r, p, doc.Total, past.AsOf)
	return document(doc)
}

// scorecardTeams lists the teams of what a scorecard grades.
func (a *API) scorecardTeams(ctx context.Context, r route.Request) (route.Answer, error) {
	reader, past, err := a.readerOf(ctx, r)
	if err != nil {
		return route.Answer{}, err
	}
	p, err := route.APIPage(r, route.APIListSize)
	if err != nil {
		return route.Answer{}, err
	}
	card, err := reader.Card(ctx, r.Param("scorecard"))
	if err != nil {
		return route.Answer{}, err
	}
	order, err := route.OrderOf(r, sorting.Columns(report.CardTeamColumns), report.ByName)
	if err != nil {
		return route.Answer{}, err
	}
	list := sorting.Rows(card.Teams().Select(r.Query("q", "")), report.CardTeamColumns, order)
	doc := report.NewCardTeamsDocument(&card, list, p)
	doc.Past = past
	doc.Next = route.NextPageAsOf("/api/v1"+report.ScorecardPath(doc.Scorecard)+"/teams", r, p, doc.Total, past.AsOf)
	return document(doc)
}

// rule has one rule with the services that it looks at.
func (a *API) rule(ctx context.Context, r route.Request) (route.Answer, error) {
	reader, past, err := a.readerOf(ctx, r)
	if err != nil {
		return route.Answer{}, err
	}
	p, err := route.APIPage(r, route.APIListSize)
	if err != nil {
		return route.Answer{}, err
	}
	page, err := reader.Rule(ctx, r.Param("scorecard"), r.Param("rule"))
	if err != nil {
		return route.Answer{}, err
	}
	filter, err := route.CardServiceFilterOf(r, reader, &page.Card)
	if err != nil {
		return route.Answer{}, err
	}
	order, err := route.OrderOf(r, sorting.Columns(report.RuleServiceColumns), report.ByOutcome)
	if err != nil {
		return route.Answer{}, err
	}
	fitting := sorting.Rows(page.Select(filter), report.RuleServiceColumns, order)
	rows := report.PageOf(fitting, p)
	steps, err := reader.Steps(ctx, rows)
	if err != nil {
		return route.Answer{}, err
	}
	doc := report.NewRulePageDocument(&page, rows, steps, len(fitting))
	doc.Past = past
	doc.Next = route.NextPageAsOf("/api/v1"+doc.Path, r, p, doc.Total, past.AsOf)
	return document(doc)
}
