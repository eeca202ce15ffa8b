package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/actions/create"
	"github.com/dxctl/dxctl/actions/github"
	"github.com/dxctl/dxctl/cmd/dxctl/app"
	"github.com/dxctl/dxctl/cmd/dxctl/exit"
	"github.com/dxctl/dxctl/cmd/dxctl/output"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/config"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards/paths"
)

// createFlags are the flags of `dxctl create service` that are no input of the action.
type createFlags struct {
	yes, resume, cleanup    bool
	confirm, outFile, apply string
}

func newCreate(s *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Create a service on a golden path",
		Args:  cobra.NoArgs,
	}
	cmd.AddCommand(newCreateService(s))
	return cmd
}

func newCreateService(s *cli) *cobra.Command {
	var f createFlags
	d := create.New(create.Deps{}).Descriptor()
	cmd := &cobra.Command{
		Use:   "service [NAME]",
		Short: "Create a service in a directory or in a new repository on GitHub",
		Long: `Create a service on a golden path: render its files, show them, and write them after a question.

Without --repository, the files are written into a directory (./NAME, or --dir). Unless that is in a git repository, it
becomes one, and the files are its first commit. With --repository owner/name, the repository is created on GitHub, and
the files are pushed as its first commit, whose workflows run. The credentials are those of actions.github in dx.yaml,
or else GITHUB_TOKEN; the tokens of sources are never used.

What is not given is asked for. The plan can be written to a file (--out) and applied later (--apply); it is refused if
what it was made on has changed. If a creation was interrupted, --resume continues it and --cleanup deletes what it has
made, unless it has something that dxctl did not make.

  dxctl create service payment-service --golden-path go-service
  dxctl create service payment-service --golden-path go-service --answers answers.yaml --yes
  dxctl create service payment-service --golden-path ./golden-paths/payments
  dxctl create service payment-service --golden-path go-service --repository acme/payment-service
  dxctl create service payment-service --resume`,
		Args:        cobra.MaximumNArgs(1),
		Annotations: map[string]string{moreFormats: "human diff"},
		RunE: func(cmd *cobra.Command, args []string) error {
			if !cmd.Flags().Changed("output") {
				s.output = "human"
			}
			in, err := actionInput(cmd.Flags(), d, args)
			if err != nil {
				return err
			}
			return locateInputs(s.createService(cmd.Context(), in, f), cmd.Flags(), d)
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	addActionFlags(cmd, d)
	flags := cmd.Flags()
	flags.BoolVar(&f.yes, "yes", false, d.Option("yes"))
	flags.StringVar(&f.outFile, "out", "", d.Option("out"))
	flags.StringVar(&f.apply, "apply", "", d.Option("apply"))
	flags.BoolVar(&f.resume, "resume", false, d.Option("resume"))
	flags.BoolVar(&f.cleanup, "cleanup", false, d.Option("cleanup"))
	flags.StringVar(&f.confirm, "confirm", "", d.Option("confirm"))
	cmd.MarkFlagsMutuallyExclusive("resume", "cleanup", "out", "apply")
	return cmd
}

// creation is a run of `dxctl create service`.
type creation struct {
	*cli
	cfg    config.Config
	app    *app.App // nil without a configuration
	action *create.Action
	createFlags
}

// createService runs the command.
func (s *cli) createService(ctx context.Context, in actions.Input, f createFlags) (err error) {
	cfg, err := s.config()
	if err != nil {
		return err
	}
	c := &creation{cli: s, cfg: cfg, createFlags: f}
	if cfg.File != "" { // without a configuration there is no store that would record the run
		if c.app, err = s.open(ctx, cfg, app.Options{Program: "create"}); err != nil {
			return fmt.Errorf("opening the store that records the run; nothing was created: %w", err)
		}
		defer closing(c.app, &err)
	}
	if c.action, err = c.newAction(ctx); err != nil {
		return err
	}
	return credentials(c.run(ctx, in))
}

// run does what the flags say.
func (c *creation) run(ctx context.Context, in actions.Input) error {
	if err := c.alone(in); err != nil {
		return err
	}
	switch {
	case c.cleanup:
		return c.cleanUp(ctx, in.Text(create.NameField))
	case c.resume:
		return c.continueCreation(ctx, in.Text(create.NameField))
	case c.apply != "":
		planned, digest, err := readPlan(c.apply, c.action.Descriptor())
		if err != nil {
			return err
		}
		return c.create(ctx, planned, digest)
	}
	in, err := c.complete(ctx, in)
	if err != nil {
		return err
	}
	return c.create(ctx, in, "")
}

// alone refuses inputs that a plan or a creation that has begun has already.
func (c *creation) alone(in actions.Input) error {
	var flag string
	takes := []string{create.NameField}
	switch {
	case c.apply != "":
		flag, takes = "--apply", nil
	case c.resume:
		flag = "--resume"
	case c.cleanup:
		flag = "--cleanup"
	default:
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(in)) {
		if slices.Contains(takes, name) {
			continue
		}
		if f, ok := c.action.Descriptor().Field(name); ok && !f.Argument {
			name = "--" + f.Flag()
		}
		return exit.With(exit.Usage, fmt.Errorf("%s takes the service as it was planned; leave out %s", flag, name))
	}
	return nil
}

// credentials gives errors of credentials their exit code.
func credentials(err error) error {
	if errors.Is(err, rest.ErrUnauthorized) || errors.Is(err, github.ErrNoCredentials) ||
		errors.Is(err, github.ErrRights) {
		return exit.With(exit.Credentials, err)
	}
	return err
}

// newAction returns the action with what it needs.
func (c *creation) newAction(ctx context.Context) (*create.Action, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("looking for the working directory: %w", err)
	}
	deps := app.CreateDeps(c.cfg)
	deps.Now, deps.Local = c.now, dir
	deps.Path = c.goldenPath // of the configuration, or in a directory: the command line may name any
	deps.Journals = filepath.Join(dir, ".dxctl", "create")
	if c.cfg.File != "" {
		if deps.Journals, err = filepath.Abs(filepath.Join(c.cfg.Path(c.cfg.Collect.Dir), "actions")); err != nil {
			return nil, fmt.Errorf("looking for the data directory: %w", err)
		}
		deps.Taken, deps.Unowned = c.app.Taken, c.app.Unowned
		deps.Surroundings = func(owner string) create.Surroundings {
			return c.app.Surroundings(owner, create.Identity(ctx, dir).Email)
		}
		deps.Commands = c.app.CreateCommands
	}
	deps.GitHub = func() (*github.Host, error) {
		return c.github(c.cfg.Actions.GitHub)
	}
	return create.New(deps), nil
}

// create plans, shows the plan, asks, and applies it. digest is that of the plan that was shown before; "": none was.
func (c *creation) create(ctx context.Context, in actions.Input, digest string) error {
	p, err := c.action.Plan(ctx, in)
	if err != nil {
		return err
	}
	if digest != "" && p.Digest() != digest {
		return exit.With(exit.Conflicts, fmt.Errorf("applying the plan %s: %w", c.apply, actions.ErrChanged))
	}
	if err := c.showPlan(p); err != nil {
		return err
	}
	if c.outFile != "" {
		return writePlan(c.outFile, p)
	}
	if !c.yes {
		if err := c.approve(ctx, p); err != nil {
			return err
		}
	}
	j, err := c.action.Begin(ctx, p, uuid.NewString())
	if err != nil {
		return err
	}
	return c.applyPlan(ctx, p, j)
}

// writePlan writes a plan to a file.
func writePlan(file string, p actions.Plan) error {
	var text bytes.Buffer
	if err := (output.Table{Document: p.Document()}).Print(&text, "json"); err != nil {
		return fmt.Errorf("writing the plan: %w", err)
	}
	if err := os.WriteFile(file, text.Bytes(), 0o600); err != nil {
		return fmt.Errorf("writing the plan: %w", err)
	}
	return nil
}

// applyPlan creates what the plan says, and prints what comes next.
func (c *creation) applyPlan(ctx context.Context, p actions.Plan, j *create.Journal) error {
	c.action.Resume = j
	name := p.Input.Text(create.NameField)
	_, err := actions.Run(ctx, c.action, p.Input, p.Digest(), actions.RunOptions{
		ID: j.Run, Actor: actor(ctx), Now: c.now, Record: c.record(), StartedAt: j.StartedAt,
		Progress: func(step actions.Step) {
			if step.Done {
				fmt.Fprintf(c.err, "done: %s (%s)\n", step.Name, step.Note)
			}
		},
	})
	if errors.Is(err, actions.ErrChanged) {
		return exit.With(exit.Conflicts, fmt.Errorf("%w; continue with the golden path as it was, or undo it with "+
			"--cleanup", err))
	}
	if err != nil {
		err = fmt.Errorf("%w\n`dxctl create service %s --resume` continues, and --cleanup undoes what was done", err, name)
		if ctx.Err() != nil {
			return exit.With(exit.Cancelled, err)
		}
		return err
	}
	if c.app != nil {
		if err := c.app.Created(ctx, p, j); err != nil {
			return fmt.Errorf("%s was created, but not stored in the catalog: %w; `dxctl collect` reads it", name, err)
		}
	}
	fmt.Fprintf(c.err, "%s was created. Next:\n", p.Entity)
	for _, next := range p.Commands {
		fmt.Fprintf(c.err, "  %s   # %s\n", output.Printable(next.Line), output.Printable(next.Why))
	}
	c.hintSource(ctx, p.Input.Text(create.PathField))
	return nil
}

// hintSource prints how others find a golden path that the command line named as a directory.
func (c *creation) hintSource(ctx context.Context, named string) {
	used, err := c.goldenPath(ctx, named)
	if err != nil || used.Origin.Kind != paths.FromDirectory {
		return
	}
	if found, err := paths.Find(ctx, used.Name, c.cfg.Paths, c.cfg.Dir); err == nil && found.Digest == used.Digest {
		return
	}
	fmt.Fprintf(c.err, "list the directory %s under paths.sources of dx.yaml, so that `dxctl fix` finds the golden path, "+
		"too\n", output.Printable(used.Origin.Location))
}

// record returns where the run is recorded.
func (c *creation) record() func(context.Context, ...event.Event) error {
	if c.app == nil {
		return nil
	}
	return c.app.Store.Append
}

// continueCreation continues a creation that was interrupted.
func (c *creation) continueCreation(ctx context.Context, name string) error {
	if name == "" {
		return errors.New("name the service: dxctl create service NAME --resume")
	}
	j, err := create.ReadJournal(c.action.Journals, name)
	if err != nil {
		return err
	}
	if j.Finished() {
		fmt.Fprintf(c.err, "the creation of %s has ended on %s; there is nothing to continue\n", name,
			j.FinishedAt.Format("2006-01-02 15:04:05"))
		return nil
	}
	in, err := j.DecodeInput(c.action.Descriptor())
	if err != nil {
		return err
	}
	c.action.Resume = j
	p, err := c.action.Plan(ctx, in)
	if err != nil {
		return err
	}
	if p.Digest() != j.Plan {
		return exit.With(exit.Conflicts, fmt.Errorf("continuing the creation of %s: the golden path or the defaults have "+
			"changed since it began: %w; undo it with --cleanup, and begin again", name, actions.ErrChanged))
	}
	return c.applyPlan(ctx, p, j)
}
