package pathcheck_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/paths"
	"github.com/dxctl/dxctl/scorecards/paths/pathcheck"
)

// digest is one that a base image may have; the tests pull none.
const digest = "@sha256:4bc453b53cb3d914b45f4b250294236adba2c0e09ff6f03793949e7e39fd4cc1"

// ofOrganization are defaults as an organization sets them.
var ofOrganization = paths.Defaults{
	Registry: "registry.acme.example/apps",
	BaseImages: map[string]string{
		"go": "registry.acme.example/base/go:1.26" + digest, "node": "registry.acme.example/base/node:24" + digest,
		"python": "registry.acme.example/base/python:3.14" + digest, "java": "registry.acme.example/base/java:25" + digest,
		"maven": "registry.acme.example/base/maven:3.9" + digest,
	},
	Runner:        paths.Labels{"self-hosted", "linux"},
	PackageMirror: "https://packages.acme.example",
	CloudIdentity: "arn:aws:iam::123456789012:role/deploy",
}

var created = time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)

// builtin has the scorecards of dxctl, which take a while to compile.
var builtin = sync.OnceValues(func() (scorecards.Set, error) { return scorecards.Load(scorecards.Config{}, "") })

// grade renders a service and grades it by the scorecards of its path.
func grade(t *testing.T, p *paths.Path, a paths.Answers, d paths.Defaults) []pathcheck.Verdict {
	t.Helper()
	tree, err := p.Render(a, d)
	if err != nil {
		t.Fatal(err)
	}
	all, err := builtin()
	if err != nil {
		t.Fatal(err)
	}
	set, err := pathcheck.Set(p, all)
	if err != nil {
		t.Fatal(err)
	}
	verdicts, err := pathcheck.Grade(context.Background(), tree, p.Lock(a, d, tree), set, created)
	if err != nil {
		t.Fatal(err)
	}
	return verdicts
}

// TestShippedPathsPassTheirRules: of a service that was just created, each rule that files decide passes, and no rule
// fails: those on settings and on the catalog are unknown, those on what happens do not apply yet.
func TestShippedPathsPassTheirRules(t *testing.T) {
	all, err := paths.Builtin()
	if err != nil || len(all) == 0 {
		t.Fatal(len(all), err)
	}
	for _, p := range all {
		samples, without := p.Samples()
		if len(without) > 0 {
			t.Errorf("%s: no sample of %v", p.Name, without)
			continue
		}
		for _, database := range p.Supports("database") {
			for _, cache := range p.Supports("cache") {
				for _, organization := range []bool{false, true} {
					t.Run(fmt.Sprintf("%s/%s/%s/%t", p.Name, database, cache, organization), func(t *testing.T) {
						answers, defaults := maps.Clone(samples), paths.Defaults{}
						answers["database"], answers["cache"] = database, cache
						if organization {
							defaults = ofOrganization
							important(p, answers)
						}
						checkVerdicts(t, grade(t, p, answers, defaults), organization)
					})
				}
			}
		}
	}
}

// important answers the questions that many shipped paths ask as for a service that many depend on.
func important(p *paths.Path, a paths.Answers) {
	for name, text := range map[string]string{"lifecycle": "production", "tier": "tier-1", "on_call": "PABC1234"} {
		if _, ok := p.Question(name); ok {
			a[name] = text
		}
	}
}

// TestArticleDescribesShippedPaths: a description as it is published elsewhere works for each shipped path, in place of
// its own.
func TestArticleDescribesShippedPaths(t *testing.T) {
	description, err := os.ReadFile("../testdata/article/path.yaml")
	if err != nil {
		t.Fatal(err)
	}
	all, err := paths.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		t.Run(p.Name, func(t *testing.T) {
			tree, err := p.Copy("copy", nil)
			if err != nil {
				t.Fatal(err)
			}
			files := map[string]string{}
			for _, f := range tree {
				files[f.Path] = string(f.Content)
			}
			files[paths.DescriptionFile] = string(description)
			with := from(t, files)
			samples, without := with.Samples()
			if len(without) > 0 {
				t.Fatal(without)
			}
			if _, ok := with.Question("database"); ok {
				t.Error("the database is asked for, and is given")
			}
			samples["language"], samples["framework"] = p.Spec.Service.Language, p.Spec.Service.Framework
			checkVerdicts(t, grade(t, with, samples, paths.Defaults{}), false)
		})
	}
}

// checkVerdicts reports the verdicts that a new service must not have. Without the base images of an organization, a
// tag pins them: its digest must be looked up in the registry, so that the rule warns until it was.
func checkVerdicts(t *testing.T, verdicts []pathcheck.Verdict, organization bool) {
	t.Helper()
	passed := 0
	for _, v := range verdicts {
		if v.Outcome == event.Pass {
			passed++
		}
		if v.Rule == "base-image-pinned" && v.Outcome == event.Warn && !organization {
			continue
		}
		if wrong := v.Wrong(); wrong != "" {
			t.Error(wrong)
		}
		if v.ByFiles && v.Outcome == event.NotApplicable && (organization || !slices.Contains(notAsked, v.Rule)) {
			t.Errorf("%s does not apply, so that nothing is known of it: %s", v.Rule, v.Reason)
		}
	}
	if passed < 20 {
		t.Errorf("only %d rules pass", passed)
	}
}

// notAsked are the rules that files decide not to ask of a new service: it is experimental, and not of the first tier.
var notAsked = strings.Fields("on-call slo-declared rollback-possible deployed-recently disruption-budget provenance-attested")

// TestAlertsBeforeProduction: no alert pages anybody for a service that was never in production. What is absent is only
// an incident if it was there.
func TestAlertsBeforeProduction(t *testing.T) {
	all, err := paths.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		samples, _ := p.Samples()
		tree, err := p.Render(samples, paths.Defaults{})
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(tree, func(f paths.File) bool { return f.Path == "ops/alerts.yaml" })
		if i < 0 {
			t.Fatalf("%s: no alerts", p.Name)
		}
		var rules struct {
			Groups []struct {
				Rules []struct{ Alert, Expr string }
			}
		}
		if err := yaml.Unmarshal(tree[i].Content, &rules); err != nil || len(rules.Groups) == 0 {
			t.Fatal(p.Name, err)
		}
		for _, r := range rules.Groups[0].Rules {
			for _, series := range absent.FindAllStringSubmatch(r.Expr, -1) {
				if !strings.Contains(r.Expr, "and on() present_over_time("+series[1]+"[7d])") {
					t.Errorf("%s: %s fires before there was anything: %s", p.Name, r.Alert, r.Expr)
				}
			}
			if strings.Contains(r.Expr, " or vector(") || !strings.Contains(r.Expr, "-production") {
				t.Errorf("%s: %s fires without production: %s", p.Name, r.Alert, r.Expr)
			}
		}
	}
}

// absent finds the series whose absence an alert is about.
var absent = regexp.MustCompile(`\babsent\(([^)]*)\)`)
