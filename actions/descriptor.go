// Package actions has what dxctl's actions share: how one is described, planned, applied and recorded.
//
// An action is described once, by a [Descriptor]: its flags, its request over HTTP, its form and its documentation
// derive from it. A [Plan] is pure: it contains the exact bytes and requests, and changes nothing. To apply it, an
// action is planned again; if the digest differs from the one that was shown, what it was planned on has changed, and
// nothing is done.
package actions

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/spelling"
)

// Role is who may start an action.
type Role string

// The roles. Until people sign in, an action is started on the command line, with the rights of whoever starts it.
const (
	Engineer Role = "engineer" // anyone who may write where the action writes
	Owner    Role = "owner"    // a member of the team that owns the entity
	Platform Role = "platform" // the platform team
)

// Roles are all roles.
var Roles = []Role{Engineer, Owner, Platform}

// Descriptor describes an action.
type Descriptor struct {
	Name        string  // one word: create
	Command     string  // of the command line, after dxctl: create service
	Title       string  // a short sentence, in the imperative
	Description string  // a paragraph
	Input       []Field // in the order in which they are asked for
	ReadOnly    bool    // it changes nothing
	Destructive bool    // it can delete or overwrite what it did not make
	Idempotent  bool    // applying it again changes nothing
	Role        Role
	Plan        []string // what its plan contains, a sentence each
	// Options only choose how the plan is carried out or shown. They are flags of the command line, and no input: a plan
	// does not depend on them.
	Options []Option
	// CommandLineOnly is why the action is not planned over HTTP although its input names an entity; empty: it is.
	CommandLineOnly string
}

// Option is a flag that is no input.
type Option struct {
	Flag        string // without dashes: write
	Description string // a sentence without a full stop; `NAME` in it is what the help shows as the value
	Applies     bool   // it takes no value, and with it the command carries out the plan instead of only showing it
}

// Option returns the description of an option, for its flag. It panics for a flag that the action does not describe,
// which every run of its command would show.
func (d Descriptor) Option(flag string) string {
	i := slices.IndexFunc(d.Options, func(o Option) bool { return o.Flag == flag })
	if i < 0 {
		panic("the action " + d.Name + " describes no option --" + flag)
	}
	return d.Options[i].Description
}

// Action can be described and planned.
type Action interface {
	Descriptor() Descriptor
	// Plan returns what Apply would do with the same input. It changes nothing. The same input on the same state gives
	// the same plan.
	Plan(ctx context.Context, in Input) (Plan, error)
}

// Applier is an action that can be applied, with [Run].
type Applier interface {
	Action
	// Apply does what the plan says, in steps that progress reports. It returns the address at which a person can look at
	// the result; it may be empty.
	Apply(ctx context.Context, p Plan, progress func(Step)) (url string, err error)
}

// Explainer is an action whose plan has more to show than files and requests.
type Explainer interface {
	Action
	// Explain plans, and returns the plan as a value that JSON encodes. Without contents, it has nothing that is in files:
	// their names and counts only.
	Explain(ctx context.Context, in Input, contents bool) (any, error)
	// Explained is a value of the type that Explain returns.
	Explained() any
}

// Prompter is an action whose form depends on more than its descriptor.
type Prompter interface {
	Action
	// Choices returns possible values of inputs that are no enum, such as golden paths.
	Choices(ctx context.Context) ([]Choice, error)
	// Questions returns the texts that an input of [Texts] takes, as far as the other inputs decide that: nil if they do
	// not yet. The name of each is that of the text.
	Questions(ctx context.Context, in Input) (field string, questions []Field, err error)
}

// Step is the progress of an action.
type Step struct {
	Name string // what is being done
	Done bool
	Note string // of a step that is done: its result
}

var nameRule = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)

// Validate returns every mistake in a descriptor, joined.
func (d Descriptor) Validate() error {
	var errs []error
	fail := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("action %s: "+format, append([]any{d.Name}, args...)...))
	}
	if !nameRule.MatchString(d.Name) {
		fail("the name %q is not one word in lower case", d.Name)
	}
	if d.Title == "" || d.Description == "" || len(d.Plan) == 0 || d.Command == "" {
		fail("command, title, description and plan are required")
	}
	if !slices.Contains(Roles, d.Role) {
		fail("unknown role %q", d.Role)
	}
	if d.ReadOnly && d.Destructive {
		fail("it cannot be read-only and destructive")
	}
	seen := map[string]bool{}
	for _, f := range d.Input {
		if err := f.validate(); err != nil {
			fail("%w", err)
		}
		if seen[f.Name] {
			fail("the field %s is there twice", f.Name)
		}
		seen[f.Name] = true
	}
	for _, o := range d.Options {
		name := strings.ReplaceAll(o.Flag, "-", "_")
		if o.Description == "" || !fieldRule.MatchString(name) || seen[name] {
			fail("the option %q is there twice, has no description, or is not in lower case", o.Flag)
		}
		seen[name] = true
	}
	return errors.Join(errs...)
}

// Field returns the field of a name.
func (d Descriptor) Field(name string) (Field, bool) {
	i := slices.IndexFunc(d.Input, func(f Field) bool { return f.Name == name })
	if i < 0 {
		return Field{}, false
	}
	return d.Input[i], true
}

// Set is a list of actions.
type Set []Action

// NewSet returns the actions. It returns an error for a mistake in a descriptor, or for two actions of one name.
func NewSet(all ...Action) (Set, error) {
	var errs []error
	seen := map[string]bool{}
	for _, a := range all {
		d := a.Descriptor()
		errs = append(errs, d.Validate())
		if seen[d.Name] {
			errs = append(errs, fmt.Errorf("action %s is there twice", d.Name))
		}
		seen[d.Name] = true
	}
	return all, errors.Join(errs...)
}

// Lookup returns the action of a name.
func (s Set) Lookup(name string) (Action, error) {
	names := make([]string, len(s))
	for i, a := range s {
		if names[i] = a.Descriptor().Name; names[i] == name {
			return a, nil
		}
	}
	return nil, fmt.Errorf("unknown action %q%s", name, spelling.Hint(name, names))
}
