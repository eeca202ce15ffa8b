// Package send sends events, facts and edited scorecards to a dxctl server, and recognizes the CI job that it runs in.
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
	Token   string        // secret of the server's source of kind events; of a plan, that of a token for plans
	Timeout time.Duration // longest duration of one attempt
	Retries int           // after the first attempt, if the server cannot be reached or is busy
	Version string        // of this binary, for the server's log
	// Waiting is called with the error of the first attempt if others follow, because they take minutes. It may be nil.
	Waiting func(error)
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
func (o Options) retry(ctx context.Context, address, media string, doc []byte) (answer webhook.Answer, err error) {
	err = o.again(ctx, func(client *http.Client) error {
		answer, err = o.post(ctx, client, address, media, doc)
		return err
	})
	return answer, err
}

// again calls a function, and again up to o.Retries times if its error is retryable.
func (o Options) again(ctx context.Context, try func(*http.Client) error) error {
	// A redirect is not followed: it would become a GET, or send the token to another server.
	client := &http.Client{
		Timeout:       o.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	defer client.CloseIdleConnections()
	pause := firstRetry
	for n := 0; ; n++ {
		err := try(client)
		var again retryable
		if err == nil || !errors.As(err, &again) || ctx.Err() != nil {
			return cmp.Or(ctx.Err(), err)
		}
		if n >= o.Retries {
			return err
		}
		if n == 0 && o.Waiting != nil {
			o.Waiting(err)
		}
		timer := time.NewTimer(min(max(pause, again.after), longestRetry))
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
		pause *= 2
	}
}

// answered is an answer of a server.
type answered struct {
	status string // with its text
	code   int
	after  time.Duration // how long the server asks to wait; 0: unspecified
	body   []byte
}

// exchange posts the document once and reads at most so many bytes of the answer. The error is retryable if a retry may
// succeed.
func (o Options) exchange(ctx context.Context, client *http.Client, address, media string, doc []byte, most int64,
) (answered, error) {
	req, err := http.NewRequestWithContext(
		ctx,
		http.MethodPost,
		address,
		bytes.NewReader(doc),
	)
	if err != nil {
		return answered{}, err
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
		return answered{}, retryable{err: err}
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, most))
	if err != nil {
		return answered{}, retryable{err: fmt.Errorf("reading the response: %w", err)}
	}
	after, _ := strconv.Atoi(resp.Header.Get("Retry-After")) // a date, or nothing, is 0
	return answered{resp.Status, resp.StatusCode, time.Duration(max(after, 0)) * time.Second, body}, nil
}

// post sends the document once. The error is retryable if a retry may succeed.
func (o Options) post(ctx context.Context, client *http.Client, address, media string, doc []byte,
) (webhook.Answer, error) {
	var answer webhook.Answer
	resp, err := o.exchange(ctx, client, address, media, doc, maxAnswer)
	if err != nil {
		return answer, err
	}
	decoded := json.Unmarshal(resp.body, &answer) == nil
	refused := fmt.Errorf("%s: %s", resp.status, cmp.Or(answer.Error, answer.Reason, "the response is not from dxctl: "+
		"check the address of the server"))
	switch code := resp.code; {
	case code == http.StatusOK || code == http.StatusAccepted:
		if !decoded || answer.Outcome == "" {
			return answer, refused
		}
		return answer, nil
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return answer, exit.With(exit.Credentials, refused)
	case code == http.StatusTooManyRequests || code >= http.StatusInternalServerError:
		return answer, retryable{err: refused, after: resp.after}
	case code == http.StatusNotFound:
		return answer, fmt.Errorf("%w; check that the server has a source of kind events", refused)
	}
	return answer, refused
}
