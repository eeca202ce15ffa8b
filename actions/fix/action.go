package fix

import (
	"context"
	"fmt"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/catalog/identifier"
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
}

// Descriptor describes the action.
func (a *Action) Descriptor() actions.Descriptor {
	return actions.Descriptor{
		Name:  Name,
		Title: "Adopt the defaults of a golden path in a repository",
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
	}
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
