package git_test

import (
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/collectors/git"
	"github.com/dxctl/dxctl/collectors/rest/resttest"
)

const secret = "s3cret-token"

// served serves the repositories below a directory as a git server does, to those who know the token.
func served(t *testing.T, root string) *httptest.Server {
	t.Helper()
	exec, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		t.Fatal(err)
	}
	backend := &cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(string(exec)), "git-http-backend"),
		Env: []string{
			"GIT_PROJECT_ROOT=" + root,
			"GIT_HTTP_EXPORT_ALL=1",
			"GIT_CONFIG_GLOBAL=/dev/null",
		},
		InheritEnv: []string{"PATH"},
	}
	if _, err := os.Stat(backend.Path); err != nil {
		t.Fatalf("these tests serve repositories with git's own http-backend, and this git has none (%v): install the "+
			"whole of git", err)
	}
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		if user != "x-access-token" || password != secret {
			rw.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			http.Error(rw, "who are you?", http.StatusUnauthorized)
			return
		}
		if v := r.Header.Get("Git-Protocol"); v != "" {
			b := *backend
			b.Env = append(b.Env[:len(b.Env):len(b.Env)], "GIT_PROTOCOL="+v)
			b.ServeHTTP(rw, r)
			return
		}
		backend.ServeHTTP(rw, r)
	}))
	t.Cleanup(s.Close)
	return s
}

// wrapper is a git that writes down how it is called.
func wrapper(t *testing.T) (path, log string) {
	t.Helper()
	found, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	path, log = filepath.Join(t.TempDir(), "git"), filepath.Join(t.TempDir(), "log")
	script := fmt.Sprintf("#!/bin/sh\necho \"$@\" >>%s\nexec %s \"$@\"\n", log, found)
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return path, log
}

func TestOverHTTPWithAToken(t *testing.T) {
	w := newWorld(t)
	a, b := w.repo.commit("a"), w.repo.commit("b")
	w.deploy("d1", a)
	w.deploy("d2", b)
	s := served(t, filepath.Dir(filepath.Dir(w.repo.dir)))
	binary, log := wrapper(t)
	w.tune = func(c *git.Config, o *git.Options) {
		c.Repositories, c.URL, c.Token = []git.Repository{{Name: "acme/shop"}}, s.URL, secret
		c.Repositories[0].URL = s.URL + "/acme/shop/.git"
		o.Binary = binary
	}
	w.collect()
	w.want("delivered", w.delivered(map[string]string{b: "b"}), "d2: b")
	if w.asked != 2 {
		t.Errorf("%d exchanges, want that for the branches and the fetch", w.asked)
	}
	called, err := os.ReadFile(log)
	if err != nil || !strings.Contains(string(called), "fetch") {
		t.Fatal(string(called), err)
	}
	if strings.Contains(string(called), secret) {
		t.Error("the token stands on a command line")
	}
	err = filepath.WalkDir(w.directory, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if strings.Contains(string(text), secret) {
			t.Errorf("the token stands in %s", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}

	w.deploy("d3", w.repo.commit("c"))
	w.tune = func(c *git.Config, _ *git.Options) {
		c.Repositories, c.Token = []git.Repository{{Name: "acme/shop", URL: s.URL + "/acme/shop/.git"}}, "wrong"
	}
	err = w.collectInto(t.Context(), w.db)
	if err == nil || !strings.Contains(err.Error(), "the token is not taken") || strings.Contains(err.Error(), "wrong") {
		t.Errorf("with a wrong token: %v", err)
	}
}

func TestTheTokenDoesNotFollowARedirect(t *testing.T) {
	var mu sync.Mutex
	var elsewhere []string
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		elsewhere = append(elsewhere, r.URL.Path+" "+r.Header.Get("Authorization"))
	}))
	defer other.Close()
	s := httptest.NewServer(
		http.RedirectHandler(other.URL+"/acme/shop.git/info/refs?service=git-upload-pack", http.StatusMovedPermanently),
	)
	defer s.Close()
	w := newWorld(t)
	w.deploy("d1", w.repo.commit("a"))
	w.tune = func(c *git.Config, _ *git.Options) {
		c.Repositories, c.URL, c.Token = []git.Repository{{Name: "acme/shop"}}, s.URL, secret
	}
	err := w.collectInto(t.Context(), w.db)
	if err == nil || !strings.Contains(err.Error(), "the repository has moved") {
		t.Errorf("the error is %v", err)
	}
	if len(elsewhere) > 0 {
		t.Errorf("the other server was asked for %q", elsewhere)
	}
}

func TestAServerThatNeverAnswers(t *testing.T) {
	release := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer s.Close()
	defer close(release)
	w := newWorld(t)
	w.deploy("d1", w.repo.commit("a"))
	w.tune = func(c *git.Config, o *git.Options) {
		c.Repositories, c.URL = []git.Repository{{Name: "acme/shop"}}, s.URL
		o.Patience = 300 * time.Millisecond
	}
	start := time.Now()
	err := w.collectInto(t.Context(), w.db)
	if err == nil || !strings.Contains(err.Error(), "said nothing for too long") || time.Since(start) > 20*time.Second {
		t.Errorf("after %v: %v", time.Since(start), err)
	}

	w.tune = func(c *git.Config, _ *git.Options) {
		c.Repositories, c.URL = []git.Repository{{Name: "acme/shop"}}, s.URL
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	start = time.Now()
	if err := w.collectInto(ctx, w.db); err == nil || time.Since(start) > 20*time.Second {
		t.Errorf("cancelled, after %v: %v", time.Since(start), err)
	}
}

// TestAGitThatDoesNotEnd has a git that hears no signal and has a child that holds its output.
func TestAGitThatDoesNotEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "git")
	if err := os.WriteFile(
		path,
		[]byte("#!/bin/sh\ntrap '' TERM\nsleep 600 &\nwhile :; do sleep 1; done\n"),
		0o700,
	); err != nil {
		t.Fatal(err)
	}
	c, err := git.New(git.Config{Source: "g", Hosted: "github", Repositories: []git.Repository{{Name: "o/n"}}},
		git.Options{Options: source.Options{CloneDir: t.TempDir()}, Binary: path, Patience: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	if err := c.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "said nothing for too long") ||
		time.Since(start) > 20*time.Second {
		t.Errorf("after %v: %v", time.Since(start), err)
	}
}

func TestAHostInAPrivateNetwork(t *testing.T) {
	for _, proxy := range []string{"http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY"} {
		t.Setenv(proxy, "")
	}
	resttest.LeadHome(t)
	check := func(private bool) error {
		t.Helper()
		c, err := git.New(
			git.Config{Source: "g", Hosted: "github", URL: "http://git.example.com:9", AllowPrivateNetwork: private,
				Repositories: []git.Repository{{Name: "o/n"}}},
			git.Options{Options: source.Options{CloneDir: t.TempDir()}},
		)
		if err != nil {
			t.Fatal(err)
		}
		return c.Check(t.Context())
	}
	if err := check(false); err == nil || !strings.Contains(err.Error(), "git.example.com (127.0.0.1)") ||
		!strings.Contains(err.Error(), "allow_private_network: true") {
		t.Errorf("a name that leads to this machine: %v", err)
	}
	// git looks for itself, and finds no server
	if err := check(true); err == nil || strings.Contains(err.Error(), "allow_private_network") {
		t.Errorf("where it is allowed: %v", err)
	}
}
