package edits

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/dxctl/dxctl/actions/splice"
	"github.com/dxctl/dxctl/repository/workflow"
)

// pushes finds commands that change something outside of the run.
var pushes = regexp.MustCompile(`(?m)\bgit push\b|\bdocker (image )?push\b|\bpush: true\b|\bkubectl (apply|set|rollout)\b|` +
	`\bhelm (upgrade|install)\b|\bterraform apply\b|\bgh (pr|issue|release|workflow|api)\b|\baws s3 (cp|sync)\b|deploy|` +
	`\bpublish`)

// tokenUse finds scripts and inputs that may use the token of the workflow.
var tokenUse = regexp.MustCompile(`(?i)github[._]token|GH_TOKEN|\bgh\s|\bgit (push|fetch|clone|ls-remote|submodule)\b|hub\s|` +
	`api\.github\.com|ghcr\.io|ACTIONS_ID_TOKEN|id-token|toJSON\(\s*(secrets|github)\s*\)|` +
	chosenByRun)

// limitPermissions declares the least rights of the token for workflows whose steps are all known, and moves the rights
// to write from a workflow to its jobs.
func limitPermissions(e *editor) {
	e.eachWorkflow(func(f *splice.File, w *workflow.Workflow) error {
		inherits := func(j workflow.Job) bool { return !j.Permissions.Declared }
		writes := w.Permissions.Writes()
		if !w.Permissions.Declared && slices.ContainsFunc(w.Jobs, inherits) {
			return e.declare(f, w)
		}
		if len(writes) == 0 || slices.Contains(writes, "*") || len(w.Jobs) < 2 || !slices.ContainsFunc(w.Jobs, inherits) {
			for _, j := range w.Jobs {
				if slices.Contains(j.Permissions.Writes(), "*") {
					e.ask(w.Path, j.Permissions.At.Line, "list what the token of the job %s needs, instead of write-all", j.ID)
				}
			}
			if slices.Contains(writes, "*") {
				return e.declare(f, w)
			}
			return nil
		}
		return e.moveToJobs(f, w)
	})
}

// declare writes the permissions of a workflow that has none, or all.
func (e *editor) declare(f *splice.File, w *workflow.Workflow) error {
	if on := w.On("workflow_call"); on != nil {
		e.ask(w.Path, on.At.Line, "declare the least permissions of the token: the workflow is called by others, whose "+
			"permissions are not known, and a job that asks for more than its caller has does not start")
		return nil
	}
	rights := map[string]map[string]string{}
	for i := range w.Jobs {
		j := &w.Jobs[i]
		if j.Permissions.Declared {
			continue
		}
		// With write-all, every step can sign in elsewhere with the identity of the job.
		needed, line, unknown := e.neededBy(f, j, w.Permissions.Declared)
		if unknown != "" {
			e.ask(w.Path, line, "declare the least permissions of the token: what the job %s needs is not known, because %s",
				j.ID, unknown)
			return nil
		}
		if !w.Permissions.Declared && !slices.ContainsFunc(j.Steps, needsIdentity) {
			delete(needed, "id-token") // which no job has today: with it, the action would sign in another way
		}
		rights[j.ID] = needed
	}
	read := splice.Map{{Key: "contents", Value: "read"}}
	if w.Permissions.Declared { // write-all
		if err := f.ReplaceValue(f.Docs[0], "permissions", read); err != nil {
			return err
		}
	} else if err := f.Insert(f.Docs[0], "on", "permissions", read); err != nil {
		return err
	}
	return jobs(f, func(id string, job *yaml.Node) error {
		if len(rights[id]) == 0 {
			return nil
		}
		own := maps.Clone(rights[id])
		if own["contents"] == "" {
			own["contents"] = "read"
		}
		return f.Insert(job, anchor(job), "permissions", scopes(own))
	})
}

// needsIdentity reports whether a step does nothing without the right id-token.
func needsIdentity(s workflow.Step) bool {
	return s.Uses != nil && slices.Contains([]string{
		"actions/deploy-pages", "actions/attest", "actions/attest-build-provenance",
	}, strings.ToLower(s.Uses.Action))
}

// anchor returns the field of a job after which another one reads well.
func anchor(job *yaml.Node) string {
	if splice.Field(job, "runs-on") != nil {
		return "runs-on"
	}
	return ""
}

func scopes(rights map[string]string) splice.Map {
	var m splice.Map
	for _, scope := range slices.Sorted(maps.Keys(rights)) {
		access := rights[scope]
		if scope == "id-token" && access == "read" { // there is no such right
			if len(rights) > 1 {
				continue // what is not in a list is none
			}
			access = "none"
		}
		m = append(m, splice.Pair{Key: scope, Value: access})
	}
	return m
}

// neededBy returns the rights that a job needs beyond reading, or why that is not known. identity is whether scripts
// can ask for the identity of the job today (id-token), for which no token is named.
func (e *editor) neededBy(f *splice.File, j *workflow.Job, identity bool) (map[string]string, int, string) {
	needed := map[string]string{}
	if j.Uses != nil {
		return nil, j.Uses.At.Line, "the workflow " + j.Uses.Text + " decides"
	}
	var node *yaml.Node
	_ = jobs(f, func(id string, job *yaml.Node) error {
		if id == j.ID {
			node = job
		}
		return nil
	})
	if node == nil {
		return nil, j.At.Line, "it is written elsewhere"
	}
	for _, key := range []string{"env", "container", "services"} {
		if part := splice.Field(node, key); part != nil && mentionsToken(part) {
			return nil, part.Line, "its " + key + " may use the token"
		}
	}
	if part := splice.Field(f.Docs[0], "env"); part != nil && mentionsToken(part) {
		return nil, part.Line, "the environment of the workflow has the token"
	}
	if part := splice.Field(node, "strategy"); part != nil && mentions(part, buildToken) {
		return nil, part.Line, "its strategy may name the token"
	}
	read := newReader(e)
	keeps := e.keepsToken(j.Steps, 0)
	for i := range j.Steps {
		s := &j.Steps[i]
		list := items(splice.Field(node, "steps"))
		if i >= len(list) {
			return nil, j.At.Line, "its steps are written elsewhere"
		}
		line := s.At.Line
		var reason string
		if s.Uses != nil {
			line = s.Uses.At.Line
			reason = read.action(s.Uses, 0)
		} else {
			reason = read.step(f, node, list[i], s)
		}
		if !keeps && !identity {
			reason = ""
		}
		if r := cmp.Or(e.neededByStep(s, list[i], needed, "", 0), reason); r != "" {
			return nil, line, r
		}
	}
	return needed, 0, ""
}

// keepsToken reports whether a step checks out the repository such that git has the token afterwards.
func (e *editor) keepsToken(steps []workflow.Step, depth int) bool {
	return slices.ContainsFunc(steps, func(s workflow.Step) bool {
		if s.Uses == nil {
			return false
		}
		if a := e.local(s.Uses); a != nil {
			return depth > 5 || e.keepsToken(a.Steps, depth+1)
		}
		return strings.EqualFold(s.Uses.Action, "actions/checkout") && s.With["persist-credentials"] != "false"
	})
}

// local returns the composite action of the repository that a step uses; nil if it uses another one.
func (e *editor) local(u *workflow.Use) *workflow.Action {
	if u.Pin != workflow.PinLocal {
		return nil
	}
	dir := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(u.Action, "./"), "/"), "/")
	i := slices.IndexFunc(e.Facts.Workflows.Actions, func(a workflow.Action) bool {
		return a.Path == dir+"/action.yml" || a.Path == dir+"/action.yaml"
	})
	if i < 0 || e.Facts.Workflows.Actions[i].Using != "composite" {
		return nil
	}
	return &e.Facts.Workflows.Actions[i]
}

// neededByStep adds the rights that a step needs, and returns why they are not known. of names the composite action
// that has the step, such as " of ./setup"; it is "" for a step of a job. node is the step as it is written.
func (e *editor) neededByStep(
	s *workflow.Step, node *yaml.Node, needed map[string]string, of string, depth int,
) string {
	if s.Uses == nil {
		if tokenUse.MatchString(s.Run) {
			return "a script" + of + " may use the token"
		}
		if mentionsToken(splice.Field(node, "env")) {
			return "a step" + of + " gets the token"
		}
		return ""
	}
	name := strings.ToLower(s.Uses.Action)
	if s.Uses.Pin == workflow.PinLocal {
		if reason := e.neededByComposite(s.Uses, needed, depth); reason != "" {
			return reason
		}
	} else {
		rights, reason := e.ofStep(s)
		if reason != "" {
			return reason
		}
		for scope, access := range rights {
			if needed[scope] != "write" {
				needed[scope] = access
			}
		}
	}
	decides := func(input string) bool { return s.With[input] != "" && s.With[input] != "false" }
	if slices.ContainsFunc(deciding, decides) {
		return "an input of a step" + of + " decides about its rights"
	}
	if mentionsToken(splice.Field(node, "env")) && len(needs[name]) == 0 {
		return "a step" + of + " gets the token"
	}
	if _, known := needs[name]; mentionsToken(splice.Field(node, "with")) && (!known || name == "actions/checkout") {
		return "a step" + of + " gets the token"
	}
	return ""
}

// neededByComposite adds the rights that the steps of a composite action of the repository need.
func (e *editor) neededByComposite(u *workflow.Use, needed map[string]string, depth int) string {
	a := e.local(u)
	if a == nil || depth > 5 {
		return "the action " + u.Text + " is not read"
	}
	root, steps := e.written(a)
	if len(steps) != len(a.Steps) {
		return "the action " + u.Text + " is not read"
	}
	inputs := splice.Field(root, "inputs")
	if inputs != nil && inputs.Kind != yaml.MappingNode {
		return "the inputs of " + u.Text + " are not read"
	}
	for i := 1; inputs != nil && i < len(inputs.Content); i += 2 {
		if mentionsToken(splice.Field(inputs.Content[i], "default")) {
			return "an input of " + u.Text + " is the token"
		}
	}
	for i := range a.Steps {
		if reason := e.neededByStep(&a.Steps[i], steps[i], needed, " of "+u.Text, depth+1); reason != "" {
			return reason
		}
	}
	return ""
}

// written returns the file of a composite action and its steps as they are written; no steps if it cannot be read.
func (e *editor) written(a *workflow.Action) (root *yaml.Node, steps []*yaml.Node) {
	content, ok := e.content(a.Path)
	if !ok {
		return nil, nil
	}
	f, err := splice.Parse(content)
	if err != nil || len(f.Docs) == 0 {
		return nil, nil
	}
	return f.Docs[0], items(splice.Field(f.Docs[0], "runs", "steps"))
}

func mentionsToken(n *yaml.Node) bool { return mentions(n, tokenUse) }

// mentions reports whether a text in a node matches, or is written elsewhere (an alias).
func mentions(n *yaml.Node, what *regexp.Regexp) bool {
	if n == nil {
		return false
	}
	if n.Kind == yaml.ScalarNode {
		return what.MatchString(n.Value)
	}
	return n.Kind == yaml.AliasNode || slices.ContainsFunc(n.Content, func(n *yaml.Node) bool { return mentions(n, what) })
}

// moveToJobs gives the rights to write of a workflow to those of its jobs that have none of their own and may need
// them, and leaves the workflow those to read.
func (e *editor) moveToJobs(f *splice.File, w *workflow.Workflow) error {
	declared := splice.Field(f.Docs[0], "permissions")
	if declared == nil || declared.Kind != yaml.MappingNode {
		return nil
	}
	identity := w.Permissions.Scopes["id-token"] == "write"
	decided := func(j workflow.Job) bool {
		_, _, unknown := e.neededBy(f, &j, identity)
		return !j.Permissions.Declared && unknown == ""
	}
	if !slices.ContainsFunc(w.Jobs, decided) {
		e.ask(w.Path, declared.Line, "give the rights to write to the jobs that need them: of no job is it known "+
			"what it needs")
		return nil
	}
	err := jobs(f, func(id string, job *yaml.Node) error {
		i := slices.IndexFunc(w.Jobs, func(j workflow.Job) bool { return j.ID == id })
		if i < 0 || w.Jobs[i].Permissions.Declared {
			return nil
		}
		own := maps.Clone(w.Permissions.Scopes)
		if needed, _, unknown := e.neededBy(f, &w.Jobs[i], identity); unknown == "" {
			for scope, access := range own {
				if access == "write" && needed[scope] != "write" {
					own[scope] = "read"
				}
			}
			if !slices.Contains(slices.Collect(maps.Values(own)), "write") {
				return nil // what is left to the workflow suffices
			}
		}
		return f.Insert(job, anchor(job), "permissions", scopes(own))
	})
	if err != nil {
		return err
	}
	for i := 1; i < len(declared.Content); i += 2 {
		if scope := declared.Content[i]; scope.Value == "write" {
			access := "read"
			if declared.Content[i-1].Value == "id-token" {
				access = "none"
			}
			if err := f.Replace(scope, access); err != nil {
				return err
			}
		}
	}
	return nil
}
