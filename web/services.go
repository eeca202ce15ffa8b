package web

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/spelling"
)

type servicesView struct {
	layout
	Rows                          []serviceRow
	Heads                         []tableHead
	Query, Team, Level, Lifecycle string
	Teams, Lifecycles, Levels     []string
	Shown, All                    int  // that fit the filter, of the catalog
	Whole                         bool // all rows are on the page, so that a script can filter and sort them
	Pages                         pager
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
func (a *app) services(ctx context.Context, r request) (answer, error) {
	rows, _, err := a.serviceRows(ctx)
	if err != nil {
		return answer{}, err
	}
	unmapped, err := a.unmappedScopes(ctx)
	if err != nil {
		return answer{}, err
	}
	page, err := pageOf(r)
	if err != nil {
		return answer{}, err
	}
	view := servicesView{
		layout: a.layout("Services", "/services"), Rows: rows, Unmapped: unmapped, Query: r.Query("q", ""), Team: r.Query("team", ""),
		Level: r.Query("level", ""), Lifecycle: r.Query("lifecycle", ""), Sort: r.Query("sort", "name"), Dir: r.Query("dir", "asc"),
	}
	view.Levels = a.levelNames()
	for i := range rows {
		view.Teams = append(view.Teams, rows[i].Team)
		view.Lifecycles = append(view.Lifecycles, rows[i].Entity.Lifecycle)
		if rows[i].Report != nil {
			view.Scorecard = rows[i].Report.Title
		}
	}
	view.Teams, view.Lifecycles = distinct(view.Teams), distinct(view.Lifecycles)
	column, err := view.check()
	if err != nil {
		return answer{}, err
	}
	sortServices(rows, column, view.Dir == "desc")
	view.choose(r, page)
	view.Heads = serviceHeads(r.Values(), view.Sort, view.Dir)
	return a.render("services", view)
}

// check returns the column to sort by, or an error for what no service has.
func (v servicesView) check() (sortColumn, error) {
	columns := map[string]sortColumn{}
	var keys []string
	for _, s := range serviceColumns {
		keys, columns[s.Key] = append(keys, s.Key), s
	}
	if columns[v.Sort].Key == "" {
		return sortColumn{}, badRequest("sort=%q is not a column%s", v.Sort, spelling.Hint(v.Sort, keys))
	}
	err := oneOf("dir", v.Dir, "asc", "desc")
	for _, filter := range []struct {
		name, value string
		known       []string
	}{{"team", v.Team, v.Teams}, {"level", v.Level, append(slices.Clone(v.Levels), "none")}, {"lifecycle", v.Lifecycle, v.Lifecycles}} {
		if err == nil && filter.value != "" {
			err = oneOf(filter.name, filter.value, filter.known...)
		}
	}
	return columns[v.Sort], err
}

// choose leaves on the page what fits the filter: by hiding the rest, so that a script can filter anew, or of a long list
// the part that was asked for.
func (v *servicesView) choose(r request, page int) {
	v.All = len(v.Rows)
	v.Whole = v.All <= listSize && page == 1
	var fitting []serviceRow
	for i := range v.Rows {
		v.Rows[i].Hidden = !v.fits(v.Rows[i])
		if !v.Rows[i].Hidden {
			fitting = append(fitting, v.Rows[i])
		}
	}
	v.Shown = len(fitting)
	if !v.Whole {
		v.Rows = part(fitting, page, listSize)
	}
	v.Pages = newPager("/services", r.Values(), page, listSize, v.Shown)
}

func (v servicesView) fits(r serviceRow) bool {
	level := r.Level()
	if level == "" {
		level = "none"
	}
	return (v.Team == "" || v.Team == r.Team) && (v.Level == "" || v.Level == level) &&
		(v.Lifecycle == "" || v.Lifecycle == r.Entity.Lifecycle) &&
		strings.Contains(strings.ToLower(r.Text()), strings.ToLower(strings.TrimSpace(v.Query)))
}

func distinct(values []string) []string {
	slices.Sort(values)
	return slices.DeleteFunc(slices.Compact(values), func(s string) bool { return s == "" })
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
		heads[i] = tableHead{Key: s.Key, Label: s.Label, Href: "/services?" + query.Encode(), Sort: aria, Right: s.Right}
	}
	return heads
}
