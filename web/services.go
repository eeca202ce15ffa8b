package web

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"
)

type servicesView struct {
	layout
	Rows                          []serviceRow
	Heads                         []tableHead
	Query, Team, Level, Lifecycle string
	Teams, Lifecycles, Levels     []string
	Shown                         int
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
	view := servicesView{
		layout: a.layout("Services", "/services"), Rows: rows, Unmapped: unmapped, Query: r.Query("q", ""), Team: r.Query("team", ""),
		Level: r.Query("level", ""), Lifecycle: r.Query("lifecycle", ""), Sort: r.Query("sort", "name"), Dir: r.Query("dir", "asc"),
	}
	view.Levels = a.levelNames()
	at := slices.IndexFunc(serviceColumns, func(s sortColumn) bool { return s.Key == view.Sort })
	if at < 0 {
		var keys []string
		for _, s := range serviceColumns {
			keys = append(keys, s.Key)
		}
		return answer{}, fiber.NewError(fiber.StatusBadRequest, "sort="+view.Sort+" is not a column; write one of "+strings.Join(keys, ", "))
	}
	sortServices(rows, serviceColumns[at], view.Dir == "desc")
	for i := range rows {
		rows[i].Hidden = !view.fits(rows[i])
		if !rows[i].Hidden {
			view.Shown++
		}
		view.Teams = append(view.Teams, rows[i].Team)
		view.Lifecycles = append(view.Lifecycles, rows[i].Entity.Lifecycle)
		if rows[i].Report != nil {
			view.Scorecard = rows[i].Report.Title
		}
	}
	view.Teams, view.Lifecycles = distinct(view.Teams), distinct(view.Lifecycles)
	view.Heads = serviceHeads(r.Values(), view.Sort, view.Dir)
	return a.render("services", view)
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
		query.Set("sort", s.Key)
		query.Set("dir", next)
		heads[i] = tableHead{Key: s.Key, Label: s.Label, Href: "/services?" + query.Encode(), Sort: aria, Right: s.Right}
	}
	return heads
}
