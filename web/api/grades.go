package api

import (
	"context"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/report/sorting"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/web/route"
)

func (a *API) service(ctx context.Context, r route.Request) (route.Answer, error) {
	if text := r.Query("as_of", ""); text != "" {
		at, err := report.ParseAsOf(text, a.reader.Now())
		if err != nil {
			return route.Answer{}, route.BadRequest("%s", err)
		}
		then, err := a.reader.AsOf(ctx, r.ServiceRef(), at)
		if err != nil {
			return route.Answer{}, err
		}
		return document(then.Document())
	}
	service, err := a.reader.WithWays(ctx, r.ServiceRef())
	if err != nil {
		return route.Answer{}, err
	}
	return document(service.Document())
}

// readerOf returns the reader that answers a request: of the present, or of the time as_of, which is a past one.
func (a *API) readerOf(ctx context.Context, r route.Request) (*report.Reader, report.Past, error) {
	text := r.Query("as_of", "")
	if text == "" {
		return a.reader, report.Past{}, nil
	}
	at, err := report.ParseAsOf(text, a.reader.Now())
	if err != nil {
		return nil, report.Past{}, route.BadRequest("%s", err)
	}
	then, err := a.reader.Then(ctx, at)
	if err != nil {
		return nil, report.Past{}, err
	}
	past, err := then.Past(ctx)
	return then, past, err
}

// live marks a route whose answers change with the time alone.
func live(r route.Route) route.Route {
	r.Live = true
	return r
}

func (a *API) gate(ctx context.Context, r route.Request) (route.Answer, error) {
	card, level := r.Query("scorecard", ""), r.Query("level", "")
	if card == "" || level == "" {
		return route.Answer{}, route.BadRequest("scorecard and level are required, such as scorecard=delivery&level=silver; "+
			"the request has scorecard=%q and level=%q", card, level)
	}
	if err := a.reader.CheckGate(card, level); err != nil {
		return route.Answer{}, route.BadRequest("%s", err)
	}
	at := a.reader.Now()
	if text := r.Query("as_of", ""); text != "" {
		var err error
		if at, err = report.ParseAsOf(text, at); err != nil {
			return route.Answer{}, route.BadRequest("%s", err)
		}
	}
	doc, err := a.reader.Gate(ctx, r.ServiceRef(), card, level, at)
	if err != nil {
		return route.Answer{}, err
	}
	return document(doc)
}

func (a *API) history(ctx context.Context, r route.Request) (route.Answer, error) {
	history, err := a.reader.History(ctx, r.ServiceRef())
	if err != nil {
		return route.Answer{}, err
	}
	return document(history)
}

func (a *API) facts(ctx context.Context, r route.Request) (route.Answer, error) {
	var prefixes []string
	if prefix := r.Query("prefix", ""); prefix != "" {
		prefixes = strings.Split(prefix, ",")
	}
	order, err := route.OrderOf(r, sorting.Columns(report.FactColumns), report.ByName)
	if err != nil {
		return route.Answer{}, err
	}
	facts, err := a.reader.Facts(ctx, r.ServiceRef(), prefixes...)
	if err != nil {
		return route.Answer{}, err
	}
	return document(facts.Select(r.Query("q", ""), order))
}

func (a *API) badge(ctx context.Context, r route.Request) (route.Answer, error) {
	badge, err := a.reader.Badge(ctx, r.ServiceRef(), r.Query("scorecard", ""))
	if err != nil {
		return route.Answer{}, err
	}
	answer, err := document(badge)
	answer.MaxAge = report.BadgeAge
	return answer, err
}

func (a *API) grades(ctx context.Context, r route.Request) (route.Answer, error) {
	p, err := route.APIPage(r, route.APIRuleSize)
	if err != nil {
		return route.Answer{}, err
	}
	reader, past, err := a.readerOf(ctx, r)
	if err != nil {
		return route.Answer{}, err
	}
	services, err := reader.Services(ctx)
	if err != nil {
		return route.Answer{}, err
	}
	services.List = slices.Concat(services.List, services.Others)
	list, _, err := selected(r, reader, services, report.ServiceColumns)
	if err != nil {
		return route.Answer{}, err
	}
	var grades []scorecards.Report
	for _, service := range list {
		grades = append(grades, service.Reports...)
	}
	doc := report.NewGradesDocument(grades, p)
	doc.Past = past
	doc.Next = route.NextPageAsOf("/api/v1/grades", r, p, doc.Total, past.AsOf)
	return document(doc)
}

func (a *API) waivers(ctx context.Context, r route.Request) (route.Answer, error) {
	p, err := route.APIPage(r, route.APIListSize)
	if err != nil {
		return route.Answer{}, err
	}
	waivers, err := a.reader.Waivers(ctx)
	if err != nil {
		return route.Answer{}, err
	}
	filter, err := route.WaiverFilterOf(r, waivers)
	if err != nil {
		return route.Answer{}, err
	}
	order, err := route.OrderOf(r, sorting.Columns(report.WaiverColumns), sorting.Order{})
	if err != nil {
		return route.Answer{}, err
	}
	debt, err := a.reader.WaiverDebt(ctx)
	if err != nil {
		return route.Answer{}, err
	}
	list := sorting.Rows(waivers.Select(filter), report.WaiverColumns, order)
	doc := report.NewWaiversDocument(list, waivers, debt, p)
	doc.Next = route.NextPage("/api/v1/waivers", r, p, doc.Total)
	return document(doc)
}

func (a *API) compliance(ctx context.Context, r route.Request) (route.Answer, error) {
	_, doc, err := route.ComplianceOf(ctx, r, a.reader)
	if err != nil {
		return route.Answer{}, err
	}
	return document(doc)
}
