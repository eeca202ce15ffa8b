package argocd

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"

	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
)

func TestAnEntryOfTheHistoryIsADeployment(t *testing.T) {
	s := newServer(t, app("payment", op("Succeeded", 10, 11, sha(2), automated),
		syncedEntry(0, 0, sha(1), alice), syncedEntry(1, 10, sha(2), automated)))
	m := collecttest.NewWriter()
	one(t, s, m)
	want := event.Deployment{
		Origin: event.Origin{
			Source:   "argo",
			Provider: "argocd",
			Scope:    "payment",
			ID:       "2026-11-20T12:00:00Z",
			URL:      s.URL + "/applications/argocd/payment",
		},
		Attempt:     1,
		Environment: "payment",
		Status:      event.Succeeded,
		StatusRaw:   "Succeeded",
		CreatedAt:   noon,
		StartedAt:   noon,
		FinishedAt:  noon.Add(time.Minute),
		SHA:         sha(1),
		Ref:         "main",
		Actor:       "alice",
		Trigger:     "manual",
	}
	if got := collecttest.Stored[event.Deployment](m)[id(0)]; got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got := collecttest.Stored[event.Deployment](m)[id(10)]; got.Trigger != "automated" || got.Actor != "" ||
		got.SHA != sha(2) {
		t.Errorf("%+v", got)
	}
	if m.Number(event.KindDeployment) != 2 {
		t.Errorf("%v", m.Keys(event.KindDeployment))
	}
	if l := m.Ledger(event.KindDeployment); l.Expected != 2 || l.Stored != 2 || l.Gap() != 0 || l.Note != "" ||
		!l.WindowStart.Equal(noon.Add(-time.Hour)) {
		t.Errorf("ledger %+v", l)
	}
}

func TestWhenNothingIsNewOneRequestTellsOfAllApplications(t *testing.T) {
	s := newServer(t)
	for i := range 30 {
		s.put(app(fmt.Sprintf("app-%02d", i), op("Succeeded", i, i+1, sha(i), alice), syncedEntry(0, i, sha(i), alice)))
	}
	s.put(app("new", nil))
	c, all := collector(t, s, nil), map[string]*collecttest.Writer{}
	collect(t, c, all)
	if n := len(s.took()); n != 32 {
		t.Errorf("the first read took %d requests, want 1 and one an application", n)
	}
	written := map[string]int{}
	for scope, m := range all {
		written[scope] = m.Appended()
	}
	collect(t, c, all)
	if got := s.took(); !reflect.DeepEqual(got, []string{"applications"}) {
		t.Errorf("requests %q", got)
	}
	s.put(app("app-07", op("Failed", 100, 101, sha(99), alice), syncedEntry(0, 7, sha(7), alice)))
	collect(t, c, all)
	if got := s.took(); !reflect.DeepEqual(got, []string{"applications", "applications/app-07"}) {
		t.Errorf("requests %q", got)
	}
	for scope, m := range all {
		if want := written[scope] + map[bool]int{true: 1}[scope == "app-07"]; m.Appended() != want {
			t.Errorf("%s: %d deployments appended, want %d", scope, m.Appended(), want)
		}
	}
}

func TestAnOperationIsOneRecordHoweverItIsSeen(t *testing.T) {
	running := op("Running", 10, 0, sha(2), alice)
	retrying := op("Running", 10, 12, sha(2), alice)
	failed := op("Failed", 10, 15, sha(2), alice)
	before := syncedEntry(0, 0, sha(1), alice)
	terminated := op("Failed", 10, 15, sha(2), alice)
	terminated["message"] = "Operation terminated"
	for _, tc := range []struct {
		name     string
		seen     []object
		status   event.Status
		raw      string
		finished int // 0: not
	}{
		{"running", []object{app("payment", running, before)}, event.Running, "Running", 0},
		{"waiting for a retry", []object{app("payment", retrying, before)}, event.Running, "Running", 0},
		{"running, then in the history", []object{app("payment", running, before),
			app("payment", op("Succeeded", 10, 12, sha(2), alice), before, syncedEntry(1, 10, sha(2), alice))}, event.Succeeded, "Succeeded", 11},
		{"running, then failed", []object{app("payment", running, before), app("payment", failed, before)}, event.Failed, "Failed", 15},
		{"an error", []object{app("payment", op("Error", 10, 15, sha(2), automated), before)}, event.Failed, "Error", 15},
		{"stopped by a person", []object{app("payment", terminated, before)}, event.Cancelled, "Failed", 15},
		{"a word that nobody knows, under way", []object{app("payment", op("Pondering", 10, 0, sha(2), alice), before)}, event.Running, "Pondering", 0},
		{"a word that nobody knows, at the end", []object{app("payment", op("Evaporated", 10, 15, sha(2), alice), before)}, event.Skipped, "Evaporated", 15},
		{"no history is kept", []object{app("payment", op("Succeeded", 10, 12, sha(2), alice))}, event.Succeeded, "Succeeded", 12},
		{"a newer operation has taken its place, and it is in the history", []object{app("payment", running, before),
			app("payment", op("Failed", 20, 21, sha(3), alice), before, syncedEntry(1, 10, sha(2), alice))}, event.Succeeded, "Succeeded", 11},
		{"a newer operation has taken its place, and it is not", []object{app("payment", running, before),
			app("payment", op("Failed", 20, 21, sha(3), alice), before)}, event.Failed, "Running", 0},
		{"the history has forgotten whether it succeeded", []object{app("payment", running, before),
			app("payment", op("Failed", 90, 91, sha(9), alice), syncedEntry(5, 50, sha(5), alice))}, event.Skipped, "Running", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, m := newServer(t), collecttest.NewWriter()
			for _, a := range tc.seen {
				s.put(a)
				one(t, s, m)
				one(t, s, m) // twice changes nothing
			}
			got, ok := collecttest.Stored[event.Deployment](m)[id(10)]
			if !ok || got.Status != tc.status || got.StatusRaw != tc.raw || got.SHA != sha(2) || got.Environment != "payment" {
				t.Errorf("%v %+v", m.Keys(event.KindDeployment), got)
			}
			want := time.Time{}
			if tc.finished != 0 {
				want = noon.Add(time.Duration(tc.finished) * time.Minute)
			}
			if !got.FinishedAt.Equal(want) {
				t.Errorf("finished %s, want %s", got.FinishedAt, want)
			}
			if _, open, _ := m.Count(t.Context(), event.KindDeployment, time.Time{}, time.Time{}); m.Ledger(
				event.KindDeployment,
			).Open != open {
				t.Errorf("ledger %+v, open are %d", m.Ledger(event.KindDeployment), open)
			}
		})
	}
}

func TestWhatANotificationSaidIsNotGuessedOver(t *testing.T) {
	s, m := newServer(t, app("payment", op("Running", 10, 0, sha(2), alice))), collecttest.NewWriter()
	one(t, s, m)
	pushed := collecttest.Stored[event.Deployment](m)[id(10)]
	pushed.Status, pushed.StatusRaw, pushed.FinishedAt = event.Cancelled, "Failed", noon.Add(14*time.Minute)
	m.Put(pushed)
	s.put(app("payment", op("Failed", 20, 21, sha(3), alice)))
	one(t, s, m)
	if collecttest.Stored[event.Deployment](m)[id(10)] != pushed {
		t.Errorf("%+v", collecttest.Stored[event.Deployment](m)[id(10)])
	}
}

func TestSelfHealsAreNoDeployments(t *testing.T) {
	selective := func(o object) object {
		put(o, "operation.sync.resources", []any{object{"kind": "Deployment", "name": "payment"}})
		return o
	}
	counted := op("Running", 10, 0, sha(9), automated)
	put(counted, "operation.sync.autoHealAttemptsCount", 2)
	dry := op("Succeeded", 10, 11, sha(2), alice)
	put(dry, "operation.sync.dryRun", true)
	other := syncedEntry(1, 10, sha(1), automated)
	other["source"] = object{
		"repoURL":        "https://git.example.com/org/deploy.git",
		"path":           "payment",
		"targetRevision": "main",
		"kustomize":      object{"images": []any{"payment:1.2"}},
	}
	first := syncedEntry(0, 0, sha(1), alice)
	for _, tc := range []struct {
		name string
		app  object
		want []string
	}{
		{"the same revision again, by itself", app("payment", nil, first, syncedEntry(1, 10, sha(1), automated)), []string{id(0)}},
		{"the same, and nobody says by whom", app("payment", nil, first, syncedEntry(1, 10, sha(1), object{})), []string{id(0)}},
		{"the same revision again, by a person", app("payment", nil, first, syncedEntry(1, 10, sha(1), alice)), []string{id(0), id(10)}},
		{"the same revision of another source", app("payment", nil, first, other), []string{id(0), id(10)}},
		{"a new revision", app("payment", nil, first, syncedEntry(1, 10, sha(2), automated)), []string{id(0), id(10)}},
		{"what was before is not known", app("payment", nil, syncedEntry(7, 0, sha(1), alice), syncedEntry(9, 10, sha(1), automated)), []string{id(0), id(10)}},
		{"an operation of the same revision fails", app("payment", op("Failed", 10, 11, sha(1), automated), first), []string{id(0)}},
		{"an operation of some resources", app("payment", selective(op("Succeeded", 10, 11, sha(1), automated)), first), []string{id(0)}},
		{"an operation that counts attempts", app("payment", counted, first), []string{id(0)}},
		{"an operation of some resources by a person", app("payment", selective(op("Succeeded", 10, 11, sha(1), alice)), first), []string{id(0), id(10)}},
		{"a dry run", app("payment", dry, first), []string{id(0)}},
		{"the automated sync of a new revision fails", app("payment", op("Failed", 10, 11, sha(2), automated), first), []string{id(0), id(10)}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := collecttest.NewWriter()
			one(t, newServer(t, tc.app), m)
			if got := m.Keys(event.KindDeployment); !slices.Equal(got, tc.want) {
				t.Errorf("%v, want %v", got, tc.want)
			}
			if m.Ledger(event.KindDeployment).Gap() != 0 {
				t.Errorf("%+v", m.Ledger(event.KindDeployment))
			}
		})
	}
}

func TestASelfHealIsRecognizedAcrossReads(t *testing.T) {
	s, m := newServer(
		t,
		app("payment", op("Succeeded", 0, 1, sha(1), alice), syncedEntry(4, 0, sha(1), alice)),
	), collecttest.NewWriter()
	one(t, s, m)
	s.put(app("payment", op("Succeeded", 10, 11, sha(1), automated), syncedEntry(5, 10, sha(1), automated)))
	one(t, s, m)
	if got := m.Keys(event.KindDeployment); !slices.Equal(got, []string{id(0)}) {
		t.Fatal(got)
	}
	// Stored again for a new rule, when the entry that it was compared with is gone.
	c := collector(t, s, func(c *Config) { c.Environments = []EnvironmentRule{{Application: "*", Environment: "prod"}} })
	collect(t, c, map[string]*collecttest.Writer{"payment": m})
	if got := m.Keys(event.KindDeployment); !slices.Equal(got, []string{id(0)}) {
		t.Error(got)
	}
}

func TestRollbacks(t *testing.T) {
	story := []any{
		syncedEntry(0, 0, sha(1), alice),
		syncedEntry(1, 10, sha(2), automated),
		syncedEntry(2, 20, sha(1), alice),
		syncedEntry(3, 30, sha(3), automated),
	}
	s, m := newServer(t, app("payment", op("Succeeded", 30, 31, sha(3), automated), story...)), collecttest.NewWriter()
	one(t, s, m)
	want := map[string]string{id(0): "", id(10): "", id(20): id(10), id(30): ""}
	got := map[string]string{}
	for k, e := range collecttest.Stored[event.Deployment](m) {
		got[k] = e.RollbackOf
	}
	if !maps.Equal(got, want) {
		t.Errorf("%v", got)
	}
	s.put(app("payment", op("Succeeded", 40, 41, sha(4), alice), append(story[2:], syncedEntry(4, 40, sha(4), alice))...))
	c := collector(t, s, func(c *Config) { c.Environments = []EnvironmentRule{{Application: "*", Environment: "prod"}} })
	collect(t, c, map[string]*collecttest.Writer{"payment": m})
	if e := collecttest.Stored[event.Deployment](m)[id(20)]; e.RollbackOf != id(10) || e.Environment != "prod" {
		t.Errorf("stored again without what it was compared with: %+v", e)
	}
}

func TestAHoleInTheHistoryIsAGapThatSaysWhy(t *testing.T) {
	s, m := newServer(
		t,
		app(
			"payment",
			op("Succeeded", 10, 11, sha(4), alice),
			syncedEntry(3, 0, sha(3), alice),
			syncedEntry(4, 10, sha(4), alice),
		),
	), collecttest.NewWriter()
	one(t, s, m)
	if l := m.Ledger(event.KindDeployment); l.Gap() != 0 || !strings.Contains(l.Note, "forgotten the first 3 syncs "+
		"before the first read") {
		t.Errorf("what was never there is no gap: %+v", l)
	}
	// Of 5, 6, 7 and 8, which were forgotten, a notification reported one.
	m.Put(
		event.Deployment{Origin: event.Origin{ID: id(15)}, Status: event.Succeeded, CreatedAt: noon.Add(15 * time.Minute)},
	)
	s.put(
		app(
			"payment",
			op("Succeeded", 60, 61, sha(10), alice),
			syncedEntry(9, 50, sha(9), alice),
			syncedEntry(10, 60, sha(10), alice),
		),
	)
	for range 2 {
		one(t, s, m)
		if l := m.Ledger(
			event.KindDeployment,
		); l.Gap() != 3 || l.Stored != 5 || !strings.Contains(l.Note, "numbers 5 to 8") ||
			!strings.Contains(l.Note, "cannot be read again") {
			t.Errorf("ledger %+v", l)
		}
	}
	// A pass without a checkpoint, as one that reads anew up to a date, does not know of the hole.
	ledger := m.Ledger(event.KindDeployment)
	var state json.RawMessage
	if _, err := m.Load(t.Context(), syncsStream, &state); err != nil {
		t.Fatal(err)
	}
	m.Forget(syncsStream)
	one(t, s, m)
	if m.Ledger(event.KindDeployment) != ledger || m.Number(event.KindDeployment) != 5 {
		t.Errorf("without a checkpoint: %v, ledger %+v", m.Keys(event.KindDeployment), m.Ledger(event.KindDeployment))
	}
	if err := m.Save(t.Context(), syncsStream, state); err != nil {
		t.Fatal(err)
	}
	// Another application gets the name: its history begins at 0, which is no hole and nothing old.
	again := app("payment", op("Succeeded", 90, 91, sha(20), alice), syncedEntry(0, 90, sha(20), alice))
	put(again, "metadata.creationTimestamp", minute(80))
	s.put(again)
	one(t, s, m)
	if l := m.Ledger(
		event.KindDeployment,
	); l.Gap() != 3 || collecttest.Stored[event.Deployment](m)[id(90)].SHA != sha(20) ||
		m.Number(event.KindDeployment) != 6 {
		t.Errorf("%v %+v", m.Keys(event.KindDeployment), l)
	}
}

func TestWhatTheStoreHasLostIsReadAgain(t *testing.T) {
	s, m := newServer(
		t,
		app(
			"payment",
			op("Succeeded", 10, 11, sha(2), alice),
			syncedEntry(0, 0, sha(1), alice),
			syncedEntry(1, 10, sha(2), alice),
		),
	), collecttest.NewWriter()
	one(t, s, m)
	want := maps.Clone(collecttest.Stored[event.Deployment](m))
	m.Remove(event.KindDeployment, id(0))
	one(t, s, m)
	if !maps.Equal(collecttest.Stored[event.Deployment](m), want) || m.Ledger(event.KindDeployment).Gap() != 0 {
		t.Errorf("%v %+v", m.Keys(event.KindDeployment), m.Ledger(event.KindDeployment))
	}
	s.put(app("payment", op("Succeeded", 10, 11, sha(2), alice), syncedEntry(1, 10, sha(2), alice)))
	m.Remove(event.KindDeployment, id(0)) // and now Argo CD has forgotten it too
	one(t, s, m)
	if m.Ledger(event.KindDeployment).Gap() != 1 {
		t.Errorf("%+v", m.Ledger(event.KindDeployment))
	}
}

func TestWhatRanBeforeTheFirstSyncIsABaseline(t *testing.T) {
	a := app("payment", nil)
	put(a, "status.sync.status", "OutOfSync")
	s, m := newServer(t, a), collecttest.NewWriter()
	one(t, s, m)
	if m.Number(event.KindDeployment) != 0 {
		t.Fatalf("out of sync: what runs is not known, but %v", m.Keys(event.KindDeployment))
	}
	b := app("payment", nil)
	put(b, "status.sync.status", "Synced")
	s.put(b)
	one(t, s, m)
	e := collecttest.Stored[event.Deployment](m)["baseline"]
	if !e.Baseline || e.SHA != sha(1) || e.Status != event.Succeeded || !e.CreatedAt.Equal(noon.Add(-time.Hour)) ||
		!e.FinishedAt.IsZero() ||
		!e.StartedAt.IsZero() {
		t.Errorf("%+v", e)
	}
	s.put(app("payment", op("Succeeded", 10, 11, sha(2), alice), syncedEntry(0, 10, sha(2), alice)))
	one(t, s, m)
	if got := m.Keys(event.KindDeployment); !slices.Equal(got, []string{id(10), "baseline"}) ||
		collecttest.Stored[event.Deployment](m)[id(10)].Baseline {
		t.Errorf("%v", got)
	}
}

func TestAHistoryOfAnOldServer(t *testing.T) {
	old := syncedEntry(3, 0, sha(1), object{})
	delete(old, "deployStartedAt")
	newer := syncedEntry(4, 10, sha(2), object{})
	delete(newer, "deployStartedAt")
	s, m := newServer(t, app("payment", op("Running", 9, 0, sha(2), alice), old)), collecttest.NewWriter()
	one(t, s, m)
	s.put(app("payment", op("Succeeded", 9, 11, sha(2), alice), old, newer))
	one(t, s, m)
	s.put(app("payment", op("Failed", 20, 21, sha(3), alice), old, newer))
	one(t, s, m)
	if got := m.Keys(event.KindDeployment); !slices.Equal(got, []string{id(20), "history-3", "history-4"}) {
		t.Errorf("%v", got)
	}
	if e := collecttest.Stored[event.Deployment](m)["history-4"]; !e.StartedAt.IsZero() ||
		!e.FinishedAt.Equal(noon.Add(11*time.Minute)) {
		t.Errorf("%+v", e)
	}
}

func TestAWriteThatFailsAnywhereLosesAndDoublesNothing(t *testing.T) {
	stories := []object{
		app("payment", op("Running", 10, 0, sha(2), alice), syncedEntry(0, 0, sha(1), alice)),
		app("payment", op("Failed", 20, 21, sha(3), alice), syncedEntry(0, 0, sha(1), alice)),
		app(
			"payment",
			op("Succeeded", 40, 41, sha(5), automated),
			syncedEntry(0, 0, sha(1), alice),
			syncedEntry(1, 30, sha(4), alice),
			syncedEntry(2, 40, sha(5), automated),
		),
	}
	s := newServer(t)
	run := func(failAt int, after bool) *collecttest.Writer {
		m := collecttest.NewWriter()
		m.FailAt, m.KeepLast, m.Once = failAt, after, true
		for _, a := range stories {
			s.put(a)
			for range 2 { // the second time nothing fails
				c := collector(t, s, nil)
				if _, err := c.Scopes(t.Context(), collecttest.NewWriter()); err != nil {
					t.Fatal(err)
				}
				if err := c.Collect(t.Context(), "payment", m); err != nil && !errors.Is(err, collecttest.ErrKilled) {
					t.Fatal(err)
				}
			}
		}
		return m
	}
	want := run(0, false)
	if got := want.Keys(event.KindDeployment); !slices.Equal(got, []string{id(0), id(10), id(20), id(30), id(40)}) {
		t.Fatal(got)
	}
	for n := 1; n <= want.Writes(); n++ {
		for _, after := range []bool{false, true} {
			if got := run(
				n,
				after,
			); !maps.Equal(collecttest.Stored[event.Deployment](got), collecttest.Stored[event.Deployment](want)) ||
				got.Ledger(event.KindDeployment).Gap() != 0 {
				t.Errorf(
					"write %d (after it: %t): %v, ledger %+v",
					n,
					after,
					got.Keys(event.KindDeployment),
					got.Ledger(event.KindDeployment),
				)
			}
		}
	}
}

func TestFaultsOnTheWay(t *testing.T) {
	s, m := newServer(
		t,
		app("payment", op("Succeeded", 0, 1, sha(1), alice), syncedEntry(0, 0, sha(1), alice)),
	), collecttest.NewWriter()
	s.answer = func(w http.ResponseWriter, _ *http.Request, n int) bool {
		switch n % 4 {
		case 1:
			w.WriteHeader(http.StatusBadGateway)
		case 2:
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write([]byte("<html>log in</html>"))
		case 3:
			_, _ = w.Write([]byte(`{"items":[{"metadata":{"na`))
		default:
			return false
		}
		return true
	}
	one(t, s, m)
	if m.Number(event.KindDeployment) != 1 {
		t.Errorf("%v", m.Keys(event.KindDeployment))
	}
}

func TestTheTokenStaysAtHome(t *testing.T) {
	other := newServer(t)
	s := newServer(t, app("payment", nil))
	s.answer = func(w http.ResponseWriter, r *http.Request, _ int) bool {
		http.Redirect(w, r, other.URL+r.URL.Path, http.StatusTemporaryRedirect)
		return true
	}
	_, err := collector(t, s, nil).Scopes(t.Context(), collecttest.NewWriter())
	var refused *rest.RefusedError
	if !errors.As(err, &refused) || len(other.took()) != 0 {
		t.Errorf("%v", err)
	}
}

func TestWhichApplications(t *testing.T) {
	shop := app("shop-prod", nil)
	put(shop, "spec.project", "shop")
	elsewhere := app("payment-prod", nil)
	put(elsewhere, "metadata.namespace", "team-a")
	s := newServer(t, app("payment-prod", nil), app("payment-staging", nil), shop)
	for _, tc := range []struct {
		name   string
		change func(*Config)
		add    object
		want   []string
		err    string
	}{
		{"all", nil, nil, []string{"payment-prod", "payment-staging", "shop-prod"}, ""},
		{"by name", func(c *Config) { c.Applications = []string{"*-prod"} }, nil, []string{"payment-prod", "shop-prod"}, ""},
		{"by project", func(c *Config) { c.Projects = []string{"shop"} }, nil, []string{"shop-prod"}, ""},
		{"a name twice", nil, elsewhere, []string{"payment-staging", "shop-prod"}, "namespaces argocd and team-a: set " +
			"qualified_names"},
		{"with namespaces", func(c *Config) { c.QualifiedNames = true }, elsewhere,
			[]string{"argocd/payment-prod", "argocd/payment-staging", "argocd/shop-prod", "team-a/payment-prod"}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.add != nil {
				s.put(tc.add)
			}
			got, err := collector(t, s, tc.change).Scopes(t.Context(), collecttest.NewWriter())
			if !slices.Equal(got, tc.want) || (err == nil) != (tc.err == "") ||
				err != nil && !strings.Contains(err.Error(), tc.err) {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
}

func TestAnApplicationThatMayNotBeReadIsAnError(t *testing.T) {
	s, m := newServer(t, app("payment", nil, syncedEntry(0, 0, sha(1), alice))), collecttest.NewWriter()
	c := collector(t, s, nil)
	if _, err := c.Scopes(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	s.answer = func(w http.ResponseWriter, r *http.Request, _ int) bool {
		if strings.HasSuffix(r.URL.Path, "/applications/payment") {
			http.Error(w, `{"message":"permission denied"}`, http.StatusForbidden)
			return true
		}
		return false
	}
	if err := c.Collect(t.Context(), "payment", m); err == nil ||
		!strings.Contains(err.Error(), "applications, get, */*, allow") {
		t.Errorf("it is listed and may not be read: %v", err)
	}
	delete(s.apps, "argocd/payment")
	if err := c.Collect(t.Context(), "payment", m); err != nil {
		t.Errorf("it was deleted since it was listed: %v", err)
	}
}

func TestAScopeCanBeCollectedWithoutAListing(t *testing.T) {
	a := app("payment", nil, syncedEntry(0, 0, sha(1), alice))
	put(a, "metadata.namespace", "team-a")
	s, m := newServer(t, a), collecttest.NewWriter()
	if err := collector(
		t,
		s,
		func(c *Config) { c.QualifiedNames = true },
	).Collect(t.Context(), "team-a/payment", m); err != nil ||
		m.Number(event.KindDeployment) != 1 {
		t.Errorf("%v %v", m.Keys(event.KindDeployment), err)
	}
	err := collector(t, s, nil).Collect(t.Context(), "payment", collecttest.NewWriter())
	if err == nil || !strings.Contains(err.Error(), "does not exist, or the token may not see it") {
		t.Errorf("%v", err)
	}
}

func TestSinceLeavesOutAndCanBeMovedBack(t *testing.T) {
	s, m := newServer(
		t,
		app("payment", nil, syncedEntry(0, 0, sha(1), alice), syncedEntry(1, 60, sha(2), alice)),
	), collecttest.NewWriter()
	c := collector(t, s, func(c *Config) { c.Since = noon.Add(30 * time.Minute) })
	collect(t, c, map[string]*collecttest.Writer{"payment": m})
	if got := m.Keys(event.KindDeployment); !slices.Equal(got, []string{id(60)}) ||
		!strings.Contains(m.Ledger(event.KindDeployment).Note, "those since 2026-11-20") {
		t.Fatalf("%v %+v", got, m.Ledger(event.KindDeployment))
	}
	m.From = noon.Add(-time.Hour)
	collect(t, c, map[string]*collecttest.Writer{"payment": m})
	if got := m.Keys(event.KindDeployment); !slices.Equal(got, []string{id(0), id(60)}) {
		t.Errorf("%v", got)
	}
}

func TestOddRecordsDoNotCostTheGoodOnes(t *testing.T) {
	s := newServer(t, app(
		"payment",
		object{"startedAt": 5, "phase": object{}},
		"text",
		object{"id": "seven"},
		object{"id": 1},
		syncedEntry(2, 0, sha(1), alice),
		object{"id": 3, "deployStartedAt": "0001-01-01T00:00:00Z", "deployedAt": "soon"},
	))
	m := collecttest.NewWriter()
	c := collector(t, s, nil)
	for range 2 { // also when nothing is new
		if _, err := c.Scopes(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		if err := c.Collect(t.Context(), "payment", m); !rest.OnlySkipped(err) ||
			!strings.Contains(err.Error(), "history or operation of payment (5 of its records are invalid)") {
			t.Errorf("error %v", err)
		}
	}
	if got := m.Keys(
		event.KindDeployment,
	); !slices.Equal(got, []string{id(0)}) || !strings.Contains(m.Ledger(event.KindDeployment).Note, "5 records of the latest answer could not be read") ||
		m.Ledger(event.KindDeployment).Gap() != 5 {
		t.Errorf("%v %+v", got, m.Ledger(event.KindDeployment))
	}
	all, bad, err := parseList([]byte(`{"items":[1,{"metadata":{"name":"a"}},{"metadata":{}},null]}`))
	if len(all) != 1 || len(bad) != 3 || bad["application 1 of the list"] == nil || err != nil {
		t.Errorf("%v %v %v", all, bad, err)
	}
}

func TestCheck(t *testing.T) {
	empty := newServer(t)
	full := newServer(t, app("payment", nil))
	for _, tc := range []struct {
		name   string
		s      *server
		change func(*Config)
		want   string
	}{
		{"it answers", full, nil, ""},
		{"the address of the page", full, func(c *Config) { c.URL += "/applications" }, ""},
		{"nothing is shown", empty, nil, "allow it `applications, get`"},
		{"the token is not taken", full, func(c *Config) { c.Token = "old" }, "argocd account generate-token"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := collector(t, tc.s, tc.change).Check(t.Context())
			if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v", err)
			}
			if tc.name == "the token is not taken" && !errors.Is(err, rest.ErrUnauthorized) {
				t.Errorf("%v is not recognized", err)
			}
		})
	}
}
