package server_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/actions/fix"
	"github.com/dxctl/dxctl/actions/preview"
	"github.com/dxctl/dxctl/actions/repositories"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/paths"
	"github.com/dxctl/dxctl/web/server"
)

// secret is in a file of the repository of payment-service.
const secret = "ci-of-payment-service"

// plannedFixes are the fixes of services: a plan of payment-service, none of user-service, and none yet of others.
func plannedFixes(_ context.Context, of preview.Key) preview.Preview {
	ref := of.Service
	switch ref {
	case "component:default/payment-service":
		return preview.Preview{At: present, Plan: &fix.Plan{
			Plan: actions.Plan{
				Action: fix.Name, Entity: ref, On: map[string]string{"commit": "0123456789abcdef"},
				Files: []actions.FileChange{{
					Path: ".github/workflows/ci.yml", Before: []byte("name: " + secret + "\non: push\n"),
					After: []byte("name: " + secret + "\non: push\npermissions: {contents: read}\n"),
				}, {Path: "logo.png", Before: []byte("\x00"), After: []byte("\x00\x01")}, {
					Path: "long.txt", After: []byte(strings.Repeat("a line\n", 5000)),
				}},
			},
			Path:   &paths.Path{Name: "go-service", Version: "1.0.0"},
			Before: []fix.Grade{{Scorecard: "test-path", Title: "Test path", Level: "Bronze", Score: 0.5}},
			After:  []fix.Grade{{Scorecard: "test-path", Title: "Test path", Level: "Silver", Score: 0.75}},
			Rules: []fix.Rule{
				{ID: "readme", Title: "It has a README", Scorecard: "test-path", Level: "Bronze", Before: event.Fail,
					After: event.Pass, Files: []string{".github/workflows/ci.yml"}, Reason: "no permissions at " + secret},
				{ID: "system", Title: "It is in a system", Scorecard: "test-path", Level: "Silver", Before: event.Fail,
					After: event.Fail, Files: []string{}, NoPatch: "a person has to decide: what " + secret + " does",
					Asks: []fix.Ask{{Place: "ci.yml:1", Text: "what " + secret + " does"}}},
			},
			Conflicts: []fix.Conflict{{Path: "Makefile", Reason: "both added it", Merge: "<<<<<<< " + secret}},
		}}
	case "component:default/orphan-service":
		if of.GoldenPath == "go-worker" {
			return preview.Preview{At: present, Plan: &fix.Plan{Path: &paths.Path{Name: "go-worker", Version: "2.0.0"},
				Plan: actions.Plan{Files: []actions.FileChange{{Path: "AGENTS.md", After: []byte("a\n")}}}}}
		}
		if of.GoldenPath == "go-service" {
			return preview.Preview{At: present, Plan: &fix.Plan{Path: &paths.Path{Name: "go-service", Version: "1.0.0"},
				Rules: []fix.Rule{{ID: "system", Title: "It is in a system", Before: event.Fail, After: event.Fail}}}}
		}
		return preview.Preview{At: present, Err: fmt.Errorf("planning: %w", &fix.ChoiceError{
			Language: "Go", Fitting: true, Paths: []*paths.Path{
				{Name: "go-service", Title: "Go service", Version: "1.0.0"},
				{Name: "go-worker", Title: "Go worker", Version: "2.0.0", Description: "Takes jobs <from a queue>"},
			},
		})}
	case "component:default/user-service":
		return preview.Preview{At: present, Err: fmt.Errorf("planning: %w", repositories.ErrNoFiles)}
	case "component:default/shared-library":
		return preview.Preview{At: present, Err: errors.New("reading line 3: " + secret)}
	}
	return preview.Preview{Planning: true}
}

// beyond is a server that other machines reach.
func beyond() server.Config {
	cfg := server.DefaultConfig()
	cfg.Addr = "0.0.0.0:8080"
	return cfg
}

func TestFixesPage(t *testing.T) {
	local, public := withActions(t), withActionsOn(t, beyond())
	proxied := server.DefaultConfig()
	proxied.Hosts = []string{"dxctl.example"}
	const planned, chosen = "/services/default/payment-service/fix", "/services/default/orphan-service/fix"
	for _, c := range []struct {
		name, path string
		f          *fixture
		want, not  []string
	}{
		{"this machine", planned, local, []string{
			"Passes with the patch", "It has a README", "Without a patch", "a person has to decide: what " + secret,
			"1 point for a person", "50 %", "75 %", "dxctl fix --write", "dxctl fix --pr", "&#43;permissions: {contents: read}",
			"<code>0123456789ab</code>", "change, +1 −0", "create, +5000 −0", "more lines", "both added it", "logo.png",
		}, []string{"&lt;&lt;&lt;&lt;", "on this machine only"}},
		{"other machines", planned, public, []string{
			"Passes with the patch", "It has a README", "No patch: a person has to decide", "dxctl fix --write",
			"change, +1 −0", ".github/workflows/ci.yml", "on this machine only", "both added it", "75 %",
		}, []string{secret, ";permissions", "a line"}},
		{"a proxy", planned, withActionsOn(t, proxied), []string{"change, +1 −0"}, []string{secret, ";permissions"}},
		{"no files", "/services/default/user-service/fix", local,
			[]string{"There is no plan", "actions.checkouts", "dxctl fix --write", "Rules that are not"}, nil},
		{"no file to change", chosen + "?golden-path=go-service", local, []string{"No file needs a change",
			"dxctl fix --golden-path go-service<", "dxctl fix --golden-path go-service --tasks tasks"}, []string{"--write", "--pr"}},
		{"no files, for other machines", "/services/default/user-service/fix", public, []string{"actions.checkouts"}, nil},
		{"a choice", chosen, local, []string{"Choose a golden path", "2 are for Go", `href="` + chosen +
			`?golden-path=go-service"`, "Takes jobs &lt;from a queue&gt;", "go-worker 2.0.0"}, []string{"There is no plan"}},
		{"a choice, for other machines", chosen, public, []string{"Choose a golden path", "go-worker 2.0.0"}, []string{"The log"}},
		{"what was chosen", chosen + "?golden-path=go-worker", local, []string{"golden path go-worker 2.0.0",
			"dxctl fix --golden-path go-worker --write"}, []string{"Choose a golden path"}},
		{"the golden path that it has", planned + "?golden-path=go-service", local, []string{"Passes with the patch"}, nil},
		{"an error", "/services/default/shared-library/fix", local, []string{"reading line 3: " + secret}, nil},
		{"an error, for other machines", "/services/default/shared-library/fix", public,
			[]string{"The log of the server says why"}, []string{secret}},
	} {
		t.Run(c.name, func(t *testing.T) {
			page := c.f.page(t, c.path)
			for _, want := range c.want {
				if !strings.Contains(page, want) {
					t.Errorf("%q is not on the page", want)
				}
			}
			for _, not := range c.not {
				if strings.Contains(page, not) {
					t.Errorf("%q is on the page", not)
				}
			}
		})
	}
	for path, want := range map[string]string{
		planned + "?golden-path=go-worker": "is go-service, so that there is no choice",
		chosen + "?golden-path=x":          "none of the golden paths",
	} {
		if status, _, body := local.get(t, path); status != http.StatusBadRequest || !strings.Contains(body, want) {
			t.Errorf("%s: status %d: %.300s", path, status, body)
		}
	}
	if page := local.page(t, "/services/default/payment-service"); !strings.Contains(page, `href="`+planned+`"`) {
		t.Error("the page of the service does not lead to its fixes")
	}
}

// fixAction plans fixes of payment-service with the files of a directory, and has no files of other services.
func fixAction(t *testing.T, all []*paths.Path) *fix.Action {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"main.go": "package main\n", ".github/workflows/ci.yml": "name: " + secret + "\non: push\npermissions: {contents: read}\n" +
			"jobs:\n  test:\n    runs-on: ubuntu-latest\n    steps: [{run: make test}]\n",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cards, err := scorecards.Load(scorecards.Config{}, "")
	if err != nil {
		t.Fatal(err)
	}
	engine, err := scorecards.New(cards, clock)
	if err != nil {
		t.Fatal(err)
	}
	return &fix.Action{Open: func(_ context.Context, ref string) (fix.Options, func(), error) {
		all := all
		switch ref {
		case "component:default/payment-service":
		case "component:default/orphan-service":
			i := slices.IndexFunc(all, func(p *paths.Path) bool { return p.Name == "go-service" })
			worker := *all[i]
			worker.Name = "go-worker"
			all = append(slices.Clone(all), &worker)
		default:
			return fix.Options{}, nil, repositories.ErrNoFiles
		}
		return fix.Options{
			Dir: dir, Archive: &fix.Archive{Root: dir, Commit: "c1"}, Engine: engine, Paths: all, Now: present,
		}, func() {}, nil
	}}
}

func TestPlansOfFixes(t *testing.T) {
	local, public := withActions(t), withActionsOn(t, beyond())
	const good = `{"service": "component:default/payment-service", "rules": ["workflow-timeouts"]}`
	for _, c := range []struct {
		name, body string
		f          *fixture
		status     int
		want, not  []string
	}{
		{"a plan", good, local, 200, []string{`"digest":"sha256:`, `"path":".github/workflows/ci.yml"`, secret,
			`+    timeout-minutes:`, `"rule":"workflow-timeouts"`, `"grades_after"`, `"commit":"c1"`}, nil},
		{"a plan for other machines", good, public, 200, []string{`"digest":"sha256:`, `"path":".github/workflows/ci.yml"`,
			`"rule":"workflow-timeouts"`, `"added":`}, []string{secret, "timeout-minutes:"}},
		{"by its name", strings.Replace(good, "component:default/", "", 1), local, 200, nil, nil},
		{"no service", `{}`, local, 400, []string{"service is missing"}, nil},
		{"a service that the catalog does not have", `{"service": "component:default/nothing"}`, local, 404,
			[]string{"the catalog has no component"}, nil},
		{"an entity of another kind", `{"service": "group:default/payments"}`, local, 404, nil, nil},
		{"a directory of the server", `{"service": "/etc"}`, local, 400, []string{"service"}, nil},
		{"a directory above", `{"service": "../.."}`, local, 404, []string{"service"}, nil},
		{"a directory as another input", `{"service": "component:default/payment-service", "dir": "/etc"}`, local, 400,
			[]string{"fix has no input"}, nil},
		{"an unknown rule", `{"service": "component:default/payment-service", "rules": ["nothing"]}`, local, 400,
			[]string{"no scorecard of the service has this rule"}, nil},
		{"a rule that is no id", `{"service": "component:default/payment-service", "rules": ["../x"]}`, local, 400,
			[]string{"does not match"}, nil},
		{"rules that are no list", `{"service": "component:default/payment-service", "rules": "x"}`, local, 400, nil, nil},
		{"an unknown golden path", `{"service": "component:default/payment-service", "golden_path": "x"}`, local, 400,
			[]string{"there is no golden path"}, nil},
		{"a service without files", `{"service": "component:default/user-service"}`, local, 400,
			[]string{"actions.checkouts"}, nil},
		{"a service that fits two golden paths", `{"service": "component:default/orphan-service"}`, local, 400,
			[]string{`"choices":[{"input":"golden_path","value":"go-service"`, `"value":"go-worker"`, "name one with"}, nil},
		{"the same for other machines", `{"service": "component:default/orphan-service"}`, public, 400,
			[]string{`"value":"go-worker"`}, nil},
		{"with the one that was chosen", `{"service": "component:default/orphan-service", "golden_path": "go-worker",
			"rules": ["workflow-timeouts"]}`, local, 200, []string{`"name":"go-worker"`}, nil},
		{"wrong inputs", `{"service": "component:default/payment-service", "rules": ["../x"], "x": 1}`, local, 400,
			[]string{`"inputs":[{"input":"x","message":"fix has no input`}, nil},
		{"an error for other machines", `{"service": "component:default/payment-service", "rules": ["nothing"]}`,
			public, 400, []string{"may cite files"}, []string{"no scorecard"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, _, body := c.f.do(t, asked(t, http.MethodPost, "/api/v1/actions/fix/plan", c.body))
			if status != c.status {
				t.Fatalf("status %d, want %d: %.300s", status, c.status, body)
			}
			for _, want := range c.want {
				if !strings.Contains(body, want) {
					t.Errorf("%q is not in %.600s", want, body)
				}
			}
			for _, not := range c.not {
				if strings.Contains(body, not) {
					t.Errorf("%q is in the plan", not)
				}
			}
		})
	}
}
