package route

import (
	"net/url"
	"strconv"
	"time"

	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/report/sorting"
	"github.com/dxctl/dxctl/spelling"
)

// The sizes of the pages in which lists are given.
const (
	PageSize      = 50   // rows of a list on a page
	APISurveySize = 50   // rows of results of a survey: each has a number of every question
	CardSize      = 20   // cards on a page: each has several lines
	NamedSize     = 20   // entries of lists within a page, for example the entities that depend on a service
	APISize       = 500  // events in a document of the API, unless per_page says otherwise
	APIListSize   = 1000 // entries of other lists in a document of the API
	APIRuleSize   = 200  // grades in a document of the API: each has all of its rules
	ChoiceSize    = 100  // entries of a select; a longer list becomes a text field
	// MaxCSVRows bounds a CSV file: about 25 MB.
	MaxCSVRows = 100_000
)

// maxPages keeps offsets within what the store takes.
const maxPages = 1_000_000

// ListParameters are the parameters of a list that is sorted and paged, in addition to its filters.
func ListParameters(filters ...string) []string {
	return append([]string{"sort", "dir", "page"}, filters...)
}

// APIParameters are the parameters of such a list in the API.
func APIParameters(filters ...string) []string {
	return append([]string{"sort", "dir", "page", "per_page"}, filters...)
}

// PageOf reads the number of the page, from 1.
func PageOf(r Request) (int, error) {
	return positive(r, "page", "a page; pages are counted", 1, maxPages)
}

// APIPage reads the page of a document: page, and per_page of 1 to the given size, which is the default.
func APIPage(r Request, size int) (report.Page, error) {
	number, err := PageOf(r)
	if err != nil {
		return report.Page{}, err
	}
	size, err = positive(r, "per_page", "a number of entries; write one", size, size)
	return report.Page{Number: number, Size: size}, err
}

// positive reads a number of 1 to most.
func positive(r Request, name, what string, otherwise, most int) (int, error) {
	s := r.Query(name, strconv.Itoa(otherwise))
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > most {
		return 0, BadRequest("%s=%q is not %s from 1 to %d", name, s, what, most)
	}
	return n, nil
}

// OrderOf reads sort and dir. Without dir, numbers are sorted from the largest and texts from the first letter.
func OrderOf(r Request, columns []sorting.Column, otherwise sorting.Order) (sorting.Order, error) {
	o := otherwise
	if by := r.Query("sort", ""); by != "" {
		var keys []string
		for _, c := range columns {
			if c.Key == by {
				o = sorting.Order{By: by, Descending: c.Number}
			}
			if c.Key != "" {
				keys = append(keys, c.Key)
			}
		}
		if o.By != by {
			return o, BadRequest("sort=%q is not a column of this list%s", by, spelling.Hint(by, keys))
		}
	}
	dir := r.Query("dir", o.Direction())
	o.Descending = dir == "desc"
	return o, OneOf("dir", dir, "asc", "desc")
}

// Pager is where a page of a list is within it.
type Pager struct {
	From, To, Total int // counted from 1; From is 0 for a page beyond the end
	Page, Pages     int
	Previous, Next  string // addresses; "" where there is none
	First, Last     string
}

// NewPager is where a page of size entries is in a list of total. The query is that of the list.
func NewPager(path string, query url.Values, page, size, total int) Pager {
	p := Pager{From: (page-1)*size + 1, To: min(page*size, total), Total: total, Page: page}
	if p.From > total {
		p.From, p.To = 0, 0
	}
	p.Pages = max(1, (total+size-1)/size)
	p.First, p.Last = WithPage(path, query, 1), WithPage(path, query, p.Pages)
	if page > 1 {
		p.Previous = WithPage(path, query, min(page-1, p.Pages))
	}
	if page < p.Pages {
		p.Next = WithPage(path, query, page+1)
	}
	return p
}

// FarFromLast reports whether the last page is not the next one.
func (p Pager) FarFromLast() bool { return p.Page < p.Pages-1 }

// Beyond reports whether the page is past the end of a list that has entries.
func (p Pager) Beyond() bool { return p.Total > 0 && p.From == 0 }

// NextPage is the address of the next page of a document of the API; "" after the last.
func NextPage(path string, r Request, p report.Page, total int) string {
	if p.Number*p.Size >= total {
		return ""
	}
	return WithPage(path, r.Values(), p.Number+1)
}

// NextPageAsOf is NextPage for a document of a past time: the next page is of the same instant, also if the request has
// the date of the present day, which means another instant with each request. at zero is the present.
func NextPageAsOf(path string, r Request, p report.Page, total int, at time.Time) string {
	if p.Number*p.Size >= total {
		return ""
	}
	query := r.Values()
	if !at.IsZero() {
		query.Set("as_of", at.Format(time.RFC3339Nano))
	}
	return WithPage(path, query, p.Number+1)
}

// WithPage is the address of a page of a list; it changes query.
func WithPage(path string, query url.Values, page int) string {
	query.Del("page")
	if page > 1 {
		query.Set("page", strconv.Itoa(page))
	}
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}
