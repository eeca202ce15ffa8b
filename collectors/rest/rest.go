// Package rest is the one HTTP client under every collector. It is for reading: any request may be sent more than
// once. It is an [http.RoundTripper], so that a maintained client library (go-github, GitLab's client) can stand on
// it, and takes the care that such libraries leave out:
//
//   - an answer is read to its end before it is handed up, so that a cut-off body is a failed request and is retried;
//   - network errors, 5xx answers and HTML where JSON was due are retried with exponential backoff and jitter;
//   - a rate limit, primary or secondary, is waited out, visibly, and is not an error;
//   - a budget bounds the requests in flight and per second;
//   - conditional requests carry the ETag given in the context ([IfNoneMatch]);
//   - the token goes to the configured host alone, other hosts are refused, and so are addresses inside the private
//     network unless the source is allowed one.
package rest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// Config says where a client may go and how much it may ask.
type Config struct {
	BaseURL             *url.URL      // the only scheme, host and port that requests may go to
	Token               string        // empty: requests carry no credentials
	TokenSource         TokenSource   // gives the token instead of Token, where tokens expire; nil: Token
	AuthHeader          string        // header that carries the token; default Authorization
	AuthPrefix          string        // before the token; default "Bearer " where the header is Authorization
	UserAgent           string        // default "dxctl"
	AllowPrivateNetwork bool          // the base URL's name may resolve to an address of a private network
	ForeignURL          bool          // BaseURL is from a server, not from the operator: it permits nothing
	AnyBody             bool          // answers need not be JSON
	MaxConcurrent       int           // requests in flight; default 8
	PerSecond           float64       // requests a second, on average; default 12
	Burst               int           // requests that may come at once before that average holds; default MaxConcurrent
	MaxBody             int64         // bytes of one answer, unpacked; default 64 MB
	IdleTimeout         time.Duration // how long a server may send nothing before the attempt has failed; default 60 s
	Timeout             time.Duration // how long an attempt may take, however steadily the answer trickles; default 10 min
	Attempts            int           // of one request, limits not counted; default 8
	Backoff             time.Duration // before the second attempt, doubled for each further one up to 30 s; default 250 ms

	// Limited reports further signs of a rate limit, which the source has in addition to 429, Retry-After and the usual
	// headers: a message in the body, an error inside a 200. It may be nil.
	Limited func(status int, header http.Header, body []byte) (reason string, limited bool)
}

// TokenSource gives the token to send now. It is asked before every attempt, from several goroutines, and only for
// requests to the configured host; it should keep its token while that is good. refused is the token that the source
// has just answered with 401, so that another is needed; empty: none. Its error ends the request.
type TokenSource func(ctx context.Context, refused string) (string, error)

// Request is one attempt as it went, for metrics.
type Request struct {
	Status   int // 0: there was no answer
	Duration time.Duration
	Budget   Budget
}

// Budget is what the source says that it still allows in the current window of its rate limit.
type Budget struct {
	Known            bool
	Resource         string // GitHub counts core and graphql apart
	Remaining, Limit int    // requests or points
}

// Waiting says that a client sends nothing until a time, and why.
type Waiting struct {
	Until  time.Time
	Reason string
}

// Observer is told what a client does. Its functions may be nil and are called from several goroutines.
type Observer struct {
	Request func(Request)
	Waiting func(Waiting)
}

// Client is the round tripper. It is safe for use from several goroutines.
type Client struct {
	cfg      Config
	base     http.RoundTripper
	now      func() time.Time
	sleep    func(context.Context, time.Duration) error
	slots    chan struct{}
	limiter  *rate.Limiter
	observer atomic.Pointer[Observer]

	mu      sync.Mutex
	pauses  map[string]pause // by resource of the limit
	strikes map[string]int   // consecutive limits without a stated end, by resource
}

// Options are what a test wants to replace.
type Options struct {
	Now   func() time.Time                           // default time.Now
	Sleep func(context.Context, time.Duration) error // default: a timer that ends with the context
	Tune  func(*Config)                              // adjusts the configuration; may be nil
}

// New returns a client for one source. It fails when the base URL is not an absolute http or https URL.
func New(cfg Config, opt Options) (*Client, error) {
	if cfg.BaseURL == nil || cfg.BaseURL.Host == "" || (cfg.BaseURL.Scheme != "http" && cfg.BaseURL.Scheme != "https") {
		return nil, fmt.Errorf("url %q: give an absolute http or https URL", cfg.BaseURL)
	}
	if opt.Tune != nil {
		opt.Tune(&cfg)
	}
	cfg = cfg.withDefaults()
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Sleep == nil {
		opt.Sleep = sleep
	}
	return &Client{
		cfg: cfg, base: guardedTransport(cfg), now: opt.Now, sleep: opt.Sleep,
		slots: make(chan struct{}, cfg.MaxConcurrent), limiter: rate.NewLimiter(rate.Limit(cfg.PerSecond), cfg.Burst),
		pauses: map[string]pause{}, strikes: map[string]int{},
	}, nil
}

func (c Config) withDefaults() Config {
	if c.AuthHeader == "" {
		c.AuthHeader = "Authorization"
	}
	if c.AuthPrefix == "" && c.AuthHeader == "Authorization" {
		c.AuthPrefix = "Bearer "
	}
	if c.UserAgent == "" {
		c.UserAgent = "dxctl"
	}
	if c.MaxConcurrent <= 0 {
		c.MaxConcurrent = 8
	}
	if c.PerSecond <= 0 {
		c.PerSecond = 12
	}
	if c.Burst <= 0 {
		c.Burst = c.MaxConcurrent
	}
	if c.MaxBody <= 0 {
		c.MaxBody = 64 << 20
	}
	if c.IdleTimeout <= 0 {
		c.IdleTimeout = 60 * time.Second
	}
	if c.Timeout <= 0 {
		c.Timeout = 10 * time.Minute
	}
	if c.Attempts <= 0 {
		c.Attempts = 8
	}
	if c.Backoff <= 0 {
		c.Backoff = 250 * time.Millisecond
	}
	return c
}

// Observe sets who is told about requests and waits; the last call wins.
func (c *Client) Observe(o Observer) { c.observer.Store(&o) }

// HTTPClient returns an http.Client over c, for a client library. Redirects within the host are followed; one to
// another host fails in [Client.RoundTrip], before anything is sent.
func (c *Client) HTTPClient() *http.Client { return &http.Client{Transport: c} }

// CloseIdleConnections closes connections that no request uses. A client can be used again afterwards.
func (c *Client) CloseIdleConnections() {
	if transport, ok := c.base.(*http.Transport); ok {
		transport.CloseIdleConnections()
	}
}

// RoundTrip sends a request until it is answered, and returns the answer with its whole body in memory ([Body]).
// Answers that are not failures of the way (200, 304, 404, 401 …) are returned as they came, without the headers of
// the rate limit, which have been obeyed here. The error is the context's, or says how often the request was tried and
// what came last.
func (c *Client) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := c.allow(req.URL); err != nil {
		return nil, err
	}
	if req.Body != nil && req.Body != http.NoBody {
		if req.GetBody == nil {
			return nil, fmt.Errorf("%s %s: the request's body cannot be sent a second time", req.Method, req.URL.Redacted())
		}
		defer func() { _ = req.Body.Close() }()
	}
	var last error
	creds := credentials{token: c.cfg.Token}
	attempts := c.attempts(req.Context())
	for attempt := 0; attempt < attempts; {
		if attempt > 0 {
			if err := c.sleep(req.Context(), c.backoff(attempt, last)); err != nil {
				return nil, err
			}
		}
		resp, outcome, err := c.send(req, &creds)
		switch {
		case req.Context().Err() != nil:
			return nil, req.Context().Err()
		case outcome == outcomeOK:
			return resp, nil
		case outcome == outcomeFatal:
			return nil, fmt.Errorf("%s %s: %w", req.Method, req.URL.Redacted(), err)
		case outcome == outcomeRetry:
			attempt++
			last = err
		}
	}
	return nil, fmt.Errorf(
		"%s %s: gave up after %d attempts, the last of which ended with: %w",
		req.Method,
		req.URL.Redacted(),
		attempts,
		last,
	)
}

// backoff is how long to wait before the attempt with the given number: half fixed, half random, so that requests that
// failed together do not come back together. A server that named a time is believed up to a minute.
func (c *Client) backoff(attempt int, last error) time.Duration {
	d := min(c.cfg.Backoff<<(attempt-1), 30*time.Second)
	d = d/2 + rand.N(d/2+1) //nolint:gosec // jitter needs no secret
	var failed *serverError
	if errors.As(last, &failed) && failed.retryAfter > d {
		d = min(failed.retryAfter, time.Minute)
	}
	return d
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

type contextKey int

const (
	etagKey contextKey = iota
	attemptsKey
)

// WithMaxAttempts makes requests under the returned context give up after n attempts, where the client would make
// more: somebody waits for an answer, and why there is none says more than a deadline.
func WithMaxAttempts(ctx context.Context, n int) context.Context {
	return context.WithValue(ctx, attemptsKey, n)
}

// attempts is how often a request is tried.
func (c *Client) attempts(ctx context.Context) int {
	if n, ok := ctx.Value(attemptsKey).(int); ok && n > 0 {
		return min(n, c.cfg.Attempts)
	}
	return c.cfg.Attempts
}

// IfNoneMatch makes requests under the returned context conditional on the ETag: an answer with status 304 says that
// nothing has changed since. An empty ETag changes nothing.
func IfNoneMatch(ctx context.Context, etag string) context.Context {
	if etag == "" {
		return ctx
	}
	return context.WithValue(ctx, etagKey, etag)
}

// outgoing is the request as it is sent: a copy with our headers and a fresh body.
func (c *Client) outgoing(ctx context.Context, req *http.Request, token string) (*http.Request, error) {
	out := req.Clone(ctx)
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return nil, fmt.Errorf("reading the request's body again: %w", err)
		}
		out.Body = body
	}
	out.Header.Set("User-Agent", c.cfg.UserAgent)
	if out.Header.Get("Accept") == "" {
		out.Header.Set("Accept", "application/json")
	}
	if token != "" {
		out.Header.Set(c.cfg.AuthHeader, c.cfg.AuthPrefix+token)
	}
	if etag, ok := req.Context().Value(etagKey).(string); ok && strings.TrimSpace(etag) != "" {
		out.Header.Set("If-None-Match", etag)
	}
	return out, nil
}
