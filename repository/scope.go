package repository

import (
	"path"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/repository/container"
	"github.com/dxctl/dxctl/repository/content"
	"github.com/dxctl/dxctl/repository/dependency"
	"github.com/dxctl/dxctl/repository/document"
	"github.com/dxctl/dxctl/repository/environment"
	"github.com/dxctl/dxctl/repository/fact"
	"github.com/dxctl/dxctl/repository/language"
	"github.com/dxctl/dxctl/repository/manifest"
	"github.com/dxctl/dxctl/repository/operation"
	"github.com/dxctl/dxctl/repository/owners"
	"github.com/dxctl/dxctl/repository/tree"
	"github.com/dxctl/dxctl/repository/workflow"
)

// Of returns the facts of the service whose files are in a directory. For each kind of fact the directory decides; what
// it does not have is taken from the root, except from the directories of other services. Pipelines that can be at the
// root only, such as workflows of GitHub, and CODEOWNERS are those of the repository. The file system that Read was
// given must still be open.
func (f *Facts) Of(dir string) *Facts {
	dir = path.Clean(dir)
	if dir == "." || dir == "/" {
		return f
	}
	s := *f
	s.Dir = dir
	under := func(name string) bool { return tree.Under(name, dir) }
	s.Content.Binaries = filter(f.Content.Binaries, func(b content.Binary) string { return b.Path }, under)
	s.Content.Secrets = filter(f.Content.Secrets, func(c content.Secret) string { return c.At.Path }, under)
	s.Content.Loggers = filter(f.Content.Loggers, func(l content.Logger) string { return l.At.Path }, under)
	s.Documents = documentsOf(document.Read(f.tree, dir), f.Documents, dir)
	s.Coverage = coverageOf(f.Coverage, f.tree, dir)
	s.Containers = containersOf(f.Containers, dir)
	s.Manifests = manifestsOf(f.Manifests, dir)
	s.Operation = operationOf(f.Operation, dir)
	s.Environment = environmentOf(environment.Read(f.tree, dir), f.Environment, dir)
	jenkinsPath := func(j workflow.Jenkins) string { return j.Path }
	in := scope(append(pathsOf(f.Jenkins, jenkinsPath), pathsOf(f.JenkinsUnreadable, problemPath)...), dir)
	s.Jenkins = filter(f.Jenkins, jenkinsPath, in)
	s.JenkinsUnreadable = filter(f.JenkinsUnreadable, problemPath, in)
	s.Dependencies.Manifests = keep(f.Dependencies.Manifests, dir, func(m dependency.Manifest) string { return m.Path })
	if own := language.Read(f.tree, dir); len(own.Languages) > 0 {
		s.Language = own
	} else {
		at := func(l language.Framework) string { return l.At.Path }
		s.Language.Frameworks = keep(f.Language.Frameworks, dir, at)
		s.Language.Loggers = keep(f.Language.Loggers, dir, at)
		s.Language.PlainLoggers = keep(f.Language.PlainLoggers, dir, at)
	}
	s.Descriptors = keep(f.Descriptors, dir, func(d Descriptor) string { return d.At.Path })
	s.DescriptorProblems = keep(f.DescriptorProblems, dir, problemPath)
	return &s
}

// Inherit returns the facts together with the files that the host takes from the organization's repository of defaults
// (".github" on GitHub) for a repository that does not have them: security policy, contributing guide, code of conduct
// and pull request template. name is that repository, which becomes the first part of their locations. What may be in
// defaults that could not be read is unknown.
func (f *Facts) Inherit(defaults *Facts, name string) *Facts {
	s := *f
	move := func(at *fact.Location) { at.Path = path.Join(name, at.Path) }
	own, d := s.Documents.Security, defaults.Documents.Security
	switch {
	case !own.Known || own.Value != nil:
	case !d.Known:
		s.Documents.Security = d // the defaults may have one
	case d.Value != nil:
		policy := *d.Value
		move(&d.At)
		move(&policy.Private.At)
		d.Value = &policy
		s.Documents.Security = d
	}
	inherit := func(own *fact.Value[string], d fact.Value[string]) {
		switch {
		case !own.Known || own.Value != "":
		case !d.Known:
			*own = d
		case d.Value != "":
			move(&d.At)
			d.Value = d.At.Path
			*own = d
		}
	}
	inherit(&s.Documents.Contributing, defaults.Documents.Contributing)
	inherit(&s.Documents.Conduct, defaults.Documents.Conduct)
	inherit(&s.Documents.PullRequestTemplate, defaults.Documents.PullRequestTemplate)
	return &s
}

// coverageOf returns which files of a directory have no owner. A pattern is dead only if it matches no file of the
// whole repository, so the rules are those of the root.
func coverageOf(root fact.Value[owners.Coverage], t *tree.Tree, dir string) fact.Value[owners.Coverage] {
	under := func(name string) bool { return tree.Under(name, dir) }
	root.Value.Uncovered = filter(root.Value.Uncovered, func(name string) string { return name }, under)
	root.Value.Files = 0
	for _, f := range t.Files {
		if root.Known && under(f.Path) {
			root.Value.Files++
		}
	}
	return root
}

// shared are directories at the root that have files of all services.
var shared = []string{
	".devcontainer", ".github", "alerts", "build", "config", "deploy", "deployment", "deployments", "docker",
	"infra", "k8s", "kubernetes", "kustomize", "manifests", "monitoring", "ops", "slo", "slos",
}

// scope returns which of the paths count for a directory: those in it; else those in a shared directory that have its
// name; else those at the root, directly or in a shared directory.
func scope(paths []string, dir string) func(name string) bool {
	service := path.Base(dir)
	tiers := []func(name string) bool{
		func(name string) bool { return tree.Under(name, dir) },
		func(name string) bool {
			parts := strings.Split(name, "/")
			if !slices.Contains(shared, parts[0]) {
				return false
			}
			stem, _, _ := strings.Cut(parts[len(parts)-1], ".")
			return slices.Contains(parts[1:], service) || stem == service
		},
		func(name string) bool {
			return path.Dir(name) == "." || slices.Contains(shared, path.Dir(name))
		},
	}
	for _, in := range tiers {
		if slices.ContainsFunc(paths, in) {
			return in
		}
	}
	return func(string) bool { return false }
}

func pathsOf[T any](items []T, pathOf func(T) string) []string {
	paths := make([]string, len(items))
	for i, item := range items {
		paths[i] = pathOf(item)
	}
	return paths
}

func filter[T any](items []T, pathOf func(T) string, in func(string) bool) []T {
	return slices.DeleteFunc(slices.Clone(items), func(item T) bool { return !in(pathOf(item)) })
}

func keep[T any](items []T, dir string, pathOf func(T) string) []T {
	return filter(items, pathOf, scope(pathsOf(items, pathOf), dir))
}

func problemPath(p fact.Problem) string            { return p.At.Path }
func dockerfilePath(d container.Dockerfile) string { return d.Path }
func workloadPath(w manifest.Workload) string      { return w.At.Path }
func alertPath(a operation.Alert) string           { return a.At.Path }
func objectivePath(o operation.Objective) string   { return o.At.Path }

func containersOf(s container.Set, dir string) container.Set {
	in := scope(append(pathsOf(s.Files, dockerfilePath), pathsOf(s.Unreadable, problemPath)...), dir)
	builderPath := func(b container.Builder) string { return b.At.Path }
	return container.Set{
		Files: filter(s.Files, dockerfilePath, in), Unreadable: filter(s.Unreadable, problemPath, in),
		Builders: keep(s.Builders, dir, builderPath), Artifacts: s.Artifacts,
	}
}

func manifestsOf(s manifest.Set, dir string) manifest.Set {
	in := scope(slices.Concat(pathsOf(s.Workloads, workloadPath), pathsOf(s.Unrendered, problemPath),
		pathsOf(s.Unreadable, problemPath)), dir)
	return manifest.Set{
		Workloads:  filter(s.Workloads, workloadPath, in),
		Unrendered: filter(s.Unrendered, problemPath, in),
		Unreadable: filter(s.Unreadable, problemPath, in),
	}
}

func operationOf(s operation.Set, dir string) operation.Set {
	return operation.Set{
		Alerts:     keep(s.Alerts, dir, alertPath),
		Objectives: keep(s.Objectives, dir, objectivePath),
		Unreadable: keep(s.Unreadable, dir, problemPath),
	}
}

func environmentOf(own, root environment.Set, dir string) environment.Set {
	if len(own.Starts) == 0 {
		own.Starts = root.Starts
	}
	if len(own.Tasks) == 0 {
		own.Tasks = root.Tasks
	}
	own.Tools = slices.Concat(own.Tools, root.Tools)
	// Only Jenkins takes its file from any directory; the files of the others are at the root.
	jenkins := func(p environment.Pipeline) bool { return p.System == "jenkins" }
	pipelinePath := func(p environment.Pipeline) string { return p.At.Path }
	own.Pipelines = slices.Concat(slices.DeleteFunc(slices.Clone(root.Pipelines), jenkins), keep(slices.DeleteFunc(
		slices.Clone(root.Pipelines), func(p environment.Pipeline) bool { return !jenkins(p) }), dir, pipelinePath))
	return own
}

// documentsOf takes from the root what a directory does not have.
func documentsOf(own, root document.Set, dir string) document.Set {
	own.Readme = or(own.Readme, root.Readme)
	own.Security = or(own.Security, root.Security)
	own.License = or(own.License, root.License)
	if own.Contributing.Value == "" {
		own.Contributing, own.Guide = root.Contributing, root.Guide
	}
	if own.Conduct.Value == "" {
		own.Conduct = root.Conduct
	}
	own.PullRequestTemplate = root.PullRequestTemplate
	for _, a := range root.Agents {
		d := path.Dir(a.Path)
		if d == ".github" || d == ".junie" || tree.Under(a.Path, dir) || tree.Under(dir, d) {
			own.Agents = append(own.Agents, a)
		}
	}
	return own
}

func or[T any](own, root fact.Value[*T]) fact.Value[*T] {
	if own.Known && own.Value == nil {
		return root
	}
	return own
}
