package edits

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/dxctl/dxctl/actions/splice"
	"github.com/dxctl/dxctl/repository/dependency"
	"github.com/dxctl/dxctl/repository/environment"
	"github.com/dxctl/dxctl/repository/workflow"
)

// eachWorkflow edits every workflow, parsed as it is now.
func (e *editor) eachWorkflow(change func(f *splice.File, w *workflow.Workflow) error) {
	for i := range e.Facts.Workflows.Workflows {
		name := e.Facts.Workflows.Workflows[i].Path
		e.yaml(name, func(f *splice.File) error {
			content, _ := e.content(name)
			w, err := workflow.Parse(name, lines(content))
			if err != nil {
				return err
			}
			e.Facts.Workflows.Follow(w)
			if len(f.Docs) != 1 || f.Docs[0] == nil || f.Docs[0].Kind != yaml.MappingNode {
				return nil
			}
			return change(f, w)
		})
	}
}

// lines returns a file as the readers of facts get it.
func lines(content []byte) string {
	return strings.ReplaceAll(strings.TrimPrefix(string(content), "\ufeff"), "\r\n", "\n")
}

// jobs yields the jobs that are written in the file itself, with their ids.
func jobs(f *splice.File, yield func(id string, job *yaml.Node) error) error {
	all := splice.Field(f.Docs[0], "jobs")
	if all == nil || all.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(all.Content); i += 2 {
		if job := all.Content[i+1]; job.Kind == yaml.MappingNode {
			if err := yield(all.Content[i].Value, job); err != nil {
				return err
			}
		}
	}
	return nil
}

func items(list *yaml.Node) []*yaml.Node {
	if list == nil || list.Kind != yaml.SequenceNode {
		return nil
	}
	return list.Content
}

// pinActions writes the commit of a tag, with the tag's version as a comment. It does not upgrade: v4 becomes the
// commit that v4 was when the list was made.
func pinActions(e *editor) {
	pin := func(f *splice.File, name string, uses *yaml.Node) error {
		if uses == nil || uses.Kind != yaml.ScalarNode {
			return nil
		}
		u := workflow.ParseUse(uses.Value)
		switch {
		case u.Pin != workflow.PinRef && u.Pin != workflow.PinNone:
			return nil
		case strings.HasPrefix(u.Action, "slsa-framework/slsa-github-generator/"):
			return nil // works by tag only
		case strings.HasPrefix(u.Action, "docker://"):
			image := strings.TrimPrefix(u.Action, "docker://") + ":" + u.Ref
			digest, err := e.Images[image], error(nil)
			if u.Ref != "" && u.Ref != "latest" {
				digest, err = e.digestOf(image)
			}
			if err != nil {
				e.ask(name, uses.Line, "pin the image %s to a digest: %v", image, err)
				return nil
			}
			if digest != "" {
				return f.Replace(uses, "docker://"+image+"@"+digest)
			}
			e.ask(name, uses.Line, "find out the digest of the image %s and write it behind an @", image+digestCommand(image))
			return nil
		}
		known, ok := e.commitOf(u)
		if !ok && e.Resolve != nil && repositoryOf(u) != "" {
			var err error
			if known, err = e.Resolve(repositoryOf(u), u.Ref); err != nil {
				e.ask(name, uses.Line, "pin %s to a commit: %v", uses.Value, err)
				return nil
			}
			ok = true
		}
		if !ok {
			e.askCommit(name, uses, u)
			return nil
		}
		if err := f.Comment(uses, known.Tag); err != nil {
			return err
		}
		return f.Replace(uses, u.Action+"@"+known.Commit)
	}
	steps := func(f *splice.File, name string, list *yaml.Node) error {
		for _, step := range items(list) {
			if err := pin(f, name, splice.Field(step, "uses")); err != nil {
				return err
			}
		}
		return nil
	}
	e.eachWorkflow(func(f *splice.File, w *workflow.Workflow) error {
		return jobs(f, func(_ string, job *yaml.Node) error {
			if err := pin(f, w.Path, splice.Field(job, "uses")); err != nil {
				return err
			}
			return steps(f, w.Path, splice.Field(job, "steps"))
		})
	})
	for _, a := range e.Facts.Workflows.Actions {
		e.yaml(a.Path, func(f *splice.File) error {
			if len(f.Docs) == 0 {
				return nil
			}
			return steps(f, a.Path, splice.Field(f.Docs[0], "runs", "steps"))
		})
	}
}

// askCommit leaves the commit of an action to a person, with the command that finds it out.
func (e *editor) askCommit(name string, uses *yaml.Node, u *workflow.Use) {
	command := ""
	if repository := repositoryOf(u); plainName.MatchString(repository) && plainName.MatchString(u.Ref) {
		command = fmt.Sprintf(" (`gh api repos/%s/commits/%s --jq .sha`)", repository, u.Ref)
	}
	e.ask(name, uses.Line, "find out the commit of %s and write it with the version as a comment: no list of the "+
		"golden path has it, and there are no credentials with which GitHub could be asked", uses.Value+command)
}

// plainName matches names that no shell reads as anything else. Who wrote the repository chose them.
var plainName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._/:-]*$`)

// digestCommand returns in brackets the command that finds out the digest of an image; "" for a name that a shell could
// misread.
func digestCommand(image string) string {
	if !plainName.MatchString(image) {
		return ""
	}
	return fmt.Sprintf(" (`docker buildx imagetools inspect %s --format '{{.Manifest.Digest}}'`)", image)
}

// repositoryOf returns the repository of an action as owner/name; "" for a path and an image.
func repositoryOf(u *workflow.Use) string {
	parts := strings.SplitN(u.Action, "/", 3)
	if len(parts) < 2 || u.Owner() == "" {
		return ""
	}
	return parts[0] + "/" + parts[1]
}

// commitOf returns the commit of a tag: the tag itself, or for a major or minor version the highest one below it that
// is known.
func (e *editor) commitOf(u *workflow.Use) (best Action, ok bool) {
	repository := strings.ToLower(repositoryOf(u))
	if repository == "" {
		return Action{}, false
	}
	for _, a := range e.Actions {
		name := strings.ToLower(a.Name)
		if name != repository && name != strings.ToLower(u.Action) && !strings.HasPrefix(name, repository+"/") {
			continue
		}
		if a.Tag == u.Ref {
			return a, true
		}
		if isVersion(u.Ref) && strings.HasPrefix(a.Tag, u.Ref+".") && (!ok || later(a.Tag, best.Tag)) {
			best, ok = a, true
		}
	}
	return best, ok
}

// isVersion reports whether a tag is v1, v1.2 or 1.2, and not the name of a branch.
func isVersion(tag string) bool {
	tag = strings.TrimPrefix(tag, "v")
	return tag != "" && strings.Trim(tag, "0123456789.") == ""
}

// later compares versions of numbers: v4.10.0 is later than v4.9.1.
func later(a, b string) bool {
	numbers := func(tag string) (n []int) {
		for part := range strings.SplitSeq(strings.TrimPrefix(tag, "v"), ".") {
			value, _ := strconv.Atoi(part)
			n = append(n, value)
		}
		return n
	}
	return slices.Compare(numbers(a), numbers(b)) > 0
}

// testPullRequests runs a workflow that has tests for pull requests, too, if it uses nothing that a pull request must
// not have.
func testPullRequests(e *editor) {
	w := e.Facts.Workflows
	for i := range w.Workflows {
		one := &w.Workflows[i]
		if len(one.Found(workflow.PurposeTest)) > 0 && one.On("pull_request") != nil {
			return // it has filters, which somebody chose
		}
	}
	if may := e.mayTest("pull_request", "pull_request_target", "merge_group"); may != nil {
		e.ask(may.Path, 0, "check that this workflow runs the tests for every pull request: what it runs is not read")
		return
	}
	for i := range w.Workflows {
		one := &w.Workflows[i]
		push := one.On("push")
		if len(one.Found(workflow.PurposeTest)) == 0 || push == nil || len(push.Tags) > 0 && len(push.Branches) == 0 {
			continue
		}
		if reason := e.notForPullRequests(one); reason != "" {
			e.ask(one.Path, one.On("push").At.Line, "run the tests for pull requests: this workflow runs them for pushes "+
				"only, and %s", reason)
			continue
		}
		e.yaml(one.Path, func(f *splice.File) error {
			on := splice.Field(f.Docs[0], "on")
			switch {
			case on == nil:
				return nil
			case on.Kind == yaml.SequenceNode:
				return f.Append(on, "pull_request")
			case on.Kind == yaml.ScalarNode:
				return f.ReplaceValue(f.Docs[0], "on", splice.List{on.Value, "pull_request"})
			}
			return f.Insert(on, "push", "pull_request", splice.Map{})
		})
		return
	}
	if len(e.result.Asks) == 0 {
		e.writeTests()
	}
}

// setups are the actions that install the tools of an ecosystem, with their inputs.
var setups = map[dependency.Ecosystem]struct {
	action string
	with   splice.Pair
}{
	"gomod":  {"actions/setup-go", splice.Pair{Key: "go-version-file", Value: "go.mod"}},
	"maven":  {"actions/setup-java", splice.Pair{}},
	"gradle": {"actions/setup-java", splice.Pair{}},
	"cargo":  {},
}

// writeTests writes a workflow that runs the tests for pull requests, if the repository shows how they run.
func (e *editor) writeTests() {
	test := cmp.Or(e.task(chores[1]), e.usual(chores[1]))
	steps := splice.List{}
	use := func(action string, with splice.Map) bool {
		known, ok := e.newest(action)
		if ok {
			steps = append(steps, splice.Map{{Key: "uses", Value: action + "@" + known.Commit}, {Key: "with", Value: with}})
		}
		return ok
	}
	ask := func(reason string) {
		e.ask("", 0, "run the tests for every pull request: %s", reason)
	}
	other := func(p environment.Pipeline) bool { return p.System != "github" }
	if w := e.mayTest("push"); w != nil {
		e.ask(w.Path, 0, "check that this workflow runs the tests for every pull request: what it runs is not read")
		return
	}
	switch i := slices.IndexFunc(e.Facts.Environment.Pipelines, other); {
	case i >= 0:
		ask("the repository uses " + e.Facts.Environment.Pipelines[i].System + ", whose configuration is not edited")
		return
	case test == "":
		ask("no file shows the command that runs them")
		return
	case strings.Contains(test, "\n"):
		ask("the code has several languages, and which of their tests run where is not known")
		return
	case e.Dir != "." || e.exists(".github/workflows/tests.yaml"):
		ask("no workflow has a step that is known to run tests")
		return
	case !use("actions/checkout", splice.Map{{Key: "persist-credentials", Value: false}}):
		ask("the commit of actions/checkout is not known")
		return
	}
	found := false
	for _, m := range e.Facts.Dependencies.Manifests {
		s, known := setups[m.Ecosystem]
		if !known || path.Dir(m.Path) != "." {
			continue
		}
		if s.action == "actions/setup-java" || s.action != "" && !use(s.action, splice.Map{s.with}) {
			ask("the version of the tools is not known")
			return
		}
		found = true
		break
	}
	if !found {
		ask("the tools that the tests need are not known")
		return
	}
	steps = append(steps, splice.Map{{Key: "run", Value: test}})
	f, err := splice.Parse([]byte("name: tests\non:\n  pull_request: {}\n"))
	if err == nil {
		err = errors.Join(
			f.Insert(f.Docs[0], "", "permissions", splice.Map{{Key: "contents", Value: "read"}}),
			f.Insert(f.Docs[0], "", "concurrency", splice.Map{
				{Key: "group", Value: "tests-${{ github.event.number }}"}, {Key: "cancel-in-progress", Value: true},
			}),
			f.Insert(f.Docs[0], "", "jobs", splice.Map{{Key: "test", Value: splice.Map{
				{Key: "runs-on", Value: "ubuntu-latest"}, {Key: "timeout-minutes", Value: e.number("minutes", 60)},
				{Key: "steps", Value: steps},
			}}}),
		)
	}
	content := []byte(nil)
	if err == nil {
		content, err = f.Bytes()
	}
	if err != nil {
		ask(err.Error())
		return
	}
	text := string(content)
	for _, a := range []string{"actions/checkout", "actions/setup-go"} {
		if known, ok := e.newest(a); ok {
			text = strings.ReplaceAll(text, known.Commit, known.Commit+" # "+known.Tag)
		}
	}
	e.put(".github/workflows/tests.yaml", []byte(text))
}

// mayTest returns a workflow that runs for one of some events and may test the code in a way that is not read: in
// another workflow, with an action of its own or a script that has the word. nil if there is none.
func (e *editor) mayTest(events ...string) *workflow.Workflow {
	for i := range e.Facts.Workflows.Workflows {
		w := &e.Facts.Workflows.Workflows[i]
		if !slices.ContainsFunc(events, func(event string) bool { return w.On(event) != nil }) {
			continue
		}
		for _, j := range w.Jobs {
			if j.Uses != nil || testing.MatchString(w.Path+" "+w.Name+" "+j.ID+" "+j.Name) {
				return w
			}
			for _, s := range j.Steps {
				if s.Uses != nil && (s.Uses.Pin == workflow.PinLocal || testing.MatchString(s.Uses.Action)) ||
					testing.MatchString(s.Name) || runsOther.MatchString(s.Run) {
					return w
				}
			}
		}
	}
	return nil
}

var (
	// testing finds names of workflows, jobs and steps that may run tests.
	testing = regexp.MustCompile(`(?i)test|\bci\b|coverage|verify`)
	// runsOther finds commands that run what another file says.
	runsOther = regexp.MustCompile(`(?m)(^|[\s;&|])(make|just|task|mage|nix|bazel|earthly|dagger|docker)\b|(^|[\s;&|])(\./|bash |sh )\S`)
)

// newest returns the latest commit of an action that the golden path has, else that is known.
func (e *editor) newest(name string) (best Action, ok bool) {
	for _, a := range e.Actions {
		if a.Name != name && !strings.HasPrefix(a.Name, name+"/") {
			continue
		}
		if !ok || best.Listed && !a.Listed || best.Listed == a.Listed && later(a.Tag, best.Tag) {
			best, ok = a, true
		}
	}
	return best, ok
}

// apart finds what keeps the runs of pull requests in groups of their own.
var apart = regexp.MustCompile(`group:[^\n]*(github\.(ref|head_ref|run_id|sha)\b|github\.event\.(number|pull_request\.number))`)

// notForPullRequests returns why a workflow must not run for the code of a pull request; "" if it may.
func (e *editor) notForPullRequests(w *workflow.Workflow) string {
	content, _ := e.content(w.Path)
	text := strings.ReplaceAll(string(content), "secrets.GITHUB_TOKEN", "")
	for _, j := range w.Jobs {
		switch {
		case j.Environment != "":
			return "the job " + j.ID + " deploys to " + j.Environment
		case j.Uses != nil:
			return "the job " + j.ID + " uses another workflow"
		case len(w.Effective(&j).Writes()) > 0:
			return "the token of the job " + j.ID + " may write"
		}
	}
	grouped := w.Concurrency.Value || slices.ContainsFunc(w.Jobs, func(j workflow.Job) bool { return j.Concurrency.Value })
	switch {
	case grouped && !apart.MatchString(text):
		return "its concurrency group would be that of all pull requests"
	case strings.Contains(text, "secrets."):
		return "it uses secrets"
	case len(w.Found(workflow.PurposeRelease)) > 0:
		return "it publishes"
	case pushes.MatchString(text):
		return "it pushes or deploys"
	}
	return ""
}
