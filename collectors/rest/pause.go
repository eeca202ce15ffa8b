package rest

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// pause is a time during which nothing of a resource is asked.
type pause struct {
	until  time.Time
	reason string
}

const (
	longestPause  = 65 * time.Minute // a limit's window is an hour; whoever names more has a wrong clock: ask again then
	shortestPause = time.Second
	blindPause    = time.Minute // after a limit that does not say for how long; doubled up to 16 minutes
)

// resourceOf names the limit that a request counts against. GitHub counts GraphQL apart from REST.
func resourceOf(req *http.Request) string {
	if strings.HasSuffix(req.URL.Path, "/graphql") {
		return "graphql"
	}
	return "core"
}

// paused reports whether the resource is to be left alone now.
func (c *Client) paused(resource string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now().Before(c.pauses[resource].until)
}

// waitPause returns when no pause of the resource is left, or with the context's error.
func (c *Client) waitPause(ctx context.Context, resource string) error {
	for {
		c.mu.Lock()
		p := c.pauses[resource]
		c.mu.Unlock()
		left := p.until.Sub(c.now())
		if left <= 0 {
			return ctx.Err()
		}
		if err := c.sleep(ctx, left); err != nil {
			return err
		}
	}
}

// meetsLimit reports whether the answer is a rate limit, and if so sets the pause that it asks for and tells the
// observer. The last answer that is still allowed says "0 remaining" too, but it is not a refusal and goes up; the next
// request is refused at the cost of one answer, and that answer's reset is the authority.
func (c *Client) meetsLimit(resource string, resp *http.Response, body []byte) bool {
	reason, wait := c.limitOf(resp, body)
	c.mu.Lock()
	defer c.mu.Unlock()
	if reason == "" {
		if resp.StatusCode < 400 {
			delete(c.strikes, resource)
		}
		return false
	}
	if wait <= 0 {
		wait = min(blindPause<<min(c.strikes[resource], 4), 16*time.Minute)
		c.strikes[resource]++
	}
	wait = min(max(wait, shortestPause), longestPause)
	until := c.now().Add(wait)
	if until.After(c.pauses[resource].until) {
		announce := !c.now().Before(c.pauses[resource].until) // requests that were in flight meet the same limit: say it once
		c.pauses[resource] = pause{until, reason}
		if o := c.observer.Load(); announce && o != nil && o.Waiting != nil {
			o.Waiting(Waiting{Until: until, Reason: reason})
		}
	}
	return true
}

// limitOf returns why the answer is a rate limit ("" when it is none) and how long it says to wait (0: it does not
// say).
func (c *Client) limitOf(resp *http.Response, body []byte) (string, time.Duration) {
	h, status := resp.Header, resp.StatusCode
	refused := status == http.StatusForbidden || status == http.StatusTooManyRequests
	reset := c.untilReset(h)
	switch {
	case refused && retryAfter(h) > 0:
		return fmt.Sprintf("rate limit: the source asks to wait %s", retryAfter(h)), retryAfter(h)
	case refused && first(h, "X-RateLimit-Remaining", "RateLimit-Remaining") == "0":
		return "rate limit used up", reset
	case status == http.StatusTooManyRequests:
		return "rate limit: too many requests", 0
	}
	if c.cfg.Limited != nil {
		if reason, ok := c.cfg.Limited(status, h, body); ok {
			if first(h, "X-RateLimit-Remaining", "RateLimit-Remaining") != "0" {
				reset = 0
			}
			return reason, max(retryAfter(h), reset)
		}
	}
	return "", 0
}

// budgetOf reads what an answer says of the limit; Limit is 0 where it does not say how large that is.
func budgetOf(resource string, resp *http.Response) Budget {
	if resp == nil {
		return Budget{}
	}
	remaining, err := strconv.Atoi(first(resp.Header, "X-RateLimit-Remaining", "RateLimit-Remaining"))
	if err != nil {
		return Budget{}
	}
	limit, err := strconv.Atoi(first(resp.Header, "X-RateLimit-Limit", "RateLimit-Limit"))
	if err != nil {
		limit = 0
	}
	return Budget{Known: true, Resource: resource, Remaining: remaining, Limit: limit}
}

// untilReset is how long the limit's window still lasts, measured on the server's own clock: the reset is an instant
// of the server, and ours may be wrong. A second is added because both are whole seconds.
func (c *Client) untilReset(h http.Header) time.Duration {
	at, err := strconv.ParseInt(first(h, "X-RateLimit-Reset", "RateLimit-Reset"), 10, 64)
	if err != nil || at <= 0 {
		return 0
	}
	if at < 1e6 { // a number of seconds from now, as the IETF's draft has it
		return time.Duration(at)*time.Second + time.Second
	}
	server, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		server = c.now()
	}
	return max(time.Unix(at, 0).Sub(server)+time.Second, shortestPause)
}

// retryAfter reads Retry-After in both its forms; 0 when it is absent or past.
func retryAfter(h http.Header) time.Duration {
	v := h.Get("Retry-After")
	if v == "" {
		return 0
	}
	if at, err := http.ParseTime(v); err == nil {
		server, err := http.ParseTime(h.Get("Date"))
		if err != nil {
			return 0
		}
		return max(at.Sub(server), shortestPause)
	}
	if v == "0" {
		return shortestPause
	}
	return seconds(v)
}

func first(h http.Header, names ...string) string {
	for _, name := range names {
		if v := h.Get(name); v != "" {
			return v
		}
	}
	return ""
}

// stripLimits takes the limit's headers off an answer. They have been obeyed here, where the whole source is seen;
// go-github would refuse requests by itself after the last allowed answer.
func stripLimits(h http.Header) {
	for name := range h {
		if lower := strings.ToLower(name); strings.HasPrefix(lower, "x-ratelimit-") ||
			strings.HasPrefix(lower, "ratelimit-") {
			delete(h, name)
		}
	}
}
