package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/actions/batch"
	"github.com/dxctl/dxctl/actions/github"
	"github.com/dxctl/dxctl/actions/settings"
	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/cmd/dxctl/exit"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/scorecards"
)

const closingCard = `apiVersion: dxctl.dev/v1
kind: Scorecard
name: own
title: Own
filter: "true"
levels: [bronze]
rules:
  - {id: readme, level: bronze, title: A README, expr: 'facts["t.readme"]', effort: minutes, why: w, fix: f}
facts:
  - {name: t.readme, type: bool, source: the test}
`

// TestClosable: an issue is closed once its rule passes by a fact that was observed after it was opened, and never a
// second time.
func TestClosable(t *testing.T) {
	set := scorecards.LoadFiles([]scorecards.File{{Name: "own.yaml", Data: []byte(closingCard)}})
	if err := set.Err(); err != nil {
		t.Fatal(err)
	}
	engine, err := scorecards.New(set, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	opened := time.Now().Add(-time.Hour).UTC()
	e := descriptor.Entity{Ref: "component:default/pay", Kind: "Component", Name: "pay"}
	const url = "https://github.com/acme/pay/issues/7"
	for name, c := range map[string]struct {
		value    bool
		observed time.Duration // after the issue was opened
		note     string        // of the step that opened it
		closed   string        // note of a step that closed it; "": there is none
		want     bool
	}{
		"it passes":                   {true, time.Minute, "opened", "", true},
		"it does not":                 {false, time.Minute, "opened", "", false},
		"the fact is older":           {true, -time.Minute, "opened", "", false},
		"somebody else opened it":     {true, time.Minute, "open already", "", false},
		"it was closed":               {true, time.Minute, "opened", github.IssueClosed, false},
		"it was left, being opened":   {true, time.Minute, "opened", github.IssueReopened, false},
		"opened, but without a label": {true, time.Minute, "opened without the label dxctl", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			observed := opened.Add(c.observed)
			reports := engine.Grade(e, map[string]event.Fact{"t.readme": {Source: "gh", Entity: e.Ref, Name: "t.readme",
				Type: event.BoolFact, Value: fmt.Append(nil, c.value), ObservedAt: observed}})
			steps := []event.ActionStep{{Run: "r", Name: batch.IssueStep + "readme", URL: url, Note: c.note, At: opened}}
			var closed []event.ActionStep
			if c.closed != "" {
				closed = []event.ActionStep{{Run: "r", Name: batch.ClosingStep + "readme", URL: url, Note: c.closed}}
			}
			runs := map[string]event.ActionRun{"r": {ID: "r", Entity: e.Ref}}
			got := closable(steps, closed, runs, []report.Service{{Entity: e, Reports: reports}})[e.Ref]
			if len(got) > 0 != c.want {
				t.Fatalf("%+v", got)
			}
			if c.want && (got[0].URL != url || got[0].Mark != github.IssueMark(e.Ref, "readme") ||
				!strings.Contains(got[0].Note, "`t.readme` is") || !strings.Contains(got[0].Note, observed.Format(time.RFC3339))) {
				t.Errorf("%+v", got[0])
			}
		})
	}
}

// TestWithoutSet: a rule whose settings the batch sets gets no issue.
func TestWithoutSet(t *testing.T) {
	issues := []github.Issue{{Rule: "branch-protected"}, {Rule: "license"}, {Rule: "human-review"}}
	got := withoutSet(issues, []settings.Change{{Rules: []string{"branch-protected", "human-review"}}})
	if len(got) != 1 || got[0].Rule != "license" {
		t.Errorf("%+v", got)
	}
}

// TestFixIssuesCloses: the issues of one service whose rules pass since are shown, and closed with --yes, once.
func TestFixIssuesCloses(t *testing.T) {
	s, config := organization(t, "pay")
	dir := filepath.Dir(config)
	card := "apiVersion: dxctl.dev/v1\nkind: Scorecard\nname: own\ntitle: Own\nfilter: \"true\"\nlevels: [bronze]\nrules:\n" +
		"  - {id: described, level: bronze, title: A description, expr: 'facts[\"catalog.has_description\"]', effort: minutes, " +
		"why: w, fix: f}\n"
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	catalog, err := os.ReadFile(filepath.Join(dir, "catalog.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	writeFiles(t, map[string]string{"own.yaml": card, "dx.yaml": string(text) + "scorecards: {files: [own.yaml]}\n",
		"checkout/go.mod": "module example.com/pay\n\ngo 1.26\n", "checkout/main.go": "package main\n\nfunc main() {}\n",
		"checkout/catalog-info.yaml": strings.TrimPrefix(string(catalog), "---\n")})
	t.Chdir(filepath.Join(dir, "checkout"))
	git := gitIn(t)
	git("init", "-q", "-b", "main")
	git("add", "-A")
	git("commit", "-qm", "first")
	repo := s.Repos["acme/pay"]
	issues := func(args ...string) string {
		t.Helper()
		_, diagnostics := process(t, s, exit.OK, append([]string{"--config", config, "fix", "--issues", "--repository",
			"acme/pay", "--rule", "described"}, args...)...)
		return diagnostics
	}
	if said := issues(); len(repo.Opened) != 1 || !strings.Contains(said, "issue for described opened") {
		t.Fatalf("%s\n%+v", said, repo.Opened)
	}
	if said := issues("--yes"); strings.Contains(said, "closes") || repo.Opened[0].Closed {
		t.Fatal(said)
	}
	described := strings.Replace(string(catalog), "metadata:\n", "metadata:\n  description: Takes payments\n", 1)
	writeFiles(t, map[string]string{"../catalog.yaml": described,
		"catalog-info.yaml": strings.TrimPrefix(described, "---\n")})
	git("commit", "-qam", "second")
	said := issues()
	for _, want := range []string{
		"closes https://github.example/acme/pay/issues/1000: dxctl: the rule `described` passes now", "add --yes",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not in\n%s", want, said)
		}
	}
	if repo.Opened[0].Closed || len(repo.Opened[0].Comments) > 0 {
		t.Fatal("a plan closed the issue")
	}
	if said := issues("--yes"); !repo.Opened[0].Closed || len(repo.Opened[0].Comments) != 1 || !strings.Contains(said, "closed") {
		t.Fatalf("%s\n%+v", said, repo.Opened[0])
	}
	repo.Opened[0].Closed = false // by somebody who follows it again
	if said := issues("--yes"); repo.Opened[0].Closed || !strings.Contains(said, "no rule needs an issue") {
		t.Errorf("%s\n%+v", said, repo.Opened[0])
	}
}
