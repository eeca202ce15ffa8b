package api

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/catalog/identifier"
	"github.com/dxctl/dxctl/spelling"
	"github.com/dxctl/dxctl/web/route"
)

// ActionRoutes are the addresses at which actions are listed and planned. Until people sign in, nothing is applied over
// HTTP: there is no route for it. contents: plans show what is in the files of repositories.
func (a *API) ActionRoutes(set actions.Set, contents bool) []route.Route {
	if len(set) == 0 {
		return nil
	}
	routes := []route.Route{
		route.Get("/api/v1/actions", func(context.Context, route.Request) (route.Answer, error) {
			return document(set.Document())
		}).Titled("what dxctl can change, with the schema of each input").Answers(actions.SetDocument{}),
	}
	for _, action := range set {
		d := action.Descriptor()
		if !d.Remote() {
			continue
		}
		r := route.Ask(d.PlanPath(), func(ctx context.Context, r route.Request) (route.Answer, error) {
			return a.planAction(ctx, action, r.Body(), contents)
		}, actions.MaxInput).
			Titled("what the action " + d.Name + " would write and send; it is applied on the command line only").
			Answers(planDocument(action))
		r.Doc.Body = actionInput{d}
		routes = append(routes, r)
	}
	return routes
}

// actionInput is the input of an action over HTTP.
type actionInput struct{ d actions.Descriptor }

// Schema returns its JSON schema.
func (i actionInput) Schema() map[string]any { return i.d.Schema(true) }

// planDocument is a value of the type of the plan of an action.
func planDocument(action actions.Action) any {
	if explainer, ok := action.(actions.Explainer); ok {
		return explainer.Explained()
	}
	return actions.Document{}
}

// planned returns the plan of an action as a document.
func planned(ctx context.Context, action actions.Action, in actions.Input, contents bool) (any, error) {
	if explainer, ok := action.(actions.Explainer); ok {
		return explainer.Explain(ctx, in, contents)
	}
	p, err := action.Plan(ctx, in)
	return p.Document(), err
}

// planAction plans an action for an entity of the catalog.
func (a *API) planAction(ctx context.Context, action actions.Action, body []byte, contents bool) (route.Answer, error) {
	d := action.Descriptor()
	in, err := d.DecodeInput(body)
	if err == nil {
		in, err = d.Check(in, true)
	}
	if err != nil {
		return route.Answer{}, route.BadRequest("%s", err)
	}
	for _, f := range d.Fields(true) {
		if err := a.checkEntity(f, in.Text(f.Name)); err != nil {
			return route.Answer{}, err
		}
	}
	p, err := planned(ctx, action, in, contents)
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return route.Answer{}, err
	}
	if _, files := action.(actions.Explainer); err != nil && files && !contents {
		return route.Answer{}, route.BadRequest("planning %s failed; the reason may cite files, so it is shown only on the "+
			"machine of the server: there, dxctl %s or the dashboard on its loopback address says it", d.Name, d.Name)
	}
	if err != nil {
		return route.Answer{}, route.BadRequest("planning %s: %s", d.Name, err)
	}
	return document(p)
}

// checkEntity returns an error unless the catalog has the entity that a field names.
func (a *API) checkEntity(f actions.Field, value string) error {
	if f.Entity == "" || value == "" {
		return nil
	}
	ref, err := identifier.ParseRef(value, strings.ToLower(f.Entity), "")
	if err != nil {
		return route.BadRequest("%s: %s", f.Name, err)
	}
	cat := a.reader.Catalog()
	if _, ok := cat.Entity(ref.String()); ok && strings.EqualFold(ref.Kind, f.Entity) {
		return nil
	}
	var refs []string
	for _, e := range cat.Entities() {
		if strings.EqualFold(e.Kind, f.Entity) {
			refs = append(refs, e.Ref)
		}
	}
	return fiber.NewError(fiber.StatusNotFound, fmt.Sprintf("%s: the catalog has no %s %q%s", f.Name,
		strings.ToLower(f.Entity), value, spelling.Hint(ref.String(), refs)))
}
