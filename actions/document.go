package actions

import "strings"

//go:generate go test . -run TestActionsAreDocumented -update

// ActionDocument describes an action as JSON.
type ActionDocument struct {
	Name        string           `json:"name"`
	Title       string           `json:"title"`
	Description string           `json:"description"`
	Input       map[string]any   `json:"input"` // JSON schema
	ReadOnly    bool             `json:"read_only"`
	Destructive bool             `json:"destructive"`
	Idempotent  bool             `json:"idempotent"`
	Role        Role             `json:"role"`
	Plan        []string         `json:"plan"`
	Command     string           `json:"command"` // on the command line, after dxctl
	Options     []OptionDocument `json:"options"` // flags that choose how the plan is carried out, and are no input
	// PlanPath is where it is planned over HTTP; empty: it is not.
	PlanPath string `json:"plan_path"`
	// CommandLineOnly is why it is not planned over HTTP; empty: it is, or its input names no entity of the catalog.
	CommandLineOnly string `json:"command_line_only"`
}

// OptionDocument describes a flag that is no input.
type OptionDocument struct {
	Flag        string `json:"flag"`
	Description string `json:"description"`
}

// Document returns the descriptor as JSON encodes it, with the schema of the input of the command line.
func (d Descriptor) Document() ActionDocument {
	doc := ActionDocument{
		Name: d.Name, Title: d.Title, Description: d.Description, Input: d.Schema(false), ReadOnly: d.ReadOnly,
		Destructive: d.Destructive, Idempotent: d.Idempotent, Role: d.Role, Plan: d.Plan,
		Command: d.Command, Options: []OptionDocument{}, CommandLineOnly: d.CommandLineOnly,
	}
	for _, o := range d.Options {
		doc.Options = append(doc.Options, OptionDocument{"--" + o.Flag, strings.ReplaceAll(o.Description, "`", "")})
	}
	if d.Remote() {
		doc.PlanPath = d.PlanPath()
	}
	return doc
}

// PlanPath is the path at which the action is planned over HTTP.
func (d Descriptor) PlanPath() string { return "/api/v1/actions/" + d.Name + "/plan" }

// SetDocument is a list of actions as JSON.
type SetDocument struct {
	Actions []ActionDocument `json:"actions"`
}

// Document returns the descriptors as JSON encodes them.
func (s Set) Document() SetDocument {
	doc := SetDocument{Actions: []ActionDocument{}}
	for _, a := range s {
		doc.Actions = append(doc.Actions, a.Descriptor().Document())
	}
	return doc
}

// Effect says in words what applying the action does.
func (d Descriptor) Effect() string {
	switch {
	case d.ReadOnly:
		return "changes nothing"
	case d.Destructive:
		return "can delete or overwrite"
	case d.Idempotent:
		return "adds; repeating it changes nothing"
	}
	return "adds"
}

// Usage is how the field is given on the command line.
func (f Field) Usage() string {
	switch {
	case f.Argument:
		return f.Name
	case f.Type == List:
		return "--" + f.One
	case f.Type == Texts:
		return "--" + f.Flag() + ", --" + f.One
	}
	return "--" + f.Flag()
}
