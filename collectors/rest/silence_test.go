package rest

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestASourceThatNeverAnswers stops a source at every stage of an answer. Each attempt ends by itself, is tried again,
// and the error names the stage as well as it is known.
func TestASourceThatNeverAnswers(t *testing.T) {
	for _, tc := range []struct {
		name  string
		start func(*testing.T) string // returns the address
		want  string
	}{
		{"it takes no connection", deaf, "sent nothing for 100ms"},
		{"it says nothing to a TLS handshake", func(t *testing.T) string { return "https" + strings.TrimPrefix(mute(t), "http") }, "sent nothing for 100ms"},
		{"it sends no headers", mute, "sent nothing for 100ms"},
		{"it sends half of the headers", halfHeaders, "sent nothing for 100ms"},
		{"it stops within the body", stopping, "sent nothing for 100ms"},
		{"it sends a byte now and then, forever", trickling, "not complete after 400ms"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			base := tc.start(t)
			var attempts int
			cl := client(
				t,
				base,
				&clock{},
				func(c *Config) { c.IdleTimeout, c.Timeout, c.Attempts = 100*time.Millisecond, 400*time.Millisecond, 2 },
			)
			cl.Observe(Observer{Request: func(Request) { attempts++ }})
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second) // where the care lacks, the test would hang
			defer cancel()
			_, _, err := get(ctx, t, cl, base+"/runs")
			if err == nil || !strings.Contains(err.Error(), tc.want) ||
				!strings.Contains(err.Error(), "gave up after 2 attempts") ||
				attempts != 2 {
				t.Errorf("%d attempts, error %v", attempts, err)
			}
		})
	}
}

// TestSlowButSteadyIsNoSilence reads an answer that takes longer than the allowed silence, but never stops for as long.
func TestSlowButSteadyIsNoSilence(t *testing.T) {
	srv, n := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		for _, c := range `{"ok": [1, 2, 3, 4, 5, 6]}` {
			_, _ = io.WriteString(w, string(c))
			w.(http.Flusher).Flush()
			time.Sleep(20 * time.Millisecond)
		}
	})
	status, _, err := get(
		t.Context(),
		t,
		client(t, srv.URL, &clock{}, func(c *Config) { c.IdleTimeout = 200 * time.Millisecond }),
		srv.URL,
	)
	if err != nil || status != http.StatusOK || n.Load() != 1 {
		t.Errorf("%d after %d requests, %v", status, n.Load(), err)
	}
}

// deaf is a listener whose queue is full and of which nobody takes a connection: the system drops what knocks.
func deaf(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	address := net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: name.(*syscall.SockaddrInet4).Port}
	for range 300 { // until one is not taken
		conn, err := net.DialTimeout("tcp", address.String(), 50*time.Millisecond)
		if err != nil {
			break
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
	return "http://" + address.String()
}

// talking takes connections and says the text on each, and then nothing.
func talking(t *testing.T, text string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = conn.Close() })
			go func() {
				_, _ = conn.Read(make([]byte, 4096)) // an answer to nothing would be another fault
				_, _ = io.WriteString(conn, text)
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

func mute(t *testing.T) string { return talking(t, "") }

func halfHeaders(t *testing.T) string {
	return talking(t, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Long: ")
}

func stopping(t *testing.T) string {
	return talking(t, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"half\":")
}

func trickling(t *testing.T) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := io.WriteString(w, " "); err != nil {
				return
			}
			w.(http.Flusher).Flush()
			time.Sleep(10 * time.Millisecond)
		}
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}
