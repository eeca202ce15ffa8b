package httpjson

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/collectors/rest"
)

// answer is an answer of the API.
type answer struct {
	notModified bool
	status      int
	etag        string
	body        any // nil where the body is not JSON, which only an answer that is not 200 may have
}

// answerError is a definite answer that does not contain what was asked for.
type answerError struct{ err error }

func (e *answerError) Error() string { return e.err.Error() }
func (e *answerError) Unwrap() error { return e.err }

// answered reports whether the reason is a definite answer about the entity, so that a former value no longer holds.
// Refused credentials and failures of the server are about all entities.
func answered(reason error) bool { return errors.As(reason, new(*answerError)) }

// fetch requests the address for an entity. A status of 400 or more is an error, unless an expression uses status.
func (c *Collector) fetch(ctx context.Context, e descriptor.Entity, etag string) (answer, error) {
	address, err := c.programs.address.of(e)
	if err != nil {
		return answer{}, &answerError{err}
	}
	req, err := http.NewRequestWithContext(rest.IfNoneMatch(ctx, etag), http.MethodGet, address, http.NoBody)
	if err != nil {
		return answer{}, fmt.Errorf("GET %s: the address is malformed", c.host())
	}
	for name, value := range c.cfg.Headers {
		req.Header.Set(name, value)
	}
	resp, err := c.HTTPClient().Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return answer{}, ctx.Err()
		}
		return answer{}, c.hidden(err)
	}
	defer func() { _ = resp.Body.Close() }()
	got := answer{notModified: resp.StatusCode == http.StatusNotModified, status: resp.StatusCode,
		etag: resp.Header.Get("ETag")}
	if got.notModified {
		return got, nil
	}
	body, ok := resp.Body.(*rest.Body)
	if !ok {
		return answer{}, fmt.Errorf("GET %s: the body of the answer is a %T, not what the client reads", c.host(), resp.Body)
	}
	if err := json.Unmarshal(body.Bytes(), &got.body); err != nil && resp.StatusCode == http.StatusOK {
		return answer{}, &answerError{fmt.Errorf("GET %s: the answer is not JSON: %w", c.host(), err)}
	}
	if resp.StatusCode == http.StatusOK || c.usesStatus() && !refusesCredentials(resp.StatusCode) {
		return got, nil
	}
	err = fmt.Errorf("GET %s: status %d %s", c.host(), resp.StatusCode, http.StatusText(resp.StatusCode))
	if refusesCredentials(resp.StatusCode) {
		return answer{}, fmt.Errorf("%w: check headers of the source %s", err, c.Source())
	}
	return answer{}, &answerError{err}
}

func refusesCredentials(status int) bool {
	return status == http.StatusUnauthorized || status == http.StatusForbidden ||
		status == http.StatusProxyAuthRequired
}

var statusWord = regexp.MustCompile(`\bstatus\b`)

// usesStatus reports whether an expression decides by itself what a status means.
func (c *Collector) usesStatus() bool {
	return statusWord.MatchString(c.cfg.Items.Text) ||
		slices.ContainsFunc(c.cfg.Facts, func(f Fact) bool { return statusWord.MatchString(f.Value.Text) })
}

// unfit is the error of an expression on an answer.
func (c *Collector) unfit(got answer, what string, err error) error {
	return &answerError{fmt.Errorf("GET %s: status %d: %s: %w", c.host(), got.status, what, err)}
}

func (c *Collector) host() string { return c.programs.address.base.Host }

// maxReason is how many bytes of a reason are stored.
const maxReason = 500

// shown returns the reason for people.
func (c *Collector) shown(err error) string {
	text := c.redact(err.Error())
	if len(text) > maxReason {
		text = strings.ToValidUTF8(text[:maxReason], "") + "…"
	}
	return text
}

// hidden is an error of the client without the path and the query of addresses, and without the values of headers.
func (c *Collector) hidden(err error) error {
	var failed *url.Error
	if errors.As(err, &failed) {
		err = failed.Err // failed adds nothing but the request
	}
	return &redactedError{c.redact(pathOfURL.ReplaceAllString(err.Error(), "$1$2$3")), err}
}

var pathOfURL = regexp.MustCompile(`https?://([^/\s"]+)[^\s"]*?(:?)(\s|"|$)`)

type redactedError struct {
	text string
	err  error
}

func (e *redactedError) Error() string { return e.text }
func (e *redactedError) Unwrap() error { return e.err }

// minSecret is the length of the shortest part of a header's value that is hidden.
const minSecret = 6

// redact hides the values of headers: an API may repeat them in what it answers.
func (c *Collector) redact(text string) string {
	for _, value := range c.cfg.Headers {
		for _, part := range append(strings.Fields(value), value) {
			if len(part) >= minSecret && part != "Bearer" && !strings.HasPrefix(part, "application/") {
				text = strings.ReplaceAll(text, part, "[hidden]")
			}
		}
	}
	return text
}

// asked is a digest of the question: the address for the scope and the expressions.
func (c *Collector) asked(scope string) string {
	doc, err := json.Marshal(struct {
		URL, Scope, Items, Entity string
		Facts                     []Fact
	}{c.cfg.URL, scope, c.cfg.Items.Text, c.cfg.Entity.Text, c.cfg.Facts})
	if err != nil { // texts always can be encoded
		return ""
	}
	sum := sha256.Sum256(doc)
	return hex.EncodeToString(sum[:16])
}
