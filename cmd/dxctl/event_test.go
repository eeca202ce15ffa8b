package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dxctl/dxctl/cmd/dxctl/exit"
	"github.com/dxctl/dxctl/collectors/events"
	"github.com/dxctl/dxctl/collectors/inbox"
	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/collectors/webhook"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/store"
	"github.com/dxctl/dxctl/store/storetest"
)

const eventToken = "a token of some length"

// testFacts are the facts that the source of the tests may report.
var testFacts = source.Names("a.*", "b.number", "c.text", "d.time", "e.list")

// receivingServer is a server that takes events into a store: the real handler, inbox, worker and engine.
type receivingServer struct {
	*httptest.Server
	store *store.Store
	inbox *inbox.Inbox
}

func newReceivingServer(t *testing.T) *receivingServer {
	t.Helper()
	quietCI(t)
	s := &receivingServer{store: storetest.Open(t)}
	receiver, err := webhook.NewReceivers(
		[]webhook.Source{{Name: "scripts", Receiver: events.Receiver{Facts: testFacts}, Secret: eventToken}},
		webhook.Options{},
	)
	if err != nil {
		t.Fatal(err)
	}
	if s.inbox, err = inbox.Open(
		filepath.Join(t.TempDir(), "inbox"),
		webhook.Format(),
		inbox.Config{},
		inbox.Options{},
	); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = s.inbox.Run(ctx, webhook.NewApplier(receiver, s.store, s.store, webhook.ApplierOptions{}))
	}()
	s.Server = httptest.NewServer(webhook.NewHandler(receiver, s.inbox, webhook.HandlerOptions{}))
	t.Cleanup(func() {
		s.Close()
		stop()
		<-ended
		if err := s.inbox.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Setenv("DXCTL_SERVER", s.URL)
	t.Setenv("DXCTL_TOKEN", eventToken)
	return s
}

// quietCI takes away what the CI job says that the tests themselves run in.
func quietCI(t *testing.T) {
	t.Helper()
	for _, name := range []string{"GITHUB_RUN_ID", "GITLAB_CI", "CIRCLE_WORKFLOW_ID", "BUILDKITE_JOB_ID", "JENKINS_URL"} {
		t.Setenv(name, "")
	}
}

func typed(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = run(context.Background(), args, strings.NewReader(""), &out, &err)
	return code, out.String(), err.String()
}

func (s *receivingServer) send(t *testing.T, args ...string) {
	t.Helper()
	if code, out, stderr := typed(
		t,
		append([]string{"event"}, args...)...); code != exit.OK ||
		!strings.Contains(out, "accepted") {
		t.Fatalf("dxctl event %s: exit %d, stdout %q, stderr %q", strings.Join(args, " "), code, out, stderr)
	}
}

// applied waits until everything that was received is in the store.
func (s *receivingServer) applied(t *testing.T) {
	t.Helper()
	for began := time.Now(); s.inbox.Stats().Waiting > 0; time.Sleep(time.Millisecond) {
		if time.Since(began) > time.Minute {
			t.Fatalf("%d deliveries still wait", s.inbox.Stats().Waiting)
		}
	}
}

func selectAll[T any](t *testing.T, s *receivingServer, sql string) []T {
	t.Helper()
	s.applied(t)
	var rows []T
	if err := s.store.Select(context.Background(), &rows, sql, nil); err != nil {
		t.Fatal(err)
	}
	return rows
}

type sentDeployment struct {
	ID         string     `ch:"id"`
	Service    string     `ch:"service"`
	Status     string     `ch:"status"`
	Version    string     `ch:"version"`
	StartedAt  *time.Time `ch:"started_at"`
	FinishedAt *time.Time `ch:"finished_at"`
	RollbackOf string     `ch:"rollback_of"`
}

const sentDeployments = `SELECT id, service, status, version, started_at, finished_at, rollback_of FROM deployments ORDER BY version, id`

func TestEventDeploy(t *testing.T) {
	s := newReceivingServer(t)
	line := []string{
		"deploy",
		"--service",
		"component:default/payment-service",
		"--environment",
		"production",
		"--version",
		"v1",
	}
	with := func(more ...string) []string { return append(slices.Clone(line), more...) }
	s.send(t, with("--status", "running", "--at", "2026-03-01T10:00:00Z")...)
	s.send(t, with("--at", "2026-03-01T10:05:00Z")...)
	first := selectAll[sentDeployment](t, s, sentDeployments)
	if len(first) != 1 || first[0].Status != "succeeded" || first[0].Service != "component:default/payment-service" ||
		first[0].StartedAt == nil ||
		!first[0].StartedAt.Equal(time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)) ||
		!first[0].FinishedAt.Equal(time.Date(2026, 3, 1, 10, 5, 0, 0, time.UTC)) {
		t.Fatalf("the start and the end are %+v", first)
	}
	s.send(t, with("--at", "2026-03-01T10:05:00Z")...) // the last line runs again
	s.send(t, with("--at", "2026-03-01T10:06:00Z")...)
	if again := selectAll[sentDeployment](
		t,
		s,
		sentDeployments,
	); len(again) != 1 ||
		!again[0].FinishedAt.Equal(*first[0].FinishedAt) {
		t.Fatalf("after sending again: %+v", again)
	}
	s.send(
		t,
		"deploy",
		"--service",
		"component:default/payment-service",
		"--environment",
		"production",
		"--version",
		"v2",
		"--id",
		"d-2",
		"--status",
		"failed",
	)
	s.send(
		t,
		"deploy",
		"--service",
		"component:default/payment-service",
		"--environment",
		"production",
		"--version",
		"v3",
		"--rollback-of",
		"d-2",
	)
	all := selectAll[sentDeployment](t, s, sentDeployments)
	if len(all) != 3 || all[1].ID != "d-2" || all[1].Status != "failed" || all[2].RollbackOf != "d-2" {
		t.Errorf("then %+v", all)
	}
}

func TestEventIncidentAndFact(t *testing.T) {
	s := newReceivingServer(t)
	s.send(
		t,
		"incident",
		"--id",
		"INC-1",
		"--service",
		"component:default/payment-service",
		"--severity",
		"high",
		"--at",
		"2026-03-01T10:00:00Z",
	)
	s.send(t, "incident", "--id", "INC-1", "--resolved", "--at", "2026-03-01T11:00:00Z")
	type incident struct {
		ID         string     `ch:"id"`
		Service    string     `ch:"service"`
		Severity   string     `ch:"severity"`
		ResolvedAt *time.Time `ch:"resolved_at"`
	}
	incidents := selectAll[incident](t, s, `SELECT id, service, severity, resolved_at FROM incidents`)
	if len(incidents) != 1 || incidents[0].Severity != "high" || incidents[0].ResolvedAt == nil ||
		incidents[0].Service != "component:default/payment-service" {
		t.Errorf("incidents %+v", incidents)
	}
	for _, f := range [][]string{{"a.bool", "true"}, {"b.number", "12.5"}, {"c.text", "größer"}, {"d.time", "2026-03-01T10:00:00Z"}, {"e.list", `["a","b"]`}} {
		s.send(
			t,
			"fact",
			"--entity",
			"component:default/payment-service",
			"--name",
			f[0],
			"--value",
			f[1],
			"--expires",
			"24h",
		)
	}
	s.applied(t)
	// The view facts shows those of services in the catalog, and this store has none.
	var asked []event.Event
	for _, name := range []string{"a.bool", "b.number", "c.text", "d.time", "e.list"} {
		asked = append(asked, event.Fact{Source: "scripts", Entity: "component:default/payment-service", Name: name})
	}
	stored, err := s.store.Stored(t.Context(), asked)
	if err != nil {
		t.Fatal(err)
	}
	var facts []string
	for _, e := range stored {
		f := e.(event.Fact)
		facts = append(facts, fmt.Sprintf("%s %s %s", f.Name, f.Type, f.Value))
	}
	slices.Sort(facts)
	want := []string{
		"a.bool bool true", "b.number number 12.5", `c.text string "größer"`, `d.time time "2026-03-01T10:00:00Z"`,
		`e.list list ["a","b"]`,
	}
	if rejected := s.inbox.Stats().Rejected; rejected > 0 {
		t.Errorf("%d deliveries were rejected", rejected)
	}
	if !slices.Equal(facts, want) {
		t.Errorf("facts %+v, want %+v", facts, want)
	}
}

func TestEventMistakes(t *testing.T) {
	quietCI(t)
	t.Setenv("DXCTL_SERVER", "")
	t.Setenv("DXCTL_TOKEN", "")
	refusing := httptest.NewServer(
		http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }),
	)
	defer refusing.Close()
	done := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-done }))
	defer slow.Close()
	defer close(done)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the token went elsewhere: %q", r.Header.Get("Authorization"))
	}))
	defer elsewhere.Close()
	leading := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	defer leading.Close()
	with := func(more ...string) []string {
		return append([]string{"event", "deploy", "--service", "s", "--environment", "e", "--retries", "0"}, more...)
	}
	for _, c := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"no service", []string{"event", "deploy", "--environment", "e", "--token", "t"}, exit.Error, "service is missing"},
		{"odd status", with("--status", "great"), exit.Error, `status "great"`},
		{"odd time", with("--at", "yesterday"), exit.Error, "2026-01-31T12:00:00Z"},
		{"incident without id", []string{"event", "incident", "--service", "s"}, exit.Error, "id is missing"},
		{"fact without value", []string{"event", "fact", "--entity", "s", "--name", "n"}, exit.Error, "--value is missing"},
		{"fact of another type", []string{"event", "fact", "--entity", "s", "--name", "n", "--value", "x", "--type", "number"}, exit.Error, `"x" is not a number`},
		{"fact of no service", []string{"event", "fact", "--name", "a.b", "--value", "1"}, exit.Error, "--service is missing"},
		{"fact of an odd name", []string{"event", "fact", "--service", "s", "--name", "CVEs", "--value", "1"}, exit.Error, "security.open_alerts"},
		{"fact of no type", []string{"event", "fact", "--service", "s", "--name", "a.b", "--value", "1", "--type", "integer"}, exit.Error, "use bool, number, string, time or list"},
		{"fact that has expired", []string{"event", "fact", "--service", "s", "--name", "a.b", "--value", "1", "--expires", "2020-01-01"}, exit.Error, "not after the observation"},
		{"fact for a soon", []string{"event", "fact", "--service", "s", "--name", "a.b", "--value", "1", "--expires", "soon"}, exit.Error, "use the form 90d"},
		{"facts with flags of one", []string{"event", "fact", "--file", "-", "--value", "1"}, exit.Error, "each fact has its own"},
		{"facts of an empty file", []string{"event", "fact", "--file", "-"}, exit.Error, "it is empty"},
		{"facts of no file", []string{"event", "fact", "--file", "none.json"}, exit.Error, "none.json"},
		{"no token", with(), exit.Credentials, "DXCTL_TOKEN"},
		{"wrong token", with("--server", refusing.URL, "--token", "t"), exit.Credentials, "401"},
		{"odd server", with("--server", "dxctl", "--token", "t"), exit.Error, "absolute http or https URL"},
		{"nobody answers", with("--server", slow.URL, "--token", "t", "--timeout", "50ms"), exit.Timeout, "no answer within 50ms"},
		{"led elsewhere", with("--server", leading.URL, "--token", "t"), exit.Error, "307"},
		{"nobody is there", with("--server", "http://127.0.0.1:1", "--token", "t"), exit.Error, "refused"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, out, stderr := typed(t, c.args...)
			if code != c.code || !strings.Contains(stderr, c.says) || out != "" {
				t.Errorf("exit %d, want %d; stdout %q, stderr %q, want %q in it", code, c.code, out, stderr, c.says)
			}
			if code, _, stderr := typed(
				t,
				slices.Insert(slices.Clone(c.args), 2, "--best-effort")...); code != exit.OK ||
				!strings.Contains(stderr, "not sent") {
				t.Errorf("with --best-effort: exit %d, stderr %q", code, stderr)
			}
		})
	}
}

func TestEventIsSentAgain(t *testing.T) {
	quietCI(t)
	t.Setenv("DXCTL_TOKEN", eventToken)
	var asked atomic.Int32
	var bodies [2]bytes.Buffer
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := asked.Add(1)
		_, _ = bodies[(n-1)%2].ReadFrom(r.Body)
		if n == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusAccepted)
		_, _ = w.Write([]byte(`{"outcome":"accepted","ignored_fields":[{"field":"customData.x","reason":"unknown key"}]}`))
	}))
	defer server.Close()
	code, stdout, stderr := typed(t, "event", "deploy", "--service", "s", "--environment", "e", "--server", server.URL+"/")
	if code != exit.OK || asked.Load() != 2 || bodies[0].Len() == 0 || bodies[0].String() != bodies[1].String() {
		t.Errorf("exit %d after %d requests, stderr %q; sent %s and %s", code, asked.Load(), stderr, &bodies[0], &bodies[1])
	}
	if !strings.Contains(stdout, "customData.x: unknown key") {
		t.Errorf("what the server left out is not printed: %s", stdout)
	}
}

func TestDeploymentID(t *testing.T) {
	day := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	d := events.Deploy{Service: "s", Environment: "e", Version: "v1"}
	same := deploymentID(d, "", day)
	if deploymentID(d, "", day.Add(time.Hour)) != same {
		t.Error("the same line an hour later is another deployment")
	}
	other := d
	other.Version = "v2"
	for name, id := range map[string]string{"another day": deploymentID(d, "", day.AddDate(0, 0, 1)), "another version": deploymentID(other, "", day), "a CI job": deploymentID(d, "github/1", day)} {
		if id == same {
			t.Errorf("%s is the same deployment", name)
		}
	}
}
