package main

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/dxctl/dxctl/store/embedded"
)

const (
	pushToken   = "0123456789abcdef0123456789abcdef"
	hookSecret  = "a secret of the webhooks of shop"
	bodyOf26MB  = 26_000_000
	partOfABody = 20_000_000
)

// allowedGrowth is how far the memory of dxctl serve may grow under 40 half-sent bodies, in MB.
const allowedGrowth = 150

// serving is a dxctl serve of its own process.
type serving struct {
	addr string
	pid  int
}

// serveProcess starts dxctl serve with a source of each way of proof, and stops it with the test.
func serveProcess(t *testing.T) serving {
	t.Helper()
	library, err := embedded.FindLibrary()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	addr, err := freeAddress()
	if err != nil {
		t.Fatal(err)
	}
	config := fmt.Sprintf(`store: {dsn: "embedded:./data"}
server: {addr: %q}
collect: {interval: 24h}
sources:
  - {name: scripts, kind: events, secret: %q}
  - {name: lab, kind: gitlab, url: "http://127.0.0.1:1", token: x, projects: [acme/shop], webhook: {secret: %q}}
  - {name: hub, kind: github, url: "http://127.0.0.1:1", token: x, repositories: [acme/shop], webhook: {secret: %q}}
`, addr, pushToken, hookSecret, hookSecret)
	if err := os.WriteFile(filepath.Join(dir, "dx.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("dxctl", "serve")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), embedded.LibraryVariable+"="+library)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("dxctl serve ended with %v: %s", err, &said)
		}
	})
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if resp, err := http.Get("http://" + addr + "/readyz"); err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return serving{addr, cmd.Process.Pid}
			}
		}
		if time.Now().After(deadline) {
			t.Fatal("dxctl serve does not get ready")
		}
	}
}

// rss is the memory that the process holds, in MB.
func (s serving) rss(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if text, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.Atoi(strings.Fields(text)[0])
			if err != nil {
				t.Fatal(err)
			}
			return kb / 1000
		}
	}
	t.Fatal("no VmRSS")
	return 0
}

func (s serving) dial(t *testing.T) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	return conn
}

func head(path, length string, headers ...string) string {
	return "POST " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/cloudevents+json\r\n" + length + "\r\n" + strings.Join(
		append(headers, "\r\n"),
		"\r\n",
	)
}

func announced(n int) string { return fmt.Sprintf("Content-Length: %d", n) }

// answered reads the answer of a connection.
func answered(t *testing.T, conn *bufio.Reader) (int, string) {
	t.Helper()
	resp, err := http.ReadResponse(conn, nil)
	if err != nil {
		t.Fatalf("reading the answer: %v", err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// TestBodiesOfStrangers sends bodies over sockets as somebody without the secret would, and measures the memory.
func TestBodiesOfStrangers(t *testing.T) {
	s := serveProcess(t)
	t.Run("answered after the header", func(t *testing.T) {
		for what, request := range map[string]string{
			"no token":          head("/api/v1/events", announced(bodyOf26MB)),
			"a wrong token":     head("/api/v1/events", announced(bodyOf26MB), "Authorization: Bearer wrong"),
			"GitLab, no token":  head("/api/v1/webhooks/lab", announced(bodyOf26MB), "Content-Type: application/json"),
			"GitHub, unsigned":  head("/api/v1/webhooks/hub", announced(bodyOf26MB), "Content-Type: application/json"),
			"chunks":            head("/api/v1/events", "Transfer-Encoding: chunked"),
			"asking to go on":   head("/api/v1/events", announced(bodyOf26MB), "Expect: 100-continue"),
			"closing":           head("/api/v1/events", announced(bodyOf26MB), "Connection: close"),
			"a forged length":   head("/api/v1/events", announced(bodyOf26MB), "X-Dxctl-Body-Length: 1"),
			"a page":            head("/", announced(bodyOf26MB)),
			"an address of API": head("/api/v1/services", announced(bodyOf26MB)),
		} {
			conn := s.dial(t)
			start := time.Now()
			if _, err := io.WriteString(conn, request); err != nil {
				t.Fatal(err)
			}
			in := bufio.NewReader(conn)
			status, text := answered(t, in)
			if status == http.StatusContinue {
				status, text = answered(t, in)
			}
			want := http.StatusUnauthorized
			if strings.HasPrefix(what, "a page") || strings.HasPrefix(what, "an address") {
				want = http.StatusMethodNotAllowed
			}
			if took := time.Since(start); status != want || took > 3*time.Second {
				t.Errorf("%s: answered %d %s after %v, want %d", what, status, text, took, want)
			}
		}
	})
	for _, path := range []string{"/metrics", "/services"} { // their first answer takes memory of the engine
		resp, err := http.Get("http://" + s.addr + path)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %v", path, err)
		}
		_ = resp.Body.Close()
	}
	forged := "X-Hub-Signature-256: sha256=" + strings.Repeat("ab", 32)
	for _, c := range []struct{ name, request string }{
		{"without a token", head("/api/v1/events", announced(bodyOf26MB))},
		{"with a forged signature", head("/api/v1/webhooks/hub", announced(bodyOf26MB), "Content-Type: application/json", forged)},
		{"as chunks with a forged signature", head("/api/v1/webhooks/hub", "Transfer-Encoding: chunked", "Content-Type: application/json", forged)},
		{"to the metrics", strings.Replace(head("/metrics", announced(bodyOf26MB)), "POST", "GET", 1)},
		{"to a page", strings.Replace(head("/services", announced(bodyOf26MB)), "POST", "GET", 1)},
	} {
		t.Run(c.name, func(t *testing.T) { s.floodedWith(t, c.request) })
	}
}

// floodedWith sends most of a large body over 40 connections and expects that memory neither grows much nor stays.
func (s serving) floodedWith(t *testing.T, request string) {
	before := s.rss(t)
	body := bytes.Repeat([]byte("x"), partOfABody)
	if strings.Contains(request, "chunked") {
		body = append(fmt.Appendf(nil, "%x\r\n", partOfABody), body...)
	}
	var conns []net.Conn
	var senders sync.WaitGroup
	for range 40 {
		conn := s.dial(t)
		_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
		conns = append(conns, conn)
		senders.Go(func() {
			if _, err := io.WriteString(conn, request); err == nil {
				_, _ = conn.Write(body) // the server may close before it is all sent
			}
		})
	}
	senders.Wait()
	during := s.rss(t)
	for _, conn := range conns {
		_ = conn.Close()
	}
	after := s.rss(t)
	t.Logf("%d MB before, %d MB with the bodies half sent, %d MB after", before, during, after)
	// Reading all of it would take 800 MB.
	if during > before+allowedGrowth || after > before+allowedGrowth {
		t.Errorf("memory grows from %d MB to %d MB, and is %d MB afterwards", before, during, after)
	}
	if resp, err := http.Get("http://" + s.addr + "/healthz"); err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("the server no longer answers: %v", err)
	}
}

// TestBodiesOfSenders: what an honest sender does works, whatever its size and its ways.
func TestBodiesOfSenders(t *testing.T) {
	t.Parallel()
	s := serveProcess(t)
	event := func(id string, padding int) string {
		return `{"specversion":"1.0","id":"` + id + `","source":"/s","type":"dev.cdevents.service.deployed.0.2.0","data":{"context":{"id":"` + id + `"},
"subject":{"id":"pay","content":{"environment":{"id":"production"},"padding":"` + strings.Repeat(
			"p",
			padding,
		) + `"}}}}`
	}
	token := "Authorization: Bearer " + pushToken
	t.Run("several on one connection", func(t *testing.T) {
		conn := s.dial(t)
		in := bufio.NewReader(conn)
		for i, length := range []int{0, 100, 20_000, 3 << 20, 10} {
			body := event(strconv.Itoa(i), length)
			if _, err := io.WriteString(conn, head("/api/v1/events", announced(len(body)), token)+body); err != nil {
				t.Fatal(err)
			}
			resp, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			text, _ := io.ReadAll(resp.Body)
			if resp.StatusCode != http.StatusAccepted {
				t.Fatalf("%d: %d %s", i, resp.StatusCode, text)
			}
		}
	})
	t.Run("in chunks, after 100-continue, closing", func(t *testing.T) {
		body := event("chunked", 50_000)
		conn := s.dial(t)
		_, _ = io.WriteString(
			conn,
			head("/api/v1/events", "Transfer-Encoding: chunked", token, "Expect: 100-continue", "Connection: close"),
		)
		in := bufio.NewReader(conn)
		if resp, err := http.ReadResponse(in, nil); err != nil || resp.StatusCode != http.StatusContinue {
			t.Fatalf("%v %v", resp, err)
		}
		for len(body) > 0 {
			n := min(7000, len(body))
			_, _ = fmt.Fprintf(conn, "%x\r\n%s\r\n", n, body[:n])
			body = body[n:]
		}
		_, _ = io.WriteString(conn, "0\r\n\r\n")
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != http.StatusAccepted || !resp.Close {
			t.Errorf("%d %s, closing: %v", resp.StatusCode, text, resp.Close)
		}
		if _, err := in.ReadByte(); err != io.EOF {
			t.Errorf("the connection stays open: %v", err)
		}
	})
	t.Run("the answer reaches who sends on", func(t *testing.T) {
		for what, c := range map[string]struct {
			length int
			header string
			want   int
		}{"too large": {30 << 20, token, 413}, "a wrong token": {20 << 20, "Authorization: Bearer wrong", 401}} {
			req, err := http.NewRequestWithContext(
				t.Context(),
				http.MethodPost,
				"http://"+s.addr+"/api/v1/events",
				bytes.NewReader(make([]byte, c.length)),
			)
			if err != nil {
				t.Fatal(err)
			}
			name, value, _ := strings.Cut(c.header, ": ")
			req.Header.Set(name, value)
			req.Header.Set("Content-Type", "application/cloudevents+json")
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Errorf("%s: %v", what, err)
				continue
			}
			_ = resp.Body.Close()
			if resp.StatusCode != c.want {
				t.Errorf("%s: %d, want %d", what, resp.StatusCode, c.want)
			}
		}
	})
	t.Run("large and signed, many at once", func(t *testing.T) {
		before := s.rss(t)
		body := []byte(
			`{"action":"opened","repository":{"full_name":"acme/shop"},"pull_request":{"number":7,"title":"` + strings.Repeat(
				"t",
				15<<20,
			) + `"}}`,
		)
		mac := hmac.New(sha256.New, []byte(hookSecret))
		mac.Write(body)
		signature := "sha256=" + hex.EncodeToString(mac.Sum(nil))
		var senders sync.WaitGroup
		var accepted atomic.Int64
		for range 8 {
			senders.Go(func() {
				req, err := http.NewRequestWithContext(
					t.Context(),
					http.MethodPost,
					"http://"+s.addr+"/api/v1/webhooks/hub",
					bytes.NewReader(body),
				)
				if err != nil {
					t.Error(err)
					return
				}
				req.Header.Set("X-Hub-Signature-256", signature)
				req.Header.Set("X-Github-Event", "pull_request")
				resp, err := http.DefaultClient.Do(req)
				if err != nil {
					t.Error(err)
					return
				}
				_ = resp.Body.Close()
				switch { // what the inbox has no room for while the worker is slower than the senders comes again later
				case resp.StatusCode == http.StatusAccepted:
					accepted.Add(1)
				case resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "":
					t.Errorf("answered %d with Retry-After %q", resp.StatusCode, resp.Header.Get("Retry-After"))
				}
			})
		}
		senders.Wait()
		if accepted.Load() == 0 {
			t.Error("none was accepted")
		}
		t.Logf("%d MB before, %d MB after", before, s.rss(t))
	})
}
