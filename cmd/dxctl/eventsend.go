package main

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
	"os"
	"strconv"
	"strings"
	"time"

	cloudevent "github.com/cloudevents/sdk-go/v2/event"
	"github.com/spf13/pflag"

	"github.com/dxctl/dxctl/cmd/dxctl/exit"
	"github.com/dxctl/dxctl/cmd/dxctl/output"
	"github.com/dxctl/dxctl/collectors/webhook"
)

// sending holds the flags that determine where and how an event is sent.
type sending struct {
	server, token string
	timeout       time.Duration
	retries       int
	bestEffort    bool
	print         bool
}

const (
	defaultServer = "http://127.0.0.1:8080"
	firstRetry    = 500 * time.Millisecond
	longestRetry  = 10 * time.Second
	maxAnswer     = 64 << 10
)

func (to *sending) flags(f *pflag.FlagSet) {
	f.StringVar(&to.server, "server", "", "`ADDRESS` of the server (default $DXCTL_SERVER, "+defaultServer+")")
	f.StringVar(&to.token, "token", "", "secret of the server's source of kind events (default $DXCTL_TOKEN, which "+
		"does not show in the process list)")
	f.DurationVar(&to.timeout, "timeout", 5*time.Second, "longest duration of one attempt")
	f.IntVar(&to.retries, "retries", 3, "number of retries if the server cannot be reached or is busy")
	f.BoolVar(&to.bestEffort, "best-effort", false, "if the event cannot be sent, print the error and exit with 0")
	f.BoolVar(&to.print, "print", false, "print the CloudEvent and send nothing")
}

// failed returns the error of the command. With --best-effort, the error is printed and the exit code is 0. For a
// mistake in the flags, this requires --best-effort to come before it.
func (to *sending) failed(err error) error {
	if err == nil || !to.bestEffort {
		return err
	}
	return exit.With(exit.OK, fmt.Errorf("event not sent: %w", err))
}

// run builds the event, sends it and prints the outcome.
func (to *sending) run(ctx context.Context, s *cli, build func(now time.Time) (cloudevent.Event, error)) error {
	e, err := build(s.now().UTC())
	if err != nil {
		return err
	}
	doc, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encoding the event: %w", err)
	}
	if to.print {
		_, err := fmt.Fprintln(s.out, string(doc))
		return err
	}
	address, err := eventsAddress(cmp.Or(to.server, os.Getenv("DXCTL_SERVER"), defaultServer))
	if err != nil {
		return err
	}
	token := cmp.Or(to.token, os.Getenv("DXCTL_TOKEN"))
	if token == "" {
		return exit.With(exit.Credentials, errors.New("missing token: set $DXCTL_TOKEN to the secret of the server's source "+
			"of kind events"))
	}
	answer, err := to.send(ctx, address, token, doc)
	if err != nil {
		return fmt.Errorf("sending the event to %s: %w", address, err)
	}
	ignored := make([]string, len(answer.Misfits))
	for i, m := range answer.Misfits {
		ignored[i] = m.String()
	}
	return output.Table{
		Columns: []string{"outcome", "type", "id", "reason", "ignored_fields"},
		Rows: [][]string{
			{string(answer.Outcome), e.Type(), e.ID(), answer.Reason, strings.Join(ignored, "; ")},
		},
	}.Print(s.out, s.output)
}

// eventsAddress returns the URL at which a server receives events.
func eventsAddress(server string) (string, error) {
	u, err := url.Parse(server)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return "", fmt.Errorf(
			"--server %q: invalid address; use an absolute http or https URL such as %s",
			server,
			defaultServer,
		)
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", fmt.Errorf(
			"--server %q: remove the user, query and fragment; give the token with --token or $DXCTL_TOKEN",
			u.Redacted(),
		)
	}
	path := strings.TrimRight(u.Path, "/")
	if !strings.HasSuffix(path, webhook.EventsPath) {
		path += webhook.EventsPath
	}
	u.Path, u.RawPath = path, ""
	return u.String(), nil
}

// notNow is an error after which a retry may succeed.
type notNow struct {
	err   error
	after time.Duration // how long the server asked to wait; 0: unspecified
}

func (b notNow) Error() string { return b.err.Error() }
func (b notNow) Unwrap() error { return b.err }

// send posts the event, and retries it up to to.retries times.
func (to *sending) send(ctx context.Context, address, token string, doc []byte) (webhook.Answer, error) {
	// A redirect is not followed: it would become a GET, or send the token to another server.
	client := &http.Client{
		Timeout:       to.timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	defer client.CloseIdleConnections()
	pause := firstRetry
	for try := 0; ; try++ {
		answer, err := post(ctx, client, address, token, doc)
		var again notNow
		if err == nil || !errors.As(err, &again) || ctx.Err() != nil {
			return answer, cmp.Or(ctx.Err(), err)
		}
		if try >= to.retries {
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

// post sends the event once. The error is a notNow if a retry may succeed.
func post(ctx context.Context, client *http.Client, address, token string, doc []byte) (webhook.Answer, error) {
	var answer webhook.Answer
	req, err := http.NewRequestWithContext( //nolint:gosec // the caller of the command chooses the address
		ctx,
		http.MethodPost,
		address,
		bytes.NewReader(doc),
	)
	if err != nil {
		return answer, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", cloudevent.ApplicationCloudEventsJSON+"; charset=utf-8")
	req.Header.Set("User-Agent", "dxctl/"+versionString())
	resp, err := client.Do(req) //nolint:gosec // as above
	if err != nil {
		var timeout interface{ Timeout() bool }
		if errors.As(err, &timeout) && timeout.Timeout() && ctx.Err() == nil {
			err = exit.With(exit.Timeout, fmt.Errorf("no answer within %s: %w", client.Timeout, err))
		}
		return answer, notNow{err: err}
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return answer, notNow{err: fmt.Errorf("reading the response: %w", err)}
	}
	understood := json.Unmarshal(body, &answer) == nil
	said := fmt.Errorf("%s: %s", resp.Status, cmp.Or(answer.Error, answer.Reason, "the response is not from dxctl: "+
		"check the address of the server"))
	switch code := resp.StatusCode; {
	case code == http.StatusOK || code == http.StatusAccepted:
		if !understood || answer.Outcome == "" {
			return answer, said
		}
		return answer, nil
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return answer, exit.With(exit.Credentials, said)
	case code == http.StatusTooManyRequests || code >= http.StatusInternalServerError:
		after, _ := strconv.Atoi(resp.Header.Get("Retry-After")) // a date, or nothing, is 0
		return answer, notNow{err: said, after: time.Duration(max(after, 0)) * time.Second}
	case code == http.StatusNotFound:
		return answer, fmt.Errorf("%w; check that the server has a source of kind events", said)
	}
	return answer, said
}
