package named

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/repository/fact"
	"github.com/dxctl/dxctl/repository/workflow"
)

// maxCalls bounds how deep workflows and actions call each other; GitHub's own limit is 10.
const maxCalls = 10

// search looks for a purpose in a workflow and in what it calls.
type search struct {
	set     *workflow.Set
	purpose workflow.Purpose
	seen    map[string]bool
	found   fact.Location
	doubt   string // what is called and cannot be read; "" if all was read
	scripts string // the first step that runs something; "" if none does
}

func (r *reader) search(w *workflow.Workflow, purpose workflow.Purpose) *search {
	s := &search{set: &r.Workflows, purpose: purpose, seen: map[string]bool{}}
	s.workflow(w, 0)
	return s
}

func (s *search) workflow(w *workflow.Workflow, depth int) {
	if s.seen[w.Path] || depth > maxCalls {
		return
	}
	s.seen[w.Path] = true
	if at := w.Found(s.purpose); len(at) > 0 {
		s.found = at[0]
		return
	}
	for _, j := range w.Jobs {
		if j.Uses != nil {
			s.call(j.Uses, depth)
		}
		s.steps(j.Steps, depth)
	}
}

func (s *search) steps(steps []workflow.Step, depth int) {
	for i := range steps {
		step := &steps[i]
		if slices.Contains(step.Purposes(), s.purpose) {
			s.found = step.At
			return
		}
		if step.Run != "" && s.scripts == "" {
			s.scripts = step.At.String()
		}
		if step.Uses != nil && (step.Uses.Pin == workflow.PinLocal || step.Uses.Pin == workflow.PinUnknown) {
			s.call(step.Uses, depth)
		}
	}
}

// call searches a workflow or an action of the repository. What another repository has is a doubt.
func (s *search) call(u *workflow.Use, depth int) {
	if u.Pin != workflow.PinLocal {
		if s.doubt == "" {
			s.doubt = u.At.String() + " calls " + u.Text + ", which is not in the repository"
		}
		return
	}
	name := path.Clean(u.Action)
	for i := range s.set.Workflows {
		if s.set.Workflows[i].Path == name {
			s.workflow(&s.set.Workflows[i], depth+1)
			return
		}
	}
	for i := range s.set.Actions {
		if a := &s.set.Actions[i]; path.Dir(a.Path) == name && depth < maxCalls {
			s.steps(a.Steps, depth+1)
			return
		}
	}
	if s.doubt == "" {
		s.doubt = u.At.String() + " calls " + u.Text + ", which cannot be read"
	}
}

// forChanges reports whether a workflow runs for the changes of pull requests: by its trigger, or because it runs for
// pushes to all branches.
func forChanges(w *workflow.Workflow) bool {
	for _, event := range []string{"pull_request", "pull_request_target", "merge_group"} {
		if w.On(event) != nil {
			return true
		}
	}
	push := w.On("push")
	return push != nil && len(push.Branches) == 0 && len(push.Tags) == 0
}

func testsOnPullRequests(r *reader) value {
	doubt := r.doubt(r.Workflows.Unreadable)
	first := func(reason string) {
		if doubt == "" {
			doubt = reason
		}
	}
	scripts := ""
	for i := range r.Workflows.Workflows {
		w := &r.Workflows.Workflows[i]
		if !forChanges(w) {
			continue
		}
		s := r.search(w, workflow.PurposeTest)
		if s.found.Path != "" {
			return known(true)
		}
		first(s.doubt)
		if scripts == "" {
			scripts = s.scripts
		}
	}
	if g := r.GitLab.Value; g != nil {
		for _, j := range g.Jobs {
			tests := workflow.RunsTests(j.Script)
			switch {
			case tests && j.OnMergeRequest.Value:
				return known(true)
			case tests && !j.OnMergeRequest.Known:
				first(j.OnMergeRequest.Reason)
			case scripts == "" && j.OnMergeRequest.Value:
				scripts = j.At.String()
			}
		}
		if len(g.NotRead) > 0 {
			first(g.NotRead[0].String())
		}
	}
	if c := r.CircleCI.Value; c != nil {
		if len(c.Found(workflow.PurposeTest)) > 0 {
			return known(true)
		}
		if len(c.Orbs) > 0 {
			first("the orb " + c.Orbs[0] + " of CircleCI is not read")
		}
		first("no command of " + c.Path + " is recognized as one that runs tests")
	}
	for _, v := range []string{r.GitLab.Reason, r.CircleCI.Reason} {
		first(v)
	}
	for i := range r.Jenkins {
		tests, reason := jenkinsTests(&r.Jenkins[i])
		if tests && r.Jenkins[i].Changes {
			return known(true)
		}
		first(reason)
	}
	for _, p := range r.JenkinsUnreadable {
		first(p.String())
	}
	for _, p := range r.Environment.Pipelines {
		if p.System != "github" && p.System != "gitlab" && p.System != "circleci" && p.System != "jenkins" {
			first(p.At.String() + " is not read: which steps it runs is known to " + p.System)
		}
	}
	if scripts != "" {
		first("no command is recognized as one that runs tests; the first one that could is at " + scripts)
	}
	if doubt != "" {
		return unknown(doubt)
	}
	return known(false)
}

// jenkinsTests reports whether a step of a Jenkinsfile is known to run tests, and why it is not known whether they run
// for pull requests.
func jenkinsTests(j *workflow.Jenkins) (tests bool, reason string) {
	for _, s := range j.Steps {
		if workflow.RunsTests(s.Script) {
			return true, s.At.String() + ": tests run there; whether the job is built for pull requests is known to Jenkins"
		}
	}
	if j.Elsewhere.Path != "" {
		return false, j.Elsewhere.String() + ": it calls what is not in the file, and that is not read"
	}
	return false, "no step of " + j.Path + " is recognized as one that runs tests"
}

// pushes finds commands and actions that push an image.
var pushes = regexp.MustCompile(`\bdocker (image )?push\b|\bbuildx build\b[^\n]*--push\b|\bcrane push\b|\bhelm push\b|\bko (build|publish|resolve|apply)\b`)

// releases returns the workflows that publish something, or that push an image when a version is tagged.
func (r *reader) releases() []*workflow.Workflow {
	var all []*workflow.Workflow
	for i := range r.Workflows.Workflows {
		w := &r.Workflows.Workflows[i]
		callable := len(w.Triggers) == 1 && w.On("workflow_call") != nil
		if callable {
			continue // it belongs to the workflow that calls it
		}
		if r.search(w, workflow.PurposeRelease).found.Path != "" ||
			forVersions(w) && (r.pushesImage(w, 0) || releaseScript(w).Path != "") ||
			startedToRelease(w) && releaseScript(w).Path != "" {
			all = append(all, w)
		}
	}
	return all
}

func enabled(input string) bool { return input != "" && input != "false" }

// bakePushes finds a setting of docker/bake-action that pushes the images.
var bakePushes = regexp.MustCompile(`output=\S*(type=registry|push=true|push-by-digest=true)`)

// script finds a program of the repository whose name is that of a release.
var script = regexp.MustCompile(`(^|[\s;&|])(\./|[\w.-]+/)[\w./-]*(release|publish)[\w.-]*`)

// releaseScript returns where a workflow runs a program of the repository that releases, and that is not read.
func releaseScript(w *workflow.Workflow) fact.Location {
	for _, j := range w.Jobs {
		for _, s := range j.Steps {
			if script.MatchString(s.Run) {
				return s.At
			}
		}
	}
	return fact.Location{}
}

var releaseName = regexp.MustCompile(`(?i)\b(release|publish)`)

// startedToRelease reports whether a workflow is started by a person, and is called a release.
func startedToRelease(w *workflow.Workflow) bool {
	return w.On("workflow_dispatch") != nil &&
		(releaseName.MatchString(w.Name) || releaseName.MatchString(path.Base(w.Path)))
}

func forVersions(w *workflow.Workflow) bool {
	push := w.On("push")
	return w.On("release") != nil || push != nil && len(push.Tags) > 0
}

// pushesImage reports whether a workflow, or one of the repository that it calls, pushes an image.
func (r *reader) pushesImage(w *workflow.Workflow, depth int) bool {
	for _, j := range w.Jobs {
		for _, s := range j.Steps {
			action := s.Uses != nil && strings.EqualFold(s.Uses.Action, "docker/build-push-action")
			pushed := enabled(s.With["push"]) || strings.Contains(s.With["outputs"], "push=true")
			baked := s.Uses != nil && strings.EqualFold(s.Uses.Action, "docker/bake-action") &&
				(enabled(s.With["push"]) || bakePushes.MatchString(s.With["set"]))
			if action && pushed || baked || pushes.MatchString(s.Run) {
				return true
			}
		}
		if j.Uses == nil || j.Uses.Pin != workflow.PinLocal || depth >= maxCalls {
			continue
		}
		for i := range r.Workflows.Workflows {
			called := &r.Workflows.Workflows[i]
			if called.Path == path.Clean(j.Uses.Action) && r.pushesImage(called, depth+1) {
				return true
			}
		}
	}
	return false
}

// ko writes a bill of materials for every image, unless it is told not to.
var ko = regexp.MustCompile(`\bko (build|publish|resolve|apply)\b`)

func (r *reader) releasesWithout(purpose workflow.Purpose, text string) value {
	var p places
	doubt := r.doubt(r.Workflows.Unreadable)
	afterwards := slices.ContainsFunc(r.Workflows.Workflows, func(w workflow.Workflow) bool {
		return forVersions(&w) && r.search(&w, purpose).found.Path != "" // it adds to every release
	})
	for _, w := range r.releases() {
		s := r.search(w, purpose)
		if at := releaseScript(w); at.Path != "" && s.doubt == "" {
			s.doubt = at.String() + ": the script that releases is not read"
		}
		usesKo := slices.ContainsFunc(w.Jobs, func(j workflow.Job) bool {
			return slices.ContainsFunc(j.Steps, func(s workflow.Step) bool {
				return ko.MatchString(s.Run) && !strings.Contains(s.Run, "--sbom=none")
			})
		})
		switch {
		case s.found.Path != "", afterwards, purpose == workflow.PurposeSBOM && usesKo:
		case s.doubt != "" && doubt == "":
			doubt = s.doubt
		case s.doubt == "":
			p.add(fact.Location{Path: w.Path}, "%s", text)
		}
	}
	return p.value(doubt)
}
