package pages

import (
	"context"

	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/web/route"
)

type unmappedView struct {
	layout
	Rows []report.UnmappedScope
	More bool
}

// unmapped lists the records that no service of the catalog claims.
func (p *Pages) unmapped(ctx context.Context, _ route.Request) (route.Answer, error) {
	rows, more, err := p.reader.Unmapped(ctx)
	if err != nil {
		return route.Answer{}, err
	}
	return p.render("unmapped", unmappedView{layout: p.layout("Unmapped records", "/ledger"), Rows: rows, More: more})
}
