package github

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"
	jsonv1 "github.com/go-json-experiment/json/v1"
	"github.com/google/go-github/v60/github"

	"github.com/dxctl/dxctl/collectors/rest"
)

// answer is what an answer says beside its body.
type answer struct {
	notModified bool   // 304: the ETag still holds, nothing was decoded
	etag        string // of the answer
	next        int    // number of the next page; 0: this is the last
	header      http.Header
	odd         map[string]error // records of a page that cannot be read, by id
}

// get asks for a path below the API's URL, conditional on etag where there is one, and decodes the JSON into into. The
// structs that it decodes into hold only what is used: a run is 10 KB of JSON, of which a twentieth is wanted.
func (c *Collector) get(ctx context.Context, path, etag string, into any) (answer, error) {
	req, err := c.api.NewRequest(http.MethodGet, path, nil)
	if err != nil {
		return answer{}, fmt.Errorf("GET %s: %w", path, err)
	}
	resp, err := c.api.BareDo(rest.IfNoneMatch(ctx, etag), req)
	if resp != nil && resp.StatusCode == http.StatusNotModified {
		return answer{notModified: true, etag: etag}, nil
	}
	if err != nil {
		return answer{}, answered(c.explain(path, err))
	}
	got := answer{etag: resp.Header.Get("ETag"), next: resp.NextPage, header: resp.Header}
	err = decode(resp.Response, into)
	page, ok := into.(salvager)
	if err != nil || ok && page.nameless() {
		if ok {
			got.odd, err = page.salvage(resp.Response)
		}
		if err != nil {
			return answer{}, fmt.Errorf("GET %s: %w", path, &rest.AnswerError{Status: resp.StatusCode, Err: err})
		}
	}
	return got, nil
}

// asBefore makes the decoder read what encoding/json reads: names in any case, doubled ones, text that is not UTF-8.
var asBefore = jsonv1.DefaultOptionsV1()

// decode reads the JSON of an answer. The successor of encoding/json takes a quarter of its time for a page of runs, of
// which nineteen twentieths are skipped.
func decode(resp *http.Response, into any) error {
	body, ok := resp.Body.(*rest.Body)
	if !ok {
		return fmt.Errorf("the answer's body is a %T, not what the client reads", resp.Body)
	}
	if err := jsonv2.Unmarshal(body.Bytes(), into, asBefore); err != nil {
		return fmt.Errorf("the answer is not what GitHub documents: %w", err)
	}
	return nil
}

// status returns the HTTP status of an error that the API answered with; 0 when it is of another kind.
func status(err error) int {
	var failed *github.ErrorResponse
	if errors.As(err, &failed) && failed.Response != nil {
		return failed.Response.StatusCode
	}
	return 0
}

// explain adds what to do to the errors that a person can do something about.
func (c *Collector) explain(path string, err error) error {
	whose := c.whose()
	switch status(err) {
	case http.StatusUnauthorized:
		return fmt.Errorf(
			"GET %s: %w: %w: the token is invalid or expired; create another and set it as the source's token",
			path,
			rest.ErrUnauthorized,
			err,
		)
	case http.StatusForbidden:
		return refusal(path, fmt.Errorf("GET %s: %w: %s may not read this; it needs read access to %s, and authorization "+
			"where the organization uses single sign-on", path, err, whose, rightFor(path)))
	case http.StatusNotFound:
		return fmt.Errorf("GET %s: %w: it does not exist, or %s may not see it", path, err, whose)
	}
	return fmt.Errorf("GET %s: %w", path, err)
}

// answered makes an answer of an error that the API answered with.
func answered(err error) error {
	if code := status(err); code != 0 {
		return &rest.AnswerError{Status: code, Err: err}
	}
	return err
}

// graphQLError is an error inside an answer with status 200.
type graphQLError struct {
	Type    string `json:"type"`
	Message string `json:"message"`
	Path    []any  `json:"path"`
}

type graphQLErrors []graphQLError

func (e graphQLErrors) Error() string {
	texts := make([]string, len(e))
	for i, one := range e {
		texts[i] = one.Message
		if one.Type != "" {
			texts[i] = one.Type + ": " + one.Message
		}
	}
	return "GraphQL: " + strings.Join(texts, "; ")
}

// tooHeavy reports whether GitHub gave up on the query itself, so that a smaller page may succeed.
func (e graphQLErrors) tooHeavy() bool {
	for _, one := range e {
		m := strings.ToLower(one.Message)
		if strings.Contains(m, "timeout") || strings.Contains(m, "something went wrong") ||
			one.Type == "MAX_NODE_LIMIT_EXCEEDED" ||
			one.Type == "RESOURCE_LIMITS_EXCEEDED" {
			return true
		}
	}
	return false
}

// query asks the GraphQL API and decodes data into into. Errors beside data are returned as graphQLErrors, after data
// has been decoded: the caller decides whether what is there is enough.
func (c *Collector) query(ctx context.Context, text string, variables map[string]any, into any) error {
	req, err := c.api.NewRequest(http.MethodPost, c.graphql, map[string]any{"query": text, "variables": variables})
	if err != nil {
		return fmt.Errorf("POST %s: %w", c.graphql, err)
	}
	resp, err := c.api.BareDo(ctx, req)
	if err != nil {
		return answered(fmt.Errorf("POST %s: %w", c.graphql, err))
	}
	var envelope struct {
		Data   json.RawMessage `json:"data"`
		Errors graphQLErrors   `json:"errors"`
	}
	if err := decode(resp.Response, &envelope); err != nil {
		return fmt.Errorf("POST %s: %w", c.graphql, &rest.AnswerError{Status: resp.StatusCode, Err: err})
	}
	if len(envelope.Data) > 0 {
		if err := json.Unmarshal(envelope.Data, into); err != nil {
			return fmt.Errorf(
				"POST %s: %w",
				c.graphql,
				&rest.AnswerError{Status: resp.StatusCode, Err: fmt.Errorf("the answer is not what GitHub documents: %w", err)},
			)
		}
	}
	if len(envelope.Errors) > 0 {
		return envelope.Errors
	}
	return nil
}

// limited recognizes GitHub's limits where the headers do not show them: the secondary limit by its message, and
// GraphQL's limit as an error inside a 200.
func limited(code int, _ http.Header, body []byte) (string, bool) {
	if code == http.StatusForbidden || code == http.StatusTooManyRequests {
		text := bytes.ToLower(body[:min(len(body), 4096)])
		if bytes.Contains(text, []byte("secondary rate limit")) || bytes.Contains(text, []byte("abuse detection")) {
			return "secondary rate limit", true
		}
		if bytes.Contains(text, []byte("rate limit exceeded")) {
			return "rate limit used up", true
		}
	}
	if code == http.StatusOK && bytes.Contains(body, []byte("RATE_LIMITED")) {
		var envelope struct {
			Errors graphQLErrors `json:"errors"`
		}
		if json.Unmarshal(body, &envelope) == nil {
			for _, e := range envelope.Errors {
				if e.Type == "RATE_LIMITED" {
					return "GraphQL rate limit used up", true
				}
			}
		}
	}
	return "", false
}

// Check says whether the API can be reached with the configured token; the error says what to do.
func (c *Collector) Check(ctx context.Context) error {
	var limits struct {
		Resources map[string]struct{ Limit, Remaining int } `json:"resources"`
	}
	if _, err := c.get(ctx, "rate_limit", "", &limits); err != nil {
		if status(err) == http.StatusNotFound { // a GitHub Enterprise server without rate limits says so
			var meta struct{}
			if _, err = c.get(ctx, "meta", "", &meta); err == nil {
				return c.checkScopes(ctx)
			}
			return fmt.Errorf("%s does not answer as GitHub's API; check the source's url (a GitHub Enterprise server's is "+
				"https://host/api/v3): %w", c.api.BaseURL, err)
		}
		return err
	}
	if core, ok := limits.Resources["core"]; ok && core.Limit > 0 && core.Limit <= 60 {
		return fmt.Errorf(
			"%w: GitHub grants the 60 requests an hour of a visitor; create another token",
			rest.ErrUnauthorized,
		)
	}
	return c.checkScopes(ctx)
}

// checkScopes asks for each thing that is configured.
func (c *Collector) checkScopes(ctx context.Context) error {
	var errs []error
	for _, scope := range c.cfg.Repositories {
		var repo struct{}
		if _, err := c.get(ctx, "repos/"+scope, "", &repo); err != nil {
			errs = append(errs, err)
		}
	}
	ownerPath := ""
	if c.cfg.Organization != "" {
		var err error
		if ownerPath, err = c.ownerPath(ctx); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) > 0 {
		return c.withRights(errs...)
	}
	scope, err := c.firstRepository(ctx, ownerPath)
	if err != nil || scope == "" {
		return err
	}
	return c.checkRights(ctx, scope)
}
