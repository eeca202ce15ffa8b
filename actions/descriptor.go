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
	Title       string  // a short sentence, in the imperative
	Description string  // a paragraph
	Input       []Field // in the order in which they are asked for
	ReadOnly    bool    // it changes nothing
	Destructive bool    // it can delete or overwrite what it did not make
	Idempotent  bool    // applying it again changes nothing
	Role        Role
	Plan        []string // what its plan contains, a sentence each
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
	if d.Title == "" || d.Description == "" || len(d.Plan) == 0 {
		fail("title, description and plan are required")
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
