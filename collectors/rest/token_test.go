package rest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// wanting answers requests that carry the token, and 401 to others.
func wanting(token *atomic.Value) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != fmt.Sprint("Bearer ", token.Load()) {
			says(http.StatusUnauthorized, `{"message":"Bad credentials"}`)(w, r)
			return
		}
		says(http.StatusOK, ok)(w, r)
	}
}

func TestATokenSourceIsAskedForEachRequest(t *testing.T) {
	for _, tc := range []struct {
		name     string
		give     func(refused string) (string, error)
		status   int
		requests int64
		asked    string // what the source was told of refused tokens
		want     string // in the error
	}{
		{"a good token", func(string) (string, error) { return "new", nil }, 200, 1, "[]", ""},
		{"one that has been revoked", func(refused string) (string, error) {
			if refused == "" {
				return "old", nil
			}
			return "new", nil
		}, 200, 2, "[ old]", ""},
		{"one that stays refused", func(string) (string, error) { return "old", nil }, 401, 2, "[ old]", ""},
		{"none to be had", func(string) (string, error) { return "", errors.New("no such installation") }, 0, 0, "[]", "getting a token: no such installation"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var token atomic.Value
			token.Store("new")
			srv, n := answering(t, wanting(&token))
			var asked []string
			cl := client(t, srv.URL, &clock{}, func(c *Config) {
				c.TokenSource = func(_ context.Context, refused string) (string, error) {
					asked = append(asked, refused)
					return tc.give(refused)
				}
			})
			status, _, err := get(t.Context(), t, cl, srv.URL)
			if status != tc.status || n.Load() != tc.requests || fmt.Sprint(asked) != tc.asked {
				t.Errorf("%d after %d requests, source asked with %q, %v", status, n.Load(), asked, err)
			}
			if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want one that says %q", err, tc.want)
			}
		})
	}
}

func TestATokenSourceIsNotAskedForAnotherHost(t *testing.T) {
	reached := false
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	t.Cleanup(other.Close)
	srv, _ := answering(
		t,
		func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, http.StatusFound) },
	)
	asked := 0
	cl := client(t, srv.URL, &clock{}, func(c *Config) {
		c.TokenSource = func(context.Context, string) (string, error) { asked++; return "secret", nil }
	})
	_, _, err := get(t.Context(), t, cl, srv.URL)
	if !errors.As(err, new(*RefusedError)) || reached || asked != 1 {
		t.Errorf("reached the other host: %t, source asked %d times, %v", reached, asked, err)
	}
}

func TestAFixedTokenIsNotTriedTwice(t *testing.T) {
	srv, n := answering(t, says(http.StatusUnauthorized, "{}"))
	if status, _, err := get(
		t.Context(),
		t,
		client(t, srv.URL, &clock{}, nil),
		srv.URL,
	); status != 401 || n.Load() != 1 ||
		err != nil {
		t.Errorf("%d after %d requests, %v", status, n.Load(), err)
	}
}
