package gitlab

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// answer is what an answer says beside its body.
type answer struct {
	notModified bool      // 304: the ETag still holds, nothing was decoded
	etag        string    // of the answer
	next        string    // query of the next page; empty: this is the last
	at          time.Time // by the server's clock; zero: it does not say
	total       *uint64   // records of the whole listing; nil: GitLab does not say, as above 10,000
}

// hintFor returns what to do about a request that is refused with the status; empty: nothing is known.
func hintFor(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "the token is no longer valid; create another with the scope read_api and set it as the source's token"
	case http.StatusForbidden:
		return "the token may not read this; it needs the scope read_api and at least the role Reporter in the project"
	case http.StatusNotFound:
		return "it does not exist, or the token may not see it"
	}
	return ""
}

// get asks for a path of the API; see [rest.API.Get]. The structs that it decodes into hold only what is used: a job is
// 3 KB of JSON, of which a tenth is used.
func (c *Collector) get(ctx context.Context, path, etag string, into any) (answer, error) {
	got, err := c.Get(ctx, path, etag, into)
	if err != nil || got.NotModified {
		return answer{notModified: got.NotModified, etag: got.ETag}, err
	}
	_, query, _ := strings.Cut(path, "?")
	asked, err := url.ParseQuery(query)
	if err != nil {
		return answer{}, fmt.Errorf("GET %s: %w", path, err)
	}
	return readHeader(asked, got.Header), nil
}

var linkNext = regexp.MustCompile(`<([^<>]*)>\s*;\s*rel="?next"?`)

// readHeader reads paging. Of a Link only the query is used: a server behind a proxy may name itself otherwise than we
// know it, and a token goes nowhere else.
func readHeader(asked url.Values, h http.Header) answer {
	got := answer{etag: h.Get("ETag")}
	if at, err := http.ParseTime(h.Get("Date")); err == nil {
		got.at = at
	}
	if n, err := strconv.ParseUint(h.Get("X-Total"), 10, 64); err == nil {
		got.total = &n
	}
	for _, name := range []string{"Link", "Links"} { // Links: keyset paging before 14.0
		if m := linkNext.FindStringSubmatch(strings.Join(h.Values(name), ", ")); m != nil {
			if u, err := url.Parse(m[1]); err == nil && u.RawQuery != "" {
				got.next = u.RawQuery
				return got
			}
		}
	}
	if n, err := strconv.Atoi(h.Get("X-Next-Page")); err == nil && n > 1 {
		asked.Set("page", strconv.Itoa(n))
		got.next = asked.Encode()
	}
	return got
}
