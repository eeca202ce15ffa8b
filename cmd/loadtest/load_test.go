package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"
)

func TestMeasure(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/broken" {
			w.WriteHeader(http.StatusInternalServerError)
		}
		fmt.Fprint(
			w,
			`<a href="/services/default/a#grade">a</a> <a href="/assets/x.css">x</a> <a href="/events/changes">c</a> <a href="/events/changes?a=1&amp;b=2">d</a>`,
		)
	}))
	defer server.Close()
	l := newLoad(options{url: server.URL, connections: 3, requests: 50, time: 10 * time.Second})
	addresses, err := l.addresses(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"/", "/services/default/a", "/api/v1/services/default/a", "/events/changes.csv", "/api/v1/ledger"} {
		if !slices.Contains(addresses, want) {
			t.Errorf("%s is not among %v", want, addresses)
		}
	}
	if slices.Contains(addresses, "/assets/x.css") || slices.Contains(addresses, "/events/changes?a=1&b=2") {
		t.Errorf("too many addresses: %v", addresses)
	}
	if m := l.measure(t.Context(), "/"); len(m.took) != 50 || m.failed != 0 || m.quantile(1) < m.quantile(0.5) ||
		m.rate() <= 0 {
		t.Errorf("%+v", m)
	}
	if m := l.measure(t.Context(), "/broken"); len(m.took) != 0 || m.failed != 51 {
		t.Errorf("%d failed", m.failed)
	}
}
