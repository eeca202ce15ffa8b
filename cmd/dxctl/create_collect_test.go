package main

import (
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dxctl/dxctl/actions/github/hosttest"
	"github.com/dxctl/dxctl/cmd/dxctl/exit"
	"github.com/dxctl/dxctl/collectors/github/githubtest"
	"github.com/dxctl/dxctl/repository/workflow"
	"github.com/dxctl/dxctl/store/storetest"
)

// TestCreatedIsCollected takes a service from its name and a sentence to its first deployment: created on GitHub with
// answers that follow from the team and the configuration, in the catalog and waiting at once, and collected by the
// source of dx.yaml when the workflows of its first push have run.
func TestCreatedIsCollected(t *testing.T) {
	t.Chdir(storetest.TempDir(t))
	host, collected := hosttest.New(t), githubtest.New(t)
	var atGitHub atomic.Bool // whether the repository is where it can be collected
	front := hosting(t, func() string {
		if atGitHub.Load() {
			return collected.URL
		}
		return strings.TrimSuffix(host.URL, "/api/v3")
	})
	t.Setenv("GIT_AUTHOR_NAME", "Ada")
	t.Setenv("GIT_AUTHOR_EMAIL", "ada@acme.example")
	for name, text := range map[string]string{
		"dx.yaml": `store: {dsn: "embedded:./data"}
catalog: {files: [teams.yaml]}
sources: [{name: gh, kind: github, url: "` + front + `", token: reading, organization: acme, allow_private_network: true}]
actions: {github: {url: "` + front + `", token: ` + host.Token + `, allow_private_network: true}}
paths: {defaults: {answers: {organization: Acme Inc., system: money-movement}}}
`,
		"teams.yaml": `apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: payments, annotations: {slack.com/channel: pay, github.com/team-slug: acme/pay-team}}
spec: {type: team, children: [], profile: {email: payments@acme.example}}
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: {name: ada}
spec: {memberOf: [payments], profile: {email: ada@acme.example}}
---
apiVersion: backstage.io/v1alpha1
kind: System
metadata: {name: money-movement}
spec: {owner: payments}
`,
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	dxctl := func(args ...string) string {
		t.Helper()
		printed, diagnostics := process(t, host, exit.OK, args...)
		return printed + diagnostics
	}
	has := func(text string, wants ...string) {
		t.Helper()
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("%q is not in\n%s", want, text)
			}
		}
	}

	// The organization has deployed before, so that it is known from when deployments are collected.
	deployment := func(id int64, environment string, at time.Time) githubtest.Deployment {
		return githubtest.Deployment{ID: id, Environment: environment, SHA: "c1", Ref: "main", State: "ACTIVE", Creator: "ada",
			Created: at, Statuses: []githubtest.Status{{State: "SUCCESS", At: at}}}
	}
	began := time.Now().UTC()
	collected.Repos["acme/old"] = &githubtest.Repo{Files: []string{"README.md"}, Pushed: began,
		Deployments: []githubtest.Deployment{deployment(1, "production", began.AddDate(0, -1, 0))}}
	atGitHub.Store(true)
	dxctl("collect")
	atGitHub.Store(false)

	has(dxctl("create", "service", "ledger", "--golden-path", "go-service", "--description", "Keeps the books of the company",
		"--repository", "acme/ledger", "--yes"),
		"owner: group:default/payments (from the team that you are in)", "code_owners: @acme/pay-team",
		"contact: #pay", "component:default/ledger was created")
	if took := time.Since(began); took > time.Minute {
		t.Errorf("it took %v", took)
	}
	has(dxctl("services"), "ledger", "payments")
	times := []string{"metrics", "ttfd", "--population", "services", "--per-subject", "-o", "csv"}
	has(dxctl(times...), "component:default/ledger,group:default/payments,"+began.Format(time.DateOnly)+",,waiting 0 min,,,,\n")

	// What GitHub does after the push: the workflow that has staging runs, and a person lets it go on to production.
	repo := host.Repos["acme/ledger"]
	if repo == nil {
		t.Fatal("there is no repository")
	}
	files, _ := repo.Head()
	contents := map[string]string{}
	for _, f := range files {
		contents[f.Path] = string(f.After)
	}
	staging := firstPush(t, contents)
	now := time.Now().UTC()
	collected.Repos["acme/ledger"] = &githubtest.Repo{Contents: contents, Pushed: now,
		Runs: []githubtest.Run{{ID: 1, Attempt: 1, Name: "deploy", Branch: "main", Event: "push", Status: "completed",
			Conclusion: "success", Actor: "ada", Created: now, Updated: now}},
		Deployments: []githubtest.Deployment{deployment(3, "production", now), deployment(2, staging, now)}}
	atGitHub.Store(true)
	dxctl("collect")
	has(dxctl("services"), "ledger", "payments")
	has(dxctl("sql", "SELECT service, environment, status FROM deployments ORDER BY environment", "-o", "csv"),
		"component:default/ledger,production,succeeded", "component:default/ledger,staging,succeeded")
	has(dxctl(times...), ",0 min,component:default/ledger,3,service,\n")
}

// firstPush returns the environment to which the push of the files to main deploys without anybody's approval.
func firstPush(t *testing.T, contents map[string]string) string {
	t.Helper()
	for name, text := range contents {
		if !strings.HasPrefix(name, ".github/workflows/") {
			continue
		}
		w, err := workflow.Parse(name, text)
		if err != nil {
			t.Fatal(err)
		}
		if push := w.On("push"); push == nil || len(push.Paths) > 0 {
			continue
		}
		for _, j := range w.Jobs {
			if j.Environment == "staging" && j.If == "" {
				return j.Environment
			}
		}
	}
	t.Fatal("the first push does not deploy to staging")
	return ""
}

// hosting is one address for servers that stand in for GitHub at different times. It returns the address of the API.
func hosting(t *testing.T, current func() string) string {
	t.Helper()
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		target, err := url.Parse(current())
		if err != nil {
			t.Error(err)
			return
		}
		r.SetURL(target)
	}}
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	return server.URL + "/api/v3"
}
