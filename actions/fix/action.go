package fix

import (
	"context"
	"fmt"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/catalog/identifier"
	"github.com/dxctl/dxctl/scorecards/paths"
)

// The names of the input.
const (
	ServiceField = "service"
	RulesField   = "rules"
	PathField    = "golden_path"
	AnswersField = "answers"
)

// Action plans the fixes of a service.
type Action struct {
	// Open returns what the fixes of a service of the catalog are planned with, the files of its repository among it, and
	// what releases them. Nil: the action is only described.
	Open func(ctx context.Context, ref string) (o Options, done func(), err error)
	// Paths returns all golden paths, for forms. It may be nil.
	Paths func(ctx context.Context) ([]*paths.Path, error)
}

// Descriptor describes the action.
func (a *Action) Descriptor() actions.Descriptor {
	return actions.Descriptor{
		Name:    Name,
		Command: Name,
		Title:   "Adopt the defaults of a golden path in a repository",
		Description: "Reads the files of a repository as the scorecards do, and finds the smallest patch for each rule " +
			"that is not met: never over what somebody wrote. The files are written with --write, or proposed as a pull " +
			"request with --pr. What no patch can do becomes a task with --tasks.",
		Input: []actions.Field{
			{Name: ServiceField, Title: "Service", Type: actions.String, Entity: "Component", Argument: true, MaxLength: 4 << 10,
				Example: "component:default/payment-service", Description: "service of the catalog; on the command line also a " +
					"directory, or the name of a service of this repository (default: the working directory)"},
			{Name: RulesField, Title: "Rules", Type: actions.List, One: "rule", MaxLength: 200, Placeholder: "ID",
				Pattern: `^[a-z0-9]+([-_.][a-z0-9]+)*$`, Example: "actions-pinned", Description: "ids of the rules to fix " +
					"(default: all that are not met)"},
			{Name: PathField, Title: "Golden path", Type: actions.String, MaxLength: 63, Example: "go-service",
				Placeholder: "NAME",
				Description: "golden path whose defaults are adopted (default: that of the lock file, else the only one for the " +
					"language)"},
			{Name: AnswersField, Title: "Answers", Type: actions.Texts, One: "answer", Description: "answers to questions of " +
				"the golden path that the repository does not answer"},
		},
		Idempotent: true,
		Role:       actions.Engineer,
		Plan: []string{
			"Every file that would be created or changed, with its bytes before and after, and a unified diff.",
			"Each rule that is not met, its files and its outcome with them, or why there is no patch.",
			"The grades before and after.",
			"Conflicts: files of the golden path that are not written, because somebody wrote something else there.",
			"What it rests on: the commit, and the digest of the golden path.",
		},
		Options: options,
	}
}

// options are the flags that are no input.
var options = []actions.Option{
	{Flag: "write", Description: "write the files", Applies: true},
	{Flag: "pr", Description: "open, update or close the pull request with these changes on GitHub", Applies: true},
	{Flag: "repository", Description: "with --pr: `OWNER/NAME` on GitHub; default: of the descriptor or origin"},
	{Flag: "check", Description: "exit with 2 if there are changes to make"},
	{Flag: "resolve", Description: "ask the registries of images for digests, with the credentials that docker login " +
		"left; a plan that is saved with it is applied with it"},
	{Flag: "out", Description: "save the plan as JSON in a `FILE`"},
	{Flag: "apply", Description: "write the plan in a `FILE`, unless the repository or the golden path changed"},
	{Flag: "tasks", Description: "write a task for each rule that needs a person into a `DIRECTORY`"},
	{Flag: "issues", Description: "open an issue on GitHub for each rule that is not met and has no patch, and plan to " +
		"close those whose rule passes since"},
	{Flag: "yes", Description: "with --settings, --all or --undo: apply the plan; with --issues: close issues, too"},
	{Flag: "undo", Description: "take back the batch with this `ID`; with --settings: restore what this run changed"},
	{Flag: "settings", Description: "show the settings on GitHub that rules ask for; --yes sets them; with --all: in " +
		"waves, with the pull requests"},
	{Flag: "all", Description: "plan the fixes of all services on GitHub that the filters select, in waves"},
	{Flag: "batch", Description: "with --all: `ID` of the new batch; default: its time"},
	{Flag: "resume", Description: "with --all: continue the batch with this `ID`"},
	{Flag: "digest", Description: "with --all or --undo: carry out the plan, unless it has another `DIGEST` by now"},
	{Flag: "team", Description: "with --all: only services of this `TEAM`"},
	{Flag: "scorecard", Description: "with --all: only services that do not meet a rule of this `SCORECARD`"},
	{Flag: "level", Description: "with --all: only services at this `LEVEL` of a scorecard; none: below the first one"},
	{Flag: "filter", Description: "with --all: only services for which this CEL `EXPRESSION` over entity is true"},
	{Flag: "waves", Description: "with --all: `SIZES` of the waves"},
	{Flag: "limit", Description: "with --all: stop if more than this `PERCENT` of the pull requests are red, or were " +
		"closed without being merged"},
	{Flag: "wait", Description: "with --all: pause if the checks of a wave take longer than this `TIME`"},
	{Flag: "settle", Description: "with --all: how long a pull request without any check is waited for, a `TIME`"},
}

// Choices returns the golden paths.
func (a *Action) Choices(ctx context.Context) ([]actions.Choice, error) {
	if a.Paths == nil {
		return nil, nil
	}
	all, err := a.Paths(ctx)
	return (&ChoiceError{Paths: all}).Choices(), err
}

// Questions returns none: which questions are open depends on the repository.
func (a *Action) Questions(context.Context, actions.Input) (string, []actions.Field, error) {
	return "", nil, nil
}

// Plan returns what would be written.
func (a *Action) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	p, err := a.Fixes(ctx, in)
	if err != nil {
		return actions.Plan{}, err
	}
	return p.Plan, nil
}

// Fixes is Plan, with the rules and the grades.
func (a *Action) Fixes(ctx context.Context, in actions.Input) (*Plan, error) {
	in, err := a.Descriptor().Check(in, true)
	if err != nil {
		return nil, err
	}
	ref, err := identifier.ParseRef(in.Text(ServiceField), "component", "")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", ServiceField, err)
	}
	o, done, err := a.Open(ctx, ref.String())
	if err != nil {
		return nil, err
	}
	defer done()
	o.Rules, o.GoldenPath, o.Answers = in.List(RulesField), in.Text(PathField), in.Texts(AnswersField)
	return New(ctx, o)
}

// Explain plans, and returns the plan with its rules and grades, a [Document].
func (a *Action) Explain(ctx context.Context, in actions.Input, contents bool) (any, error) {
	p, err := a.Fixes(ctx, in)
	if err != nil {
		return nil, err
	}
	doc := p.Document()
	if !contents {
		doc = doc.WithoutContents()
	}
	return doc, nil
}

// Explained is a value of the type that Explain returns.
func (a *Action) Explained() any { return Document{} }
