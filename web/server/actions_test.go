package server_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/actions/create"
	"github.com/dxctl/dxctl/actions/settings"
	"github.com/dxctl/dxctl/actions/waive"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/paths"
	"github.com/dxctl/dxctl/web/server"
)

// withActions is a server that plans actions. An action that is applied fails the test.
func withActions(t *testing.T) *fixture {
	t.Helper()
	return withActionsOn(t, server.DefaultConfig())
}

// withActionsOn is withActions with a configuration of the server.
func withActionsOn(t *testing.T, cfg server.Config) *fixture {
	t.Helper()
	f := sharedFixture(t)
	deps := f.deps
	registry := prometheus.NewRegistry()
	deps.Registerer, deps.Gatherer = registry, registry
	all, err := paths.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	set, err := actions.NewSet(neverApplied{t, create.New(create.Deps{
		Path: func(_ context.Context, name string) (*paths.Path, error) {
			for _, p := range all {
				if p.Name == name {
					return p, nil
				}
			}
			return nil, paths.NotFoundError{Name: name}
		},
		Paths: func(context.Context) ([]*paths.Path, error) { return all, nil },
		Now:   func() time.Time { return time.Date(2026, 11, 26, 20, 0, 0, 0, time.UTC) },
	})}, fixAction(t, all), &settings.Action{}, waiveAction(t))
	if err != nil {
		t.Fatal(err)
	}
	deps.Actions = set
	app, err := server.New(cfg, deps)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = app.Shutdown() })
	return &fixture{app: app, store: f.store, catalog: f.catalog, deps: deps}
}

// waiveAction plans waivers of payment-service, whose file has one, and of other services.
func waiveAction(t *testing.T) *waive.Action {
	t.Helper()
	cards, err := scorecards.Load(scorecards.Config{}, "")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "waivers"), 0o700); err != nil {
		t.Fatal(err)
	}
	err = os.WriteFile(filepath.Join(dir, "waivers", "payment-service.yaml"), []byte("apiVersion: dxctl.dev/v1\n"+
		"kind: Waivers\nwaivers:\n  - rule: readme-complete\n    service: component:default/payment-service\n"+
		"    reason: planned\n    note: "+secret+"\n    by: ana\n    until: 2026-12-01\n"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	return &waive.Action{
		Now: func() time.Time { return time.Date(2026, 11, 26, 20, 0, 0, 0, time.UTC) },
		Find: func(_ context.Context, ref string) (waive.Target, error) {
			return waive.Of(ref, []string{"waivers/*.yaml"}, dir, cards)
		},
	}
}

// neverApplied is an action that must not be applied.
type neverApplied struct {
	t *testing.T
	*create.Action
}

func (n neverApplied) Apply(context.Context, actions.Plan, func(actions.Step)) (string, error) {
	n.t.Error("an action was applied over HTTP")
	return "", nil
}

// planOnly are the routes that take another method than GET. Each only answers, or receives what sources send.
var planOnly = regexp.MustCompile(`^POST (/api/v1/actions/[a-z-]+/plan|/api/tech-insights/checks/run.*|` +
	`/api/v1/(events|facts|webhooks/:source|scorecards/plan))$`)

// TestNothingIsAppliedOverHTTP walks all routes: there is one that plans an action, and none that applies one.
func TestNothingIsAppliedOverHTTP(t *testing.T) {
	f := withActions(t)
	plans := 0
	for _, r := range f.app.GetRoutes(true) {
		if strings.Contains(strings.ToLower(r.Path), "apply") {
			t.Errorf("there is a route %s %s", r.Method, r.Path)
		}
		if strings.HasPrefix(r.Path, "/api/v1/actions/") {
			plans++
			if r.Method != http.MethodPost || !strings.HasSuffix(r.Path, "/plan") {
				t.Errorf("there is a route %s %s", r.Method, r.Path)
			}
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead && !planOnly.MatchString(r.Method+" "+r.Path) {
			t.Errorf("the route %s %s could change something", r.Method, r.Path)
		}
	}
	if plans != 3 { // create, fix and waiver; settings are planned on the command line
		t.Errorf("there are %d routes that plan actions", plans)
	}
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
		for _, path := range []string{"/api/v1/actions/create", "/api/v1/actions/create/apply", "/api/v1/actions/create/runs",
			"/api/v1/actions/create/plan/apply", "/api/v1/actions/fix", "/api/v1/actions/fix/apply",
			"/api/v1/actions/settings", "/api/v1/actions/settings/plan", "/api/v1/actions/settings/apply",
			"/api/v1/actions/waiver", "/api/v1/actions/waiver/apply", "/actions", "/actions/create", "/actions/create/plan",
			"/actions/settings", "/actions/waiver/plan",
			"/services/default/payment-service/fix"} {
			status, _, body := f.do(t, asked(t, method, path, `{}`))
			if status != http.StatusNotFound && status != http.StatusMethodNotAllowed {
				t.Errorf("%s %s answers %d %.200s", method, path, status, body)
			}
		}
	}
}

// asked is a request with a JSON body.
func asked(t *testing.T, method, path, body string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	r.Host = "localhost"
	r.Header.Set("Content-Type", "application/json")
	return r
}

func TestPlansOfActions(t *testing.T) {
	f := withActions(t)
	const answers = `"answers": {"description": "Takes payments from customers", "repository": "acme/pay",
		"code_owners": "@acme/pay", "system": "money", "contact": "#pay", "security_contact": "security@acme.example",
		"organization": "Acme Inc."}`
	const good = `{"name": "pay", "golden_path": "go-service", "owner": "OWNER", ` + answers + `}`
	owner := ""
	for _, e := range f.catalog.Entities() {
		if strings.EqualFold(e.Kind, "group") {
			owner = e.Ref
		}
	}
	for _, c := range []struct {
		name, body string
		status     int
		want       []string
	}{
		{"a plan", good, 200, []string{`"digest":"sha256:`, `"path":"catalog-info.yaml"`, `"directory":"not looked at"`}},
		{"a repository", strings.Replace(good, `"name"`, `"repository": "acme/pay", "name"`, 1), 200,
			[]string{`/orgs/acme/repos"`, `"repository":"not looked at"`}},
		{"no entity", strings.Replace(good, `"owner": "OWNER", `, "", 1), 400, []string{"owner is missing"}},
		{"an entity that the catalog does not have", strings.Replace(good, "OWNER", "group:default/nobody", 1), 404,
			[]string{"the catalog has no group"}},
		{"an entity of another kind", strings.Replace(good, "OWNER", "component:default/payment-service", 1), 404,
			[]string{"the catalog has no group"}},
		{"a directory of the server", strings.Replace(good, `"name"`, `"dir": "/etc", "name"`, 1), 400,
			[]string{"dir: it cannot be given over HTTP"}},
		{"a path of a directory", strings.Replace(good, "go-service", "../../etc", 1), 400, []string{"golden path"}},
		{"an answer that leaves its line", strings.Replace(good, "Takes", `x\ny: z`, 1), 400, []string{"line break"}},
		{"an expression of workflows", strings.Replace(good, "Takes", `${{ github.token }}`, 1), 400, []string{"description"}},
		{"an unknown input", strings.Replace(good, `"name"`, `"nam": "x", "name"`, 1), 400, []string{"did you mean"}},
		{"no JSON", `name: pay`, 400, nil},
		{"a list", `[]`, 400, []string{"JSON object"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, _, body := f.do(t, asked(t, "POST", "/api/v1/actions/create/plan",
				strings.Replace(c.body, "OWNER", owner, 1)))
			if status != c.status {
				t.Fatalf("status %d, want %d: %.300s", status, c.status, body)
			}
			compact := strings.ReplaceAll(strings.ReplaceAll(body, `": "`, `":"`), "\n", " ")
			for _, want := range c.want {
				if !strings.Contains(compact, want) {
					t.Errorf("%q is not in %.300s", want, compact)
				}
			}
		})
	}
	text, _ := f.openAPI(t)
	for _, want := range []string{`"/api/v1/actions/create/plan"`, `"golden_path"`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the description of the API lacks %s", want)
		}
	}
	if strings.Contains(string(text), "directory of the service, which must be new") ||
		strings.Contains(string(text), "/actions/settings/plan") {
		t.Error("the description of the API has an input that is refused")
	}
}

// held is an action whose plan is not made before the test lets it.
type held struct {
	actions.Action
	let chan struct{}
}

func (h held) Plan(ctx context.Context, _ actions.Input) (actions.Plan, error) {
	select {
	case <-h.let:
		return actions.Plan{Action: "held"}, nil
	case <-ctx.Done():
		return actions.Plan{}, ctx.Err()
	}
}

func (held) Descriptor() actions.Descriptor {
	return actions.Descriptor{
		Name: "held", Command: "wait", Title: "Wait", Description: "It waits.", Role: actions.Engineer, Plan: []string{"Nothing."},
		Input: []actions.Field{
			{Name: "service", Title: "Service", Description: "a service", Type: actions.String, Entity: "Component"},
			{Name: "turn", Title: "Turn", Description: "a number", Type: actions.String},
		},
	}
}

// TestConcurrentPlansDoNotKeepPagesWaiting takes all slots of plans and all places of their queue: one more is refused
// at once, pages and the rest of the API answer, and the plans are made when they can be.
func TestConcurrentPlansDoNotKeepPagesWaiting(t *testing.T) {
	f := sharedFixture(t)
	action := held{let: make(chan struct{})}
	deps := f.deps
	registry := prometheus.NewRegistry()
	deps.Registerer, deps.Gatherer, deps.Actions = registry, registry, actions.Set{action}
	app, err := server.New(server.DefaultConfig(), deps)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = app.Shutdown() })
	busy := &fixture{app: app, store: f.store, catalog: f.catalog, deps: deps}
	const places = server.PlanSlots + server.PlanQueue
	statuses, refused := make(chan int, places+1), make(chan http.Header, places+1)
	for turn := range places + 1 {
		go func() {
			status, header, _ := busy.do(t, asked(t, http.MethodPost, "/api/v1/actions/held/plan",
				fmt.Sprintf(`{"service": "component:default/payment-service", "turn": "%d"}`, turn)))
			if status == http.StatusServiceUnavailable {
				refused <- header
			}
			statuses <- status
		}()
	}
	if header := <-refused; header.Get("Retry-After") == "" { // it is refused because all the others have their places
		t.Error("nothing says when to try again")
	}
	for _, path := range []string{"/", "/services", "/api/v1/services", "/api/v1/actions"} {
		if status, _, body := busy.get(t, path); status != http.StatusOK {
			t.Errorf("%s while plans wait: status %d: %.200s", path, status, body)
		}
	}
	close(action.let)
	made := 0
	for range places + 1 {
		if <-statuses == http.StatusOK {
			made++
		}
	}
	if made != places {
		t.Errorf("%d plans were made, want %d", made, places)
	}
}
