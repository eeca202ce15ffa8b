package pages

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/web/actionplan"
	"github.com/dxctl/dxctl/web/route"
)

// The kinds of controls of a form.
const (
	textControl   = "text"
	selectControl = "select"
	checkControl  = "checkbox"
	areaControl   = "area" // a text of several lines
)

// The bounds of what a form offers to choose from. Up to mostOptions are a list; more are suggestions for a text.
const (
	mostOptions     = 40
	mostSuggestions = 300
)

// formField is a control of a form: an input of an action, or one of the texts of an input.
type formField struct {
	Heading     string // above it; "" for none
	Name        string // parameter of the request
	Label       string
	Description string
	Kind        string
	Value       string
	Default     string
	Placeholder string
	Required    bool
	MaxLength   int
	Options     []formOption // of a list, and suggestions
	Problem     string       // what is wrong with the value; "" if nothing is known to be
}

// formOption is a possible value.
type formOption struct {
	Value, Label string
	Selected     bool
}

// form is the form of an action, as far as the values of a request decide it.
type form struct {
	action  actions.Action
	planner *actionplan.Planner
	d       actions.Descriptor
	request route.Request
	choices []actions.Choice
	// questions are the texts that the field asked takes.
	asked     string
	questions []actions.Field
}

// newForm reads what the form of an action depends on. A form whose choices cannot be read has none.
func (p *Pages) newForm(ctx context.Context, action actions.Action, r route.Request) *form {
	f := &form{action: action, planner: p.deps.Planner, d: action.Descriptor(), request: r}
	prompter, ok := action.(actions.Prompter)
	if !ok {
		return f
	}
	if choices, err := prompter.Choices(ctx); err == nil {
		f.choices = choices
	}
	if field, questions, err := prompter.Questions(ctx, f.input()); err == nil {
		f.asked, f.questions = field, questions
	}
	return f
}

// input returns the values that were given. Words of a list are separated by spaces or commas; texts are written as
// NAME=VALUE, one a line, or are values of questions.
func (f *form) input() actions.Input {
	in := actions.Input{}
	for _, field := range f.d.Fields(true) {
		text := strings.TrimSpace(f.request.Query(field.Name, ""))
		switch {
		case field.Type == actions.Texts:
			if texts := f.texts(field, text); len(texts) > 0 {
				in[field.Name] = texts
			}
		case text == "":
		case field.Type == actions.Boolean:
			in[field.Name] = text == "true"
		case field.Type == actions.List:
			in[field.Name] = strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" ,\t\r\n", r) })
		default:
			in[field.Name] = text
		}
	}
	return in
}

// texts returns the values of a field of texts.
func (f *form) texts(field actions.Field, lines string) map[string]string {
	texts := map[string]string{}
	for line := range strings.Lines(lines) {
		if line = strings.TrimSpace(line); line != "" {
			name, value, _ := strings.Cut(line, "=")
			texts[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
	}
	for name, value := range f.request.Map(field.Name) {
		texts[name] = strings.TrimSpace(value)
	}
	return texts
}

// fields returns the controls, with what is wrong with each. Problems of inputs that have no control are left.
func (f *form) fields(problems []actions.InputProblem) (controls []formField, left []string) {
	shown := map[string]int{}
	add := func(c formField) {
		shown[c.Name] = len(controls)
		controls = append(controls, c)
	}
	for _, field := range f.d.Fields(true) {
		if field.Type != actions.Texts || field.Name != f.asked {
			add(f.control(field))
			continue
		}
		for i, q := range f.questions {
			q.Name = field.Name + "." + q.Name
			c := f.control(q)
			_, name, _ := strings.Cut(q.Name, ".")
			c.Value = f.request.Map(field.Name)[name]
			c.selectValue()
			if i == 0 {
				c.Heading = field.Title
			}
			add(c)
		}
	}
	for _, one := range problems {
		if i, ok := shown[one.Input]; ok {
			c := &controls[i]
			c.Problem = strings.TrimPrefix(c.Problem+"; "+one.Message, "; ")
			if strings.Contains(c.Problem, c.Description) {
				c.Description = ""
			}
			continue
		}
		left = append(left, one.Message)
	}
	return controls, left
}

// control returns the control of a field.
func (f *form) control(field actions.Field) formField {
	c := formField{
		Name: field.Name, Label: field.Title, Description: strings.ReplaceAll(field.Description, "`", ""),
		Kind: textControl, Default: field.Default,
		Value: f.request.Query(field.Name, ""), Required: field.Required || field.Entity != "", Placeholder: field.Example,
		MaxLength: cmp.Or(field.MaxLength, actions.DefaultLength),
	}
	switch {
	case field.Type == actions.Boolean:
		c.Kind, c.Required = checkControl, false
	case field.Type == actions.Texts:
		c.Kind, c.MaxLength, c.Placeholder = areaControl, 0, "NAME=VALUE"
		c.Description += "; one a line, as NAME=VALUE"
	case field.Type == actions.List:
		c.MaxLength = 0
		c.Description += "; separated by spaces"
	case field.Enum != nil:
		c.Kind = selectControl
		for _, value := range field.Enum {
			c.Options = append(c.Options, formOption{Value: value, Label: value})
		}
	case field.Entity != "":
		c.offer(optionsOf(f.planner.Entities(field.Entity)))
	default:
		c.offer(f.chosen(field.Name))
	}
	c.selectValue()
	return c
}

// chosen returns the choices of an input.
func (f *form) chosen(input string) (options []formOption) {
	for _, choice := range f.choices {
		if choice.Input == input {
			options = append(options, formOption{Value: choice.Value, Label: cmp.Or(choice.Title, choice.Value)})
		}
	}
	return options
}

func optionsOf(values []string) (options []formOption) {
	for _, value := range values {
		options = append(options, formOption{Value: value, Label: value})
	}
	return options
}

// offer makes a list of a few options, and suggestions of many.
func (c *formField) offer(options []formOption) {
	if len(options) > 0 && len(options) <= mostOptions {
		c.Kind = selectControl
	}
	c.Options = options[:min(len(options), mostSuggestions)]
}

// selectValue marks the option that was chosen, else the default. A value that is no option is added, so that the form
// shows what was given.
func (c *formField) selectValue() {
	value := cmp.Or(c.Value, c.Default)
	if c.Kind != selectControl {
		return
	}
	at := slices.IndexFunc(c.Options, func(o formOption) bool { return o.Value == value })
	if at < 0 && value != "" {
		c.Options = append(c.Options, formOption{Value: value, Label: value})
		at = len(c.Options) - 1
	}
	for i := range c.Options {
		c.Options[i].Selected = i == at
	}
}
