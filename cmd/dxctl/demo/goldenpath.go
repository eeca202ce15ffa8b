package demo

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/repository/pathlock"
	"github.com/dxctl/dxctl/scorecards/paths"
)

const (
	// GoldenPath is the golden path of the organization, in the directory golden-paths.
	GoldenPath = "quillhaven-service"
	// Born is the service whose repository was rendered from it. It is in the directory repositories.
	Born = "open-banking-gateway"
	// Worn is a service whose repository adopted it later, and no longer meets all of its rules.
	Worn = "notification-service"
)

// pathDescription is path.yaml of the organization's copy of the path of Go services.
const pathDescription = `# A copy of go-service with what every service of Quillhaven Pay has besides: a class of data.
name: ` + GoldenPath + `
version: 3.2.0
title: Service of Quillhaven Pay
description: >-
  A Go service that handles payments: what go-service has, and a statement of the data that it holds.
scorecards: [production-readiness, delivery, developer-experience]
service:
  name: "{{ service_name }}"
  language: go
  framework: net-http
infrastructure:
  compute: kubernetes
  database: "{{ database }}"
  cache: "{{ cache }}"
observability:
  metrics: prometheus
  logging: structured-json
  tracing: opentelemetry
ci_cd:
  pipeline: github-actions
  deploy_strategy: rolling
  environments:
    - staging
    - production
`

const dataQuestion = `data_class:
  title: Class of data
  description: The most sensitive data that the service stores or passes on.
  choices: [public, internal, personal, cardholder]
`

const dataTemplate = `# Data

The service handles data of the class **{{ data_class }}**.
{{- if eq data_class "cardholder" }} It is in the scope of PCI DSS: ask the security team before you log a field.
{{- end }}
`

// pathDefaults are paths.defaults of the organization.
var pathDefaults = paths.Defaults{
	Registry:      "registry." + domain + "/apps",
	Runner:        paths.Labels{"self-hosted", "linux"},
	PackageMirror: "https://packages." + domain,
}

// pathSection is the section paths of dx.yaml.
func pathSection() map[string]any {
	return map[string]any{
		"sources": []map[string]string{{"dir": "golden-paths"}},
		"defaults": map[string]any{
			"registry": pathDefaults.Registry, "runner": []string(pathDefaults.Runner),
			"package_mirror": pathDefaults.PackageMirror,
		},
	}
}

// goldenPath returns the files of the golden path: those of go-service, edited.
func goldenPath() (paths.Tree, error) {
	all, err := paths.Builtin()
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(p *paths.Path) bool { return p.Name == "go-service" })
	tree, err := all[i].Copy(GoldenPath, nil)
	if err != nil {
		return nil, err
	}
	tree = slices.DeleteFunc(tree, func(f paths.File) bool { return strings.HasPrefix(f.Path, paths.TestsDir+"/") })
	for j := range tree {
		switch tree[j].Path {
		case paths.DescriptionFile:
			tree[j].Content = []byte(pathDescription)
		case paths.QuestionsFile:
			tree[j].Content = append(slices.Clone(tree[j].Content), dataQuestion...)
		}
	}
	tree = append(tree, paths.File{Path: paths.TemplateDir + "/docs/data.md.tmpl", Content: []byte(dataTemplate)})
	return tree, nil
}

// answers are those with which the repository of a service was rendered.
func (o *Organization) answers(s *service) paths.Answers {
	return paths.Answers{
		"service_name": s.name, "description": s.description, "repository": s.slug(), "owner": "group:default/" + s.team,
		"code_owners": "@" + organization + "/" + s.team, "system": s.system, "contact": "#" + s.team,
		"security_contact": "security@" + domain, "organization": "Quillhaven Pay", "lifecycle": s.lifecycle,
		"tier": "tier-1", "created_at": s.createdAt(o.cal).UTC().Format(time.RFC3339), "database": "postgresql",
		"data_class": "personal", "on_call": pagerID(*s),
	}
}

// writePath writes the golden path, and the repositories of two services that follow it.
func (o *Organization) writePath(dir string) error {
	tree, err := goldenPath()
	if err != nil {
		return err
	}
	own := filepath.Join(dir, "golden-paths", GoldenPath)
	if err := writeTree(own, tree); err != nil {
		return err
	}
	p, err := paths.OpenDir(own, "golden-paths/"+GoldenPath)
	if err != nil {
		return err
	}
	for _, name := range []string{Born, Worn} {
		if err := o.writeRepository(p, name, filepath.Join(dir, "repositories", name)); err != nil {
			return fmt.Errorf("rendering %s: %w", name, err)
		}
	}
	return nil
}

// writeRepository writes the repository of a service on a golden path.
func (o *Organization) writeRepository(p *paths.Path, name, dir string) error {
	i := slices.IndexFunc(services, func(s service) bool { return s.name == name })
	answers := o.answers(&services[i])
	files, err := p.Render(answers, pathDefaults)
	if err != nil {
		return err
	}
	if name == Worn {
		files = worn(files)
	}
	lock := p.Lock(answers, pathDefaults, files)
	lock.Adopted = name == Worn
	text, err := lock.Encode()
	if err != nil {
		return err
	}
	return writeTree(dir, append(files, paths.File{Path: pathlock.File, Content: text}))
}

var (
	pinned  = regexp.MustCompile(`(actions/(?:checkout|setup-go))@[0-9a-f]{40} # (v[0-9]+)[0-9.]*`)
	runbook = regexp.MustCompile(`\n *runbook_url: [^\n]*errors\.md`)
)

// worn returns the files as facts.go has the repository of the service Worn: actions of a workflow are no longer
// pinned, an alert has no runbook, and nothing updates dependencies.
func worn(files paths.Tree) paths.Tree {
	files = slices.DeleteFunc(files, func(f paths.File) bool { return f.Path == ".github/dependabot.yml" })
	for i := range files {
		switch files[i].Path {
		case ".github/workflows/ci.yaml":
			files[i].Content = pinned.ReplaceAll(files[i].Content, []byte("$1@$2"))
		case "ops/alerts.yaml":
			files[i].Content = runbook.ReplaceAll(files[i].Content, nil)
		}
	}
	return files
}

func writeTree(dir string, tree paths.Tree) error {
	for _, f := range tree {
		if err := writeFile(filepath.Join(dir, filepath.FromSlash(f.Path)), f.Content, f.Executable); err != nil {
			return err
		}
	}
	return nil
}
