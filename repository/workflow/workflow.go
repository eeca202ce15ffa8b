// Package workflow reads GitHub Actions workflows and composite actions: triggers, permissions, jobs, steps, what they
// use and how it is pinned, and where untrusted input reaches a script. Of GitLab's pipelines it reads jobs, scripts
// and timeouts.
package workflow

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

// Workflow is a file of .github/workflows.
type Workflow struct {
	Path        string
	Name        string // "" if it has none
	Triggers    []Trigger
	Permissions Permissions
	Concurrency fact.Value[bool] // whether it declares a concurrency group
	Jobs        []Job
}

// Trigger is an event that starts a workflow.
type Trigger struct {
	Event          string
	At             fact.Location
	Branches       []string // patterns; none: all branches
	BranchesIgnore []string
	Tags           []string // patterns; with tags and no branches, pushes to branches do not start it
	Paths          []string // patterns; none: all paths
	PathsIgnore    []string
	Types          []string // activity types; none: the default of the event
}

// Job is a job of a workflow.
type Job struct {
	ID          string
	Name        string
	At          fact.Location
	Permissions Permissions
	Environment string
	If          string
	Needs       []string
	// Timeout is in minutes; known 0 is not declared, so GitHub's 360 apply. A job that uses a reusable workflow cannot
	// declare one.
	Timeout     fact.Value[int]
	Concurrency fact.Value[bool] // whether it declares a concurrency group
	Matrix      bool             // it runs several times, and each run has a name of its own
	Uses        *Use             // a reusable workflow, instead of steps
	Steps       []Step
}

// Step is a step of a job or of a composite action.
type Step struct {
	ID, Name   string
	At         fact.Location
	If         string
	Uses       *Use // nil if the step runs a script
	With       map[string]string
	Run        string        // "" if the step uses an action
	RunAt      fact.Location // of the key "run"
	Injections []Injection
	// Elsewhere is whether the files around the step are those of another repository, which a step before it checked out,
	// or may be.
	Elsewhere bool
}

// Action is a composite or other action that the repository defines.
type Action struct {
	Path  string
	Using string // "composite", "node24", "docker" …
	Steps []Step // of a composite action
}

// Set is what a repository has of workflows. A file that cannot be read is in Unreadable and costs no other.
type Set struct {
	Workflows  []Workflow
	Actions    []Action
	Unreadable []fact.Problem
	// Bills is where GoReleaser is configured to write software bills of materials; the path is "" if it is not.
	Bills fact.Location
	// Complete is whether every workflow is in Workflows; otherwise "no workflow does this" is unknown.
	Complete fact.Value[bool]
}

// Read reads the workflows and the actions of a repository.
func Read(t *tree.Tree) Set {
	var s Set
	for _, f := range t.Files {
		isYAML := path.Ext(f.Path) == ".yml" || path.Ext(f.Path) == ".yaml"
		isWorkflow := isYAML && f.Dir() == ".github/workflows"
		isAction := isYAML && strings.TrimSuffix(f.Base(), path.Ext(f.Path)) == "action" && !tree.Vendored(f.Path)
		if !isWorkflow && !isAction {
			continue
		}
		err := fact.Contain(func() error {
			text, err := t.Text(f)
			if err != nil {
				return err
			}
			if isWorkflow {
				w, err := Parse(f.Path, text)
				if err == nil {
					s.Workflows = append(s.Workflows, *w)
				}
				return err
			}
			a, err := ParseAction(f.Path, text)
			if err == nil && a.Using != "" {
				s.Actions = append(s.Actions, *a)
			}
			return err
		})
		if err != nil {
			s.Unreadable = append(s.Unreadable, fact.Problem{At: fact.Location{Path: f.Path}, Reason: err.Error()})
		}
	}
	s.follow()
	s.Bills = bills(t)
	s.Complete = tree.Absent(t, true)
	i := slices.IndexFunc(s.Unreadable, func(p fact.Problem) bool { return path.Dir(p.At.Path) == ".github/workflows" })
	if i >= 0 {
		s.Complete = fact.Unknown[bool](s.Unreadable[i].At, "%s", s.Unreadable[i])
	}
	return s
}

var billsKey = regexp.MustCompile(`(?m)^sboms:`)

func bills(t *tree.Tree) fact.Location {
	f, found := t.First(".goreleaser.yml", ".goreleaser.yaml", "goreleaser.yml", "goreleaser.yaml")
	if !found {
		return fact.Location{}
	}
	text, err := t.Text(f)
	if i := billsKey.FindStringIndex(text); err == nil && i != nil {
		return fact.Location{Path: f.Path, Line: fact.Line(text, i[0])}
	}
	return fact.Location{}
}

// Parse reads a workflow. It is lenient: a field of another shape than GitHub accepts is left out.
func Parse(file, text string) (*Workflow, error) {
	root, err := yamlfile.One(text)
	if err != nil {
		return nil, err
	}
	if root == nil || root.Kind != yaml.MappingNode {
		return nil, errors.New("it is not a workflow: a mapping with the keys on and jobs is expected")
	}
	if !yamlfile.Has(root, "jobs") {
		return nil, errors.New("it is not a workflow: it has no jobs")
	}
	r := reader{file: file}
	w := &Workflow{
		Path:        file,
		Name:        yamlfile.Text(yamlfile.Get(root, "name")),
		Triggers:    r.triggers(root),
		Permissions: r.permissions(root),
		Concurrency: r.declared(root, "concurrency"),
	}
	env := tainted(nil, yamlfile.Get(root, "env"))
	for _, p := range yamlfile.Pairs(yamlfile.Get(root, "jobs")) {
		w.Jobs = append(w.Jobs, r.job(p, env))
	}
	return w, nil
}

// ParseAction reads the metadata of an action. Using is "" if the file is not one.
func ParseAction(file, text string) (*Action, error) {
	root, err := yamlfile.One(text)
	if err != nil {
		return nil, err
	}
	runs := yamlfile.Get(root, "runs")
	a := &Action{Path: file, Using: yamlfile.Text(yamlfile.Get(runs, "using"))}
	a.Steps = reader{file: file}.steps(yamlfile.Get(runs, "steps"), nil)
	return a, nil
}

// reader reads the nodes of one file.
type reader struct{ file string }

func (r reader) at(line int) fact.Location { return fact.Location{Path: r.file, Line: line} }

// declared returns whether a mapping has a key, located at the key or at the mapping.
func (r reader) declared(n *yaml.Node, key string) fact.Value[bool] {
	k, _ := yamlfile.Field(n, key)
	if k == nil {
		return fact.Known(false, r.at(yamlfile.Line(n)))
	}
	return fact.Known(true, r.at(k.Line))
}

func (r reader) triggers(root *yaml.Node) []Trigger {
	key, on := yamlfile.Field(root, "on")
	if on == nil {
		return nil
	}
	var triggers []Trigger
	for _, event := range yamlfile.Texts(on) {
		triggers = append(triggers, Trigger{Event: event, At: r.at(key.Line)})
	}
	for _, p := range yamlfile.Pairs(on) {
		texts := func(name string) []string { return yamlfile.Texts(yamlfile.Get(p.Value, name)) }
		triggers = append(triggers, Trigger{
			Event:          p.Key,
			At:             r.at(p.Line),
			Branches:       texts("branches"),
			BranchesIgnore: texts("branches-ignore"),
			Tags:           texts("tags"),
			Paths:          texts("paths"),
			PathsIgnore:    texts("paths-ignore"),
			Types:          texts("types"),
		})
	}
	return triggers
}

func (r reader) job(p yamlfile.Pair, env map[string]bool) Job {
	j := Job{
		ID:          p.Key,
		At:          r.at(p.Line),
		Name:        yamlfile.Text(yamlfile.Get(p.Value, "name")),
		If:          yamlfile.Text(yamlfile.Get(p.Value, "if")),
		Needs:       yamlfile.Texts(yamlfile.Get(p.Value, "needs")),
		Permissions: r.permissions(p.Value),
		Timeout:     fact.Known(0, r.at(p.Line)),
		Concurrency: r.declared(p.Value, "concurrency"),
	}
	j.Environment = yamlfile.Text(yamlfile.Get(p.Value, "environment"))
	if j.Environment == "" {
		j.Environment = yamlfile.Text(yamlfile.Get(p.Value, "environment", "name"))
	}
	if _, strategy := yamlfile.Field(p.Value, "strategy"); strategy != nil {
		key, _ := yamlfile.Field(strategy, "matrix")
		j.Matrix = key != nil
	}
	if key, value := yamlfile.Field(p.Value, "timeout-minutes"); key != nil {
		if minutes, ok := yamlfile.Int(value); ok {
			j.Timeout = fact.Known(minutes, r.at(key.Line))
		} else {
			j.Timeout = fact.Unknown[int](r.at(key.Line), "timeout-minutes is %q, which is known only when the job runs",
				yamlfile.Text(value))
		}
	}
	if key, value := yamlfile.Field(p.Value, "uses"); key != nil {
		j.Uses = r.use(value)
	}
	j.Steps = r.steps(yamlfile.Get(p.Value, "steps"), tainted(env, yamlfile.Get(p.Value, "env")))
	return j
}

func (r reader) steps(list *yaml.Node, env map[string]bool) []Step {
	var steps []Step
	for _, n := range yamlfile.Items(list) {
		s := Step{
			ID:   yamlfile.Text(yamlfile.Get(n, "id")),
			Name: yamlfile.Text(yamlfile.Get(n, "name")),
			At:   r.at(n.Line),
			If:   yamlfile.Text(yamlfile.Get(n, "if")),
		}
		env := tainted(env, yamlfile.Get(n, "env"))
		if key, value := yamlfile.Field(n, "uses"); key != nil {
			s.Uses = r.use(value)
			s.With = map[string]string{}
			for _, p := range yamlfile.Pairs(yamlfile.Get(n, "with")) {
				s.With[p.Key] = yamlfile.Text(p.Value)
				if scripted(s.Uses, p.Key) {
					s.Injections = append(s.Injections, r.injections(p.Value, env)...)
				}
			}
		}
		if key, value := yamlfile.Field(n, "run"); key != nil {
			s.Run, s.RunAt = yamlfile.Text(value), r.at(key.Line)
			s.Injections = append(s.Injections, r.injections(value, env)...)
		}
		steps = append(steps, s)
	}
	composites{}.mark(steps)
	return steps
}

// On returns the trigger of an event; nil if the workflow does not have it.
func (w *Workflow) On(event string) *Trigger {
	i := slices.IndexFunc(w.Triggers, func(t Trigger) bool { return t.Event == event })
	if i < 0 {
		return nil
	}
	return &w.Triggers[i]
}
