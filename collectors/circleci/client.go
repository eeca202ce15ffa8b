package circleci

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/dxctl/dxctl/collectors/rest"
)

// hintFor returns what to do about a request that is refused with the status; empty: nothing is known.
func hintFor(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "the token is no longer valid; create another personal API token and set it as the source's token"
	case http.StatusForbidden:
		return "the token's account may not read this; " + rights
	case http.StatusNotFound:
		return "it does not exist, or the token's account may not see it; " + rights
	}
	return ""
}

// rights are all that the token needs.
const rights = "give a personal API token (a project token is not enough); its account has to follow the project " +
	"and to have read access to its repository"

// refused reports whether CircleCI does not accept the request as it is, as with a page token that is too old.
func refused(err error) bool {
	return rest.HasStatus(err, http.StatusBadRequest, http.StatusNotFound, http.StatusUnprocessableEntity)
}

func escapeSlug(slug string) string {
	parts := strings.Split(slug, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return strings.Join(parts, "/")
}

// page is one page of a list. Its items are decoded one by one, so that one that is invalid does not take the
// others along.
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

// list reads every page of a list. An item that cannot be read makes it an error, and the others are returned.
func list[T any](ctx context.Context, c *Collector, path string) ([]T, error) {
	var all []T
	var odd error
	token := ""
	for range mostPages {
		var p page
		if _, err := c.Get(ctx, withToken(path, token), "", &p); err != nil {
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

// oddRecord is an answer part of which is invalid.
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
