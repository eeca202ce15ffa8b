// Package send sends events to a dxctl server, and recognizes the CI job that it runs in.
package send

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	cloudevent "github.com/cloudevents/sdk-go/v2/event"

	"github.com/dxctl/dxctl/cmd/dxctl/exit"
	"github.com/dxctl/dxctl/collectors/webhook"
)

// DefaultServer is the address of a dxctl serve on this machine.
const DefaultServer = "http://127.0.0.1:8080"

const (
	firstRetry   = 500 * time.Millisecond
	longestRetry = 10 * time.Second
	maxAnswer    = 8 << 20 // bytes: a line for each of 10,000 facts
)

// Options determine where and how an event is sent.
type Options struct {
	Server  string        // URL of the server, with or without the path that receives events
	Token   string        // secret of the server's source of kind events
	Timeout time.Duration // longest duration of one attempt
	Retries int           // after the first attempt, if the server cannot be reached or is busy
	Version string        // of this binary, for the server's log
}

// Event sends a CloudEvent, encoded as JSON, and returns the answer of the server. An error carries an exit code if the
// token is missing or rejected, or if the server does not answer within the timeout.
func Event(ctx context.Context, doc []byte, opt Options) (webhook.Answer, error) {
	return opt.send(ctx, "event", webhook.EventsPath, cloudevent.ApplicationCloudEventsJSON, doc)
}

// Facts sends a document of facts of a media type, and returns the answer of the server as Event does. If facts are
// refused, the answer is not nil and lists them, also with an error.
func Facts(ctx context.Context, media string, doc []byte, opt Options) (webhook.Answer, error) {
	return opt.send(ctx, "facts", webhook.FactsPath, media, doc)
}

// send posts a document. what names it in errors.
func (o Options) send(ctx context.Context, what, path, media string, doc []byte) (webhook.Answer, error) {
	address, err := addressOf(o.Server, path)
	if err != nil {
		return webhook.Answer{}, err
	}
	if o.Token == "" {
		return webhook.Answer{}, exit.With(exit.Credentials, errors.New("missing token: set $DXCTL_TOKEN to the secret of "+
			"the server's source of kind events"))
	}
	answer, err := o.retry(ctx, address, media, doc)
	if err != nil {
		return answer, fmt.Errorf("sending the %s to %s: %w", what, address, err)
	}
	return answer, nil
}

// addressOf returns the URL of a path of a server, which may be given with the path that receives events.
func addressOf(server, path string) (string, error) {
	u, err := url.Parse(server)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return "", fmt.Errorf(
			"--server %q: invalid address; use an absolute http or https URL such as %s",
			server,
			DefaultServer,
		)
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", fmt.Errorf(
			"--server %q: remove the user, query and fragment; give the token with --token or $DXCTL_TOKEN",
			u.Redacted(),
		)
	}
	u.Path, u.RawPath = strings.TrimSuffix(strings.TrimRight(u.Path, "/"), webhook.EventsPath)+path, ""
	return u.String(), nil
}

// retryable is an error after which a retry may succeed.
type retryable struct {
	err   error
	after time.Duration // how long the server asked to wait; 0: unspecified
}

func (b retryable) Error() string { return b.err.Error() }
func (b retryable) Unwrap() error { return b.err }

// retry posts the document, and again up to o.Retries times.
func (o Options) retry(ctx context.Context, address, media string, doc []byte) (webhook.Answer, error) {
	// A redirect is not followed: it would become a GET, or send the token to another server.
	client := &http.Client{
		Timeout:       o.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	defer client.CloseIdleConnections()
	pause := firstRetry
	for try := 0; ; try++ {
		answer, err := o.post(ctx, client, address, media, doc)
		var again retryable
		if err == nil || !errors.As(err, &again) || ctx.Err() != nil {
			return answer, cmp.Or(ctx.Err(), err)
		}
		if try >= o.Retries {
			return answer, err
		}
		timer := time.NewTimer(min(max(pause, again.after), longestRetry))
		select {
		case <-ctx.Done():
			timer.Stop()
			return answer, ctx.Err()
		case <-timer.C:
		}
		pause *= 2
	}
}

// post sends the document once. The error is retryable if a retry may succeed.
func (o Options) post(ctx context.Context, client *http.Client, address, media string, doc []byte,
) (webhook.Answer, error) {
	var answer webhook.Answer
	req, err := http.NewRequestWithContext(
		ctx,
		http.MethodPost,
		address,
		bytes.NewReader(doc),
	)
	if err != nil {
		return answer, err
	}
	req.Header.Set("Authorization", "Bearer "+o.Token)
	req.Header.Set("Content-Type", media+"; charset=utf-8")
	req.Header.Set("User-Agent", "dxctl/"+o.Version)
	resp, err := client.Do(req)
	if err != nil {
		var timeout interface{ Timeout() bool }
		if errors.As(err, &timeout) && timeout.Timeout() && ctx.Err() == nil {
			err = exit.With(exit.Timeout, fmt.Errorf("no answer within %s: %w", client.Timeout, err))
		}
		return answer, retryable{err: err}
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return answer, retryable{err: fmt.Errorf("reading the response: %w", err)}
	}
	decoded := json.Unmarshal(body, &answer) == nil
	refused := fmt.Errorf("%s: %s", resp.Status, cmp.Or(answer.Error, answer.Reason, "the response is not from dxctl: "+
		"check the address of the server"))
	switch code := resp.StatusCode; {
	case code == http.StatusOK || code == http.StatusAccepted:
		if !decoded || answer.Outcome == "" {
			return answer, refused
		}
		return answer, nil
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return answer, exit.With(exit.Credentials, refused)
	case code == http.StatusTooManyRequests || code >= http.StatusInternalServerError:
		after, _ := strconv.Atoi(resp.Header.Get("Retry-After")) // a date, or nothing, is 0
		return answer, retryable{err: refused, after: time.Duration(max(after, 0)) * time.Second}
	case code == http.StatusNotFound:
		return answer, fmt.Errorf("%w; check that the server has a source of kind events", refused)
	}
	return answer, refused
}
