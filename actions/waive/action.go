// Package waive plans the waiver of a rule: the file that it is written into, with its bytes before and after.
package waive

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/catalog/identifier"
	"github.com/dxctl/dxctl/repository/waiver"
	"github.com/dxctl/dxctl/scorecards"
)

// Name is the name of the action, and of the runs that propose a waiver.
const Name = "waiver"

// The names of the input.
const (
	ServiceField = "service"
	RuleField    = "rule"
	UntilField   = "until"
	ReasonField  = "reason"
	NoteField    = "note"
	ByField      = "by"
	FileField    = "file"
)

// Target is where a waiver goes.
type Target struct {
	Root   string // directory that File is relative to
	File   string // with slashes
	Origin waiver.Origin
	// Service is the ref of the service that is waived; empty: it is the directory Path of its repository.
	Service, Path string
	Cards         scorecards.Set
}

// Of returns where a waiver of a service of the catalog goes. patterns are those of the files with waivers, relative to
// dir, the directory of the configuration; the first one decides the directory.
func Of(service string, patterns []string, dir string, cards scorecards.Set) (Target, error) {
	ref, err := identifier.ParseRef(service, "", "")
	if err != nil {
		return Target{}, err
	}
	below := path.Dir(waiver.DefaultFiles)
	if len(patterns) > 0 {
		below = path.Dir(filepath.ToSlash(patterns[0]))
		if strings.ContainsAny(below, "*?[{") {
			return Target{}, fmt.Errorf("scorecards.waivers begins with the pattern %s; name the file with --file", patterns[0])
		}
	}
	return Target{
		Root: cmp.Or(dir, "."), File: path.Join(below, strings.ReplaceAll(ref.Short(), "/", "-")+".yaml"),
		Origin: waiver.FromScorecards, Service: service, Cards: cards,
	}, nil
}

// Action plans waivers.
type Action struct {
	Now func() time.Time
	// Find returns where a waiver of a service of the catalog goes. Nil: the action is only described.
	Find func(ctx context.Context, ref string) (Target, error)
}

// Descriptor describes the action.
func (a *Action) Descriptor() actions.Descriptor {
	return actions.Descriptor{
		Name:    Name,
		Command: "waiver request",
		Title:   "Ask for a waiver of a rule",
		Description: "Writes a waiver into its file, to be committed and proposed like any other change, or proposes it " +
			"as a pull request with --pr. It counts once the change is merged, for scorecards that take waivers from there.",
		Input: []actions.Field{
			{Name: ServiceField, Title: "Service", Type: actions.String, Required: true, Entity: "Component", Argument: true,
				Example:     "component:default/payment-service",
				Description: "service of the catalog; on the command line also a directory of a checkout"},
			{Name: RuleField, Title: "Rule", Type: actions.String, Required: true, MaxLength: 200, Placeholder: "RULE",
				Example: "ci-fast-and-green", Description: "id of the rule, or SCORECARD/RULE where several scorecards have it"},
			{Name: UntilField, Title: "Until", Type: actions.String, Required: true, MaxLength: 20, Placeholder: "DAY",
				Example: "30d", Description: "last day, such as 2027-01-31, or how long from today, such as 30d; at most a year"},
			{Name: ReasonField, Title: "Reason", Type: actions.String, Required: true, Enum: waiver.ReasonWords(),
				Placeholder: "REASON", Description: "why, in a word"},
			{Name: NoteField, Title: "Note", Type: actions.String, Required: true, MaxLength: waiver.MaxNote,
				Example: "The new pipeline: PAY-12", Description: "why, for whoever approves it"},
			{Name: ByField, Title: "By", Type: actions.String, MaxLength: 200, Placeholder: "WHO", Example: "ana@acme.example",
				Description: "who asks for it (default, on the command line: user.email of git)"},
			{Name: FileField, Title: "File", Type: actions.String, Local: true, Placeholder: "FILE",
				Description: "file to write into, instead of the usual one"},
		},
		Role: actions.Owner,
		Plan: []string{
			"The file with the waiver, with its bytes before and after.",
			"Which scorecards do not count it.",
		},
		Options: []actions.Option{
			{Flag: "pr", Description: "open a pull request on GitHub instead of writing the file"},
			{Flag: "repository", Description: "with --pr: `OWNER/NAME` on GitHub; default: of the remote origin"},
		},
	}
}

// Plan returns the file with the waiver of a service of the catalog.
func (a *Action) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	in, err := a.Descriptor().Check(in, true)
	if err != nil {
		return actions.Plan{}, err
	}
	ref, err := identifier.ParseRef(in.Text(ServiceField), "component", "")
	if err != nil {
		return actions.Plan{}, fmt.Errorf("%s: %w", ServiceField, err)
	}
	target, err := a.Find(ctx, ref.String())
	if err != nil {
		return actions.Plan{}, err
	}
	w, notes, err := Waiver(target, in, a.Now())
	if err != nil {
		return actions.Plan{}, err
	}
	before, err := read(target)
	if err != nil {
		return actions.Plan{}, err
	}
	after, err := waiver.Add(before, target.File, w)
	if err != nil {
		return actions.Plan{}, fmt.Errorf("adding the waiver to %s: %w", target.File, err)
	}
	return actions.Plan{
		Action: Name, Entity: ref.String(), Input: in, Notes: notes,
		Title: fmt.Sprintf("Waive %s for %s until %s", w.Rule, ref.String(), w.Until.Format(time.DateOnly)),
		On:    map[string]string{"day": w.Since.Format(time.DateOnly)},
		Files: []actions.FileChange{{Path: target.File, Before: before, After: after}},
	}, nil
}

// Explain returns the plan as an [actions.Document]. Without contents, it has nothing of a file that is there already.
func (a *Action) Explain(ctx context.Context, in actions.Input, contents bool) (any, error) {
	p, err := a.Plan(ctx, in)
	if err != nil {
		return nil, err
	}
	doc := p.Document()
	if !contents && p.Files[0].Before != nil {
		doc = doc.WithoutContents()
	}
	return doc, nil
}

// Explained is a value of the type that Explain returns.
func (a *Action) Explained() any { return actions.Document{} }

// read returns the file of a target; nil without one. It follows no symbolic link out of the directory.
func read(t Target) ([]byte, error) {
	dir, err := os.OpenRoot(t.Root)
	if err != nil {
		return nil, fmt.Errorf("reading the waivers of %s: %w", t.File, err)
	}
	defer dir.Close() //nolint:errcheck // opened for reading only
	text, err := dir.ReadFile(filepath.FromSlash(t.File))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the waivers of %s: %w", t.File, err)
	}
	return text, nil
}

// Waiver returns the waiver of an input that was checked, and what to say of it.
func Waiver(t Target, in actions.Input, now time.Time) (w *waiver.Waiver, notes []string, err error) {
	now = now.UTC()
	w = &waiver.Waiver{
		Service: t.Service, Path: t.Path, Origin: t.Origin, Reason: in.Text(ReasonField),
		Note: strings.TrimSpace(in.Text(NoteField)), By: in.Text(ByField), Since: now.Truncate(24 * time.Hour),
	}
	fail := func(field string, err error) error {
		return &actions.InputError{Input: field, Err: fmt.Errorf("%s: %w", field, err)}
	}
	var errs []error
	if w.Until, err = lastDay(in.Text(UntilField), now); err != nil {
		errs = append(errs, fail(UntilField, err))
	}
	if w.By == "" {
		errs = append(errs, fail(ByField, errors.New("who asks for the waiver is not known; name the person")))
	}
	if notes, err = ruleFor(w, t.Cards, in.Text(RuleField)); err != nil {
		errs = append(errs, fail(RuleField, err))
	}
	return w, notes, errors.Join(errs...)
}
