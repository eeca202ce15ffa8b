package pagerduty

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
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
		return text + ": the key is not valid (any more); create another REST API key and set it as the source's token; accounts in the EU have url: https://api.eu.pagerduty.com"
	case http.StatusForbidden:
		return text + ": the key may not read this; " + rights
	case http.StatusNotFound:
		return text + ": it does not exist (any more), or the key does not show it; " + rights
	}
	return text
}

// rights are all that the key needs.
const rights = "give a read-only REST API key of the account, or an OAuth token with the scopes services.read and incidents.read (which covers log entries)"

func (e *statusError) Unwrap() error {
	if e.status == http.StatusUnauthorized {
		return rest.ErrUnauthorized
	}
	return nil
}

// gone reports whether PagerDuty does not have, or does not show, what was asked for.
func gone(err error) bool {
	var s *statusError
	return errors.As(err, &s) && (s.status == http.StatusNotFound || s.status == http.StatusGone || s.status == http.StatusForbidden)
}

func (c *Collector) get(ctx context.Context, path, etag string, into any) (answer, error) {
	shown, _, _ := strings.Cut(path, "?")
	req, err := http.NewRequestWithContext(rest.IfNoneMatch(ctx, etag), http.MethodGet, c.base+path, nil)
	if err != nil {
		return answer{}, fmt.Errorf("GET %s: %w", shown, err)
	}
	req.Header.Set("Accept", "application/vnd.pagerduty+json;version=2")
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
		return answer{}, fmt.Errorf("GET %s: %w", shown, err)
	}
	if resp.StatusCode != http.StatusOK {
		var said struct {
			Error struct {
				Message string   `json:"message"`
				Errors  []string `json:"errors"`
			} `json:"error"`
		}
		_ = json.Unmarshal(body, &said) // an explanation, if there is one
		text := strings.Join(append([]string{said.Error.Message}, said.Error.Errors...), " ")
		return answer{}, &rest.AnswerError{Status: resp.StatusCode, Err: &statusError{path: shown, status: resp.StatusCode, said: text}}
	}
	if err := json.Unmarshal(body, into); err != nil {
		return answer{}, &rest.AnswerError{Status: http.StatusOK, Err: fmt.Errorf("GET %s: the answer is not what PagerDuty documents: %w", shown, err)}
	}
	return answer{etag: resp.Header.Get("ETag")}, nil
}
