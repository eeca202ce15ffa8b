package pages

import (
	"context"

	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/report/sorting"
	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/web/route"
)

type factsView struct {
	layout
	listView
	Name    string // of the entity
	Service string // its page; "" if it is not graded
	Text    string // the filter
	Known   int    // of all facts that fit
	Rows    []report.Fact
}

// facts lists what is known of one entity, and why the rest is not known.
func (p *Pages) facts(ctx context.Context, r route.Request) (route.Answer, error) {
	page, err := route.PageOf(r)
	if err != nil {
		return route.Answer{}, err
	}
	columns := sorting.Columns(report.FactColumns)
	order, err := route.OrderOf(r, columns, report.ByName)
	if err != nil {
		return route.Answer{}, err
	}
	doc, err := p.reader.Facts(ctx, r.ServiceRef())
	if err != nil {
		return route.Answer{}, err
	}
	text := r.Query("q", "")
	doc = doc.Select(text, order)
	path, name := report.ServicePath(doc.Service), words.RefName(doc.Service)
	list := newList(path+"/facts", r, columns, order, page, route.PageSize, len(doc.Facts))
	return p.render("facts", factsView{
		layout: p.layout("Facts of "+name, "/services"), listView: list.withJSON("/api/v1"+path+"/facts", r), Name: name,
		Service: p.servicePath(doc.Service), Text: text, Known: doc.Known,
		Rows: report.Part(doc.Facts, page, route.PageSize),
	})
}

// servicePath is the page of an entity; "" if it has none.
func (p *Pages) servicePath(ref string) string {
	if !p.reader.HasPage(ref) {
		return ""
	}
	return report.ServicePath(ref)
}
