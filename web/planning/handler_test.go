package planning

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/access"
	"github.com/dxctl/dxctl/scorecards"
)

const (
	secret = "a-token-for-plans"
	other  = "a-secret-of-a-source"
	good   = `{"version": 1, "files": [{"name": "a/card.yaml", "text": "kind: Scorecard"}]}`
)

// serve serves a handler on loopback and returns its address.
func serve(t *testing.T, plan Planner) string {
	t.Helper()
	h, err := New(Deps{Plan: plan, Tokens: access.New(
		access.Token{Name: "rules", Secret: secret, Scopes: []access.Scope{access.Plan}},
		access.Token{Name: "scripts", Secret: other})})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

type answer struct {
	status int
	header http.Header
	body   string
}

func send(t *testing.T, method, url, token, media string, body io.Reader) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", media)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(text)}
}

// TestHandler checks what is refused before anything is planned, and how what planning says is answered.
func TestHandler(t *testing.T) {
	const media = "application/json"
	file := func(name string) string {
		text, _ := json.Marshal(Request{Version: Version, Files: []File{{Name: name, Text: "x"}}})
		return string(text)
	}
	files := func(n, size int) string {
		r := Request{Version: Version}
		for i := range n {
			r.Files = append(r.Files, File{Name: fmt.Sprintf("f%d.yaml", i), Text: strings.Repeat("x", size)})
		}
		text, _ := json.Marshal(r)
		return string(text)
	}
	for _, tc := range []struct {
		name, method, token, media, body string
		planned                          error // what planning says
		status                           int
		want                             string // in the answer
	}{
		{"a plan", "POST", secret, media, good, nil, 200, `{"plan":true}`},
		{"with a character set", "POST", secret, media + "; charset=utf-8", good, nil, 200, `{"plan":true}`},
		{"a GET", "GET", secret, media, "", nil, 405, "send a POST"},
		{"no token", "POST", "", media, good, nil, 401, "missing or invalid token"},
		{"an unknown token", "POST", "wrong", media, good, nil, 401, "missing or invalid token"},
		{"a token for something else", "POST", other, media, good, nil, 403, "the token scripts lacks the scope plan"},
		{"a form", "POST", secret, "text/plain", good, nil, 415, "application/json"},
		{"nothing", "POST", secret, media, "", nil, 400, "not a request for a plan"},
		{"no JSON", "POST", secret, media, "kind: Scorecard", nil, 400, "not a request for a plan"},
		{"two documents", "POST", secret, media, good + good, nil, 400, "more than one JSON document"},
		{"a brace after it", "POST", secret, media, good + "}", nil, 400, "more than one JSON document"},
		{"an unknown field", "POST", secret, media, `{"version": 1, "path": "/etc"}`, nil, 400, `unknown field \"path\"`},
		{"a deep document", "POST", secret, media, strings.Repeat("[", 1_000_000), nil, 400, "not a request for a plan"},
		{"another version", "POST", secret, media, `{"version": 2}`, nil, 400, "version 2 of the request is not supported"},
		{"no file", "POST", secret, media, `{"version": 1}`, nil, 400, "files: there are none"},
		{"a file without a name", "POST", secret, media, file(""), nil, 400, "not a relative path"},
		{"an absolute name", "POST", secret, media, file("/etc/passwd"), nil, 400, "not a relative path"},
		{"a name above", "POST", secret, media, file("../dx.yaml"), nil, 400, "not a relative path"},
		{"a name that leaves", "POST", secret, media, file("a/../../dx.yaml"), nil, 400, "not a relative path"},
		{"a name of Windows", "POST", secret, media, file(`..\dx.yaml`), nil, 400, "not a relative path"},
		{"a name with a control character", "POST", secret, media, file("a\x1b[2J"), nil, 400, "not a relative path"},
		{"a long name", "POST", secret, media, file(strings.Repeat("a", 301)), nil, 400, "not a relative path"},
		{"a name twice", "POST", secret, media, `{"version": 1, "files": [{"name": "a", "text": ""}, {"name": "a", "text": ""}]}`,
			nil, 400, "a is there twice"},
		{"a base without files", "POST", secret, media,
			`{"version": 1, "files": [{"name": "a", "text": ""}], "base": {"name": "main", "files": []}}`, nil, 400, "base.files: there are none"},
		{"too many files", "POST", secret, media, files(MaxFiles+1, 1), nil, 400, "201 files; at most 200"},
		{"too much text", "POST", secret, media, files(3, MaxText/2), nil, 400, "at most 2097152"},
		{"a body that is too large", "POST", secret, media, strings.Repeat(" ", MaxBody+1), nil, 413, "larger than 6291456 bytes"},
		{"mistakes", "POST", secret, media, good, &Refusal{Status: 422, Detail: "d", Mistakes: scorecards.Problems{{File: "a", Line: 2, Column: 3, Message: "m"}}},
			422, `"mistakes":[{"file":"a","line":2,"column":3,"message":"m"}]`},
		{"a failure of the server", "POST", secret, media, good, errors.New("/var/lib/secret"), 500, "the log of the server has the cause"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			url := serve(t, func(context.Context, []byte) ([]byte, error) { return []byte(`{"plan":true}`), tc.planned })
			got := send(t, tc.method, url, tc.token, tc.media, strings.NewReader(tc.body))
			if got.status != tc.status || !strings.Contains(got.body, tc.want) {
				t.Errorf("%d %s", got.status, got.body)
			}
			if strings.Contains(got.body, "/var/lib/secret") || got.header.Get("Cache-Control") != "no-store" {
				t.Errorf("%v %s", got.header, got.body)
			}
		})
	}
}

// TestBodyAsSent checks that planning gets the body as it was sent.
func TestBodyAsSent(t *testing.T) {
	const body = ` {"version": 1, "files": [{"name": "a.yaml", "text": "a < b & c > d"}]} `
	var planned string
	url := serve(t, func(_ context.Context, request []byte) ([]byte, error) {
		planned = string(request)
		return []byte(`{}`), nil
	})
	got := send(t, http.MethodPost, url, secret, "application/json", strings.NewReader(body))
	if got.status != http.StatusOK || planned != body {
		t.Errorf("%d %s", got.status, planned)
	}
}

// unread fails the test if somebody reads it.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("the body was read before the sender was known")
	return 0, io.EOF
}

// TestSenderFirst checks that nothing of a body is read for who may not ask, and nothing of one that is announced as
// too large.
func TestSenderFirst(t *testing.T) {
	h, err := New(Deps{Tokens: access.New(access.Token{Name: "rules", Secret: secret, Scopes: access.Scopes}),
		Plan: func(context.Context, []byte) ([]byte, error) { return nil, errors.New("planned") }})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		token  string
		length int64
		status int
	}{{"wrong", 10, 401}, {secret, MaxBody + 1, 413}} {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, Path, unread{t})
		req.ContentLength = tc.length
		req.Header.Set("Authorization", "Bearer "+tc.token)
		req.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, req); w.Code != tc.status {
			t.Errorf("%d, want %d", w.Code, tc.status)
		}
	}
}

// TestOneAtATime checks that a second plan is not made while the first is, and that its sender learns when to come
// again.
func TestOneAtATime(t *testing.T) {
	began, end := make(chan bool), make(chan bool)
	url := serve(t, func(context.Context, []byte) ([]byte, error) {
		began <- true
		<-end
		return []byte(`{}`), nil
	})
	first := make(chan answer)
	go func() { first <- send(t, http.MethodPost, url, secret, "application/json", strings.NewReader(good)) }()
	<-began
	second := send(t, http.MethodPost, url, secret, "application/json", strings.NewReader(good))
	if second.status != http.StatusServiceUnavailable || second.header.Get("Retry-After") != "10" {
		t.Errorf("while a plan is made: %d %v %s", second.status, second.header, second.body)
	}
	end <- true
	if got := <-first; got.status != http.StatusOK {
		t.Errorf("the first: %d %s", got.status, got.body)
	}
	go func() { <-began; end <- true }()
	if third := send(t, http.MethodPost, url, secret, "application/json", strings.NewReader(good)); third.status != http.StatusOK {
		t.Errorf("after it: %d %s", third.status, third.body)
	}
}

// TestBounds checks what YAML is refused before scorecards are made of it.
func TestBounds(t *testing.T) {
	rules := func(n int) string { return "rules: [" + strings.Repeat("x,", n) + "]\n" }
	for _, tc := range []struct {
		name string
		text []string
		want string // "": within the bounds
	}{
		{"a scorecard", []string{rules(3)}, ""},
		{"no YAML", []string{"a: [", "\x00"}, ""}, // for the loader to report
		{"as many rules as allowed", []string{rules(1_000), rules(1_000)}, ""},
		{"one rule more", []string{rules(1_000), rules(1_001)}, "f1: up to here, the files have 2 scorecards with 2001 rules"},
		{"too many scorecards", []string{strings.Repeat("a: b\n---\n", 101)}, "at most 100 and 2000"},
		{"aliases of aliases", []string{"a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n" +
			"d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e]\n"}, "aliases expanded"},
		{"an alias to itself", []string{"a: &a [*a]\n"}, "refers to a part that contains it"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := Request{}
			for i, text := range tc.text {
				r.Files = append(r.Files, File{Name: fmt.Sprint("f", i), Text: text})
			}
			err := r.Bounds()
			if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v, want %q", err, tc.want)
			}
		})
	}
}
