// Package client asks GitHub's REST and GraphQL APIs: it authenticates with a token or as an App, keeps within the rate
// limits, decodes the answers, and explains the errors that a user can correct. It does not know what is collected.
//
// A page with a record that cannot be read is decoded record by record, so that one odd record costs only itself.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"
	jsonv1 "github.com/go-json-experiment/json/v1"
	"github.com/google/go-github/v60/github"

	"github.com/dxctl/dxctl/collectors/rest"
)

// Config has the address of the API and the credentials.
type Config struct {
	URL                 string // see [APIURL]
	Token               string
	App                 App // instead of a token
	UserAgent           string
	AllowPrivateNetwork bool // the host of URL may resolve to an address of a private network
}

// Client sends requests to the REST and the GraphQL API. It is safe for use from several goroutines.
type Client struct {
	rest    *rest.Client
	app     *installation // nil: a token is configured
	api     *github.Client
	graphql string
	// archives makes the clients of [Client.Archive], whose answers are no JSON.
	archives func(base *url.URL, most int64) (*rest.Client, error)
	// before is called before each request; see [Client.Before].
	before func(ctx context.Context, write bool) error
}

// Before returns the client with one more function that is called before each request, after those that it has, and
// whose error is returned instead of sending it. write: the request changes something. Attempts after the first one are
// not announced.
func (c *Client) Before(do func(ctx context.Context, write bool) error) *Client {
	with, first := *c, c.before
	with.before = do
	if first != nil {
		with.before = func(ctx context.Context, write bool) error {
			if err := first(ctx, write); err != nil {
				return err
			}
			return do(ctx, write)
		}
	}
	return &with
}

func (c *Client) begin(ctx context.Context, write bool) error {
	if c.before == nil {
		return nil
	}
	return c.before(ctx, write)
}

// New returns a client. It sends no request.
func New(cfg Config, opt rest.Options) (*Client, error) {
	base, err := APIURL(cfg.URL)
	if err != nil {
		return nil, err
	}
	restCfg := rest.Config{
		BaseURL:             base,
		Token:               cfg.Token,
		UserAgent:           cfg.UserAgent,
		AllowPrivateNetwork: cfg.AllowPrivateNetwork,
		Limited:             limited,
	}
	restCfg.PerSecond, restCfg.Burst = budget(base)
	var app *installation
	if cfg.App.Configured() {
		if app, err = newInstallation(cfg.App, restCfg, opt); err != nil {
			return nil, err
		}
		restCfg.TokenSource = app.Token
	}
	http, err := rest.New(restCfg, opt)
	if err != nil {
		return nil, err
	}
	c := &Client{rest: http, app: app, api: github.NewClient(http.HTTPClient()), graphql: graphQLURL(base)}
	c.api.BaseURL = base
	c.archives = func(at *url.URL, most int64) (*rest.Client, error) {
		cfg := restCfg
		cfg.BaseURL, cfg.MaxBody, cfg.AnyBody, cfg.Limited = at, most, true, nil
		if at != base { // the server of archives gets no credentials
			cfg.Token, cfg.TokenSource = "", nil
			if !strings.EqualFold(at.Hostname(), base.Hostname()) {
				cfg.ForeignURL = true
				cfg.AllowPrivateNetwork = cfg.AllowPrivateNetwork &&
					strings.HasSuffix(strings.ToLower(at.Hostname()), "."+strings.ToLower(base.Hostname()))
			}
		} else {
			cfg.Limited = limited
		}
		return rest.New(cfg, opt)
	}
	return c, nil
}

// Observe sets the observer of requests and waits.
func (c *Client) Observe(o rest.Observer) {
	c.rest.Observe(o)
	if c.app != nil {
		c.app.client.Observe(o)
	}
}

// Answer is what an answer of REST contains besides its body.
type Answer struct {
	NotModified bool   // 304: nothing has changed since the ETag, and nothing was decoded
	ETag        string // of the answer; of the request if NotModified
	Next        int    // number of the next page; 0: this is the last
	Header      http.Header
	// records of a [Listing], [RunPage] or [JobPage] that cannot be read, and why: by id, or by place on the page
	Odd map[string]error
}

// Get requests a path below the address of the REST API and decodes the JSON into into. With an ETag the request is
// conditional. An error of a refused request explains what to do; see [Status].
func (c *Client) Get(ctx context.Context, path, etag string, into any) (Answer, error) {
	req, err := c.api.NewRequest(http.MethodGet, path, nil)
	if err != nil {
		return Answer{}, fmt.Errorf("GET %s: %w", path, err)
	}
	if err := c.begin(ctx, false); err != nil {
		return Answer{}, err
	}
	resp, err := c.api.BareDo(rest.IfNoneMatch(ctx, etag), req)
	if resp != nil && resp.StatusCode == http.StatusNotModified {
		return Answer{NotModified: true, ETag: etag}, nil
	}
	if err != nil {
		return Answer{}, answered(c.explain(path, err))
	}
	got := Answer{ETag: resp.Header.Get("ETag"), Next: resp.NextPage, Header: resp.Header}
	err = decode(resp.Response, into)
	page, ok := into.(salvager)
	if err != nil || ok && page.nameless() {
		if ok {
			got.Odd, err = page.salvage(resp.Response)
		}
		if err != nil {
			return Answer{}, fmt.Errorf("GET %s: %w", path, &rest.AnswerError{Status: resp.StatusCode, Err: err})
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

// Status returns the HTTP status of an answer that [Client.Get] or [Client.Query] returned as an error; 0 for any other
// error.
func Status(err error) int {
	var failed *github.ErrorResponse
	if errors.As(err, &failed) && failed.Response != nil {
		return failed.Response.StatusCode
	}
	return 0
}

// explain adds what to do to the errors that a user can correct.
func (c *Client) explain(path string, err error) error {
	whose := c.whose()
	err = withoutAddress(err)
	switch Status(err) {
	case http.StatusUnauthorized:
		return fmt.Errorf("GET %s: %w: the token is invalid or expired; create another and set it where this one is "+
			"configured",
			path, err)
	case http.StatusForbidden:
		return refusal(path, fmt.Errorf("GET %s: %w: %s may not read this; it needs read access to %s, and authorization "+
			"where the organization uses single sign-on", path, err, whose, rightFor(path)))
	case http.StatusNotFound:
		return fmt.Errorf("GET %s: %w: it does not exist, or %s may not see it", path, err, whose)
	}
	return fmt.Errorf("GET %s: %w", path, err)
}

// errorAnswer is an error answer of GitHub without the method and the address, which go-github repeats.
type errorAnswer struct{ answer *github.ErrorResponse }

func withoutAddress(err error) error {
	var failed *github.ErrorResponse
	if errors.As(err, &failed) && failed.Response != nil {
		return &errorAnswer{failed}
	}
	return err
}

func (e *errorAnswer) Error() string {
	text := fmt.Sprintf("%d %s", e.answer.Response.StatusCode, e.answer.Message)
	if len(e.answer.Errors) > 0 {
		text += fmt.Sprintf(" %v", e.answer.Errors)
	}
	return strings.TrimSpace(text)
}

func (e *errorAnswer) Unwrap() []error {
	if e.answer.Response.StatusCode == http.StatusUnauthorized {
		return []error{e.answer, rest.ErrUnauthorized}
	}
	return []error{e.answer}
}

// answered marks an error as an answer of the API, as opposed to an API that cannot be reached.
func answered(err error) error {
	if code := Status(err); code != 0 {
		return &rest.AnswerError{Status: code, Err: err}
	}
	return err
}

// graphQLError is an error in an answer of GraphQL with status 200.
type graphQLError struct {
	Type    string `json:"type"`
	Message string `json:"message"`
	Path    []any  `json:"path"`
}

// GraphQLErrors are the errors in an answer of GraphQL with status 200. Data may have come with them.
type GraphQLErrors []graphQLError

func (e GraphQLErrors) Error() string {
	texts := make([]string, len(e))
	for i, one := range e {
		texts[i] = one.Message
		if one.Type != "" {
			texts[i] = one.Type + ": " + one.Message
		}
	}
	return "GraphQL: " + strings.Join(texts, "; ")
}

// TooHeavy reports whether GitHub gave up on the query, so that a smaller page may succeed.
func (e GraphQLErrors) TooHeavy() bool {
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

// Missing reports whether all errors are of objects that do not exist or may not be seen.
func (e GraphQLErrors) Missing() bool {
	return !slices.ContainsFunc(e, func(one graphQLError) bool {
		return one.Type != "NOT_FOUND" && one.Type != "FORBIDDEN"
	})
}

// Refused reports whether GitHub refused a field of the answer to the credentials.
func (e GraphQLErrors) Refused(field string) bool {
	return slices.ContainsFunc(e, func(one graphQLError) bool {
		return one.Type == "FORBIDDEN" && slices.Contains(one.Path, any(field))
	})
}

// Failing reports whether GitHub fails to answer a query, as opposed to refusing it or being out of reach.
func Failing(err error) bool {
	var said GraphQLErrors
	return rest.Faulty(err) || errors.As(err, &said) && said.TooHeavy()
}

// Unserved reports whether a server, or a proxy before it, refuses an address as such. GitHub itself answers GraphQL
// that it refuses with status 200, and wrong credentials with 401.
func Unserved(err error) bool {
	return slices.Contains([]int{http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone,
		http.StatusNotImplemented}, Status(err))
}

// Query sends a query to the GraphQL API and decodes its data into into. Errors that come with data are returned as
// [GraphQLErrors] after the data was decoded: the caller decides whether the data is enough.
func (c *Client) Query(ctx context.Context, text string, variables map[string]any, into any) error {
	req, err := c.api.NewRequest(http.MethodPost, c.graphql, map[string]any{"query": text, "variables": variables})
	if err != nil {
		return fmt.Errorf("POST %s: %w", c.graphql, err)
	}
	if err := c.begin(ctx, false); err != nil {
		return err
	}
	resp, err := c.api.BareDo(ctx, req)
	if err != nil {
		return answered(fmt.Errorf("POST %s: %w", c.graphql, withoutAddress(err)))
	}
	var envelope struct {
		Data   json.RawMessage `json:"data"`
		Errors GraphQLErrors   `json:"errors"`
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
			Errors GraphQLErrors `json:"errors"`
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

// Check reports whether the API can be reached and accepts the credentials.
func (c *Client) Check(ctx context.Context) error {
	var limits struct {
		Resources map[string]struct{ Limit, Remaining int } `json:"resources"`
	}
	if _, err := c.Get(ctx, "rate_limit", "", &limits); err != nil {
		if Status(err) == http.StatusNotFound { // a GitHub Enterprise server without rate limits says so
			var meta struct{}
			if _, err = c.Get(ctx, "meta", "", &meta); err == nil {
				return nil
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
	return nil
}
