package circleci

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/dxctl/dxctl/collectors/rest"
)

// answer is what an answer says beside its body.
type answer struct {
	notModified bool // 304: the ETag still holds, nothing was decoded
	etag        string
}

// statusError is an answer that is neither what was asked for nor a failure on the way.
type statusError struct {
	path   string
	status int
	said   string
}

func (e *statusError) Error() string {
	text := fmt.Sprintf("GET %s: status %d %s", e.path, e.status, http.StatusText(e.status))
	if e.said != "" {
		text += ": " + e.said
	}
	switch e.status {
	case http.StatusUnauthorized:
		return text + ": the token is not valid (any more); create another personal API token and set it as the source's token"
	case http.StatusForbidden:
		return text + ": the token's account may not read this; " + rights
	case http.StatusNotFound:
		return text + ": it does not exist, or the token's account may not see it; " + rights
	}
	return text
}

// rights are all that the token needs.
const rights = "give a personal API token (a project token is not enough); its account has to follow the project and to have read access to its repository"

func (e *statusError) Unwrap() error {
	if e.status == http.StatusUnauthorized {
		return rest.ErrUnauthorized
	}
	return nil
}

// gone reports whether CircleCI answered that there is no such thing: it has expired.
func gone(err error) bool {
	var s *statusError
	return errors.As(err, &s) && (s.status == http.StatusNotFound || s.status == http.StatusGone)
}

// refused reports whether CircleCI does not take the request as it is, as with a page token that is too old.
func refused(err error) bool {
	var s *statusError
	return errors.As(err, &s) && (s.status == http.StatusBadRequest || s.status == http.StatusNotFound || s.status == http.StatusUnprocessableEntity)
}

func escapeSlug(slug string) string {
	parts := strings.Split(slug, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return strings.Join(parts, "/")
}

func (c *Collector) get(ctx context.Context, path, etag string, into any) (answer, error) {
	req, err := http.NewRequestWithContext(rest.IfNoneMatch(ctx, etag), http.MethodGet, c.api+path, nil)
	if err != nil {
		return answer{}, fmt.Errorf("GET %s: %w", path, err)
	}
	resp, err := c.rest.HTTPClient().Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return answer{}, ctx.Err()
		}
		return answer{}, err // names the request itself
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode == http.StatusNotModified {
		return answer{notModified: true, etag: etag}, nil
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}, fmt.Errorf("GET %s: %w", path, err)
	}
	if resp.StatusCode != http.StatusOK {
		var said struct {
			Message string `json:"message"`
		}
		_ = json.Unmarshal(body, &said) // an explanation, if there is one
		return answer{}, &rest.AnswerError{Status: resp.StatusCode, Err: &statusError{path: path, status: resp.StatusCode, said: said.Message}}
	}
	if err := json.Unmarshal(body, into); err != nil {
		return answer{}, &rest.AnswerError{Status: http.StatusOK, Err: fmt.Errorf("GET %s: the answer is not what CircleCI documents: %w", path, err)}
	}
	return answer{etag: resp.Header.Get("ETag")}, nil
}

// page is one page of a list. Its items are decoded one by one, so that one that makes no sense does not take the others along.
type page struct {
	Items []json.RawMessage `json:"items"`
	Next  string            `json:"next_page_token"`
}

// withToken adds a page token to a path.
func withToken(path, token string) string {
	if token == "" {
		return path
	}
	return path + "?page-token=" + url.QueryEscape(token)
}

// mostPages is more than any pipeline's workflows or workflow's jobs fill; a list that goes on leads in a circle.
const mostPages = 1000

// list reads every page of a list. An item that cannot be read makes it an error, beside those that can be.
func list[T any](ctx context.Context, c *Collector, path string) ([]T, error) {
	var all []T
	var odd error
	token := ""
	for range mostPages {
		var p page
		if _, err := c.get(ctx, withToken(path, token), "", &p); err != nil {
			return nil, err
		}
		items, bad := decodeAll[T](p.Items)
		all, odd = append(all, items...), errors.Join(odd, bad)
		if p.Next == "" {
			if odd != nil {
				odd = oddRecord(path, odd)
			}
			return all, odd
		}
		if p.Next == token {
			break
		}
		token = p.Next
	}
	return nil, oddRecord(path, errCircle)
}

// oddRecord is an answer of which a part makes no sense.
func oddRecord(path string, err error) error {
	return &rest.AnswerError{Status: http.StatusOK, Err: fmt.Errorf("GET %s: a record cannot be read: %w", path, err)}
}

// decodeAll decodes the items that can be decoded, and says what is wrong with the others.
func decodeAll[T any](items []json.RawMessage) ([]T, error) {
	all := make([]T, 0, len(items))
	var errs []error
	for _, raw := range items {
		var item *T
		if err := json.Unmarshal(raw, &item); err != nil {
			errs = append(errs, err)
		} else if item != nil {
			all = append(all, *item)
		}
	}
	return all, errors.Join(errs...)
}
