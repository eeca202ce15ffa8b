package backstage

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/dxctl/dxctl/collectors/rest"
)

// pageSize is how many entities are asked for at once: few organizations have more, so that a pass is one request.
const pageSize = 1000

// fields are what is asked for: not the relations and states that Backstage works out, nor the definitions of APIs,
// which are most of a catalog's bytes.
const fields = "apiVersion,kind,metadata,spec.type,spec.lifecycle,spec.owner,spec.system,spec.domain," +
	"spec.subcomponentOf,spec.subdomainOf,spec.parent," +
	"spec.dependsOn,spec.dependencyOf,spec.providesApis,spec.consumesApis,spec.children," +
	"spec.members,spec.memberOf,spec.profile"

// answer is a page of the catalog.
type answer struct {
	notModified bool // 304: it is as it was, and nothing else is set
	etag        string
	total       uint64
	items       []json.RawMessage
	next        string // cursor of the next page; empty: this is the last one
}

const queryPath = "api/catalog/entities/by-query"

// filters are the values of the parameter filter: an entity fits one of them, and within one a key that stands twice
// means either.
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
	query := c.query(cursor, limit)
	if offset > 0 {
		query.Set("offset", strconv.Itoa(offset))
	}
	var p page
	got, err := c.Get(ctx, queryPath+"?"+query.Encode(), etag, &p)
	if err != nil || got.NotModified {
		return answer{notModified: got.NotModified, etag: got.ETag}, err
	}
	page, err := p.answer()
	page.etag = got.ETag
	return page, err
}

// page is a page as Backstage writes it.
type page struct {
	Items      *[]json.RawMessage `json:"items"`
	TotalItems uint64             `json:"totalItems"`
	PageInfo   struct {
		NextCursor string `json:"nextCursor"`
	} `json:"pageInfo"`
}

func (p page) answer() (answer, error) {
	if p.Items == nil {
		err := fmt.Errorf("GET %s: the answer is not what Backstage documents: it has no items", queryPath)
		return answer{}, &rest.AnswerError{Status: http.StatusOK, Err: err}
	}
	return answer{total: p.TotalItems, items: *p.Items, next: p.PageInfo.NextCursor}, nil
}
