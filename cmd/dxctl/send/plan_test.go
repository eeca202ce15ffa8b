package send

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/cmd/dxctl/exit"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/web/planning"
)

// TestPlanTimeout checks that a plan that takes too long is not asked for again, and what is sent.
func TestPlanTimeout(t *testing.T) {
	tries := make(chan string, 9)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		tries <- string(body)
		<-r.Context().Done() // the sender has left
	}))
	defer server.Close()
	request := planning.Request{Version: 1, Files: []planning.File{{Name: "a.yaml", Text: "expr: a < b && c"}}}
	_, err := Plan(t.Context(), request, Options{Server: server.URL, Token: "secret", Timeout: 200 * time.Millisecond,
		Retries: 3})
	const want = "no answer within 200ms: the server may still be making the plan; raise --timeout"
	if err == nil || !strings.Contains(err.Error(), want) || exit.Code(t.Context(), err) != exit.Timeout || len(tries) != 1 {
		t.Fatalf("%v after %d tries", err, len(tries))
	}
	if sent := <-tries; sent != `{"version":1,"files":[{"name":"a.yaml","text":"expr: a < b && c"}]}`+"\n" {
		t.Errorf("sent is %s", sent)
	}
}

// TestPlan checks what becomes of the answers of a server, and that a token goes to no other server.
func TestPlan(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("a redirect was followed, with the token %q", r.Header.Get("Authorization"))
	}))
	defer elsewhere.Close()
	for _, tc := range []struct {
		name   string
		status int
		header string // Retry-After or Location
		body   string
		want   string // in the error; "": a plan
		code   int
		tries  int
	}{
		{"a plan", 200, "", `{"version": 1, "falls": true}`, "", exit.OK, 1},
		{"a plan of another version", 200, "", `{"version": 9}`, "a plan of version 9", exit.Error, 1},
		{"a page", 200, "", `<html>`, "the answer is no plan", exit.Error, 1},
		{"mistakes", 422, "", `{"detail": "d", "mistakes": [{"file": "a", "line": 2, "column": 3, "message": "m"}]}`, "a:2:3: m", exit.Error, 1},
		{"a refusal", 422, "", `{"detail": "too many"}`, "422 Unprocessable Entity: too many", exit.Error, 1},
		{"no token for plans", 405, "", `{"detail": "POST is not offered"}`, "scopes: [plan]", exit.Error, 1},
		{"a wrong token", 401, "", `{"detail": "wrong"}`, "401 Unauthorized: wrong", exit.Credentials, 1},
		{"a token for something else", 403, "", `{"detail": "lacks"}`, "403 Forbidden: lacks", exit.Credentials, 1},
		{"another plan is made", 503, "1", `{"detail": "busy"}`, "busy", exit.Error, 2},
		{"stopped", 503, "", `{"detail": "stopped"}`, "stopped", exit.Error, 1},
		{"a redirect", 307, elsewhere.URL, "", "307 Temporary Redirect", exit.Error, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tries := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				tries++
				if r.URL.Path != "/sub"+planning.Path || r.Header.Get("Authorization") != "Bearer secret" {
					t.Errorf("%s %v", r.URL, r.Header)
				}
				w.Header().Set(map[bool]string{true: "Location", false: "Retry-After"}[tc.status == 307], tc.header)
				w.WriteHeader(tc.status)
				fmt.Fprint(w, tc.body)
			}))
			defer server.Close()
			var waits []error
			made, err := Plan(t.Context(), planning.Request{}, Options{Server: server.URL + "/sub", Token: "secret",
				Timeout: time.Minute, Retries: 1, Waiting: func(err error) { waits = append(waits, err) }})
			if len(waits) != tc.tries-1 || len(waits) > 0 && !strings.Contains(waits[0].Error(), tc.want) {
				t.Errorf("waits because of %v", waits)
			}
			if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("%v", err)
			}
			if err == nil && !made.Falls {
				t.Errorf("%+v", made)
			}
			if got := exit.Code(t.Context(), err); got != tc.code || tries != tc.tries {
				t.Errorf("code %d after %d tries", got, tries)
			}
			var problems scorecards.Problems
			if errors.As(err, &problems) != (tc.name == "mistakes") {
				t.Errorf("%T", err)
			}
		})
	}
}
