package opsgenie

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
		return text + ": the key is not valid (any more); create another API integration and set its key as the source's token; accounts in the EU have url: https://api.eu.opsgenie.com"
	case http.StatusForbidden, http.StatusPaymentRequired:
		return text + ": the key may not read this, or the plan has no incidents; " + rights
	case http.StatusNotFound:
		return text + ": it does not exist (any more), or the key does not show it; " + rights
	}
	return text
}

// rights are all that the key needs.
const rights = "give the API integration read access and assign it to no team, or to the team that is read; services and incidents need the Standard or Enterprise plan: " +
	"with others read alerts with teams: [name]"

func (e *statusError) Unwrap() error {
	if e.status == http.StatusUnauthorized {
		return rest.ErrUnauthorized
	}
	return nil
}

// gone reports whether Opsgenie does not have what was asked for (any more).
func gone(err error) bool {
	var s *statusError
	return errors.As(err, &s) && (s.status == http.StatusNotFound || s.status == http.StatusGone)
}

func (c *Collector) get(ctx context.Context, path, etag string, into any) (answer, error) {
	shown, _, _ := strings.Cut(path, "?")
	req, err := http.NewRequestWithContext(rest.IfNoneMatch(ctx, etag), http.MethodGet, c.base+path, nil)
	if err != nil {
		return answer{}, fmt.Errorf("GET %s: %w", shown, err)
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
		return answer{}, fmt.Errorf("GET %s: %w", shown, err)
	}
	if resp.StatusCode != http.StatusOK {
		var said struct {
			Message string `json:"message"`
		}
		_ = json.Unmarshal(body, &said) // an explanation, if there is one
		return answer{}, &rest.AnswerError{Status: resp.StatusCode, Err: &statusError{path: shown, status: resp.StatusCode, said: said.Message}}
	}
	if err := json.Unmarshal(body, into); err != nil {
		return answer{}, &rest.AnswerError{Status: http.StatusOK, Err: fmt.Errorf("GET %s: the answer is not what Opsgenie documents: %w", shown, err)}
	}
	return answer{etag: resp.Header.Get("ETag")}, nil
}
