package webhook

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/dxctl/dxctl/collectors/delivery"
	"github.com/dxctl/dxctl/collectors/delivery/deliverytest"
	"github.com/dxctl/dxctl/collectors/events"
	githubreceiver "github.com/dxctl/dxctl/collectors/github/receiver"
)

// FuzzGitHub: whatever a payload is, it is accepted with events that can be stored, or it is not, with a reason.
func FuzzGitHub(f *testing.F) {
	for _, d := range []delivery.Delivery{
		deliverytest.GitHub("workflow_run", "completed", deliverytest.GitHubRun+`"status":"completed","conclusion":"success","run_attempt":70000}`),
		deliverytest.GitHub("workflow_job", "queued", deliverytest.GitHubJob+`"status":"queued"}`),
		deliverytest.GitHub("pull_request", "closed", deliverytest.GitHubPull+`"merged_at":"2026-03-01T11:00:00Z"}`),
		deliverytest.GitHub("pull_request_review", "submitted", deliverytest.GitHubPull+`"closed_at":null},"review":{"state":"approved","submitted_at":"0001-01-01T00:00:00Z"}`),
		deliverytest.GitHub("deployment", "created", deliverytest.GitHubDeployment),
		deliverytest.GitHub("deployment_status", "created", deliverytest.GitHubDeployment+`,"deployment_status":{"state":"success","created_at":1770000000}`),
		deliverytest.GitHub("issues", "closed", deliverytest.GitHubIssue+`"labels":[{"name":"incident"}],"closed_at":"9999-12-31T00:00:00Z"}`),
		deliverytest.GitHub("push", "", `"ref":"refs/heads/main"`),
		deliverytest.GitHub("ping", "", `"hook":{"events":["*"]}`),
		deliverytest.GitHub("star", "created", ""),
	} {
		f.Add(d.Headers["x-github-event"], d.Headers["content-type"], d.Body)
	}
	f.Add("push", delivery.FormType, []byte("payload=%7B%7D"))
	s := testSource(githubreceiver.Receiver{IncidentLabels: []string{"incident"}})
	polled := s
	polled.Name, polled.Polled = "polled", true
	r := newReceiver(f, s, polled)
	f.Fuzz(func(t *testing.T, kind, media string, body []byte) {
		for _, source := range []string{s.Name, polled.Name} {
			updates, v := r.Parse(
				delivery.Delivery{
					Source:  source,
					Kind:    "github",
					Headers: map[string]string{"x-github-event": kind, "content-type": media},
					Body:    body,
				},
			)
			if strings.Contains(v.Reason, "runtime error") {
				t.Fatalf("it panicked: %s", v.Reason)
			}
			if v.Outcome != delivery.Accepted && (v.Reason == "" || len(updates) > 0) {
				t.Fatalf("%+v with %d updates", v, len(updates))
			}
			if v.Outcome == delivery.Accepted && len(updates) == 0 && len(v.Collect) == 0 {
				t.Fatal("accepted, and nothing comes of it")
			}
			k := newRecords(nil)
			for range 2 {
				for _, u := range updates {
					if err := u.Event.Validate(); err != nil {
						t.Fatal(err)
					}
					k.apply(u)
				}
			}
			for _, e := range k.changed() {
				if err := e.Validate(); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

// FuzzHandler: whatever is sent, the answer is one of those that are documented, JSON, and nothing unsigned is kept.
func FuzzHandler(f *testing.F) {
	f.Add(http.MethodPost, "/api/v1/webhooks/gh", "application/json", "pull_request", "sha256=00", []byte(openPull), true)
	f.Add(http.MethodPost, "/api/v1/webhooks/gh", delivery.FormType, "ping", "", []byte("payload={}"), true)
	f.Add(
		http.MethodPost,
		"/api/v1/events",
		"application/cloudevents+json",
		"",
		"Bearer a token of the events",
		[]byte(`{"specversion":"1.0"}`),
		false,
	)
	f.Add(http.MethodGet, "/", "", "", "", []byte(nil), false)
	answers := map[int]bool{200: true, 202: true, 400: true, 401: true, 404: true, 405: true, 413: true, 415: true}
	f.Fuzz(func(t *testing.T, method, path, media, kind, proof string, body []byte, sign bool) {
		inbox := &memoryInbox{}
		h := NewHandler(
			newReceiver(
				t,
				testSource(githubreceiver.Receiver{}),
				Source{Name: "push", Receiver: events.Receiver{}, Secret: "a token of the events"},
			),
			inbox,
			HandlerOptions{MaxBody: 1 << 16},
		)
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(string(body)))
		r.Method, r.URL.Path = method, path
		r.Header.Set("Content-Type", media)
		r.Header.Set("X-GitHub-Event", kind)
		r.Header.Set("Authorization", proof)
		r.Header.Set("X-Hub-Signature-256", proof)
		if sign {
			r.Header.Set("X-Hub-Signature-256", githubHeaders(deliverytest.Secret, kind, body)["X-Hub-Signature-256"])
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if !answers[w.Code] {
			t.Fatalf("answered %d %s", w.Code, w.Body)
		}
		if !utf8.Valid(w.Body.Bytes()) || !strings.HasPrefix(w.Body.String(), "{") {
			t.Fatalf("the answer is not JSON: %q", w.Body)
		}
		if kept := len(inbox.all()); (kept == 1) != (w.Code == 202) ||
			kept == 1 && !sign && !strings.Contains(proof, "a token of the events") {
			t.Fatalf("answered %d and kept %d", w.Code, kept)
		}
	})
}
