package pages

import (
	"bytes"
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/web/route"
	"github.com/dxctl/dxctl/web/spreadsheet"
)

type complianceView struct {
	layout
	Doc       report.ComplianceDocument
	Name      string // of the service; "" for all
	Standards []standardLink
	Filter    report.ComplianceQuery
	Fields    []pick
	Hidden    map[string]string // what the form keeps
	Filtered  bool
	Sorted    bool
	Clear     string
	JSON, CSV string
}

// standardLink leads to the report about another standard, of the same service and time.
type standardLink struct {
	report.Standard
	Href string
}

// compliance shows what the rules show about the controls of a standard. The list is as long as the standard.
func (p *Pages) compliance(ctx context.Context, r route.Request) (route.Answer, error) {
	query, doc, err := route.ComplianceOf(ctx, r, p.reader)
	if err != nil {
		return route.Answer{}, err
	}
	values := r.Values()
	view := complianceView{
		layout: p.layout("Compliance", "/services"), Doc: doc, Filter: query,
		Filtered: doc.Filter != "",
		JSON:     route.WithPage("/api/v1/compliance", r.Values(), 1), CSV: route.WithPage("/compliance.csv", r.Values(), 1),
		Hidden: map[string]string{},
	}
	kept := url.Values{}
	for _, name := range []string{"service", "as_of"} {
		if value := values.Get(name); value != "" {
			view.Hidden[name] = value
			kept.Set(name, value)
		}
	}
	for _, s := range report.Standards() {
		kept.Set("standard", s.ID)
		view.Standards = append(view.Standards, standardLink{s, "/compliance?" + kept.Encode()})
	}
	kept.Set("standard", doc.Standard)
	view.Hidden["standard"], view.Clear = doc.Standard, "/compliance?"+kept.Encode()
	if e, ok := p.reader.Catalog().Entity(doc.Service); ok {
		view.Name = e.DisplayName()
	}
	var states []choice
	for _, s := range report.ControlStates {
		states = append(states, choice{string(s), string(s)})
	}
	view.Fields = []pick{newPick("State", "state", query.State, states)}
	return p.render("compliance", view)
}

// complianceCSV is the report as a file.
func (p *Pages) complianceCSV(ctx context.Context, r route.Request) (route.Answer, error) {
	_, doc, err := route.ComplianceOf(ctx, r, p.reader)
	if err != nil {
		return route.Answer{}, err
	}
	var b bytes.Buffer
	w := spreadsheet.NewWriter(&b, report.ComplianceNumbers()...)
	if err := w.Head(report.ComplianceHeads...); err != nil {
		return route.Answer{}, err
	}
	for _, row := range doc.Cells() {
		if err := w.Write(row...); err != nil {
			return route.Answer{}, err
		}
	}
	if err := w.Flush(); err != nil {
		return route.Answer{}, err
	}
	name := "compliance-" + doc.Standard
	if _, entity, ok := strings.Cut(doc.Service, "/"); ok {
		name += "-" + entity
	}
	return route.Answer{Type: "text/csv; charset=utf-8", Attachment: name + "-" + doc.AsOf.Format(time.DateOnly) + ".csv",
		Body: b.Bytes()}, nil
}
