package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/charmbracelet/huh"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/actions/create"
	"github.com/dxctl/dxctl/cmd/dxctl/app"
	"github.com/dxctl/dxctl/cmd/dxctl/exit"
	"github.com/dxctl/dxctl/cmd/dxctl/output"
	"github.com/dxctl/dxctl/scorecards/paths"
)

// complete asks for what the input lacks. Without a terminal, it returns an error that names it.
func (c *creation) complete(ctx context.Context, in actions.Input) (actions.Input, error) {
	d := c.action.Descriptor()
	asks := terminal(c.in) != nil && !c.yes
	if in.Text(create.PathField) == "" && asks {
		all, err := app.GoldenPaths(ctx, c.cfg)
		if err != nil {
			return nil, err
		}
		var choices []huh.Option[string]
		for _, p := range all {
			choices = append(choices, huh.NewOption(p.Title+" ("+p.Name+")", p.Name))
		}
		var chosen string
		field, _ := d.Field(create.PathField)
		question := huh.NewSelect[string]().Title(field.Title).Options(choices...).Value(&chosen)
		if err := c.ask(ctx, question); err != nil {
			return nil, err
		}
		in[create.PathField] = chosen
	}
	if in.Text(create.NameField) == "" && asks {
		var name string
		field, _ := d.Field(create.NameField)
		question := huh.NewInput().Title(field.Title).Description(field.Description).Placeholder(field.Example).
			Value(&name).Validate(func(s string) error {
			_, err := d.Check(actions.Input{create.NameField: s, create.PathField: in.Text(create.PathField)}, false)
			return err
		})
		if err := c.ask(ctx, question); err != nil {
			return nil, err
		}
		in[create.NameField] = name
	}
	checked, err := d.Check(in, false)
	if err != nil {
		return nil, err
	}
	prepared, err := c.action.Prepare(ctx, checked)
	if err != nil {
		return nil, err
	}
	for _, d := range prepared.Derived {
		fmt.Fprintf(c.err, "%s: %s (from %s)\n", d.Question, output.Printable(d.Answer), output.Printable(d.From))
	}
	missing := prepared.Missing()
	if len(missing) == 0 {
		return prepared.Input, nil
	}
	if !asks {
		return nil, missingAnswers(prepared.Path, missing)
	}
	return prepared.Input, c.askAnswers(ctx, prepared.Path, prepared.Input, missing)
}

// missingAnswers is the error of questions that nobody can be asked.
func missingAnswers(path *paths.Path, missing []paths.Question) error {
	var b strings.Builder
	answers, them := "answers", "them"
	if len(missing) == 1 {
		answers, them = "answer", "it"
	}
	fmt.Fprintf(&b, "the golden path %s asks for %d more %s; give %s as --answer NAME=VALUE, in a YAML file with "+
		"--answers, or for all services under paths.defaults.answers in dx.yaml:", path.Name, len(missing), answers, them)
	for i := range missing {
		flag := "--answer " + missing[i].Name + "="
		switch missing[i].Name { // the input has them itself
		case create.OwnerField, create.DescriptionField:
			flag = "--" + missing[i].Name + " "
		}
		fmt.Fprintf(&b, "\n  %s…   %s", flag, missing[i].Wanted())
	}
	return exit.With(exit.Usage, errors.New(b.String()))
}

// askAnswers asks the questions, and adds the answers to the input.
func (c *creation) askAnswers(ctx context.Context, path *paths.Path, in actions.Input, missing []paths.Question) error {
	answers := in.Texts(create.AnswersField)
	values := make([]string, len(missing))
	questions := make([]huh.Field, len(missing))
	for i, q := range missing {
		check := func(s string) error {
			var wrong paths.AnswerError
			err := path.Check(paths.Answers{q.Name: s})
			for _, one := range unwrapped(err) {
				if errors.As(one, &wrong) && wrong.Question == q.Name {
					return errors.New("the answer " + wrong.Message)
				}
			}
			return nil
		}
		if len(q.Choices) > 0 {
			questions[i] = huh.NewSelect[string]().Title(q.Title).Description(q.Description).
				Options(huh.NewOptions(q.Choices...)...).Value(&values[i])
			continue
		}
		questions[i] = huh.NewInput().Title(q.Title).Description(strings.TrimSpace(q.Description + " " + q.Hint)).
			Value(&values[i]).Validate(check)
	}
	if err := c.ask(ctx, questions...); err != nil {
		return err
	}
	for i := range missing {
		answers[missing[i].Name] = strings.TrimSpace(values[i])
	}
	return nil
}

// unwrapped returns the errors that an error joins.
func unwrapped(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	if err == nil {
		return nil
	}
	return []error{err}
}

// ask asks questions on the terminal. A terminal without cursor movement, and one that a screen reader reads
// (ACCESSIBLE), gets a line for each.
func (c *creation) ask(ctx context.Context, questions ...huh.Field) error {
	accessible := os.Getenv("TERM") == "dumb" || os.Getenv("TERM") == "" || os.Getenv("ACCESSIBLE") != ""
	form := huh.NewForm(huh.NewGroup(questions...)).WithOutput(c.err).WithAccessible(accessible)
	lines := &lineReader{ctx: ctx, in: c.in}
	if accessible {
		form = form.WithInput(lines)
	} else {
		form = form.WithInput(c.in)
	}
	err := form.RunWithContext(ctx)
	if errors.Is(err, huh.ErrUserAborted) || ctx.Err() != nil || lines.ended {
		return exit.With(exit.Cancelled, errNothing)
	}
	if err != nil {
		return fmt.Errorf("asking: %w", err)
	}
	return nil
}

// lineReader reads lines of a terminal until they end or the context does: a form that asks line by line does not look
// at the context, and would wait for the end of a line after an interruption.
type lineReader struct {
	ctx   context.Context //nolint:containedctx // of the one form that reads
	in    io.Reader
	ended bool
}

// Read reads from the terminal. After an interruption, one Read of the terminal is left behind.
func (r *lineReader) Read(p []byte) (int, error) {
	if r.ended {
		return 0, io.EOF
	}
	type result struct {
		data []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		data := make([]byte, len(p))
		n, err := r.in.Read(data)
		done <- result{data[:n], err}
	}()
	select {
	case <-r.ctx.Done():
		r.ended = true
		return 0, io.EOF
	case read := <-done:
		r.ended = read.err != nil
		return copy(p, read.data), read.err
	}
}

// errNothing is the error of a creation that was not approved, or was interrupted before it began.
var errNothing = errors.New("nothing was created")

// approve asks whether the plan is applied. Without a terminal, it returns an error that says how to approve.
func (c *creation) approve(ctx context.Context, p actions.Plan) error {
	if terminal(c.in) == nil {
		return exit.With(exit.Approval, errors.New("nothing was created: there is no terminal to approve the plan on; add "+
			"--yes, or write the plan with --out and apply it with --apply and --yes"))
	}
	yes := false
	question := huh.NewConfirm().Title(p.Title + "?").Affirmative("Create").Negative("Cancel").Value(&yes)
	if err := c.ask(ctx, question); err != nil {
		return err
	}
	if !yes {
		return exit.With(exit.Cancelled, errNothing)
	}
	return nil
}
