// Package repository turns the file tree of a repository into typed facts: what it contains, where each fact was found,
// and why a fact is unknown. It reads a checkout, or any other fs.FS, and treats it as hostile: it opens no connection,
// starts no program and follows no symbolic link, and every size, depth and count has a bound. A file that cannot be
// read makes the facts of that file unknown, and no others.
//
// Each kind of file has a package of its own below this one.
package repository

import (
	"cmp"
	"context"
	"io/fs"

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
	"github.com/dxctl/dxctl/repository/pathlock"
	"github.com/dxctl/dxctl/repository/tree"
	"github.com/dxctl/dxctl/repository/waiver"
	"github.com/dxctl/dxctl/repository/workflow"
)

// Options is what a caller chooses. The zero value reads everything within the default limits.
type Options struct {
	Limits tree.Limits
	// Host is the host whose rules CODEOWNERS follows. "" guesses it from the files.
	Host owners.Dialect
	// NotScanned is why the content of every file cannot be read, for a repository whose files are read one by one over
	// a connection. It is the reason why binaries and secrets are unknown. "" reads all files.
	NotScanned string
	// Partial is why the file system may lack files of the repository, so that absence is unknown. "" if it has all.
	Partial string
}

// Facts is what is known of a repository, or of the directory of a service in it.
type Facts struct {
	Dir       string // "." is the whole repository
	Content   content.Set
	Documents document.Set
	Owners    fact.Value[*owners.File] // nil: there is no CODEOWNERS
	Coverage  fact.Value[owners.Coverage]
	Workflows workflow.Set
	GitLab    fact.Value[*workflow.GitLab]   // nil: there is no pipeline of GitLab
	CircleCI  fact.Value[*workflow.CircleCI] // nil: there is no configuration of CircleCI
	Jenkins   []workflow.Jenkins
	// JenkinsUnreadable are the Jenkinsfiles that cannot be read.
	JenkinsUnreadable []fact.Problem
	Containers        container.Set
	Manifests         manifest.Set
	Dependencies      dependency.Set
	Operation         operation.Set
	Environment       environment.Set
	Language          language.Set
	Descriptors       []Descriptor
	Waivers           waiver.Set
	GoldenPaths       pathlock.Set // lock files of golden paths
	// DescriptorProblems are what is wrong with the descriptors, by the rules of Backstage.
	DescriptorProblems []fact.Problem
	// LostDescriptors are those of DescriptorProblems because of which an entity is not in Descriptors.
	LostDescriptors []fact.Problem
	// Problems are failures of a whole kind of fact. While there are any, what is not found is unknown, not absent.
	Problems []fact.Problem

	tree *tree.Tree
}

// Read reads all facts of a repository. The error is that the root cannot be listed, or that of ctx.
func Read(ctx context.Context, fsys fs.FS, options Options) (*Facts, error) {
	t, err := tree.List(ctx, fsys, options.Limits)
	if err != nil {
		return nil, err
	}
	t.Partial = cmp.Or(t.Partial, options.Partial)
	f := &Facts{Dir: ".", tree: t}
	steps := []func(){
		func() { f.Documents = document.Read(t, ".") },
		func() { f.Owners = owners.Read(t, options.Host) },
		func() { f.Workflows = workflow.Read(t) },
		func() { f.GitLab = workflow.ReadGitLab(t) },
		func() { f.CircleCI = workflow.ReadCircleCI(t) },
		func() { f.Jenkins, f.JenkinsUnreadable = workflow.ReadJenkins(t) },
		func() { f.Containers = container.Read(t) },
		func() { f.Manifests = manifest.Read(t) },
		func() { f.Dependencies = dependency.Read(t) },
		func() { f.Operation = operation.Read(t) },
		func() { f.Environment = environment.Read(t, ".") },
		func() { f.Language = language.Read(t, ".") },
		func() { f.descriptors(t) },
		func() { f.Waivers = waiver.Read(t) },
		func() { f.GoldenPaths = pathlock.ReadAll(t) },
		func() { f.Coverage = f.coverage() },
	}
	for _, step := range steps {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		// Each reader contains the failure of a parser on a file. This is for a mistake of a reader itself.
		if err := fact.Contain(func() error { step(); return nil }); err != nil {
			f.Problems = append(f.Problems, fact.Problem{Reason: err.Error()})
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err // the last files were not read
	}
	if options.NotScanned != "" {
		f.Content = content.NotScanned(t, options.NotScanned)
		return f, nil
	}
	f.Content, err = content.Read(ctx, t)
	return f, err
}

// Files returns the listing of the repository.
func (f *Facts) Files() *tree.Tree { return f.tree }

// coverage compares CODEOWNERS with the files of the repository.
func (f *Facts) coverage() fact.Value[owners.Coverage] {
	file, known := f.Owners.Get()
	switch {
	case !known:
		return fact.Unknown[owners.Coverage](f.Owners.At, "%s", f.Owners.Reason)
	case file == nil:
		return fact.Unknown[owners.Coverage](f.Owners.At, "there is no CODEOWNERS file")
	case f.tree.Partial != "":
		return fact.Unknown[owners.Coverage](f.Owners.At, "%s", f.tree.Partial)
	}
	var names []string
	for _, one := range f.tree.Files {
		names = append(names, one.Path)
	}
	c, err := file.Cover(names)
	if err != nil {
		return fact.Unknown[owners.Coverage](f.Owners.At, "%v", err)
	}
	return fact.Known(c, f.Owners.At)
}
