package pages

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/report/sorting"
	"github.com/dxctl/dxctl/web/route"
)

// listView is what every list has that is filtered, sorted and paged by the server.
type listView struct {
	Path      string // of the list
	Clear     string // the list without a filter
	Heads     []tableHead
	Order     sorting.Order
	Pages     route.Pager
	JSON, CSV string // the whole filtered list in other formats; "" where there is none
	Filtered  bool   // the list is narrowed by a filter
	Sorted    bool   // the reader has chosen the order
	Table     bool   // the heads are those of a table
}

// tableHead is the head of a column. Href sorts by it; "" where the list cannot be sorted by it.
type tableHead struct {
	sorting.Column
	Href string
	Sort string // aria-sort
}

// newList describes the page of a list of total rows. The order must have been read from the request.
func newList(path string, r route.Request, columns []sorting.Column, o sorting.Order, page, size, total int) listView {
	view := listView{Path: path, Clear: path, Order: o, Heads: heads(path, r.Values(), columns, o), Table: true}
	view.Sorted = r.Query("sort", "")+r.Query("dir", "") != ""
	view.Pages = route.NewPager(path, r.Values(), page, size, total)
	for name := range r.Values() {
		view.Filtered = view.Filtered || !slices.Contains(route.ListParameters(), name)
	}
	return view
}

// withJSON adds the address of the list in the API, which takes the same filters and columns.
func (v listView) withJSON(path string, r route.Request) listView {
	v.JSON = route.WithPage(path, r.Values(), 1)
	return v
}

// heads makes the heads of a table. A list that is sorted anew begins with its first page.
func heads(path string, query url.Values, columns []sorting.Column, o sorting.Order) []tableHead {
	query.Del("page")
	list := make([]tableHead, len(columns))
	for i, c := range columns {
		list[i] = tableHead{Column: c, Sort: "none"}
		if c.Key == "" {
			continue
		}
		next := sorting.Order{By: c.Key, Descending: c.Number}
		if c.Key == o.By {
			list[i].Sort = "ascending"
			if o.Descending {
				list[i].Sort = "descending"
			}
			next.Descending = !o.Descending
		}
		query.Set("sort", next.By)
		query.Set("dir", next.Direction())
		list[i].Href = address(path, query)
	}
	return list
}

// choice is an entry of a select.
type choice struct{ Value, Label string }

// pick is a field of a filter: a select, or a text field where there are too many choices for one.
type pick struct {
	Label, Name, Value string
	All                string // the entry for no filter
	Choices            []choice
}

// Select reports whether the field is a select.
func (p pick) Select() bool { return p.Choices != nil }

// newPick makes a field of a filter. A value that is none of the choices is added to them.
func newPick(label, name, value string, choices []choice) pick {
	p := pick{Label: label, Name: name, Value: value, All: "all"}
	if len(choices) > route.ChoiceSize {
		return p
	}
	if value != "" && !slices.ContainsFunc(choices, func(c choice) bool { return c.Value == value }) {
		choices = append(slices.Clone(choices), choice{value, value})
	}
	p.Choices = choices
	if p.Choices == nil {
		p.Choices = []choice{}
	}
	return p
}

// named makes choices of values that are shown as they are.
func named(values []string) []choice {
	choices := make([]choice, len(values))
	for i, v := range values {
		choices[i] = choice{v, v}
	}
	return choices
}

// without returns the address of a list without some of its parameters.
func without(path string, query url.Values, names ...string) string {
	query = maps.Clone(query)
	for _, name := range names {
		query.Del(name)
	}
	return route.WithPage(path, query, 1)
}

// inWords joins values for a sentence.
func inWords(values []string) string { return strings.Join(values, ", ") }
