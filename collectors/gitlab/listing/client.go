package listing

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/rest"
)

// Answer has the values of an answer's header.
type Answer struct {
	NotModified bool      // 304: the ETag still holds, nothing was decoded
	ETag        string    // of the answer
	Next        string    // query of the next page; empty: this is the last
	At          time.Time // by the server's clock; zero: not known
	Total       *uint64   // records of the whole listing; nil: not known, as above 10,000
}

// Client requests listings and single records from one GitLab server.
type Client struct{ *rest.API }

// Read reads a path of the API into a value; see [rest.API.Get]. etag is that of the answer before, or empty. The
// structs that it decodes into hold only what is used: a job is 3 KB of JSON, of which a tenth is used.
func (c *Client) Read(ctx context.Context, path, etag string, into any) (Answer, error) {
	got, err := c.Get(ctx, path, etag, into)
	if err != nil || got.NotModified {
		return Answer{NotModified: got.NotModified, ETag: got.ETag}, err
	}
	_, query, _ := strings.Cut(path, "?")
	asked, err := url.ParseQuery(query)
	if err != nil {
		return Answer{}, fmt.Errorf("GET %s: %w", path, err)
	}
	return readHeader(asked, got.Header), nil
}

var linkNext = regexp.MustCompile(`<([^<>]*)>\s*;\s*rel="?next"?`)

// readHeader reads paging. Of a Link only the query is used: a server behind a proxy may give itself another name than
// we use, and the token is sent to no other.
func readHeader(asked url.Values, h http.Header) Answer {
	got := Answer{ETag: h.Get("ETag")}
	if at, err := http.ParseTime(h.Get("Date")); err == nil {
		got.At = at
	}
	if n, err := strconv.ParseUint(h.Get("X-Total"), 10, 64); err == nil {
		got.Total = &n
	}
	for _, name := range []string{"Link", "Links"} { // Links: keyset paging before 14.0
		if m := linkNext.FindStringSubmatch(strings.Join(h.Values(name), ", ")); m != nil {
			if u, err := url.Parse(m[1]); err == nil && u.RawQuery != "" {
				got.Next = u.RawQuery
				return got
			}
		}
	}
	if n, err := strconv.Atoi(h.Get("X-Next-Page")); err == nil && n > 1 {
		asked.Set("page", strconv.Itoa(n))
		got.Next = asked.Encode()
	}
	return got
}

// Query sends a query to the GraphQL API of the server, and decodes the answer, with its data and errors, into a value.
// An answer that cannot be used is a [rest.AnswerError].
func (c *Client) Query(ctx context.Context, text string, variables map[string]any, into any) error {
	address := strings.TrimSuffix(c.BaseURL(), "v4/") + "graphql"
	body, err := json.Marshal(map[string]any{"query": text, "variables": variables})
	if err != nil {
		return fmt.Errorf("POST graphql: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("POST graphql: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.HTTPClient().Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("POST graphql: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, ok := resp.Body.(*rest.Body)
	if !ok {
		return fmt.Errorf("POST graphql: the body of the answer is a %T, not what the client reads", resp.Body)
	}
	if resp.StatusCode != http.StatusOK {
		refused := &rest.StatusError{Path: "graphql", Status: resp.StatusCode}
		return &rest.AnswerError{Status: resp.StatusCode, Err: refused}
	}
	if err := c.Decode(answer.Bytes(), into); err != nil {
		err = fmt.Errorf("POST graphql: the answer is not what GitLab documents: %w", err)
		return &rest.AnswerError{Status: resp.StatusCode, Err: err}
	}
	return nil
}
