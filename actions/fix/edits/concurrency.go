package edits

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/dxctl/dxctl/actions/splice"
	"github.com/dxctl/dxctl/repository/workflow"
	"github.com/dxctl/dxctl/repository/yamlfile"
)

// concurrency adds groups that end no run but the older ones of the same pull request, and that let deployments of one
// branch wait for each other. A group is not added where it could end or drop a run that somebody needs.
func (e *editor) concurrency(f *splice.File, w *workflow.Workflow) error {
	lacks := func(j workflow.Job) bool { return !j.Concurrency.Value }
	if w.Concurrency.Value || !slices.ContainsFunc(w.Jobs, lacks) {
		return nil
	}
	stem := strings.TrimSuffix(path.Base(w.Path), path.Ext(w.Path))
	if t := w.On("pull_request"); t != nil {
		if reason := e.notEnded(w, t, stem); reason != "" {
			e.ask(w.Path, t.At.Line, "choose a concurrency group: %s", reason)
			return nil
		}
		// Every other run has a group of its own: runs of the default branch are never ended.
		return f.Insert(f.Docs[0], "on", "concurrency", splice.Map{
			{Key: "group", Value: stem + "-${{ github.event_name == 'pull_request' && github.event.number || github.run_id }}"},
			{Key: "cancel-in-progress", Value: true},
		})
	}
	return jobs(f, func(id string, job *yaml.Node) error {
		i := slices.IndexFunc(w.Jobs, func(j workflow.Job) bool { return j.ID == id })
		if i < 0 || w.Jobs[i].Environment == "" || w.Jobs[i].Concurrency.Value {
			return nil
		}
		if reason := e.notDropped(w, &w.Jobs[i], job, stem); reason != "" {
			e.ask(w.Path, job.Line, "choose a concurrency group for the job %s: %s", id, reason)
			return nil
		}
		return f.Insert(job, "environment", "concurrency", splice.Map{
			{Key: "group", Value: stem + "-" + id + "-" + w.Jobs[i].Environment},
			{Key: "cancel-in-progress", Value: false},
		})
	})
}

// notEnded returns why a run of a pull request must not be ended by a later one; "" if it may.
func (e *editor) notEnded(w *workflow.Workflow, t *workflow.Trigger, stem string) string {
	usual := []string{"opened", "synchronize", "reopened", "ready_for_review"}
	if i := slices.IndexFunc(t.Types, func(kind string) bool { return !slices.Contains(usual, kind) }); i >= 0 {
		return "the workflow also runs when a pull request is " + t.Types[i] + ", and such a run must not end one of its code"
	}
	if w.On("workflow_call") != nil {
		return "the workflow is called by others, whose runs have the same pull request and would end each other"
	}
	content, _ := e.content(w.Path)
	for i := range w.Jobs {
		switch j := &w.Jobs[i]; {
		case j.Uses != nil && !e.harmless(j.Uses):
			return "the job " + j.ID + " calls another workflow, which may have a group of its own, or leave half done what " +
				"is ended"
		case eventAction.MatchString(string(content)):
			return "a part of it runs for one kind of event only, and a run that is ended is not made up for by the next one"
		case changes(w, j):
			return "the job " + j.ID + " deploys or publishes, and a run that is ended may leave that half done"
		}
	}
	return e.taken(w, stem, stem+"-${{")
}

// harmless reports whether a workflow that is called is in the repository, has no group, and changes nothing outside of
// its run.
func (e *editor) harmless(u *workflow.Use) bool {
	i := slices.IndexFunc(e.Facts.Workflows.Workflows, func(w workflow.Workflow) bool { return "./"+w.Path == u.Action })
	if i < 0 {
		return false
	}
	called := &e.Facts.Workflows.Workflows[i]
	return !called.Concurrency.Value && !slices.ContainsFunc(called.Jobs, func(j workflow.Job) bool {
		return j.Uses != nil || j.Concurrency.Value || changes(called, &j)
	})
}

// notForRequests finds conditions by which a job or a step does not run for a pull request.
var notForRequests = regexp.MustCompile(`^(\$\{\{)?\s*(github\.event_name\s*(!=\s*'pull_request'|==\s*'(push|release|` +
	`workflow_dispatch|schedule)')|github\.ref(_name)?\s*==\s*'[^']+'|startsWith\(\s*github\.ref,\s*'refs/tags/[^']*'\))` +
	`\s*(&&[^|]*)?(\}\})?$`)

// eventAction finds what asks for the kind of an event, such as whether the pull request was just opened.
var eventAction = regexp.MustCompile(`github\.event\.action\b|payload\.action\b`)

// publisher finds names of actions that change something outside of the run.
var publisher = regexp.MustCompile(`(?i)deploy|publish|release|gh-pages|push|terraform|pulumi|helm-upgrade|` +
	`project|first-interaction|greet|welcome|vercel|netlify|firebase|wrangler|cloudflare|heroku|amplify|s3-sync|chromatic`)

// delivers are permissions with which a job changes what others get: code, packages, deployments.
var delivers = []string{"*", "contents", "packages", "deployments", "pages"}

// changes reports whether a job may change something outside of the run for a pull request.
func changes(w *workflow.Workflow, j *workflow.Job) bool {
	if notForRequests.MatchString(strings.TrimSpace(j.If)) {
		return false
	}
	writes := func(scope string) bool { return slices.Contains(delivers, scope) }
	if j.Environment != "" || slices.ContainsFunc(w.Effective(j).Writes(), writes) {
		return true
	}
	return slices.ContainsFunc(j.Steps, func(s workflow.Step) bool {
		switch {
		case notForRequests.MatchString(strings.TrimSpace(s.If)):
			return false
		case s.Uses == nil:
			return pushes.MatchString(s.Run)
		}
		name := strings.ToLower(s.Uses.Action)
		return s.With["push"] == "true" || publisher.MatchString(name) && len(needs[name]) > 0 ||
			publisher.MatchString(name) && !strings.HasPrefix(name, "hashicorp/setup-")
	})
}

// branchName finds patterns that are the name of one branch.
var branchName = regexp.MustCompile(`^[\w./-]+$`)

// notDropped returns why a deployment that waits must not give way to a later one, which it does in a group; "" if
// the later one has all that the earlier one has.
func (e *editor) notDropped(w *workflow.Workflow, j *workflow.Job, job *yaml.Node, stem string) string {
	t := w.On("push")
	switch {
	case yamlfile.Has(job, "strategy"):
		return "it runs several times, for a matrix"
	case w.On("workflow_call") != nil:
		return "the workflow is called by others, whose deployments would share it"
	case t == nil || len(w.Triggers) != 1:
		return "the workflow does not run for pushes only, and of the deployments that wait all but the latest are dropped"
	case len(t.Tags) > 0 || len(t.Branches) != 1 || !branchName.MatchString(t.Branches[0]):
		return "it deploys more than one branch, and of the deployments that wait all but the latest are dropped"
	case strings.Contains(j.Environment, "${{"):
		return "only the run knows its environment"
	case releases(w, j):
		return "it publishes, and what a run that is dropped would have published, the later one does not"
	}
	return e.taken(w, stem, stem+"-"+j.ID+"-"+j.Environment)
}

// releaseName finds names of jobs and environments that publish versions.
var releaseName = regexp.MustCompile(`(?i)release|publish|pypi|npm|nuget|maven|crates|rubygems|registry`)

// releases reports whether a job may publish a version, each of which is another one.
func releases(w *workflow.Workflow, j *workflow.Job) bool {
	for _, name := range []string{j.ID, j.Name, j.Environment, w.Name, path.Base(w.Path)} {
		if releaseName.MatchString(name) {
			return true
		}
	}
	return slices.ContainsFunc(j.Steps, func(s workflow.Step) bool {
		return slices.Contains(s.Purposes(), workflow.PurposeRelease) ||
			s.Uses != nil && releaseName.MatchString(s.Uses.Action)
	})
}

// taken returns why a group whose name begins with a stem may have the name of one that another workflow has; "" if
// it has not. Groups are those of the repository, whatever their case is.
func (e *editor) taken(w *workflow.Workflow, stem, name string) string {
	group := regexp.MustCompile(`(?i)(group|concurrency):\s*["']?` + regexp.QuoteMeta(stem) + `-(\$\{\{|` +
		regexp.QuoteMeta(strings.TrimPrefix(name, stem+"-")) + `)`)
	for i := range e.Facts.Workflows.Workflows {
		other := &e.Facts.Workflows.Workflows[i]
		if other.Path == w.Path {
			continue
		}
		content, _ := e.content(other.Path)
		base := strings.TrimSuffix(path.Base(other.Path), path.Ext(other.Path))
		byName := strings.EqualFold(other.Name, stem) && strings.Contains(string(content), "github.workflow")
		// Most files do not have the name at all, which is faster to find out than that they have no such group.
		named := strings.Contains(strings.ToLower(string(content)), strings.ToLower(stem)+"-")
		if strings.EqualFold(base, stem) || byName || named && group.Match(content) {
			return "a group that begins with " + stem + " may be that of " + other.Path
		}
	}
	return ""
}
