package webhook

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/dxctl/dxctl/collectors/circleci"
	"github.com/dxctl/dxctl/collectors/delivery/deliverytest"
	"github.com/dxctl/dxctl/collectors/events"
	githubreceiver "github.com/dxctl/dxctl/collectors/github/receiver"
	gitlabreceiver "github.com/dxctl/dxctl/collectors/gitlab/receiver"
)

// free returns what is left of the budgets.
func (b *bodies) left() (memory, disk int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.memory, b.disk
}

// TestBodiesGiveBack: whatever becomes of a body, in the end nothing is held and no file stays.
func TestBodiesGiveBack(t *testing.T) {
	const memory, disk = 3 << 20, 8 << 20
	for _, c := range []struct {
		name   string
		body   io.Reader
		inFile bool
		err    error
	}{
		{"none", strings.NewReader(""), false, nil},
		{"small", strings.NewReader("abc"), false, nil},
		{"just in memory", bytes.NewReader(make([]byte, bodyInMemory)), false, nil},
		{"one byte more", bytes.NewReader(make([]byte, bodyInMemory+1)), true, nil},
		{"byte by byte", iotest.OneByteReader(strings.NewReader(strings.Repeat("x", 70_000))), false, nil},
		{"too large", bytes.NewReader(make([]byte, 5<<20+1)), true, errBodyTooLarge},
		{"ends early", io.MultiReader(bytes.NewReader(make([]byte, 2<<20)), iotest.ErrReader(io.ErrUnexpectedEOF)), true, io.ErrUnexpectedEOF},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			b := newBodies(dir, 5<<20, memory, disk)
			var seen bytes.Buffer
			got, err := b.receive(c.body, &seen)
			if !errors.Is(err, c.err) || (got.file != nil) != c.inFile {
				t.Fatalf("%v, in a file: %v", err, got.file != nil)
			}
			if err == nil {
				content, err := got.bytes(t.Context())
				if err != nil || !bytes.Equal(content, seen.Bytes()) || int64(len(content)) != got.size {
					t.Errorf("%d bytes come back of %d: %v", len(content), got.size, err)
				}
			}
			got.close()
			if m, d := b.left(); m != memory || d != disk || len(b.large) != 0 {
				t.Errorf("%d of memory and %d of disk are free afterwards", m, d)
			}
			if files, _ := filepath.Glob(filepath.Join(dir, "*")); len(files) > 0 {
				t.Errorf("%v stay", files)
			}
		})
	}
}

// TestBodiesAreBoundedTogether: with no memory left small bodies go to files, with no disk left they are refused, and
// when others are done they are taken again.
func TestBodiesAreBoundedTogether(t *testing.T) {
	b := newBodies(t.TempDir(), 5<<20, 2<<20, 3<<20)
	megabyte := func() *body {
		got, err := b.receive(bytes.NewReader(make([]byte, 1<<20)), io.Discard)
		if err != nil {
			t.Helper()
			t.Fatal(err)
		}
		return got
	}
	held := []*body{megabyte(), megabyte(), megabyte(), megabyte(), megabyte()}
	if held[1].file != nil || held[2].file == nil {
		t.Error("the third should be the first in a file")
	}
	over, err := b.receive(bytes.NewReader(make([]byte, 1<<20)), io.Discard)
	if !errors.Is(err, errBodiesFull) {
		t.Errorf("a sixth megabyte: %v", err)
	}
	over.close()
	held[0].close()
	held = append(held[1:], megabyte())
	// Of those in files two are read at a time.
	for _, one := range held[1:3] {
		if _, err := one.bytes(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	soon, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := held[3].bytes(soon); !errors.Is(err, errBodiesFull) {
		t.Errorf("a third large body at once: %v", err)
	}
	for _, one := range held {
		one.close()
	}
	if m, d := b.left(); m != 2<<20 || d != 3<<20 {
		t.Errorf("%d and %d are free afterwards", m, d)
	}
}

func TestLeftoversOfBodiesAreRemoved(t *testing.T) {
	dir := t.TempDir()
	left, kept := filepath.Join(dir, "body-123.part"), filepath.Join(dir, "position.json")
	for _, path := range []string{left, kept} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	newBodies(dir, 1, 1, 1)
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Error("a leftover stays")
	}
	if _, err := os.Stat(kept); err != nil {
		t.Error(err)
	}
}

// TestNothingIsReadOfStrangers: where the header already shows that the secret is not known, the body is not read.
func TestNothingIsReadOfStrangers(t *testing.T) {
	push := Source{Name: "push", Receiver: events.Receiver{}, Secret: "a token of the events"}
	lab := Source{Name: "lab", Receiver: gitlabreceiver.Receiver{}, Secret: deliverytest.Secret}
	ring := Source{Name: "ring", Receiver: circleci.Receiver{}, Secret: deliverytest.Secret}
	h := NewHandler(
		newReceiver(t, testSource(githubreceiver.Receiver{}), push, lab, ring),
		&memoryInbox{},
		HandlerOptions{MaxBody: 1 << 20},
	)
	for _, c := range []struct {
		name, path string
		header     http.Header
		length     int64
		want       int
	}{
		{"no token", EventsPath, headers("Content-Type", "application/cloudevents+json"), 10, 401},
		{"a wrong token", EventsPath, headers("Content-Type", "application/cloudevents+json", "Authorization", "Bearer x"), 10, 401},
		{"GitLab without a token", WebhooksPath + "lab", headers(), 10, 401},
		{"GitHub without a signature", WebhooksPath + "gh", headers("X-GitHub-Event", "push"), 10, 401},
		{"GitHub with half a signature", WebhooksPath + "gh", headers("X-Hub-Signature-256", "sha256=abcd"), 10, 401},
		{"CircleCI with another version", WebhooksPath + "ring", headers("circleci-signature", "v2="+strings.Repeat("0", 64)), 10, 401},
		{"too large by its own account", EventsPath, headers("Content-Type", "application/cloudevents+json", "Authorization", "Bearer a token of the events"), 1<<20 + 1, 413},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, c.path, untouchable{t})
			r.Header, r.ContentLength = c.header, c.length
			w := httptest.NewRecorder()
			if h.ServeHTTP(w, r); w.Code != c.want {
				t.Errorf("answered %d %s, want %d", w.Code, w.Body, c.want)
			}
		})
	}
}

// untouchable is a body that must not be read.
type untouchable struct{ t *testing.T }

func (u untouchable) Read([]byte) (int, error) {
	u.t.Error("the body is read")
	return 0, io.EOF
}

// TestFullAndSlowSenders: what is answered when bodies cannot be held, or do not come.
func TestFullAndSlowSenders(t *testing.T) {
	h := NewHandler(
		newReceiver(t, testSource(githubreceiver.Receiver{})),
		&memoryInbox{},
		HandlerOptions{MaxMemory: 1 << 10, MaxDisk: 1 << 10, SpoolDir: t.TempDir()},
	)
	send := func(body io.Reader) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, WebhooksPath+"gh", body)
		for name, value := range githubHeaders(deliverytest.Secret, "pull_request", nil) {
			r.Header.Set(name, value)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	if w := send(strings.NewReader(strings.Repeat(" ", 4<<10))); w.Code != http.StatusServiceUnavailable ||
		w.Header().Get("Retry-After") == "" {
		t.Errorf("with no room: %d %s, Retry-After %q", w.Code, w.Body, w.Header().Get("Retry-After"))
	}
	if w := send(iotest.TimeoutReader(iotest.HalfReader(strings.NewReader("{}")))); w.Code != http.StatusBadRequest &&
		w.Code != http.StatusRequestTimeout {
		t.Errorf("a sender that stops: %d %s", w.Code, w.Body)
	}
	if w := send(iotest.ErrReader(os.ErrDeadlineExceeded)); w.Code != http.StatusRequestTimeout {
		t.Errorf("a body that does not come: %d %s", w.Code, w.Body)
	}
}
