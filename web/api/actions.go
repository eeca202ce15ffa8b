package api

import (
	"context"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/web/actionplan"
	"github.com/dxctl/dxctl/web/route"
)

// ActionProblem is why there is no plan: a problem document (RFC 9457), with what is wrong with each input, and the
// values of an input that somebody has to choose from.
type ActionProblem struct {
	Type     string                 `json:"type"` // always about:blank
	Title    string                 `json:"title"`
	Status   int                    `json:"status"`
	Detail   string                 `json:"detail"` // what was wrong, and what to do
	Instance string                 `json:"instance"`
	Inputs   []actions.InputProblem `json:"inputs,omitempty"`
	Choices  []actions.Choice       `json:"choices,omitempty"`
}

// ActionRoutes are the addresses at which actions are listed and planned. Until people sign in, nothing is applied over
// HTTP: there is no route for it.
func (a *API) ActionRoutes(planner *actionplan.Planner) []route.Route {
	if len(planner.Set) == 0 {
		return nil
	}
	routes := []route.Route{
		route.Get("/api/v1/actions", func(context.Context, route.Request) (route.Answer, error) {
			return document(planner.Set.Document())
		}).Titled("what dxctl can change, with the schema of each input").Answers(actions.SetDocument{}),
	}
	for _, action := range planner.Set {
		d := action.Descriptor()
		if !d.Remote() {
			continue
		}
		r := route.Ask(d.PlanPath(), func(ctx context.Context, r route.Request) (route.Answer, error) {
			in, err := planner.Decode(action, r.Body())
			if err != nil {
				return route.Answer{}, err
			}
			p, err := planner.Plan(ctx, action, in)
			if err != nil {
				return route.Answer{}, err
			}
			return document(p)
		}, actions.MaxInput).
			Titled("what the action " + d.Name + " would write and send; it is applied on the command line only").
			Answers(actionplan.Document(action))
		r.Plans, r.Live = true, true // it depends on files, too
		r.Doc.Body = actionInput{d}
		r.Doc.Problem, r.Doc.ProblemType, r.Doc.RetryAfter = ActionProblem{}, "application/problem+json", true
		routes = append(routes, r)
	}
	return routes
}

// actionInput is the input of an action over HTTP.
type actionInput struct{ d actions.Descriptor }

// Schema returns its JSON schema.
func (i actionInput) Schema() map[string]any { return i.d.Schema(true) }
