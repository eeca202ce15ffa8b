// Package operation reads what a repository declares for running its service: alert rules with their runbooks, and
// service level objectives.
package operation

import (
	"errors"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/dxctl/dxctl/repository/fact"
	"github.com/dxctl/dxctl/repository/tree"
	"github.com/dxctl/dxctl/repository/yamlfile"
)

// Alert is an alert rule of Prometheus.
type Alert struct {
	Name       string
	At         fact.Location
	Expression string
	Severity   string
	// Runbook is the link of the annotation runbook_url or runbook; "" if there is none.
	Runbook fact.Value[string]
}

// Objective is a service level objective.
type Objective struct {
	Name    string
	Service string // as the file names it; "" if it does not
	Format  string // "openslo", "sloth", "pyrra"
	At      fact.Location
}

// Set is what a repository has of alerts and objectives.
type Set struct {
	Alerts     []Alert
	Objectives []Objective
	Unreadable []fact.Problem
}

// candidate finds files that may have alerts or objectives, before the cost of parsing them.
var candidate = regexp.MustCompile(`(?m)(^|[\s{,])(alert|["']alert["']):\s*\S|openslo(\.com)?/v|sloth\.slok\.dev/v|pyrra\.dev/v|^version:\s*["']?prometheus/v1`)

// words are what every candidate has one of: looking for them is faster than the expression.
var words = []string{"alert", "openslo", "sloth.slok.dev/v", "pyrra.dev/v", "prometheus/v1"}

// Read reads the alerts and the objectives of a repository, except those of vendored code, tests and examples.
func Read(t *tree.Tree) Set {
	var s Set
	for _, f := range t.Files {
		ext := path.Ext(f.Path)
		if ext != ".yaml" && ext != ".yml" && ext != ".rules" || f.Link || !t.Own(f.Path) {
			continue
		}
		text, err := t.Text(f)
		has := func(word string) bool { return strings.Contains(text, word) }
		if err != nil || !slices.ContainsFunc(words, has) || !candidate.MatchString(text) {
			continue // a file that cannot be read is not known to have any, and is reported by the manifests
		}
		problem := func(line int, err error) {
			s.Unreadable = append(s.Unreadable, fact.Problem{At: fact.Location{Path: f.Path, Line: line}, Reason: err.Error()})
		}
		docs, err := yamlfile.Parse(text)
		if err != nil {
			problem(0, err)
		}
		for _, d := range docs {
			if d.Err != nil && strings.Contains(text, "{{") {
				problem(d.Line, errors.New("it is a template, which is not rendered"))
				continue
			}
			if d.Err != nil {
				problem(d.Line, d.Err)
				continue
			}
			if err := fact.Contain(func() error { s.document(f.Path, d.Root); return nil }); err != nil {
				problem(d.Line, err)
			}
		}
	}
	return s
}

func (s *Set) document(file string, root *yaml.Node) {
	at := fact.Location{Path: file, Line: yamlfile.Line(root)}
	text := func(path ...string) string { return yamlfile.Text(yamlfile.Get(root, path...)) }
	api, kind := text("apiVersion"), text("kind")
	switch {
	case kind == "PrometheusRule":
		s.groups(file, yamlfile.Get(root, "spec", "groups"))
	case kind == "List":
		for _, item := range yamlfile.Items(yamlfile.Get(root, "items")) {
			if yamlfile.Text(yamlfile.Get(item, "kind")) != "List" {
				s.document(file, item)
			}
		}
	case strings.HasPrefix(api, "openslo") && kind == "SLO":
		s.Objectives = append(s.Objectives, Objective{text("metadata", "name"), text("spec", "service"), "openslo", at})
	case strings.HasPrefix(api, "sloth.slok.dev/") && kind == "PrometheusServiceLevel":
		s.sloth(file, yamlfile.Get(root, "spec"))
	case strings.HasPrefix(api, "pyrra.dev/") && kind == "ServiceLevelObjective":
		s.Objectives = append(s.Objectives, Objective{text("metadata", "name"), "", "pyrra", at})
	case strings.HasPrefix(text("version"), "prometheus/v1"):
		s.sloth(file, root)
	case api == "":
		s.groups(file, yamlfile.Get(root, "groups"))
	}
}

func (s *Set) sloth(file string, spec *yaml.Node) {
	service := yamlfile.Text(yamlfile.Get(spec, "service"))
	for _, n := range yamlfile.Items(yamlfile.Get(spec, "slos")) {
		s.Objectives = append(s.Objectives, Objective{
			Name:    yamlfile.Text(yamlfile.Get(n, "name")),
			Service: service,
			Format:  "sloth",
			At:      fact.Location{Path: file, Line: n.Line},
		})
	}
}

func (s *Set) groups(file string, groups *yaml.Node) {
	for _, g := range yamlfile.Items(groups) {
		for _, n := range yamlfile.Items(yamlfile.Get(g, "rules")) {
			name := yamlfile.Text(yamlfile.Get(n, "alert"))
			if name == "" {
				continue // a recording rule
			}
			a := Alert{
				Name:       name,
				At:         fact.Location{Path: file, Line: n.Line},
				Expression: yamlfile.Text(yamlfile.Get(n, "expr")),
				Severity:   yamlfile.Text(yamlfile.Get(n, "labels", "severity")),
			}
			a.Runbook = runbook(a.At, yamlfile.Get(n, "annotations"))
			s.Alerts = append(s.Alerts, a)
		}
	}
}

func runbook(at fact.Location, annotations *yaml.Node) fact.Value[string] {
	for _, key := range []string{"runbook_url", "runbook", "runbookUrl", "runbookURL", "playbook", "playbook_url"} {
		k, value := yamlfile.Field(annotations, key)
		link := yamlfile.Text(value)
		if k == nil || link == "" {
			continue
		}
		at.Line = k.Line
		if strings.Contains(link, "{{") {
			return fact.Unknown[string](at, "the link %q is a template", link)
		}
		return fact.Known(link, at)
	}
	return fact.Known("", at)
}
