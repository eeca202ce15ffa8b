package kubernetes

import (
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/dxctl/dxctl/collectors/collecttest"

	"github.com/dxctl/dxctl/collectors/rest/resttest"
	"github.com/dxctl/dxctl/event"
)

// TestFaultsOfEverySort spoils every second listing in each way in turn: 502, bodies that are cut off, HTML, limits.
// The cluster is asked again, and what is stored is what it shows.
func TestFaultsOfEverySort(t *testing.T) {
	s := newAPIServer(t)
	spoilt := resttest.Spoil(s, 2)
	var listed atomic.Bool
	s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch q := r.URL.Query(); {
		case q.Get("watch") != "" || q.Get("sendInitialEvents") != "":
			s.ServeHTTP(w, r)
		default:
			listed.Store(true)
			spoilt.ServeHTTP(w, r)
		}
	})
	s.put("deployments", deployment(1, "1.2", progressing("NewReplicaSetAvailable", "True", 1, 2)))
	s.put("replicasets", replicaSet(1, 1, 0, "1.2", nil, ""))
	c, m := overHTTP(t, s), collecttest.NewWriter()
	for range 3 {
		scopes, err := c.Scopes(t.Context(), m)
		if err != nil || len(scopes) != 1 {
			t.Fatalf("%v %v", scopes, err)
		}
		if err := c.Collect(t.Context(), scopes[0], m); err != nil {
			t.Fatal(err)
		}
	}
	if !listed.Load() || m.Number(event.KindDeployment) != 1 || deployed(m, id(1)).Status != event.Succeeded ||
		deployed(m, id(1)).Version != "1.2" {
		t.Errorf("stored %+v", collecttest.Stored[event.Deployment](m))
	}
}
