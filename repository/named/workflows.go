package named

import (
	"slices"
	"strings"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/repository/fact"
	"github.com/dxctl/dxctl/repository/workflow"
)

// workflowPlaces is an entry of a fact with places in the workflows of GitHub.
func workflowPlaces(name, label, description string, find func(s *workflow.Set, p *places)) entry {
	return entry{Definition{
		Name:        "repository." + name,
		Type:        event.ListFact,
		Places:      true,
		Label:       label,
		Description: description,
	}, func(r *reader) value {
		var p places
		find(&r.Workflows, &p)
		return p.value(r.doubt(r.Workflows.Unreadable))
	}}
}

// workflows has the facts of CI.
var workflows = []entry{
	{Definition{
		Name:        "repository.workflows.count",
		Type:        event.NumberFact,
		Label:       "the number of GitHub workflows",
		Description: "Files in .github/workflows, also those that cannot be read.",
	}, func(r *reader) value {
		n := len(r.Workflows.Workflows)
		for _, p := range r.Workflows.Unreadable {
			if strings.HasPrefix(p.At.Path, ".github/workflows/") {
				n++
			}
		}
		return count(n, r.doubt())
	}},
	workflowPlaces("workflows.broad_permissions", "the workflows with broad permissions",
		"Workflows and jobs whose token may write everything, and workflows that give all of several jobs a right to write.",
		broadPermissions),
	workflowPlaces("workflows.undeclared_permissions", "the workflows that declare no permissions",
		"Workflows with jobs for which no permissions are declared, so that the setting of the repository decides.",
		undeclaredPermissions),
	workflowPlaces("workflows.unpinned_actions", "the actions that are not pinned",
		"Actions, reusable workflows and images that a workflow or an action of the repository uses by a tag or a branch.",
		unpinnedActions),
	workflowPlaces("workflows.injections", "the injections in workflows",
		"Expressions that anybody can choose, such as the title of a pull request, in the text of a script.", injections),
	workflowPlaces("workflows.untrusted_checkouts", "the checkouts of untrusted code",
		"Steps that check out the code of a pull request in a workflow that has the secrets of the repository.",
		func(s *workflow.Set, p *places) {
			for i := range s.Workflows {
				for _, at := range s.Workflows[i].UntrustedCheckouts() {
					p.add(at, "it checks out the code of a pull request in a workflow with the secrets of the repository")
				}
			}
		}),
	workflowPlaces("workflows.without_timeout", "the jobs without a timeout",
		"Jobs without timeout-minutes, which GitHub stops after 6 hours.", func(s *workflow.Set, p *places) {
			for _, w := range s.Workflows {
				for _, j := range w.Jobs {
					if j.Uses == nil && j.Timeout.Known && j.Timeout.Value == 0 {
						p.add(j.At, "the job %s has no timeout-minutes", j.ID)
					}
				}
			}
		}),
	workflowPlaces("workflows.without_concurrency", "the workflows without concurrency",
		"Workflows for pull requests, and jobs that deploy to an environment, without a concurrency group.",
		withoutConcurrency),
	{Definition{
		Name:  "repository.ci.systems",
		Type:  event.ListFact,
		Label: "the CI systems",
		Description: "CI systems for which the repository has a configuration: github-actions, gitlab-ci, circleci, " +
			"jenkins …",
	}, func(r *reader) value { return texts(systems(r.Environment.Pipelines), r.doubt()) }},
	{Definition{
		Name:        "repository.ci.tests_on_pull_requests",
		Type:        event.BoolFact,
		True:        "tests run on pull requests",
		False:       "no tests run on pull requests",
		Description: "A workflow or pipeline that runs for every change of a pull request has a step that runs tests.",
	}, testsOnPullRequests},
	{Definition{
		Name:        "repository.release.count",
		Type:        event.NumberFact,
		Label:       "the number of workflows that release",
		Description: "GitHub workflows that publish a package, an image of a version, or a release of the host.",
	}, func(r *reader) value { return count(len(r.releases()), r.doubt(r.Workflows.Unreadable)) }},
	{Definition{
		Name:        "repository.release.without_sbom",
		Type:        event.ListFact,
		Places:      true,
		Label:       "the releases without a bill of materials",
		Description: "Workflows that release and have no step that writes a software bill of materials.",
	}, func(r *reader) value {
		if r.Workflows.Bills.Path != "" {
			return texts(nil, r.doubt(r.Workflows.Unreadable))
		}
		return r.releasesWithout(workflow.PurposeSBOM, "it releases without a software bill of materials")
	}},
	{Definition{
		Name:        "repository.release.without_provenance",
		Type:        event.ListFact,
		Places:      true,
		Label:       "the releases without build provenance",
		Description: "Workflows that release and have no step that attests where the build comes from.",
	}, func(r *reader) value {
		return r.releasesWithout(workflow.PurposeProvenance, "it releases without an attestation of its build")
	}},
}

func broadPermissions(s *workflow.Set, p *places) {
	for _, w := range s.Workflows {
		writes := w.Permissions.Writes()
		switch {
		case slices.Contains(writes, "*"):
			p.add(w.Permissions.At, "the workflow may write everything")
		case len(writes) > 0 && len(w.Jobs) > 1 && slices.ContainsFunc(w.Jobs, inherits):
			p.add(w.Permissions.At, "all jobs of the workflow may write %s; give it to the job that needs it",
				strings.Join(writes, ", "))
		}
		for _, j := range w.Jobs {
			if slices.Contains(j.Permissions.Writes(), "*") {
				p.add(j.Permissions.At, "the job %s may write everything", j.ID)
			}
		}
	}
}

func inherits(j workflow.Job) bool { return !j.Permissions.Declared }

func undeclaredPermissions(s *workflow.Set, p *places) {
	for _, w := range s.Workflows {
		if !w.Permissions.Declared && slices.ContainsFunc(w.Jobs, inherits) {
			p.add(fact.Location{Path: w.Path}, "it declares no permissions, so the setting of the repository decides")
		}
	}
}

// byTag are reusable workflows that only work when they are used by a tag, because they find out their own version.
const byTag = "slsa-framework/slsa-github-generator/"

func unpinnedActions(s *workflow.Set, p *places) {
	add := func(uses []*workflow.Use) {
		for _, u := range uses {
			if (u.Pin == workflow.PinRef || u.Pin == workflow.PinNone) && !strings.HasPrefix(u.Action, byTag) {
				p.add(u.At, "%s is not pinned to a commit", u.Text)
			}
		}
	}
	for i := range s.Workflows {
		add(s.Workflows[i].Uses())
	}
	for i := range s.Actions {
		add(s.Actions[i].Uses())
	}
}

func injections(s *workflow.Set, p *places) {
	add := func(steps []workflow.Step) {
		for _, step := range steps {
			for _, i := range step.Injections {
				p.add(i.At, "the script contains ${{ %s }}, which anybody can choose", i.Expression)
			}
		}
	}
	for _, w := range s.Workflows {
		for _, j := range w.Jobs {
			add(j.Steps)
		}
	}
	for _, a := range s.Actions {
		add(a.Steps)
	}
}

func withoutConcurrency(s *workflow.Set, p *places) {
	for i := range s.Workflows {
		w := &s.Workflows[i]
		without := func(j workflow.Job) bool { return !j.Concurrency.Value }
		if w.Concurrency.Value || !slices.ContainsFunc(w.Jobs, without) {
			continue
		}
		if t := w.On("pull_request"); t != nil {
			p.add(t.At, "the workflow has no concurrency group: the runs of an older push go on")
			continue
		}
		for _, j := range w.Jobs {
			if without(j) && j.Environment != "" && w.On("workflow_call") == nil {
				p.add(j.At, "the job %s deploys to %s without a concurrency group", j.ID, j.Environment)
			}
		}
	}
}
