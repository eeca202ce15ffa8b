package kubernetes

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/collectors/kubernetes/cluster"
	"github.com/dxctl/dxctl/collectors/kubernetes/workload"
	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/tools/cache"
)

// seen collects what a cluster shows, and returns the scopes and why some of them could not be collected.
func seen(t *testing.T, m *collecttest.Writer, objects ...*unstructured.Unstructured) (scopes []string, failed error) {
	t.Helper()
	c := collector(t, fakeCluster(objects...), nil)
	scopes, err := c.Scopes(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	for _, scope := range scopes {
		failed = errors.Join(failed, c.Collect(t.Context(), scope, m))
	}
	return scopes, failed
}

func TestAnEmptyListingEndsNothing(t *testing.T) {
	d, r := deployment(1, "1.2", progressing("ReplicaSetUpdated", "True", 1, 2)), replicaSet(1, 1, 0, "1.2", nil, "")
	s := statefulSet("payment-a", 3, 3) // of the same service, and still there
	s.SetName("payment-db")
	s.SetUID("db")
	s.SetLabels(map[string]string{"app.kubernetes.io/name": "payment"})
	m := collecttest.NewWriter()
	if _, err := seen(t, m, d, r, s); err != nil {
		t.Fatal(err)
	}
	for range 2 { // it stays doubtful
		if _, err := seen(t, m, s); !errors.Is(err, collecttest.ErrRemoval) ||
			!strings.Contains(err.Error(), "1 of 1 deployments") {
			t.Fatalf("an empty listing is no error: %v", err)
		}
		if e := deployed(m, id(1)); e.Status != event.Running {
			t.Fatalf("%+v is ended by an empty listing", e)
		}
	}
	m.Accept = true
	if _, err := seen(t, m, s); err != nil || deployed(m, id(1)).Status != event.Skipped {
		t.Errorf("%v: %+v, want it ended when the removal is accepted", err, deployed(m, id(1)))
	}
	m.Accept = false
	if _, err := seen(t, m, s); err != nil {
		t.Errorf("what was accepted is an error again: %v", err)
	}
}

func TestAServiceWithoutWorkloadsEndsWhenThatIsAccepted(t *testing.T) {
	m := collecttest.NewWriter()
	if _, err := seen(
		t,
		m,
		deployment(1, "1.2", progressing("ReplicaSetUpdated", "True", 1, 2)),
		replicaSet(1, 1, 0, "1.2", nil, ""),
	); err != nil {
		t.Fatal(err)
	}
	m.Accept = true
	if scopes, err := seen(t, m); err != nil || !slices.Equal(scopes, []string{"payment"}) ||
		deployed(m, id(1)).Status != event.Skipped {
		t.Errorf("%v %v %+v", scopes, err, deployed(m, id(1)))
	}
}

func TestAListingThatLacksHalfEndsNothing(t *testing.T) {
	var all []*unstructured.Unstructured
	for i := range 10 {
		d := deployment(1, "1.2", progressing("ReplicaSetUpdated", "True", 1, 2))
		d.SetName(fmt.Sprintf("payment-%d", i))
		d.SetUID("")
		all = append(all, d)
	}
	for gone, refused := range map[int]bool{5: false, 6: true, 10: true} {
		m := collecttest.NewWriter()
		if _, err := seen(t, m, all...); err != nil {
			t.Fatal(err)
		}
		if _, err := seen(t, m, all[gone:]...); errors.Is(err, collecttest.ErrRemoval) != refused {
			t.Errorf("%d of 10 are gone: %v", gone, err)
		}
	}
}

func TestARelistThatLacksEverythingEndsNothing(t *testing.T) {
	m := collecttest.NewWriter()
	d := deployment(1, "1.2", progressing("ReplicaSetUpdated", "True", 1, 2))
	collect(t, m, nil, d, replicaSet(1, 1, 0, "1.2", nil, ""))
	c := collector(t, fakeCluster(), nil)
	k, err := c.cluster.Caches()
	if err != nil {
		t.Fatal(err)
	}
	q := newQueue()
	k.Handler(q).OnDelete(cache.DeletedFinalStateUnknown{Key: "shop/payment", Obj: readerOf(c).Workload(workload.KindDeployment, d)})
	due := q.take()
	c.withhold(k, due, func(string) source.Writer { return m })
	if err := c.look(t.Context(), k, "payment", due.gone["payment"], m); err != nil {
		t.Fatal(err)
	}
	if e := deployed(m, id(1)); e.Status != event.Running {
		t.Errorf("%+v is ended by a listing that is empty after the watch was cut", e)
	}
}

func TestAnItemThatCannotBeReadIsLeftOutOfTheListing(t *testing.T) {
	s := newAPIServer(t)
	odd := []any{
		42,
		nil,
		"x",
		object{"metadata": "x"},
		object{"metadata": object{"name": 7}},
		object{"kind": "Deployment"},
		object{"metadata": object{"name": "broken", "namespace": 7}},
	}
	s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		if q.Get("watch") != "" || q.Get("sendInitialEvents") != "" || !strings.HasSuffix(r.URL.Path, "/deployments") {
			s.ServeHTTP(w, r)
			return
		}
		recorded := httptest.NewRecorder()
		s.ServeHTTP(recorded, r)
		var list struct {
			object
			Items []any `json:"items"`
		}
		if err := json.Unmarshal(recorded.Body.Bytes(), &list); err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).
			Encode(object{"kind": "List", "apiVersion": "apps/v1", "metadata": object{"resourceVersion": "10"},
				"items": append(slices.Clone(odd), list.Items...)})
	})
	s.put("deployments", deployment(1, "1.2", progressing("NewReplicaSetAvailable", "True", 1, 2)))
	s.put("replicasets", replicaSet(1, 1, 0, "1.2", nil, ""))
	c, m := overHTTP(t, s), collecttest.NewWriter()
	var misfit *cluster.MisfitError
	if err := c.Check(t.Context()); !errors.As(err, &misfit) || !strings.Contains(err.Error(), "(broken)") {
		t.Errorf("doctor says %v", err)
	}
	scopes, err := c.Scopes(t.Context(), m)
	if err != nil || !slices.Equal(scopes, []string{"deployments", "payment"}) {
		t.Fatalf("%v %v", scopes, err)
	}
	if err := c.Collect(t.Context(), "payment", m); err != nil || deployed(m, id(1)).Status != event.Succeeded {
		t.Errorf("the neighbor is %+v: %v", deployed(m, id(1)), err)
	}
	if err := c.Collect(t.Context(), "deployments", m); !errors.As(err, &misfit) || len(misfit.Items) != len(odd) {
		t.Errorf("collecting what cannot be read: %v", err)
	}
	if m.Ledger(event.KindDeployment).Expected != uint64(len(odd)) ||
		m.Ledger(event.KindDeployment).Gap() != uint64(len(odd)) ||
		!strings.Contains(m.Ledger(event.KindDeployment).Note, "item 1 is 42") {
		t.Errorf("ledger %+v", m.Ledger(event.KindDeployment))
	}
	odd = nil
	if scopes, err := c.Scopes(t.Context(), m); err != nil || !slices.Equal(scopes, []string{"deployments", "payment"}) {
		t.Fatalf("%v %v", scopes, err)
	}
	if err := c.Collect(t.Context(), "deployments", m); err != nil || m.Ledger(event.KindDeployment).Gap() != 0 {
		t.Errorf("when everything can be read again: %v, %+v", err, m.Ledger(event.KindDeployment))
	}
}
