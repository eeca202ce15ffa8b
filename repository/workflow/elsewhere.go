package workflow

import (
	"path"
	"regexp"
	"strings"
)

// composites has the steps of the composite actions of a repository by their directories.
type composites struct {
	steps map[string][]Step
	// leads is whether another repository is checked out behind an action that began in its own. It has false while
	// that is being found out: an action that uses itself adds nothing.
	leads map[string]bool
}

// Follow marks the steps of a workflow that run behind a composite action of the repository that checks out another
// one. Read has done so for the workflows of the set.
func (s *Set) Follow(w *Workflow) { s.composites().follow(w) }

func (s *Set) composites() composites {
	c := composites{map[string][]Step{}, map[string]bool{}}
	for i := range s.Actions {
		if a := &s.Actions[i]; a.Using == "composite" {
			c.steps[path.Dir(a.Path)] = a.Steps
		}
	}
	return c
}

// follow marks the steps of all workflows and composite actions.
func (s *Set) follow() {
	c := s.composites()
	for _, steps := range c.steps {
		c.mark(steps)
	}
	for i := range s.Workflows {
		c.follow(&s.Workflows[i])
	}
}

func (c composites) follow(w *Workflow) {
	for i := range w.Jobs {
		c.mark(w.Jobs[i].Steps)
	}
}

// mark sets Elsewhere of the steps of a job or of an action.
func (c composites) mark(steps []Step) {
	elsewhere := false
	for i := range steps {
		s := &steps[i]
		s.Elsewhere = elsewhere
		if elsewhere && s.Uses != nil && s.Uses.Pin == PinLocal {
			s.Uses.Pin = PinUnknown
		}
		elsewhere = c.behind(s, elsewhere)
	}
}

// behind returns whether the files around what follows a step are those of another repository, or may be.
func (c composites) behind(s *Step, elsewhere bool) bool {
	after := elsewhere
	if replaces, other := s.checksOut(); replaces {
		after = other
	} else if !elsewhere && s.Uses != nil && s.Uses.Pin == PinLocal {
		after = c.leadsElsewhere(path.Clean(s.Uses.Action))
	}
	// A step with a condition may not run: then the files stay those that they are.
	return after || elsewhere && s.If != ""
}

func (c composites) leadsElsewhere(dir string) bool {
	if leads, seen := c.leads[dir]; seen {
		return leads
	}
	steps, composite := c.steps[dir]
	if !composite {
		return false
	}
	after := false
	c.leads[dir] = after
	for i := range steps {
		after = c.behind(&steps[i], after)
	}
	c.leads[dir] = after
	return after
}

// checksOut reports whether a step checks out a repository into the directory of the job, and whether it is, or may be,
// another repository than that of the workflow.
func (s *Step) checksOut() (replaces, other bool) {
	if s.Uses == nil || !strings.EqualFold(s.Uses.Action, "actions/checkout") {
		return false, false
	}
	repository, dir := s.With["repository"], s.With["path"]
	other = repository != "" && !ownRepository.MatchString(repository)
	if dir == "" || path.Clean(dir) == "." {
		return true, other
	}
	return other && strings.HasPrefix(dir, "${{"), other // which may be the directory of the job
}

// ownRepository finds the ways in which a workflow names its own repository, or the fork of it that a pull request
// comes from.
var ownRepository = regexp.MustCompile(`^\$\{\{\s*github\.(repository|event\.repository\.full_name|` +
	`event\.(pull_request\.(head|base)\.repo|workflow_run\.head_repository)\.full_name)\b`)
