package route

import (
	"net/url"
	"strconv"
)

// The sizes of the parts in which long lists are given.
const (
	PageSize    = 50   // events on a page: each is a line to read
	ListSize    = 500  // rows of other lists on a page
	APISize     = 500  // events in a document of the API
	APIListSize = 1000 // entries of other lists in a document of the API
	NamedSize   = 100  // entries of lists within a page, as the entities that depend on a service
	// MaxCSVRows bounds a CSV file: about 25 MB.
	MaxCSVRows = 100_000
)

// maxPages keeps offsets within what the store takes.
const maxPages = 1_000_000

// PageOf reads the number of the page, from 1.
func PageOf(r Request) (int, error) {
	s := r.Query("page", "1")
	page, err := strconv.Atoi(s)
	if err != nil || page < 1 || page > maxPages {
		return 0, BadRequest("page=%q is not a page; pages are counted from 1 to %d", s, maxPages)
	}
	return page, nil
}

// Pager is where a page of a list is within it.
type Pager struct {
	From, To, Total int // counted from 1; From is 0 for a page beyond the end
	Previous, Next  string
}

// NewPager is where a page of size entries is in a list of total. The query is that of the list.
func NewPager(path string, query url.Values, page, size, total int) Pager {
	p := Pager{From: (page-1)*size + 1, To: min(page*size, total), Total: total}
	if p.From > total {
		p.From, p.To = 0, 0
	}
	if page > 1 {
		p.Previous = WithPage(path, query, page-1)
	}
	if page*size < total {
		p.Next = WithPage(path, query, page+1)
	}
	return p
}

// NextPage is the address of the next page of a document of the API; "" after the last.
func NextPage(path string, r Request, page, size, total int) string {
	if page*size >= total {
		return ""
	}
	return WithPage(path, r.Values(), page+1)
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
