package webhook

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/collectors/delivery"
	githubreceiver "github.com/dxctl/dxctl/collectors/github/receiver"
)

const examples = "testdata/node_modules/@octokit/webhooks-examples"

type example struct {
	file, kind string
	body       []byte
}

// octokitExamples reads every payload of the npm package, those of github.com and of each GitHub Enterprise Server.
func octokitExamples(t *testing.T) []example {
	t.Helper()
	files, err := filepath.Glob(examples + "/*/index.json")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatalf("the npm package @octokit/webhooks-examples is not in %s; run \"make webhook-examples\" first", examples)
	}
	var all []example
	for _, file := range files {
		doc, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var kinds []struct {
			Name     string            `json:"name"`
			Examples []json.RawMessage `json:"examples"`
		}
		if err := json.Unmarshal(doc, &kinds); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, k := range kinds {
			for _, body := range k.Examples {
				all = append(all, example{file: filepath.Base(filepath.Dir(file)), kind: k.Name, body: body})
			}
		}
	}
	return all
}

// accepted or ignored, by type: which types are of use, and how many payloads of each there have to be at least.
var usedExamples = map[string]int{
	"workflow_run":        5,
	"workflow_job":        8,
	"pull_request":        29,
	"pull_request_review": 4,
	"deployment":          4,
	"deployment_status":   4,
}

func TestEveryOctokitExample(t *testing.T) {
	all := octokitExamples(t)
	for _, polled := range []bool{false, true} {
		s := testSource(githubreceiver.Receiver{IncidentLabels: []string{"bug"}})
		s.Polled = polled
		inbox := &memoryInbox{}
		h := NewHandler(newReceiver(t, s), inbox, HandlerOptions{})
		outcomes, used := map[delivery.Outcome]int{}, map[string]int{}
		for i, e := range all {
			status, answer := post(t, h, WebhooksPath+s.Name, e.body, githubHeaders(s.Secret, e.kind, e.body))
			var want int
			switch answer.Outcome {
			case delivery.Accepted:
				want = http.StatusAccepted
				if e.file == "api.github.com" {
					used[e.kind]++
				}
			case delivery.Ignored:
				want = http.StatusOK
			case delivery.Refused:
				want = http.StatusBadRequest
			}
			if status != want {
				t.Errorf("%s %d, a %s: answered %d %+v", e.file, i, e.kind, status, answer)
			}
			if answer.Outcome != delivery.Accepted && len(strings.Fields(answer.Reason)) < 3 {
				t.Errorf("%s %d, a %s: %s without a reason: %q", e.file, i, e.kind, answer.Outcome, answer.Reason)
			}
			if answer.Outcome == delivery.Refused {
				t.Logf("%s %d, a %s: refused: %s", e.file, i, e.kind, answer.Reason)
			}
			outcomes[answer.Outcome]++
		}
		t.Logf("polled %v: %d payloads, %v; used %v", polled, len(all), outcomes, used)
		if len(all) < 500 || outcomes[delivery.Refused] > 0 || len(inbox.all()) != outcomes[delivery.Accepted] {
			t.Errorf(
				"polled %v: of %d payloads (at least 500) %d were refused, %d accepted and %d kept",
				polled,
				len(all),
				outcomes[delivery.Refused],
				outcomes[delivery.Accepted],
				len(inbox.all()),
			)
		}
		for kind, n := range usedExamples {
			if used[kind] < n {
				t.Errorf("polled %v: %d payloads of %s were accepted; there are at least %d of use", polled, used[kind], kind, n)
			}
		}
	}
}

// TestCutExamples cuts every type's payload off and takes its values away: what remains is refused or ignored, with 400
// or 200, and never makes the handler panic.
func TestCutExamples(t *testing.T) {
	s := testSource(githubreceiver.Receiver{IncidentLabels: []string{"bug"}})
	h := NewHandler(newReceiver(t, s), &memoryInbox{}, HandlerOptions{})
	seen := map[string]bool{}
	for _, e := range octokitExamples(t) {
		if seen[e.kind] {
			continue
		}
		seen[e.kind] = true
		for _, body := range [][]byte{nil, []byte("null"), []byte("[]"), []byte("{}"), e.body[:len(e.body)/2],
			bytes.ReplaceAll(e.body, []byte(`"`), []byte(`'`)), bytes.ReplaceAll(e.body, []byte("{"), []byte("[{")),
			[]byte(`{"repository":{"full_name":"acme/shop"},"` + e.kind + `":null}`), []byte(`{"repository":{"full_name":"acme/shop"},"` + e.kind + `":{}}`)} {
			status, answer := post(t, h, WebhooksPath+s.Name, body, githubHeaders(s.Secret, e.kind, body))
			if status != http.StatusBadRequest && status != http.StatusOK || answer.Reason == "" {
				t.Errorf("%s of %.60q: answered %d %+v", e.kind, body, status, answer)
			}
		}
	}
}

// post sends a body to the handler and returns what it answers.
func post(t *testing.T, h http.Handler, path string, body []byte, headers map[string]string) (int, Answer) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, bytes.NewReader(body))
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var a Answer
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
		t.Fatalf("the answer to %s is not JSON: %v: %.200s", path, err, w.Body.Bytes())
	}
	return w.Code, a
}
