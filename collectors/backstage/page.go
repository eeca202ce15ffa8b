package backstage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/dxctl/dxctl/collectors/rest"
)

// pageSize is how many entities are asked for at once: few organisations have more, so that a pass is one request.
const pageSize = 1000

// fields are what is asked for: not the relations and states that Backstage works out, nor the definitions of APIs, which
// are most of a catalog's bytes.
const fields = "apiVersion,kind,metadata,spec.type,spec.lifecycle,spec.owner,spec.system,spec.domain,spec.subcomponentOf,spec.subdomainOf,spec.parent," +
	"spec.dependsOn,spec.dependencyOf,spec.providesApis,spec.consumesApis,spec.children,spec.members,spec.memberOf,spec.profile"

// answer is a page of the catalog.
type answer struct {
	notModified bool // 304: it is as it was, and nothing else is set
	etag        string
	total       uint64
	items       []json.RawMessage
	next        string // cursor of the next page; empty: this is the last one
}

const queryPath = "/api/catalog/entities/by-query"

// filters are the values of the parameter filter: an entity fits one of them, and within one a key that stands twice means
// either.
func (c Config) filters() []string {
	kinds := c.Kinds
	if len(kinds) == 0 {
		kinds = known
	}
	ofKind := make([]string, len(kinds))
	for i, kind := range kinds {
		ofKind[i] = "kind=" + strings.ToLower(kind)
	}
	all := strings.Join(ofKind, ",")
	if len(c.Filter) == 0 {
		return []string{all}
	}
	filters := make([]string, len(c.Filter))
	for i, f := range c.Filter {
		filters[i] = strings.TrimSpace(f)
		if !strings.HasPrefix(filters[i], "kind=") && !strings.Contains(filters[i], ",kind=") {
			filters[i] = all + "," + filters[i]
		}
	}
	return filters
}

// query is the parameters of a page. A cursor holds the filter and the order of the first one.
func (c *Collector) query(cursor string, limit int) url.Values {
	q := url.Values{"limit": {strconv.Itoa(limit)}, "fields": {fields}}
	if cursor != "" {
		q.Set("cursor", cursor)
		return q
	}
	q["filter"] = c.cfg.filters()
	return q
}

// page asks for the page at cursor, on the condition that it is no longer the one with this ETag.
// offset, where it is not 0, is a place of the listing to begin at, instead of a cursor.
func (c *Collector) page(ctx context.Context, cursor, etag string, offset, limit int) (answer, error) {
	address := *c.base
	address.Path += queryPath
	query := c.query(cursor, limit)
	if offset > 0 {
		query.Set("offset", strconv.Itoa(offset))
	}
	address.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(rest.IfNoneMatch(ctx, etag), http.MethodGet, address.String(), nil)
	if err != nil {
		return answer{}, fmt.Errorf("GET %s: %w", address.Path, err)
	}
	resp, err := c.rest.HTTPClient().Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return answer{}, ctx.Err()
		}
		return answer{}, withoutQuery(err, address.RawQuery)
	}
	defer func() { _ = resp.Body.Close() }()
	switch resp.StatusCode {
	case http.StatusNotModified:
		return answer{notModified: true, etag: etag}, nil
	case http.StatusOK:
	default:
		return answer{}, &rest.AnswerError{Status: resp.StatusCode, Err: &statusError{path: address.Path, status: resp.StatusCode}}
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}, fmt.Errorf("GET %s: %w", address.Path, err)
	}
	page, err := decodePage(body)
	if err != nil {
		return answer{}, &rest.AnswerError{Status: resp.StatusCode, Err: fmt.Errorf("GET %s: the answer is not what Backstage documents: %w", address.Path, err)}
	}
	page.etag = resp.Header.Get("ETag")
	return page, nil
}

// withoutQuery is err, which names the request, without the long list of fields in it.
func withoutQuery(err error, query string) error {
	var failed *url.Error
	if errors.As(err, &failed) {
		err = failed.Err // it only says again which request it was
	}
	return shownError{strings.ReplaceAll(err.Error(), "?"+query, ""), err}
}

type shownError struct {
	text string
	err  error
}

func (e shownError) Error() string { return e.text }
func (e shownError) Unwrap() error { return e.err }

func decodePage(body []byte) (answer, error) {
	var page struct {
		Items      *[]json.RawMessage `json:"items"`
		TotalItems uint64             `json:"totalItems"`
		PageInfo   struct {
			NextCursor string `json:"nextCursor"`
		} `json:"pageInfo"`
	}
	if err := json.Unmarshal(body, &page); err != nil {
		return answer{}, err
	}
	if page.Items == nil {
		return answer{}, errors.New("it has no items")
	}
	return answer{total: page.TotalItems, items: *page.Items, next: page.PageInfo.NextCursor}, nil
}
