package github_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/actions/github"
	"github.com/dxctl/dxctl/actions/github/hosttest"
	"github.com/dxctl/dxctl/actions/settings"
	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/collectors/github/client"
	"github.com/dxctl/dxctl/collectors/github/mapping"
	collected "github.com/dxctl/dxctl/collectors/github/settings"
	"github.com/dxctl/dxctl/collectors/github/stream"
	"github.com/dxctl/dxctl/collectors/github/streamtest"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/checkout"
)

// weakRepository is a public repository of a service, of which files decide what they can.
var weakRepository = map[string]string{
	"catalog-info.yaml": "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: pay}\n" +
		"spec: {type: service, lifecycle: production, owner: payments}\n",
	"go.mod":      "module example.com/pay\n\ngo 1.26\n",
	"main.go":     "package main\n\nfunc main() {}\n",
	"SECURITY.md": "# Security policy\n\nPlease use the form of GitHub.\n",
	".github/workflows/ci.yaml": "name: ci\non: [push, pull_request]\njobs:\n  test:\n    runs-on: ubuntu-latest\n" +
		"    steps:\n      - run: go test ./...\n",
}

// served creates the repository on a server.
func served(t *testing.T, s *hosttest.Server, visibility string) *hosttest.Repo {
	t.Helper()
	h := host(t, s)
	r, err := h.Create(t.Context(), github.Repository{Owner: "acme", Name: "pay", Visibility: visibility}, "Organization")
	if err != nil {
		t.Fatal(err)
	}
	var files []actions.FileChange
	for _, name := range slices.Sorted(maps.Keys(weakRepository)) {
		files = append(files, actions.FileChange{Path: name, After: []byte(weakRepository[name])})
	}
	commit, err := h.Push(t.Context(), r.FullName, files, "first")
	if err != nil {
		t.Fatal(err)
	}
	first, err := h.FirstCommit(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Move(t.Context(), r, commit, first); err != nil {
		t.Fatal(err)
	}
	repo := s.Repos["acme/pay"]
	repo.Set.Cleanup = false
	repo.Set.Merged = [][]string{{"test", "preview"}, {"test", "preview"}, {"test", "!preview"}}
	repo.Set.Environments = map[string]map[string]any{"production": {"wait_timer": 30.0}}
	s.Teams = map[string]int64{"acme/payments": 42}
	s.Writes = nil
	return repo
}

// graded collects the settings as the source of kind github does, and grades the service by the built-in rules.
func graded(t *testing.T, s *hosttest.Server) map[string]event.Outcome {
	t.Helper()
	now := streamtest.Now
	opt := streamtest.Options(now)
	api, err := client.New(client.Config{URL: s.URL, Token: s.Token, AllowPrivateNetwork: true}, opt.REST())
	if err != nil {
		t.Fatal(err)
	}
	w := collecttest.NewWriter()
	r := stream.New(opt.Base(mapping.Profile, "gh"), api, "acme/pay", time.Time{}, w)
	r.DefaultBranch = "main"
	if err := collected.Collect(t.Context(), r, []string{"production"}); err != nil {
		t.Fatal(err)
	}
	tree := fstest.MapFS{}
	for name, text := range weakRepository {
		tree[name] = &fstest.MapFile{Data: []byte(text)}
	}
	read, err := checkout.ReadFS(t.Context(), tree, now)
	if err != nil {
		t.Fatal(err)
	}
	service := read.Services[0]
	for _, e := range w.Events() {
		if f, ok := e.(event.Fact); ok {
			service.Facts[f.Name] = f
		}
	}
	service.Facts["change.merged_30d"] = event.Fact{Name: "change.merged_30d", Type: event.NumberFact, Value: json.RawMessage("0"),
		ObservedAt: now}
	set, err := scorecards.Load(scorecards.Config{}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	engine, err := scorecards.New(set, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	outcomes := map[string]event.Outcome{}
	for _, report := range engine.Grade(service.Entity, service.Facts) {
		for _, x := range report.Results {
			outcomes[x.Rule] = x.Outcome
		}
	}
	return outcomes
}

// journal keeps what a run records.
type journal struct {
	runs  []event.ActionRun
	steps map[uint32]event.ActionStep
}

func (j *journal) record(_ context.Context, events ...event.Event) error {
	for _, e := range events {
		switch e := e.(type) {
		case event.ActionRun:
			j.runs = append(j.runs, e)
		case event.ActionStep:
			if err := e.Validate(); err != nil {
				return err
			}
			j.steps[e.Number] = e
		}
	}
	return nil
}

func (j *journal) changes(t *testing.T) []settings.Change {
	t.Helper()
	var steps []event.ActionStep
	for _, n := range slices.Sorted(maps.Keys(j.steps)) {
		steps = append(steps, j.steps[n])
	}
	changes, err := settings.Recorded(steps)
	if err != nil {
		t.Fatal(err)
	}
	return changes
}

// restorable is what the recorded changes can be taken back to.
func restorable(t *testing.T, a *settings.Action, j *journal) settings.Planned {
	t.Helper()
	changes := j.changes(t)
	keys := make([]string, len(changes))
	for i, c := range changes {
		keys[i] = c.Setting
	}
	now, err := a.Host.Values(t.Context(), a.Repository, keys)
	if err != nil {
		t.Fatal(err)
	}
	return settings.Undo(now, changes)
}

func action(t *testing.T, s *hosttest.Server) (*settings.Action, *journal) {
	t.Helper()
	j := &journal{steps: map[uint32]event.ActionStep{}}
	return &settings.Action{
		Host: host(t, s), Entity: "component:default/pay", Repository: "acme/pay", Run: "run-1", Record: j.record,
		Ask: settings.Ask{Production: []string{"production"},
			Want: settings.Want{Reviewers: []settings.Reviewer{{Type: "Team", ID: 42}}}},
		Now: func() time.Time { return streamtest.Now },
	}, j
}

// run plans and applies.
func run(t *testing.T, a *settings.Action, j *journal) (actions.Plan, error) {
	t.Helper()
	p, err := a.Plan(t.Context(), actions.Input{"repository": a.Repository})
	if err != nil {
		t.Fatal(err)
	}
	_, err = actions.Run(t.Context(), a, p.Input, p.Digest(), actions.RunOptions{ID: a.Run, Now: a.Now, Record: j.record})
	return p, err
}

// TestSettingsPass: once the settings are applied, what the collector reads makes the rules pass; the undo restores
// exactly what was there.
func TestSettingsPass(t *testing.T) {
	s := hosttest.New(t)
	repo := served(t, s, "public")
	repo.Set.Rulesets = map[int64]map[string]any{5: {"name": "of others", "target": "branch", "enforcement": "active",
		"bypass_actors": []any{}, "conditions": map[string]any{"ref_name": map[string]any{"include": []any{"~ALL"}}},
		"rules": []any{map[string]any{"type": "required_linear_history"}}}}
	there, _ := json.Marshal(repo.Set) //nolint:errchkjson // maps and texts
	for rule, outcome := range graded(t, s) {
		if slices.Contains(settings.IDs(), rule) && outcome == event.Pass {
			t.Errorf("%s passes before", rule)
		}
	}
	a, j := action(t, s)
	p, err := run(t, a, j)
	if err != nil {
		t.Fatal(err)
	}
	after := graded(t, s)
	for _, rule := range settings.IDs() {
		if after[rule] != event.Pass {
			t.Errorf("%s is %q after", rule, after[rule])
		}
	}
	if len(repo.Set.Rulesets) != 2 || repo.Set.Rulesets[5]["name"] != "of others" {
		t.Errorf("the rulesets are %v", repo.Set.Rulesets)
	}
	for _, step := range j.steps {
		if step.Status != event.Succeeded {
			t.Errorf("%+v", step)
		}
	}
	if len(j.steps) != len(p.Requests) || len(a.After.Left)+len(a.After.Changes) > 0 {
		t.Errorf("%d steps for %d requests; left %+v", len(j.steps), len(p.Requests), a.After)
	}
	again, _ := action(t, s)
	if p, err := again.Plan(t.Context(), actions.Input{}); err != nil || p.Changes() {
		t.Errorf("a second run would send %v, %v", p.Requests, err)
	}
	back, undone := action(t, s)
	back.Run, back.UndoOf, back.Undo = "run-2", "run-1", j.changes(t)
	if _, err := run(t, back, undone); err != nil {
		t.Fatal(err)
	}
	restored, _ := json.Marshal(repo.Set) //nolint:errchkjson // maps and texts
	same := strings.NewReplacer(`"Security":null`, "", `"Security":{"secret_scanning":"disabled","secret_scanning_push_protection":"disabled"}`, "",
		`{"production":{"wait_timer":30}}`, `{"production":{"deployment_branch_policy":null,"prevent_self_review":false,"reviewers":[],"wait_timer":30}}`)
	if same.Replace(string(there)) != same.Replace(string(restored)) {
		t.Errorf("restored\n%s\nwas\n%s", restored, there)
	}
}

// TestSettingsChangedSince: a plan is not applied if a setting that it changes has changed since.
func TestSettingsChangedSince(t *testing.T) {
	s := hosttest.New(t)
	repo := served(t, s, "public")
	a, j := action(t, s)
	p, err := a.Plan(t.Context(), actions.Input{})
	if err != nil {
		t.Fatal(err)
	}
	repo.Set.Environments["production"]["wait_timer"] = 10.0
	_, err = actions.Run(t.Context(), a, p.Input, p.Digest(), actions.RunOptions{ID: a.Run, Now: a.Now, Record: j.record})
	if !errors.Is(err, actions.ErrChanged) || len(s.Writes) > 0 {
		t.Errorf("%v, written %v", err, s.Writes)
	}
}

// TestSettingsRefused: what GitHub does not offer, refuses or ignores is named, and does not keep the rest from it.
func TestSettingsRefused(t *testing.T) {
	s := hosttest.New(t)
	repo := served(t, s, "private")
	repo.Set.NotOffered = "Upgrade to GitHub Pro or make this repository public to enable this feature."
	repo.Set.Ignored = []string{"actions/permissions/workflow"}
	a, j := action(t, s)
	a.Ask.Want.Reviewers = []settings.Reviewer{{Type: "Team", ID: 99}}
	_, err := run(t, a, j)
	if !errors.Is(err, settings.ErrPartial) {
		t.Errorf("the error is %v", err)
	}
	for _, want := range []string{"Reviewer is not a collaborator", "GitHub accepted the request and did not change the setting"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
	reasons := fmt.Sprint(a.Planned.Left)
	if !strings.Contains(reasons, "{branch-protected GitHub does not offer it here: ") || !repo.Set.Cleanup {
		t.Errorf("left %s, %+v", reasons, repo.Set)
	}
	if back := restorable(t, a, j); len(back.Changes) != 2 || len(back.Met) != 0 || len(back.Left) > 0 {
		t.Errorf("what can be taken back is %+v", back)
	}
	if run := j.runs[len(j.runs)-1]; run.Status != event.Failed {
		t.Errorf("%+v", run)
	}
}

// TestSettingsRights: every missing right is named before anything is written.
func TestSettingsRights(t *testing.T) {
	s := hosttest.New(t)
	repo := served(t, s, "private")
	s.Scopes, repo.ReadOnly = "public_repo", true
	_, _, err := host(t, s).CheckSettings(t.Context(), "acme/pay")
	if !errors.Is(err, github.ErrRights) || !strings.Contains(err.Error(), "the scope repo, the role admin in acme/pay") {
		t.Error(err)
	}
	if _, _, err := host(t, s).CheckSettings(t.Context(), "acme/other"); !errors.Is(err, github.ErrRights) {
		t.Error(err)
	}
	s.Refuse = func(r *http.Request, _ http.Header) (int, string) { // so GitHub answers who may not write
		if r.Method != http.MethodGet {
			return http.StatusNotFound, "Not Found"
		}
		return 0, ""
	}
	h := host(t, s)
	setting := actions.Request{Method: http.MethodDelete, URL: h.API() + "/repos/acme/pay/rulesets/1"}
	_, lacks := h.OpenIssues(t.Context(), "acme/pay", []github.Issue{{Rule: "readme", Mark: "m", Title: "T", Body: "B"}})
	for _, err := range []error{h.Send(t.Context(), setting), lacks} {
		if err == nil || !strings.Contains(err.Error(), "if a right is missing: a token needs the scope repo") {
			t.Error(err)
		}
	}
	s.Refuse = nil
	s.Scopes, repo.ReadOnly = "-", false
	_, notes, err := host(t, s).CheckSettings(t.Context(), "acme/pay")
	if err != nil || !strings.Contains(fmt.Sprint(notes), "Administration (read and write)") {
		t.Error(notes, err)
	}
	if _, err := host(t, s).Reviewer(t.Context(), "acme/nobody"); !errors.Is(err, github.ErrNoReviewer) {
		t.Error(err)
	}
	if err := host(t, s).Send(t.Context(), actions.Request{Method: "POST", URL: "https://elsewhere.example/repos/x/rulesets"}); err == nil {
		t.Error("a request to another server was sent")
	}
	if len(s.Writes) > 0 {
		t.Errorf("it has written %v", s.Writes)
	}
}

// TestSettingsOfNew: the requests that a creation sends make the rules pass, too.
func TestSettingsOfNew(t *testing.T) {
	s := hosttest.New(t)
	repo := served(t, s, "public")
	repo.Set.Cleanup = true // as Create makes it
	h := host(t, s)
	for range 2 {
		for _, c := range settings.ForNew(settings.New{Repository: "acme/pay", Public: true, Workflows: true, Checks: []string{"test"},
			Production: []string{"production"}, Reviewers: []settings.Reviewer{{Type: "Team", ID: 42}}}).Changes {
			if err := h.Send(t.Context(), c.Request(h.API(), "acme/pay", 0)); err != nil && !github.Exists(err) {
				t.Fatal(err)
			}
		}
	}
	outcomes := graded(t, s)
	for _, rule := range settings.IDs() {
		if outcomes[rule] != event.Pass {
			t.Errorf("%s is %q", rule, outcomes[rule])
		}
	}
}

// TestSettingsAsApp: an App has permissions and no role of a person, whether GitHub shows roles or not.
func TestSettingsAsApp(t *testing.T) {
	s := hosttest.New(t)
	served(t, s, "private")
	s.Permissions = map[string]string{"administration": "write", "actions": "read", "checks": "read", "metadata": "read",
		"pull_requests": "read", "statuses": "read"}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	private := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	h, err := github.New(github.Config{URL: s.URL, AllowPrivateNetwork: true, App: client.App{ID: "1", InstallationID: "2",
		PrivateKey: string(private)}}, "", "test", rest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := h.CheckSettings(t.Context(), "acme/pay"); err != nil {
		t.Error(err)
	}
	s.Permissions["administration"] = "read"
	if _, _, err := h.CheckSettings(t.Context(), "acme/pay"); !errors.Is(err, github.ErrRights) ||
		!strings.Contains(err.Error(), "administration: write") {
		t.Error(err)
	}
	s.Permissions["contents"], s.Permissions["pull_requests"] = "write", "write"
	if _, _, err := h.CheckProposal(t.Context(), "acme/pay", false); err != nil {
		t.Error(err)
	}
}

// TestSettingsWithoutChecks: a token that may not read checks can set everything else.
func TestSettingsWithoutChecks(t *testing.T) {
	s := hosttest.New(t)
	served(t, s, "public")
	s.Scopes = "-"
	a, _ := action(t, s)
	if _, err := a.Plan(t.Context(), actions.Input{}); err != nil {
		t.Fatal(err)
	}
	left := fmt.Sprint(a.Planned.Left)
	if len(a.Planned.Changes) != 6 || !strings.Contains(left, "not accessible by personal access token") ||
		!strings.Contains(left, "--required-check") {
		t.Errorf("%d changes, left %s", len(a.Planned.Changes), left)
	}
}

// TestSettingsLostAnswer: what was done although its answer was lost is recorded as done.
func TestSettingsLostAnswer(t *testing.T) {
	s := hosttest.New(t)
	repo := served(t, s, "public")
	a, j := action(t, s)
	p, err := a.Plan(t.Context(), actions.Input{})
	if err != nil {
		t.Fatal(err)
	}
	s.Interrupt(nil, func(r *http.Request) bool {
		return r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/rulesets")
	})
	_, err = actions.Run(t.Context(), a, p.Input, p.Digest(), actions.RunOptions{ID: a.Run, Now: a.Now, Record: j.record})
	if err != nil || len(repo.Set.Rulesets) != 1 {
		t.Fatalf("%v, %v", err, repo.Set.Rulesets)
	}
	s.Interrupt(nil, nil)
	for _, step := range j.steps {
		if step.Status != event.Succeeded {
			t.Errorf("%+v", step)
		}
	}
	if back := restorable(t, a, j); len(back.Changes) != len(p.Requests) {
		t.Errorf("%+v", back)
	}
}
