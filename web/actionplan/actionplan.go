// Package actionplan plans actions for readers over HTTP, for the API and the pages alike: only for entities of the
// catalog, and with nothing that is in files where other machines can read it. It applies nothing.
package actionplan

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/catalog/identifier"
	"github.com/dxctl/dxctl/spelling"
)

// Planner plans the actions of a set.
type Planner struct {
	Set      actions.Set
	Catalog  func() *catalog.Catalog
	Contents bool // plans show what is in the files of repositories
}

// Error is why there is no plan. It is a *[fiber.Error] as well.
type Error struct {
	Status  int    // of HTTP
	Detail  string // for people
	Inputs  []actions.InputProblem
	Choices []actions.Choice // values of an input, one of which somebody has to choose
	Others  []string         // what is wrong besides Inputs; empty where Detail is not about inputs
}

// Error returns the detail.
func (e *Error) Error() string { return e.Detail }

// Unwrap returns the error as the server knows it.
func (e *Error) Unwrap() error { return fiber.NewError(e.Status, e.Detail) }

// badInput is the error of an input.
func badInput(prefix string, err error) *Error {
	e := &Error{Status: fiber.StatusBadRequest, Detail: prefix + err.Error()}
	e.Inputs, e.Others = actions.InputProblems(err)
	return e
}

// Remote returns the action of a name, unless it is unknown or not planned over HTTP.
func (p *Planner) Remote(name string) (actions.Action, error) {
	action, err := p.Set.Lookup(name)
	if err == nil && !action.Descriptor().Remote() {
		err = fmt.Errorf("the action %s is planned on the command line only", name)
	}
	if err != nil {
		return nil, fiber.NewError(fiber.StatusNotFound, err.Error())
	}
	return action, nil
}

// Document is a value of the type of the plan of an action.
func Document(action actions.Action) any {
	if explainer, ok := action.(actions.Explainer); ok {
		return explainer.Explained()
	}
	return actions.Document{}
}

// Decode reads an input from JSON. The error is an [Error].
func (p *Planner) Decode(action actions.Action, body []byte) (actions.Input, error) {
	in, err := action.Descriptor().DecodeInput(body)
	if err != nil {
		return nil, badInput("", err)
	}
	return in, nil
}

// Plan plans an action for an entity of the catalog, and returns a document of the type of [Document]. The error is an
// [Error], or that of a context that has ended.
func (p *Planner) Plan(ctx context.Context, action actions.Action, in actions.Input) (any, error) {
	d := action.Descriptor()
	in, err := d.Check(in, true)
	if err != nil {
		return nil, badInput("", err)
	}
	for _, f := range d.Fields(true) {
		if err := p.checkEntity(f, in.Text(f.Name)); err != nil {
			return nil, err
		}
	}
	doc, err := p.plan(ctx, action, in)
	var choice actions.ChoiceError
	_, files := action.(actions.Explainer)
	switch {
	case err == nil:
		return doc, nil
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return nil, err
	case errors.As(err, &choice): // it has names of golden paths, and nothing of the files
		e := badInput("planning "+d.Name+": ", err)
		e.Choices = choice.Choices()
		return nil, e
	case files && !p.Contents && !onlyInputs(err):
		return nil, &Error{Status: fiber.StatusBadRequest, Detail: fmt.Sprintf("planning %s failed; the reason may cite "+
			"files, so it is shown only on the machine of the server: there, dxctl %s or the dashboard on its loopback address "+
			"says it", d.Name, d.Name)}
	}
	return nil, badInput("planning "+d.Name+": ", err)
}

// onlyInputs reports whether an error is about inputs, and nothing else.
func onlyInputs(err error) bool {
	inputs, others := actions.InputProblems(err)
	return len(inputs) > 0 && len(others) == 0
}

func (p *Planner) plan(ctx context.Context, action actions.Action, in actions.Input) (any, error) {
	if explainer, ok := action.(actions.Explainer); ok {
		return explainer.Explain(ctx, in, p.Contents)
	}
	plan, err := action.Plan(ctx, in)
	return plan.Document(), err
}

// checkEntity returns an error unless the catalog has the entity that a field names.
func (p *Planner) checkEntity(f actions.Field, value string) error {
	if f.Entity == "" || value == "" {
		return nil
	}
	fail := func(status int, format string, args ...any) error {
		e := &Error{Status: status, Detail: f.Name + ": " + fmt.Sprintf(format, args...)}
		e.Inputs = []actions.InputProblem{{Input: f.Name, Message: e.Detail}}
		return e
	}
	ref, err := identifier.ParseRef(value, strings.ToLower(f.Entity), "")
	if err != nil {
		return fail(fiber.StatusBadRequest, "%s", err)
	}
	cat := p.Catalog()
	if _, ok := cat.Entity(ref.String()); ok && strings.EqualFold(ref.Kind, f.Entity) {
		return nil
	}
	return fail(fiber.StatusNotFound, "the catalog has no %s %q%s", strings.ToLower(f.Entity), value,
		spelling.Hint(ref.String(), p.Entities(f.Entity)))
}

// Entities returns the refs of the entities of a kind.
func (p *Planner) Entities(kind string) []string {
	var refs []string
	for _, e := range p.Catalog().Entities() {
		if strings.EqualFold(e.Kind, kind) {
			refs = append(refs, e.Ref)
		}
	}
	return refs
}
