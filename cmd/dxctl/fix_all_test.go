package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/actions/github"
	"github.com/dxctl/dxctl/actions/github/hosttest"
	"github.com/dxctl/dxctl/cmd/dxctl/exit"
	"github.com/dxctl/dxctl/collectors/rest"
)

// organization is a GitHub with services in Go that lack a timeout in their workflow, and a configuration of dxctl
// whose catalog has them.
func organization(t *testing.T, names ...string) (s *hosttest.Server, config string) {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	s = hosttest.New(t)
	t.Setenv(github.TokenVariable, s.Token)
	h, err := github.New(github.Config{URL: s.URL, AllowPrivateNetwork: true}, s.Token, "test", rest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var descriptors strings.Builder
	for _, name := range names {
		descriptor := fmt.Sprintf("apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: %s\n  annotations: "+
			"{github.com/project-slug: acme/%s}\nspec: {type: service, lifecycle: production, owner: team-a}\n", name, name)
		descriptors.WriteString("---\n" + descriptor)
		if _, err := h.Create(t.Context(), github.Repository{Owner: "acme", Name: name}, "Organization"); err != nil {
			t.Fatal(err)
		}
		repo := s.Repos["acme/"+name]
		repo.CommitFile("main", "catalog-info.yaml", descriptor)
		repo.CommitFile("main", "go.mod", "module example.com/"+name+"\n\ngo 1.26\n")
		repo.CommitFile("main", "main.go", "package main\n\nfunc main() {}\n")
		repo.CommitFile("main", ".github/workflows/ci.yaml", unboundedWorkflow)
	}
	text := fmt.Sprintf("catalog: {files: [catalog.yaml]}\nactions:\n  github: {url: %[1]q, allow_private_network: true}\n"+
		"sources: [{name: gh, kind: github, url: %[1]q, organization: acme, token: unused, allow_private_network: true}]\n", s.URL)
	for name, content := range map[string]string{"dx.yaml": text, "catalog.yaml": descriptors.String()} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.Writes = nil
	return s, filepath.Join(dir, "dx.yaml")
}

// TestFixAll plans a batch, carries it out, interrupts it with a token that expires, resumes it and takes it back.
func TestFixAll(t *testing.T) {
	s, config := organization(t, "pay", "cart", "mail")
	all := []string{"--config", config, "fix", "--all", "--rule", "workflow-timeouts", "--golden-path", "go-service",
		"--waves", "1,rest", "--settle", "0s"}
	dxctl := func(want int, args ...string) (string, string) {
		t.Helper()
		return process(t, s, want, append(all[:len(all):len(all)], args...)...)
	}
	opened := func() int {
		return len(s.Repos["acme/pay"].Requests) + len(s.Repos["acme/cart"].Requests) + len(s.Repos["acme/mail"].Requests)
	}
	process(t, s, exit.OK, "--config", config, "grade")
	out, diagnostics := dxctl(exit.OK)
	for _, want := range []string{"3 services in 2 waves (1, 2)", "workflow-timeouts", "acme/mail", "12 writes", "digest sha256:"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	if len(s.Writes) > 0 || !strings.Contains(diagnostics, "--yes") {
		t.Fatalf("a plan wrote %q; %s", s.Writes, diagnostics)
	}
	if _, diagnostics = dxctl(exit.Conflicts, "--digest", "sha256:0"); !strings.Contains(diagnostics, "it is now sha256:") {
		t.Error(diagnostics)
	}

	s.Interrupt(nil, nil)
	s.Refuse = func(*http.Request, http.Header) (int, string) {
		if len(s.Writes) >= 6 {
			return http.StatusUnauthorized, "Bad credentials"
		}
		return 0, ""
	}
	if _, diagnostics = dxctl(exit.Credentials, "--yes", "--batch", "b1"); !strings.Contains(diagnostics, "--resume b1") {
		t.Error(diagnostics)
	}
	s.Refuse = nil
	if opened() != 1 {
		t.Fatalf("%d pull requests before the token expired", opened())
	}
	out, _ = process(t, s, exit.OK, "--config", config, "fix", "--all", "--resume", "b1")
	if opened() != 3 || strings.Count(out, "opened") != 3 {
		t.Errorf("%d pull requests\n%s", opened(), out)
	}
	dxctl(exit.Error, "--yes", "--batch", "b1") // it exists

	s.Interrupt(nil, nil)
	s.Repos["acme/cart"].Requests[0].Open = false // declined
	s.Repos["acme/mail"].Merge(1, time.Now())
	s.NoGraphQL = http.StatusNotFound // from now on
	s.Interrupt(nil, nil)
	out, diagnostics = dxctl(exit.OK)
	if !strings.Contains(out, "cart: declined: ") || !strings.Contains(diagnostics, "offers no GraphQL") {
		t.Errorf("what was declined is not remembered, or REST is not mentioned:\n%s\n%s", out, diagnostics)
	}
	undo := []string{"--config", config, "fix", "--undo", "b1"}
	writes := len(s.Writes)
	out, _ = process(t, s, exit.OK, undo...)
	if len(s.Writes) != writes || !strings.Contains(out, "1 pull requests are closed, 1 are reverted") {
		t.Errorf("the plan wrote %q:\n%s", s.Writes[writes:], out)
	}
	process(t, s, exit.OK, append(undo, "--yes")...)
	if s.Repos["acme/pay"].Requests[0].Open || len(s.Repos["acme/mail"].Requests) != 2 {
		t.Errorf("the batch was not taken back: %q", s.Writes[writes:])
	}
	out, _ = process(t, s, exit.OK, "--config", config, "sql", "-o", "csv",
		"SELECT repository, outcome, pull FROM action_runs WHERE batch = 'b1' ORDER BY repository")
	if want := "acme/cart,declined,1\nacme/mail,reverted,1\nacme/pay,undone,1\n"; !strings.HasSuffix(out, want) {
		t.Errorf("recorded:\n%s", out)
	}
}

// TestFixAllSettings sets settings in a batch, names what it does not set, and takes them back but for what somebody
// changed since.
func TestFixAllSettings(t *testing.T) {
	s, config := organization(t, "pay", "cart")
	process(t, s, exit.OK, "--config", config, "grade")
	all := []string{"--config", config, "fix", "--all", "--settings", "--rule", "branch-protected", "--rule",
		"required-checks", "--rule", "workflow-timeouts", "--golden-path", "go-service", "--waves", "rest"}
	out, _ := process(t, s, exit.OK, append(all, "--yes", "--batch", "b1")...)
	for _, want := range []string{"SETTINGS", "ruleset", "Not set: pay, required-checks: ", "10 writes"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	if len(s.Repos["acme/pay"].Set.Rulesets) != 1 || len(s.Repos["acme/pay"].Requests) != 1 {
		t.Fatalf("%+v", s.Repos["acme/pay"].Set)
	}
	s.Scopes, s.Writes = "gist", nil
	for _, args := range [][]string{{"--all", "--resume", "b1"}, {"--undo", "b1", "--yes"}} {
		_, diagnostics := process(t, s, exit.Credentials, append([]string{"--config", config, "fix"}, args...)...)
		if !strings.Contains(diagnostics, "the scope repo") || len(s.Writes) > 0 {
			t.Errorf("%q: %s, %q", args, diagnostics, s.Writes)
		}
	}
	s.Scopes = "repo, workflow"
	for _, ruleset := range s.Repos["acme/cart"].Set.Rulesets {
		ruleset["enforcement"] = "disabled" // by somebody
	}
	out, _ = process(t, s, exit.Conflicts, "--config", config, "fix", "--undo", "b1", "--yes")
	if len(s.Repos["acme/pay"].Set.Rulesets) != 0 || len(s.Repos["acme/cart"].Set.Rulesets) != 1 ||
		s.Repos["acme/cart"].Requests[0].Open || !strings.Contains(out, "somebody has changed it since") {
		t.Errorf("%s\n%+v", out, s.Repos["acme/cart"].Set)
	}
}

// TestFixAllIssues opens an issue for each rule that no patch makes pass, once.
func TestFixAllIssues(t *testing.T) {
	s, config := organization(t, "pay")
	process(t, s, exit.OK, "--config", config, "grade")
	args := []string{"--config", config, "fix", "--all", "--rule", "readme-complete", "--golden-path", "go-service", "--issues", "--yes"}
	process(t, s, exit.OK, args...)
	repo := s.Repos["acme/pay"]
	if len(repo.Opened) != 1 || !strings.Contains(repo.Opened[0].Body, "dxctl grade . --rule readme-complete") {
		t.Fatalf("%+v", repo.Opened)
	}
	process(t, s, exit.OK, args...)
	if len(repo.Opened) != 1 || len(repo.Requests) != 0 {
		t.Errorf("%d issues, %d pull requests", len(repo.Opened), len(repo.Requests))
	}
}

// TestFixAllMistakes: a filter that selects nothing by mistake is an error, before anything is read.
func TestFixAllMistakes(t *testing.T) {
	s, config := organization(t, "pay")
	for _, c := range []struct{ flag, value, want string }{
		{"--team", "nobody", "no such team"},
		{"--scorecard", "nothing", "--scorecard \"nothing\" is not one of"},
		{"--level", "platinum", "--level \"platinum\" is not one of"},
		{"--rule", "licens", "did you mean"},
		{"--filter", "entity.nmae == 'x'", "--filter"},
		{"--waves", "x", "waves \"x\""},
		{"--limit", "101", "use 0 to 100"},
		{"--resume", "none", "there is no batch"},
	} {
		if _, diagnostics := process(t, s, exit.Error, "--config", config, "fix", "--all", c.flag, c.value); !strings.Contains(
			diagnostics, c.want) {
			t.Errorf("%s %s: %s", c.flag, c.value, diagnostics)
		}
	}
}
