package store_test

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/store"
	"github.com/dxctl/dxctl/store/guard"
	"github.com/dxctl/dxctl/store/storetest"
)

// The engine behind a listener is a ClickHouse server that speaks HTTP: the same code then goes the way of a server.
func TestServerOverHTTP(t *testing.T) {
	server := httptest.NewServer(storetest.Engine(t))
	t.Cleanup(server.Close)
	dsn := server.URL + "/served?compress=none&username=default"
	s, err := store.Open(t.Context(), store.Config{DSN: dsn}, store.Options{Program: "dxctl test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(s.Drop(t.Context()), s.Close()); err != nil && !strings.Contains(err.Error(), "canceled") {
			t.Error(err)
		}
	})
	if _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	info, err := s.Info(t.Context())
	if err != nil || info.Engine != "server" || info.Path != "" || info.Library != "" ||
		info.Address != strings.TrimPrefix(server.URL, "http://") ||
		info.Database != "served" {
		t.Errorf("info %+v, %v", info, err)
	}
	mustAppend(t, s, event.Deployment{Origin: origin("1"), Attempt: 1, Status: event.Succeeded, CreatedAt: noon},
		event.Fact{Source: "gh", Entity: "e", Name: "n", Type: event.BoolFact, Value: []byte("true"), ObservedAt: noon})
	if n := number(t, s, "SELECT count() AS n FROM deployments"); n != 1 {
		t.Errorf("%d rows", n)
	}
	mustReplace(t, s)
	var forbidden *guard.ForbiddenError
	if rows, err := s.Rows(t.Context(), "DROP TABLE raw_deployments", nil); !errors.As(err, &forbidden) {
		t.Errorf("Rows lets write: %v %v", rows, err)
	}
}

func TestServerThatIsNotThere(t *testing.T) {
	_, err := store.Open(
		t.Context(),
		store.Config{DSN: "clickhouse://user:secret@127.0.0.1:9919/dx?dial_timeout=1s"},
		store.Options{},
	)
	if err == nil || !strings.Contains(err.Error(), "127.0.0.1:9919") || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
}
