package webhook

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/adaptor"

	"github.com/dxctl/dxctl/collectors/delivery"
	"github.com/dxctl/dxctl/collectors/delivery/deliverytest"
	githubreceiver "github.com/dxctl/dxctl/collectors/github/receiver"
	"github.com/dxctl/dxctl/collectors/inbox"
)

// serveFiber mounts a handler in a Fiber app, as the dashboard does, and returns its address on loopback.
func serveFiber(t *testing.T, h http.Handler, bodyLimit int) string {
	t.Helper()
	app := fiber.New(fiber.Config{BodyLimit: bodyLimit, DisableStartupMessage: true})
	app.All(EventsPath, adaptor.HTTPHandler(h))
	app.All(WebhooksPath+"*", adaptor.HTTPHandler(h))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- app.Listener(l) }()
	t.Cleanup(func() {
		if err := app.Shutdown(); err != nil {
			t.Error(err)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return "http://" + l.Addr().String()
}

// TestUnderFiber sends through Fiber, whose requests are fasthttp's, and compares what is on disk with what was sent.
func TestUnderFiber(t *testing.T) {
	const maxBody = 6 << 20
	dir := t.TempDir()
	q, err := inbox.Open(dir, Format(), inbox.Config{}, inbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := q.Close(); err != nil {
			t.Error(err)
		}
	}()
	h := NewHandler(newReceiver(t, testSource(githubreceiver.Receiver{})), q, HandlerOptions{MaxBody: maxBody})
	address := serveFiber(t, h, maxBody+1<<20)
	// Bytes that a careless hand would change: spaces, a line's end, another alphabet, an escape, a plus and a percent
	// sign.
	odd := strings.Replace(openPull, `"Größe"`, "\"Gr\\u00f6\u00dfe + 100% \U0001F980\"\r\n", 1)
	// above Fiber's own limit of 4 MiB
	large := strings.Replace(openPull, `"Größe"`, `"`+strings.Repeat("g", 5<<20)+`"`, 1)
	tooLarge := strings.Repeat(" ", maxBody+1)
	cases := []struct {
		name, body string
		header     string
		want       int
	}{
		{"odd bytes", odd, "", 202},
		{"5 MiB", large, "", 202},
		{"one byte too many", tooLarge, "", 413},
		{"wrong signature", odd, "sha256=" + strings.Repeat("0", 64), 401},
	}
	var sent []string
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			headers := githubHeaders(deliverytest.Secret, "pull_request", []byte(c.body))
			if c.header != "" {
				headers["X-Hub-Signature-256"] = c.header
			}
			status, answer := sendTo(t, address+WebhooksPath+"gh", c.body, headers)
			if status != c.want || answer.Outcome == "" && answer.Error == "" {
				t.Fatalf("answered %d %+v, want %d", status, answer, c.want)
			}
			if c.want == 202 {
				sent = append(sent, c.body)
			}
		})
	}
	all := queued(t, q)
	for i, d := range all {
		if i >= len(sent) || string(d.Body) != sent[i] || d.ID != "d-1" || d.Headers["x-github-event"] != "pull_request" {
			t.Errorf("delivery %d is kept with %d bytes, id %q, headers %v", i, len(d.Body), d.ID, d.Headers)
		}
	}
	if n := len(all); n != len(sent) || n != 2 {
		t.Errorf("%d deliveries are on disk, want 2", n)
	}
}

func sendTo(t *testing.T, address, body string, headers map[string]string) (int, Answer) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	doc, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	var a Answer
	if err := json.Unmarshal(doc, &a); err != nil {
		t.Fatalf("the answer is not JSON: %v: %.200s", err, doc)
	}
	return answer.StatusCode, a
}

// queued returns the deliveries that wait in an inbox, and removes them.
func queued(t *testing.T, q *inbox.Inbox) []delivery.Delivery {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	var all []delivery.Delivery
	total := int(q.Stats().Waiting)
	_ = q.Run(ctx, inbox.HandlerFunc(func(_ context.Context, batch [][]byte) (map[int]string, error) {
		for _, record := range batch {
			d, err := decodeRecord(record)
			if err != nil {
				t.Error(err)
			}
			all = append(all, d)
		}
		if len(all) >= total {
			stop()
		}
		return nil, nil
	}))
	return all
}
