package pages

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/spelling"
	"github.com/dxctl/dxctl/web/route"
)

type servicesView struct {
	layout
	Rows                          []serviceRow
	Heads                         []tableHead
	Query, Team, Level, Lifecycle string
	Teams, Lifecycles, Levels     []string
	Shown, All                    int  // that fit the filter, of the catalog
	Whole                         bool // all rows are on the page, so that a script can filter and sort them
	Pages                         route.Pager
	Unmapped                      int
	Scorecard                     string
	Sort, Dir                     string
}

// tableHead is a head that sorts. Href sorts without a script.
type tableHead struct {
	Key, Label, Href, Sort string // Sort is the aria-sort of the column
	Right                  bool
}

// services lists every service of the catalog.
func (p *Pages) services(ctx context.Context, r route.Request) (route.Answer, error) {
	services, err := p.reader.Services(ctx)
	if err != nil {
		return route.Answer{}, err
	}
	unmapped, err := p.reader.UnmappedScopes(ctx)
	if err != nil {
		return route.Answer{}, err
	}
	page, err := route.PageOf(r)
	if err != nil {
		return route.Answer{}, err
	}
	rows := serviceRows(services)
	view := servicesView{
		layout: p.layout("Services", "/services"), Rows: rows, Unmapped: unmapped,
		Query: r.Query("q", ""), Team: r.Query("team", ""), Level: r.Query("level", ""),
		Lifecycle: r.Query("lifecycle", ""), Sort: r.Query("sort", "name"), Dir: r.Query("dir", "asc"),
	}
	view.Levels = p.reader.LevelNames()
	view.Scorecard = services.Scorecard()
	for i := range rows {
		view.Teams = append(view.Teams, rows[i].Team)
		view.Lifecycles = append(view.Lifecycles, rows[i].Entity.Lifecycle)
	}
	view.Teams, view.Lifecycles = report.Distinct(view.Teams), report.Distinct(view.Lifecycles)
	column, err := view.check()
	if err != nil {
		return route.Answer{}, err
	}
	sortServices(rows, column, view.Dir == "desc")
	view.choose(r, page)
	view.Heads = serviceHeads(r.Values(), view.Sort, view.Dir)
	return p.render("services", view)
}

// check returns the column to sort by, or an error for what no service has.
func (v servicesView) check() (sortColumn, error) {
	columns := map[string]sortColumn{}
	var keys []string
	for _, s := range serviceColumns {
		keys, columns[s.Key] = append(keys, s.Key), s
	}
	if columns[v.Sort].Key == "" {
		return sortColumn{}, route.BadRequest("sort=%q is not a column%s", v.Sort, spelling.Hint(v.Sort, keys))
	}
	err := route.OneOf("dir", v.Dir, "asc", "desc")
	for _, filter := range []struct {
		name, value string
		known       []string
	}{
		{"team", v.Team, v.Teams}, {"level", v.Level, append(slices.Clone(v.Levels), "none")},
		{"lifecycle", v.Lifecycle, v.Lifecycles},
	} {
		if err == nil && filter.value != "" {
			err = route.OneOf(filter.name, filter.value, filter.known...)
		}
	}
	return columns[v.Sort], err
}

// choose leaves on the page what fits the filter: by hiding the rest, so that a script can filter anew, or of a long
// list the part that was asked for.
func (v *servicesView) choose(r route.Request, page int) {
	v.All = len(v.Rows)
	v.Whole = v.All <= route.ListSize && page == 1
	var fitting []serviceRow
	for i := range v.Rows {
		v.Rows[i].Hidden = !v.fits(v.Rows[i])
		if !v.Rows[i].Hidden {
			fitting = append(fitting, v.Rows[i])
		}
	}
	v.Shown = len(fitting)
	if !v.Whole {
		v.Rows = report.Part(fitting, page, route.ListSize)
	}
	v.Pages = route.NewPager("/services", r.Values(), page, route.ListSize, v.Shown)
}

func (v servicesView) fits(r serviceRow) bool {
	return (v.Team == "" || v.Team == r.Team) && (v.Level == "" || v.Level == r.Level()) &&
		(v.Lifecycle == "" || v.Lifecycle == r.Entity.Lifecycle) &&
		strings.Contains(strings.ToLower(r.Text()), strings.ToLower(strings.TrimSpace(v.Query)))
}

func serviceHeads(query url.Values, by, dir string) []tableHead {
	heads := make([]tableHead, len(serviceColumns))
	for i, s := range serviceColumns {
		next, aria := "asc", "none"
		if s.Right {
			next = "desc"
		}
		if s.Key == by {
			aria, next = "ascending", "desc"
			if dir == "desc" {
				aria, next = "descending", "asc"
			}
		}
		query.Del("page")
		query.Set("sort", s.Key)
		query.Set("dir", next)
		heads[i] = tableHead{Key: s.Key, Label: s.Label, Href: address("/services", query), Sort: aria, Right: s.Right}
	}
	return heads
}

// sortColumn is a column that the list can be sorted by. Value returns nil for what is not known.
type sortColumn struct {
	Key, Label string
	Right      bool
	text       func(serviceRow) string
	value      func(serviceRow) *float64
}

func known(v float64) *float64 { return &v }

var serviceColumns = []sortColumn{
	{Key: "name", Label: "service", text: func(r serviceRow) string { return strings.ToLower(r.Entity.DisplayName()) }},
	{Key: "team", Label: "team", text: func(r serviceRow) string { return strings.ToLower(r.Team) }},
	{Key: "level", Label: "level", value: func(r serviceRow) *float64 { return known(float64(r.Rank)) }},
	{Key: "score", Label: "score", Right: true, value: func(r serviceRow) *float64 {
		if r.Report == nil || r.Report.Coverage == 0 {
			return nil
		}
		return known(r.Report.Score)
	}},
	{Key: "deploys", Label: "deploys, 30 d", Right: true, value: func(r serviceRow) *float64 {
		if r.Numbers.Deploys == nil {
			return nil
		}
		return known(float64(*r.Numbers.Deploys))
	}},
	{Key: "last", Label: "last deploy", Right: true, value: func(r serviceRow) *float64 {
		if r.Numbers.LastDeploy == nil {
			return nil
		}
		return known(float64(r.Numbers.LastDeploy.Unix()))
	}},
	{Key: "ci", Label: "CI p95", Right: true, value: func(r serviceRow) *float64 { return r.Numbers.P95Minutes }},
	{Key: "success", Label: "CI success", Right: true,
		value: func(r serviceRow) *float64 { return r.Numbers.SuccessRate }},
}

// sortServices orders rows by a column. What is not known stays last in both directions.
func sortServices(rows []serviceRow, column sortColumn, descending bool) {
	slices.SortStableFunc(rows, func(x, y serviceRow) int {
		var order int
		if column.text != nil {
			p, q := column.text(x), column.text(y)
			if (p == "") != (q == "") {
				return cmp.Compare(len(q), len(p))
			}
			order = cmp.Compare(p, q)
		} else {
			p, q := column.value(x), column.value(y)
			switch {
			case p == nil && q == nil:
				return 0
			case p == nil:
				return 1
			case q == nil:
				return -1
			}
			order = cmp.Compare(*p, *q)
		}
		if descending {
			return -order
		}
		return order
	})
}
