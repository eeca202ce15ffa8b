package pages

import (
	"context"
	"errors"
	"net/url"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/actions/fix"
	"github.com/dxctl/dxctl/web/actionplan"
	"github.com/dxctl/dxctl/web/route"
)

type actionsView struct {
	layout
	Actions []actionRow
}

type actionRow struct {
	actions.Descriptor
	Path string // of its form; "" if it is planned on the command line only
}

type actionView struct {
	layout
	Action   actions.Descriptor
	Path     string
	Fields   []formField
	More     bool     // further fields depend on the values
	Problems []string // what is wrong with no field
	Wrong    int      // fields with a problem
	Choices  []actionChoice
	Command  string // that shows the plan
	CarryOut []actions.Command
	Contents bool
	Plan     *actions.Document // nil: none is asked for, or there is none
	Rules    []fix.Group       // of a plan of fixes
	Grades   []gradeChange
	Files    []fileChange
	Left     int
}

// actionChoice is a value that somebody has to choose, and the page of the plan with it.
type actionChoice struct {
	actions.Choice
	Path string
}

// actionRoutes are the pages of actions: their list, and of each that is planned over HTTP its form and its plan.
func (p *Pages) actionRoutes() []route.Route {
	if p.deps.Planner == nil || len(p.deps.Planner.Set) == 0 {
		return nil
	}
	routes := []route.Route{route.Get("/actions", p.actions)}
	for _, action := range p.deps.Planner.Set {
		d := action.Descriptor()
		if !d.Remote() {
			continue
		}
		var names, keyed []string
		for _, f := range d.Fields(true) {
			names = append(names, f.Name)
			if f.Type == actions.Texts {
				keyed = append(keyed, f.Name)
			}
		}
		form := route.Get(actionPath(d), func(ctx context.Context, r route.Request) (route.Answer, error) {
			return p.action(ctx, action, r, false)
		}, names...)
		form.Maps = keyed
		plan := route.Get(actionPath(d)+"/plan", func(ctx context.Context, r route.Request) (route.Answer, error) {
			return p.action(ctx, action, r, true)
		}, names...)
		plan.Maps, plan.Plans, plan.Live = keyed, true, true // it depends on files, too
		routes = append(routes, form, plan)
	}
	return routes
}

func actionPath(d actions.Descriptor) string { return "/actions/" + d.Name }

// actions lists the actions.
func (p *Pages) actions(context.Context, route.Request) (route.Answer, error) {
	view := actionsView{layout: p.layout("Actions", "")}
	for _, action := range p.deps.Planner.Set {
		row := actionRow{Descriptor: action.Descriptor()}
		if row.Remote() {
			row.Path = actionPath(row.Descriptor)
		}
		view.Actions = append(view.Actions, row)
	}
	return p.render("actions", view)
}

// action shows the form of an action, and below it the plan with its values.
func (p *Pages) action(ctx context.Context, action actions.Action, r route.Request, plan bool) (route.Answer, error) {
	f := p.newForm(ctx, action, r)
	view := actionView{
		layout: p.layout(f.d.Title, ""), Action: f.d, Path: actionPath(f.d), Contents: p.deps.Contents,
	}
	_, prompts := action.(actions.Prompter)
	view.More = prompts && f.asked != ""
	var problems []actions.InputProblem
	if plan {
		doc, err := p.deps.Planner.Plan(ctx, action, f.input())
		refused, ok := errors.AsType[*actionplan.Error](err)
		switch {
		case err != nil && !ok:
			return route.Answer{}, err
		case err != nil:
			problems, view.Problems = refused.Inputs, refused.Others
			if len(refused.Inputs)+len(refused.Others) == 0 {
				view.Problems = []string{refused.Detail}
			}
			view.choose(refused.Choices, r)
		default:
			view.show(doc)
			view.Command, view.CarryOut = f.d.CommandLine(f.input()), f.d.CarryOut(f.input())
		}
	}
	var left []string
	view.Fields, left = f.fields(problems)
	view.Problems = append(view.Problems, left...)
	for _, c := range view.Fields {
		if c.Problem != "" {
			view.Wrong++
		}
	}
	return p.render("action", view)
}

// choose links to the plan with each of the values that somebody has to choose from.
func (v *actionView) choose(choices []actions.Choice, r route.Request) {
	for _, c := range choices {
		values := url.Values{}
		for name, all := range r.Values() {
			values[name] = all
		}
		values.Set(c.Input, c.Value)
		v.Choices = append(v.Choices, actionChoice{c, v.Path + "/plan?" + values.Encode()})
	}
	if len(choices) > 0 {
		v.Problems = nil // the list says it
	}
}

// show shows a plan.
func (v *actionView) show(doc any) {
	var plan actions.Document
	switch d := doc.(type) {
	case fix.Document:
		plan, v.Rules, v.Grades = d.Document, fix.Groups(d.Rules), gradeChanges(d)
	case actions.Document:
		plan = d
	}
	if !v.Contents {
		plan = plan.WithoutContents()
	}
	v.Plan = &plan
	v.Files, v.Left = fileChanges(plan.Files)
}
