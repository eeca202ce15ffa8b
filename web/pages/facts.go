package pages

import (
	"context"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/report/sorting"
	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/web/route"
)

type factsView struct {
	layout
	listView
	Name    string // of the service
	Service string // its page
	Text    string // the filter
	Known   int    // of all facts that fit
	Rows    []report.Fact
}

// facts lists what is known of one service, and why the rest is not known.
func (p *Pages) facts(ctx context.Context, r route.Request) (route.Answer, error) {
	page, err := route.PageOf(r)
	if err != nil {
		return route.Answer{}, err
	}
	doc, err := p.reader.Facts(ctx, r.ServiceRef())
	if err != nil {
		return route.Answer{}, err
	}
	text := strings.ToLower(r.Query("q", ""))
	known := 0
	rows := slices.DeleteFunc(doc.Facts, func(f report.Fact) bool { return !strings.Contains(f.Name, text) })
	for i := range rows {
		if rows[i].Known() {
			known++
		}
	}
	path := report.ServicePath(doc.Service)
	list := newList(path+"/facts", r, nil, sorting.Order{}, page, route.PageSize, len(rows))
	list.JSON = "/api/v1" + path + "/facts"
	name := words.RefName(doc.Service)
	return p.render("facts", factsView{
		layout: p.layout("Facts of "+name, "/services"), listView: list, Name: name, Service: path, Text: text, Known: known,
		Rows: report.Part(rows, page, route.PageSize),
	})
}
