package cluster

import (
	"errors"
	"net/http"
	"testing"

	"github.com/dxctl/dxctl/collectors/rest"
)

func TestOnlyReadingIsSent(t *testing.T) {
	g := &guard{host: "https://cluster.example.com"}
	for _, method := range []string{http.MethodDelete, http.MethodPost, http.MethodPut, http.MethodPatch} {
		req, err := http.NewRequestWithContext(t.Context(), method, g.host, nil)
		if err != nil {
			t.Fatal(err)
		}
		var refused *rest.RefusedError
		if _, err := g.RoundTrip(req); !errors.As(err, &refused) {
			t.Errorf("a %s is sent: %v", method, err)
		}
	}
}
