package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// outcome is what becomes of a request after one attempt.
type outcome int

const (
	outcomeOK           outcome = iota // the answer is returned
	outcomeRetry                       // it failed on the way: try again after a backoff
	outcomeRateLimited                 // the source said wait: try again when the pause is over, as often as it says so
	outcomeTokenExpired                // the token is no longer good: try again with another, once
	outcomeFatal                       // trying again would not help
)

// serverError is an answer that says that the server, or something before it, failed.
type serverError struct {
	status     int
	detail     string
	retryAfter time.Duration
}

func (e *serverError) Error() string {
	text := fmt.Sprintf("status %d", e.status)
	if name := http.StatusText(e.status); name != "" {
		text += " " + name
	}
	if e.detail != "" {
		text += ": " + e.detail
	}
	return text
}

// ErrTooLarge is the error of an answer that has more bytes than Config.MaxBody.
var ErrTooLarge = errors.New("the answer is larger than allowed")

// ahead is how much memory an answer is given on its word alone; after that it gets what it has sent.
const ahead = 4 << 20

// tooLarge refuses an answer; said is how large it is, 0: at least larger than allowed.
func (c *Client) tooLarge(said int64) error {
	size := "more"
	if said > 0 {
		size = fmt.Sprintf("%d bytes", said)
	}
	return fmt.Errorf("%w: %s, at most %d bytes; no page of a source's API is as large: open the address to see what "+
		"answers there, and correct the source's url when it is something else", ErrTooLarge, size, c.cfg.MaxBody)
}

// Body is the body of every answer that [Client.RoundTrip] returns: all of it, in memory.
type Body struct {
	bytes.Reader
	all []byte
}

// Bytes returns the whole body, however much of it has been read. It must not be changed.
func (b *Body) Bytes() []byte { return b.all }

// Close does nothing; the connection has been given back already.
func (b *Body) Close() error { return nil }

// credentials are what one request sends, over all its attempts.
type credentials struct {
	token   string
	refused string // a token that the source has answered with 401; empty: none so far
}

// renew asks the token source, where there is one, for the token of the next attempt.
func (k *credentials) renew(ctx context.Context, from TokenSource) error {
	if from == nil {
		return nil
	}
	token, err := from(ctx, k.refused)
	if err != nil {
		return fmt.Errorf("getting a token: %w", err)
	}
	k.token = token
	return nil
}

// stale reports whether the answer says that the token is no longer good while another may be. That is said once.
func (k *credentials) stale(resp *http.Response, from TokenSource) bool {
	if from == nil || resp.StatusCode != http.StatusUnauthorized || k.refused != "" || k.token == "" {
		return false
	}
	k.refused = k.token
	return true
}

// send makes one attempt: it waits for the budget and for a pause to end, sends, reads the whole answer and judges it.
func (c *Client) send(req *http.Request, creds *credentials) (*http.Response, outcome, error) {
	ctx := req.Context()
	resource := resourceOf(req)
	if err := c.waitPause(ctx, resource); err != nil {
		return nil, outcomeFatal, err
	}
	if err := creds.renew(ctx, c.cfg.TokenSource); err != nil { // before a slot is taken: it may take a while
		return nil, outcomeFatal, err
	}
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return nil, outcomeFatal, ctx.Err()
	}
	if err := c.limiter.Wait(ctx); err != nil {
		return nil, outcomeFatal, err
	}
	if c.paused(resource) { // a request in flight met the limit while this one stood in line
		return nil, outcomeRateLimited, nil
	}
	start := time.Now() // durations are measured on the monotonic clock, not on the injected one
	resp, body, err := c.exchange(req, creds.token)
	status := 0
	if resp != nil {
		status = resp.StatusCode
	}
	if o := c.observer.Load(); o != nil && o.Request != nil && ctx.Err() == nil {
		o.Request(Request{Status: status, Duration: time.Since(start), Budget: budgetOf(resource, resp)})
	}
	if err != nil {
		if errors.Is(err, ErrTooLarge) || errors.As(err, new(*RefusedError)) {
			return nil, outcomeFatal, err
		}
		return nil, outcomeRetry, err
	}
	if c.meetsLimit(resource, resp, body) {
		return nil, outcomeRateLimited, nil
	}
	if err := faulty(resp, body, c.cfg.AnyBody); err != nil {
		return nil, outcomeRetry, err
	}
	if creds.stale(resp, c.cfg.TokenSource) {
		return nil, outcomeTokenExpired, nil
	}
	stripLimits(resp.Header)
	resp.Body = newBody(body)
	resp.ContentLength = int64(len(body))
	return resp, outcomeOK, nil
}

func newBody(all []byte) *Body {
	b := &Body{all: all}
	b.Reset(all)
	return b
}

// exchange sends the request once and reads the answer to its end. The attempt is given up when the server has sent
// nothing for the idle timeout, and when the answer as a whole takes longer than any should.
func (c *Client) exchange(req *http.Request, token string) (*http.Response, []byte, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	defer cancel(nil)
	idle := fmt.Errorf("the server sent nothing for %s", c.cfg.IdleTimeout)
	watchdog := time.AfterFunc(c.cfg.IdleTimeout, func() { cancel(idle) })
	defer watchdog.Stop()
	slow := fmt.Errorf("the answer was not complete after %s", c.cfg.Timeout)
	defer time.AfterFunc(c.cfg.Timeout, func() { cancel(slow) }).Stop()

	out, err := c.outgoing(ctx, req, token)
	if err != nil {
		return nil, nil, err
	}
	resp, err := c.base.RoundTrip(out)
	if err != nil {
		return nil, nil, because(ctx, err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.ContentLength > c.cfg.MaxBody {
		return resp, nil, c.tooLarge(resp.ContentLength)
	}
	var buf bytes.Buffer
	if resp.ContentLength > 0 {
		buf.Grow(int(min(resp.ContentLength, ahead)) + bytes.MinRead)
	}
	_, err = buf.ReadFrom(io.LimitReader(&alive{resp.Body, watchdog, c.cfg.IdleTimeout}, c.cfg.MaxBody+1))
	if err != nil {
		return resp, nil, fmt.Errorf("the answer was cut off after %d bytes: %w", buf.Len(), because(ctx, err))
	}
	if int64(buf.Len()) > c.cfg.MaxBody {
		return resp, nil, c.tooLarge(0)
	}
	return resp, buf.Bytes(), nil
}

// because prefers the reason for which we gave up over the library's "context canceled".
func because(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// alive puts the watchdog off whenever something arrives.
type alive struct {
	io.Reader
	watchdog *time.Timer
	timeout  time.Duration
}

func (a *alive) Read(p []byte) (int, error) {
	n, err := a.Reader.Read(p)
	if n > 0 {
		a.watchdog.Reset(a.timeout)
	}
	return n, err
}

// faulty says why an answer is a failure of the way rather than the source's word: a 5xx, or a success that is not JSON
// (a proxy's page, a login form, a body that was cut where the protocol does not show it). anyBody: a success need not
// be JSON.
func faulty(resp *http.Response, body []byte, anyBody bool) error {
	if resp.StatusCode >= 500 && resp.StatusCode != http.StatusNotImplemented {
		return &serverError{
			status:     resp.StatusCode,
			detail:     excerpt(body),
			retryAfter: seconds(resp.Header.Get("Retry-After")),
		}
	}
	if anyBody || resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusCreated {
		return nil
	}
	text := bytes.TrimSpace(body)
	if len(text) == 0 {
		if resp.Request != nil && resp.Request.Method == http.MethodHead {
			return nil
		}
		return &serverError{status: resp.StatusCode, detail: "the body is empty where JSON was expected"}
	}
	if text[0] != '{' && text[0] != '[' {
		return &serverError{
			status: resp.StatusCode,
			detail: fmt.Sprintf("%s instead of JSON: %s", kindOf(resp, text[0]), excerpt(body)),
		}
	}
	if last := text[len(text)-1]; last != text[0]+2 { // '{'+2 is '}', '['+2 is ']'
		return &serverError{status: resp.StatusCode, detail: "the JSON is cut off"}
	}
	// A body whose length the protocol does not say can end early without an error: look at all of it.
	if resp.ProtoMajor < 2 && resp.ContentLength < 0 && len(resp.TransferEncoding) == 0 && !resp.Uncompressed &&
		!json.Valid(text) {
		return &serverError{status: resp.StatusCode, detail: "the JSON is cut off"}
	}
	return nil
}

func kindOf(resp *http.Response, first byte) string {
	if first == '<' {
		return "HTML"
	}
	kind, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	if kind == "" || strings.Contains(kind, "json") {
		return "text"
	}
	return kind
}

func excerpt(body []byte) string {
	text := strings.ToValidUTF8(strings.Join(strings.Fields(string(body[:min(len(body), 400)])), " "), "")
	if len(text) > 120 {
		text = strings.ToValidUTF8(text[:120], "") + "…"
	}
	return text
}

// seconds reads a number of seconds, as Retry-After gives it; anything else is 0.
func seconds(s string) time.Duration {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil || n < 0 {
		return 0
	}
	return time.Duration(n) * time.Second
}
