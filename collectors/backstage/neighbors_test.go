package backstage

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/collectors/rest"
)

// poison makes the backend fail whenever a page would hold one of the entities, however small it is.
func (f *fake) poison(names ...string) {
	f.answer = func(w http.ResponseWriter, r *http.Request) bool {
		body := string(f.page(r))
		for _, name := range names {
			if strings.Contains(body, `"name":"`+name+`"`) {
				w.WriteHeader(http.StatusInternalServerError)
				_, _ = w.Write([]byte(`{"error":{"name":"Error"}}`))
				return true
			}
		}
		return false
	}
}

func TestAnEntityThatAlwaysFailsDoesNotHoldUpTheOthers(t *testing.T) {
	for _, bad := range []string{"svc-00", "svc-13", "svc-30"} {
		t.Run(bad, func(t *testing.T) {
			f, w := several(t), newMemory()
			f.poison(bad)
			c := collector(t, f, Config{Token: "secret"})
			for range 6 {
				err := c.Collect(t.Context(), Scope, w)
				if !rest.OnlySkipped(err) || !strings.Contains(err.Error(), "1 place could not be read") {
					t.Fatalf("the place is not told: %v", err)
				}
			}
			if n := len(strings.Fields(w.refs())); n != 30 || strings.Contains(w.refs(), bad) {
				t.Errorf("%d are stored, want the 30 others: %s", n, w.refs())
			}
			if w.ledger.Gap() != 1 || !strings.Contains(w.ledger.Note, "the entity behind") {
				t.Errorf("ledger %+v", w.ledger)
			}
			f.answer = nil
			if err := c.Collect(t.Context(), Scope, w); err != nil || len(strings.Fields(w.refs())) != 31 ||
				w.ledger.Gap() != 0 {
				t.Errorf("it can be read again: %v, %s", err, w.refs())
			}
			var s state
			if err := json.Unmarshal(w.docs[stream], &s); err != nil || s.Failed.Len() != 0 {
				t.Errorf("the checkpoint still names what failed: %s", w.docs[stream])
			}
		})
	}
}

func TestWhatFailsIsNotGone(t *testing.T) {
	f, w := several(t), newMemory()
	c := collector(t, f, Config{Token: "secret"})
	if err := c.Collect(t.Context(), Scope, w); err != nil {
		t.Fatal(err)
	}
	f.poison("svc-07", "svc-08", "svc-21")
	delete(f.entities, "0002")
	if err := c.Collect(t.Context(), Scope, w); !rest.OnlySkipped(err) || len(strings.Fields(w.refs())) != 31 {
		t.Errorf("%v, %s", err, w.refs())
	}
	f.answer = nil
	if err := c.Collect(t.Context(), Scope, w); err != nil || len(strings.Fields(w.refs())) != 30 {
		t.Errorf("%v, %s", err, w.refs())
	}
	f.entities["0005"] = `{"kind":"Component","metadata":{"name":"svc-05","annotations":{"x":"` + strings.Repeat(
		"x",
		maxDocument,
	) + `"}}}`
	if err := c.Collect(t.Context(), Scope, w); !rest.OnlySkipped(err) || len(strings.Fields(w.refs())) != 30 {
		t.Errorf("an entity that became too large is not gone: %v, %s", err, w.refs())
	}
}

func TestAnAnswerThatRemovesTooMuchRemovesNothing(t *testing.T) {
	f, w := several(t), newMemory()
	c := collector(t, f, Config{Token: "secret"})
	collect := func(refused bool, left int) {
		t.Helper()
		if err := c.Collect(t.Context(), Scope, w); errors.Is(err, errRemoval) != refused || err != nil && !refused {
			t.Errorf("error %v, want a refusal: %v", err, refused)
		}
		if n := len(strings.Fields(w.refs())); n != left || w.ledger.Stored != uint64(left) {
			t.Errorf("%d are left, want %d; the ledger says %d", n, left, w.ledger.Stored)
		}
	}
	collect(false, 31)
	all := f.entities
	f.entities = map[string]string{} // as Backstage answers when a permission is missing
	collect(true, 31)
	collect(true, 31)
	f.entities = map[string]string{}
	for i := range 15 {
		f.entities[strconv.Itoa(i)] = entity("svc-"+strconv.Itoa(i+10), "1")
	}
	collect(true, 31)
	w.accept = true
	collect(false, 15)
	w.accept = false
	f.entities = all
	collect(false, 31)
}

func TestEverythingFailing(t *testing.T) {
	f, w := several(t), newMemory()
	c := collector(t, f, Config{Token: "secret"})
	if err := c.Collect(t.Context(), Scope, w); err != nil {
		t.Fatal(err)
	}
	before := string(w.docs[stream])
	for name, from := range map[string]int{"from the first page on": 0, "from the third page on": 2} {
		n := 0
		f.answer = func(w http.ResponseWriter, _ *http.Request) bool {
			if n++; n > from {
				w.WriteHeader(http.StatusInternalServerError)
				return true
			}
			return false
		}
		if err := c.Collect(t.Context(), Scope, w); err == nil || rest.OnlySkipped(err) {
			t.Errorf("%s: %v, want an outage", name, err)
		}
		if string(w.docs[stream]) != before || len(strings.Fields(w.refs())) != 31 {
			t.Errorf("%s: the checkpoint has moved", name)
		}
	}
}
