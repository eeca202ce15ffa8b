package listing

import (
	"net/http"
	"net/url"
	"testing"
)

// FuzzPaging reads paging headers: what comes out is a query that can be asked, or nothing.
func FuzzPaging(f *testing.F) {
	f.Add(
		`<https://x/api/v4/projects/7/jobs?cursor=a&per_page=100>; rel="next", <https://x>; rel="first"`,
		"2",
		"100",
		"Sun, 22 Nov 2026 12:00:00 GMT",
	)
	f.Add(`<::>; rel=next`, "-1", "x", "")
	f.Fuzz(func(t *testing.T, link, next, total, date string) {
		got := readHeader(
			url.Values{"per_page": {"100"}},
			http.Header{"Link": {link}, "X-Next-Page": {next}, "X-Total": {total}, "Date": {date}},
		)
		if got.Next == "" {
			return
		}
		if _, err := url.Parse("http://localhost/api/v4/projects/7/jobs?" + got.Next); err != nil {
			t.Errorf("next %q: %v", got.Next, err)
		}
	})
}
