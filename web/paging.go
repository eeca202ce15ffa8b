package web

import (
	"net/url"
	"strconv"
)

// The sizes of the parts in which long lists are given.
const (
	pageSize    = 50   // events on a page: each is a line to read
	listSize    = 500  // rows of other lists on a page
	apiSize     = 500  // events in a document of the API
	apiListSize = 1000 // entries of other lists in a document of the API
	namedSize   = 100  // entries of lists within a page, as the entities that depend on a service
)

// mostPages keeps offsets within what the store takes.
const mostPages = 1_000_000

// pageOf reads the number of the page, from 1.
func pageOf(r request) (int, error) {
	s := r.Query("page", "1")
	page, err := strconv.Atoi(s)
	if err != nil || page < 1 || page > mostPages {
		return 0, badRequest("page=%q is not a page; pages are counted from 1 to %d", s, mostPages)
	}
	return page, nil
}

// part returns the rows of a page.
func part[T any](rows []T, page, size int) []T {
	from := min((page-1)*size, len(rows))
	return rows[from:min(from+size, len(rows))]
}

// pager is where a page of a list is within it.
type pager struct {
	From, To, Total int // counted from 1; From is 0 for a page beyond the end
	Previous, Next  string
}

func newPager(path string, query url.Values, page, size, total int) pager {
	p := pager{From: (page-1)*size + 1, To: min(page*size, total), Total: total}
	if p.From > total {
		p.From, p.To = 0, 0
	}
	if page > 1 {
		p.Previous = withPage(path, query, page-1)
	}
	if page*size < total {
		p.Next = withPage(path, query, page+1)
	}
	return p
}

// nextPage is the address of the next page of a document of the API; "" after the last.
func nextPage(path string, r request, page, size, total int) string {
	if page*size >= total {
		return ""
	}
	return withPage(path, r.Values(), page+1)
}

func withPage(path string, query url.Values, page int) string {
	query.Del("page")
	if page > 1 {
		query.Set("page", strconv.Itoa(page))
	}
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}
