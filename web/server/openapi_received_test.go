package server_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dxctl/dxctl/collectors/alertmanager"
	"github.com/dxctl/dxctl/collectors/argocd"
	"github.com/dxctl/dxctl/collectors/circleci"
	"github.com/dxctl/dxctl/collectors/delivery/deliverytest"
	"github.com/dxctl/dxctl/collectors/events"
	githubreceiver "github.com/dxctl/dxctl/collectors/github/receiver"
	gitlabreceiver "github.com/dxctl/dxctl/collectors/gitlab/receiver"
	"github.com/dxctl/dxctl/collectors/inbox"
	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/collectors/webhook"
	"github.com/dxctl/dxctl/web/server"
)

// queue takes deliveries, or is full.
type queue struct{ full bool }

func (q *queue) Put(context.Context, []byte) error {
	if q.full {
		return fmt.Errorf("put: %w", inbox.ErrFull)
	}
	return nil
}

const eventsToken = "a token of the events"

// receiving is the server with the receivers of every kind of sender.
func receiving(t *testing.T, q webhook.Queue) *fixture {
	t.Helper()
	var sources []webhook.Source
	for name, receiver := range map[string]webhook.Receiver{
		"gh": githubreceiver.Receiver{}, "gl": gitlabreceiver.Receiver{}, "circle": circleci.Receiver{},
		"argo": argocd.Receiver{}, "alerts": alertmanager.Receiver{},
	} {
		sources = append(sources, webhook.Source{Name: name, Receiver: receiver, Secret: deliverytest.Secret})
	}
	sources = append(sources, webhook.Source{Name: "push", Secret: eventsToken,
		Receiver: events.Receiver{Facts: source.DeclaredFacts{{Name: "security.*"}}}})
	receivers, err := webhook.NewReceivers(sources, webhook.Options{})
	if err != nil {
		t.Fatal(err)
	}
	shared := sharedFixture(t)
	deps := shared.deps
	registry := prometheus.NewRegistry()
	deps.Registerer, deps.Gatherer, deps.WebhookAnswer = registry, registry, webhook.Answer{}
	deps.Webhooks = webhook.NewHandler(receivers, q, webhook.HandlerOptions{MaxBody: 64 << 10})
	app, err := server.New(server.DefaultConfig(), deps)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = app.Shutdown() })
	return &fixture{app: app, store: shared.store, catalog: shared.catalog, deps: deps}
}

// signed has the headers of a delivery of GitHub.
func signed(kind, body string) map[string]string {
	mac := hmac.New(sha256.New, []byte(deliverytest.Secret))
	mac.Write([]byte(body))
	return map[string]string{"X-GitHub-Event": kind, "X-GitHub-Delivery": "d-1",
		"X-Hub-Signature-256": "sha256=" + hex.EncodeToString(mac.Sum(nil))}
}

// TestOpenAPIReceived validates what senders are answered: kept, refused in part, useless, and wrong in every way.
func TestOpenAPIReceived(t *testing.T) {
	var q queue
	f := receiving(t, &q)
	text, _ := f.openAPI(t)
	s := newStrict(t, text)
	const pull = `{"action":"opened","repository":{"full_name":"acme/shop"},"pull_request":{"number":7,"title":"x",` +
		`"user":{"login":"ana"},"created_at":"2026-03-01T10:00:00Z","head":{"sha":"1111111111111111111111111111111111111111"}}}`
	bearer := map[string]string{"Authorization": "Bearer " + eventsToken}
	cloud := func(more string) map[string]string {
		return map[string]string{"Authorization": "Bearer " + eventsToken, "Content-Type": "application/cloudevents" + more}
	}
	deployed := deliverytest.CloudEvent("dev.cdevents.service.deployed.0.2.0", deliverytest.CDEvent("pay",
		`{"environment":{"id":"production"},"artifactId":"pkg:oci/pay@sha256%3Aaa"}`, `{"service":"pay"}`))
	alert := strings.Replace(deliverytest.Alerts, `"yesterday"`, `"2026-03-01T10:00:00Z"`, 1)
	for name, c := range map[string]struct {
		path, body string
		headers    map[string]string
		full       bool
		status     int
		says       string // in the answer, so that the case is what it is called
	}{
		"a pull request":      {"webhooks/gh", pull, signed("pull_request", pull), false, 202, `"outcome":"accepted"`},
		"a useless delivery":  {"webhooks/gh", "{}", signed("star", "{}"), false, 200, `"outcome":"ignored"`},
		"a ping":              {"webhooks/gh", "{}", signed("ping", "{}"), false, 200, `"outcome"`},
		"a wrong signature":   {"webhooks/gh", pull, signed("pull_request", "{}"), false, 401, `"error"`},
		"no signature":        {"webhooks/gh", pull, nil, false, 401, `"error"`},
		"an unknown source":   {"webhooks/nobody", pull, nil, false, 404, `"error"`},
		"no JSON":             {"webhooks/gh", "[", signed("pull_request", "["), false, 400, `"error"`},
		"too much":            {"webhooks/gh", strings.Repeat(" ", 64<<10+1), signed("ping", ""), false, 413, `"error"`},
		"a full inbox":        {"webhooks/gh", pull, signed("pull_request", pull), true, 503, `"error"`},
		"a pipeline":          {"webhooks/gl", deliverytest.GitLabPipeline, gitlabHeaders(), false, 202, `"outcome":"accepted"`},
		"alerts, some odd":    {"webhooks/alerts", alert, secretBearer(), false, 202, `"outcome":"accepted"`},
		"a form":              {"webhooks/alerts", "a=b", formOf(secretBearer()), false, 415, `"error"`},
		"facts, some refused": {"facts", factsOfAll, bearer, false, 202, `"outcome":"refused"`},
		"a fact of others":    {"facts", factOfOthers, bearer, false, 400, `"outcome":"refused"`},
		"facts without token": {"facts", factsOfAll, nil, false, 401, `"error"`},
		"an event":            {"events", deployed, cloud("+json"), false, 202, `"outcome":"accepted"`},
		"a batch":             {"events", "[" + deployed + `,{"specversion":"1.0"}]`, cloud("-batch+json"), false, 202, `"events":[`},
		"an event of nothing": {"events", "{}", cloud("+json"), false, 400, `no specversion"`},
		"an unknown event": {"events", deliverytest.CloudEvent("com.example.other", "{}"), cloud("+json"), false, 200,
			"com.example.other"},
	} {
		t.Run(name, func(t *testing.T) {
			q.full = c.full
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/v1/"+c.path, strings.NewReader(c.body))
			r.Host = "localhost"
			r.Header.Set("Content-Type", "application/json")
			for name, value := range c.headers {
				r.Header.Set(name, value)
			}
			status, header, body := f.do(t, r)
			if status != c.status || !strings.Contains(body, c.says) {
				t.Errorf("%d %s, want %d with %s", status, body, c.status, c.says)
			}
			path := "/api/v1/" + c.path
			if _, source, ok := strings.Cut(c.path, "webhooks/"); ok {
				path = strings.TrimSuffix(path, source) + "{source}"
			}
			s.check(t, path, "post", status, header.Get("Content-Type"), body)
		})
	}
}

func gitlabHeaders() map[string]string {
	return map[string]string{"X-Gitlab-Token": deliverytest.Secret, "X-Gitlab-Event": "Pipeline Hook"}
}

func secretBearer() map[string]string {
	return map[string]string{"Authorization": "Bearer " + deliverytest.Secret}
}

func formOf(headers map[string]string) map[string]string {
	headers["Content-Type"] = "application/x-www-form-urlencoded"
	return headers
}

const (
	factOfOthers = `{"service":"component:default/payment-service","name":"catalog.owner","value":"x"}`
	factsOfAll   = `[{"service":"component:default/payment-service","name":"security.alerts","value":3},` + factOfOthers + `]`
)
