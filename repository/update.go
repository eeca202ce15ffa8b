package repository

import (
	"context"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/repository/container"
	"github.com/dxctl/dxctl/repository/dependency"
	"github.com/dxctl/dxctl/repository/document"
	"github.com/dxctl/dxctl/repository/environment"
	"github.com/dxctl/dxctl/repository/fact"
	"github.com/dxctl/dxctl/repository/language"
	"github.com/dxctl/dxctl/repository/manifest"
	"github.com/dxctl/dxctl/repository/operation"
	"github.com/dxctl/dxctl/repository/owners"
	"github.com/dxctl/dxctl/repository/pathlock"
	"github.com/dxctl/dxctl/repository/tree"
	"github.com/dxctl/dxctl/repository/workflow"
)

// Update returns the facts of a repository in which some files changed since the facts were read: only the kinds of
// facts are read again that the changed files can be about. Binaries, secrets and waivers are those of before.
func (f *Facts) Update(ctx context.Context, fsys fs.FS, options Options, changed []string) (*Facts, error) {
	t, err := tree.List(ctx, fsys, options.Limits)
	if err != nil {
		return nil, err
	}
	n := *f
	n.Dir, n.tree = ".", t
	some := func(is func(name string) bool) bool { return slices.ContainsFunc(changed, is) }
	isYAML := func(name string) bool { return path.Ext(name) == ".yml" || path.Ext(name) == ".yaml" }
	// A workflow is no manifest, no alert and no descriptor.
	object := func(name string) bool { return isYAML(name) && path.Dir(name) != ".github/workflows" }
	text := func(name string) bool { return !isYAML(name) && !container.IsDockerfile(name) }
	program := func(name string) bool {
		return text(name) && path.Ext(name) != ".md" && path.Ext(name) != ".lock" && path.Ext(name) != ""
	}
	manifests := func(name string) bool {
		return dependency.Of(name) != "" || strings.Contains(name, "dependabot") || strings.Contains(name, "renovate")
	}
	steps := []struct {
		needed bool
		read   func()
	}{
		{some(text), func() { n.Documents = document.Read(t, ".") }},
		{some(func(name string) bool { return path.Base(name) == "CODEOWNERS" }), func() {
			n.Owners = owners.Read(t, options.Host)
		}},
		{some(isYAML), func() { n.Workflows = workflow.Read(t) }},
		{some(object), func() { n.GitLab, n.CircleCI = workflow.ReadGitLab(t), workflow.ReadCircleCI(t) }},
		{some(workflow.IsJenkinsfile), func() { n.Jenkins, n.JenkinsUnreadable = workflow.ReadJenkins(t) }},
		{some(container.IsDockerfile) || some(container.IsBuilderFile), func() { n.Containers = container.Read(t) }},
		{some(object), func() { n.Manifests = manifest.Read(t) }},
		{some(manifests), func() { n.Dependencies = dependency.Read(t) }},
		{some(object), func() { n.Operation = operation.Read(t) }},
		{some(program) || some(text) || some(isYAML), func() { n.Environment = environment.Read(t, ".") }},
		{some(program), func() { n.Language = language.Read(t, ".") }},
		{some(object), func() {
			n.Descriptors, n.DescriptorProblems, n.LostDescriptors = nil, nil, nil
			n.descriptors(t)
		}},
		{true, func() { n.GoldenPaths = pathlock.ReadAll(t) }},
		{true, func() { n.Coverage = n.coverage() }},
	}
	for _, step := range steps {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if !step.needed {
			continue
		}
		if err := fact.Contain(func() error { step.read(); return nil }); err != nil {
			n.Problems = append(slices.Clip(n.Problems), fact.Problem{Reason: err.Error()})
		}
	}
	return &n, ctx.Err()
}
