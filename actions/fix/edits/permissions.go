package edits

import (
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
	`api\.github\.com|ghcr\.io|ACTIONS_ID_TOKEN|id-token|toJSON\(\s*(secrets|github)\s*\)`)

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
	read := newReader(e)
	keeps := e.keepsToken(j.Steps, 0)
	for i, s := range j.Steps {
		list := items(splice.Field(node, "steps"))
		if i >= len(list) {
			return nil, j.At.Line, "its steps are written elsewhere"
		}
		if s.Uses == nil {
			if tokenUse.MatchString(s.Run) {
				return nil, s.At.Line, "a script may use the token"
			}
			if reason := read.step(f, node, list[i], s.Run); (keeps || identity) && reason != "" {
				return nil, s.At.Line, reason
			}
		} else if reason := e.neededByAction(&s, needed, 0); reason != "" {
			return nil, s.Uses.At.Line, reason
		} else if reason := read.action(s.Uses, 0); (keeps || identity) && reason != "" {
			return nil, s.Uses.At.Line, reason
		}
		name := ""
		if s.Uses != nil {
			name = strings.ToLower(s.Uses.Action)
		}
		decides := func(input string) bool { return s.With[input] != "" }
		if slices.ContainsFunc(deciding, decides) || s.With["only-new-issues"] == "true" {
			return nil, s.At.Line, "an input of a step decides about its rights"
		}
		if branches := s.With["delete-branch"]; name == "actions/stale" && branches != "" && branches != "false" {
			needed["contents"] = "write"
		}
		_, known := needs[name]
		with := splice.Field(list[i], "with")
		if env := splice.Field(list[i], "env"); env != nil && mentionsToken(env) && len(needs[name]) == 0 {
			return nil, env.Line, "a step gets the token"
		}
		if with != nil && mentionsToken(with) && (!known || name == "actions/checkout") {
			return nil, with.Line, "a step gets the token"
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

// neededByAction adds the rights that an action needs, and returns why they are not known.
func (e *editor) neededByAction(s *workflow.Step, needed map[string]string, depth int) string {
	u := s.Uses
	if u.Pin == workflow.PinLocal {
		a := e.local(u)
		if a == nil || depth > 5 {
			return "the action " + u.Text + " is not read"
		}
		for i := range a.Steps {
			s := &a.Steps[i]
			if s.Uses == nil && tokenUse.MatchString(s.Run) {
				return "a script of " + u.Text + " may use the token"
			}
			if s.Uses != nil {
				if reason := e.neededByAction(s, needed, depth+1); reason != "" {
					return reason
				}
			}
		}
		return ""
	}
	rights, reason := e.ofStep(s)
	if reason != "" {
		return reason
	}
	for scope, access := range rights {
		if needed[scope] != "write" {
			needed[scope] = access
		}
	}
	return ""
}

func mentionsToken(n *yaml.Node) bool {
	if n == nil {
		return false
	}
	if n.Kind == yaml.ScalarNode {
		return tokenUse.MatchString(n.Value)
	}
	return slices.ContainsFunc(n.Content, mentionsToken)
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
