package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/actions/batch"
	"github.com/dxctl/dxctl/actions/fix"
	"github.com/dxctl/dxctl/actions/fix/edits"
	"github.com/dxctl/dxctl/actions/github"
	"github.com/dxctl/dxctl/actions/settings"
	"github.com/dxctl/dxctl/cmd/dxctl/app"
	"github.com/dxctl/dxctl/cmd/dxctl/exit"
	"github.com/dxctl/dxctl/cmd/dxctl/output"
	"github.com/dxctl/dxctl/collectors"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards/paths"
)

// fixAllOptions are the flags of `dxctl fix --all`.
type fixAllOptions struct {
	all                            bool
	batch, resume, digest          string
	team, scorecard, level, filter string
	waves                          string
	limit                          int // percent
	wait, settle                   time.Duration
	given                          func(flag string) bool // on the command line
}

// addFixAllFlags adds the flags of batches. --settings, --yes and --undo are shared with single repositories.
func addFixAllFlags(cmd *cobra.Command, d actions.Descriptor, o *fixAllOptions) {
	flags := cmd.Flags()
	o.given = flags.Changed
	flags.BoolVar(&o.all, "all", false, d.Option("all"))
	flags.StringVar(&o.batch, "batch", "", d.Option("batch"))
	flags.StringVar(&o.resume, "resume", "", d.Option("resume"))
	flags.StringVar(&o.digest, "digest", "", d.Option("digest"))
	flags.StringVar(&o.team, "team", "", d.Option("team"))
	flags.StringVar(&o.scorecard, "scorecard", "", d.Option("scorecard"))
	flags.StringVar(&o.level, "level", "", d.Option("level"))
	flags.StringVar(&o.filter, "filter", "", d.Option("filter"))
	flags.StringVar(&o.waves, "waves", "1,5,25%,rest", d.Option("waves"))
	flags.IntVar(&o.limit, "limit", 10, d.Option("limit"))
	flags.DurationVar(&o.wait, "wait", time.Hour, d.Option("wait"))
	flags.DurationVar(&o.settle, "settle", 5*time.Minute, d.Option("settle"))
	cmd.MarkFlagsMutuallyExclusive("batch", "resume", "undo")
	for _, other := range []string{"write", "check", "pr", "apply", "out", "tasks", "repository"} {
		cmd.MarkFlagsMutuallyExclusive("all", other)
	}
}

// validate returns an error for flags that need --all. argument is the service or directory of the command line.
func (o *fixAllOptions) validate(argument, undo string) error {
	if o.all {
		if argument != "" {
			return exit.With(exit.Usage, fmt.Errorf("--all selects services of the catalog: leave out %q, or use --filter "+
				"\"entity.name == '...'\"", argument))
		}
		return nil
	}
	for _, name := range []string{
		"batch", "resume", "team", "scorecard", "level", "filter", "waves", "limit", "wait", "settle", "digest",
	} {
		if o.given(name) && (name != "digest" || undo == "") {
			return exit.With(exit.Usage, fmt.Errorf("--%s is about many services: add --all", name))
		}
	}
	return nil
}

// change adjusts the settings of a batch that is resumed by the flags that are given.
func (o *fixAllOptions) change(s *batch.Settings) {
	if o.given("limit") {
		s.Limit = float64(o.limit) / 100
	}
	if o.given("wait") {
		s.Wait = o.wait
	}
	if o.given("settle") {
		s.Settle = o.settle
	}
}

// fixer plans and carries out batches of fixes.
type fixer struct {
	*cli
	*app.App
	host    *github.Host
	pace    *github.Pace
	ledger  *github.Ledger // of the writes of all processes; nil: none
	server  string         // address of the host as it is configured
	sources collectors.Config
	golden  []*paths.Path
	// production are the names of environments for production, in lower case.
	production []string
	reviewer   func(ctx context.Context, word string) (settings.Reviewer, error)
	passing    map[string][]github.IssueClosing // issues that are closed, by entity
	// changed is when dxctl last changed something of an entity.
	changed map[string]time.Time
	runner  *batch.Runner
	resolve func(ctx context.Context, repository, tag string) (edits.Action, error)
}

// batchAction is the action that the runs of a batch have.
const batchAction = fix.Name

// withFixer opens what batches need.
func (s *cli) withFixer(ctx context.Context, do func(*fixer) error) (err error) {
	cfg, err := s.config()
	if err != nil {
		return err
	}
	host, err := s.uncounted(cfg.Actions.GitHub)
	if err != nil {
		return credentials(err)
	}
	a, err := s.open(ctx, cfg, app.Options{Program: "fix --all"})
	if err != nil {
		return err
	}
	defer closing(a, &err)
	f := &fixer{cli: s, App: a, server: cfg.Actions.GitHub.URL, sources: cfg.Sources}
	f.pace = github.NewPace(github.PublishedLimits, s.now, pauseFor)
	f.pace.Tell(func(wait time.Duration) {
		fmt.Fprintf(s.err, "dxctl: waiting %s: GitHub limits what an account asks for and writes in an hour\n",
			wait.Round(time.Second))
	})
	f.host = host.Paced(f.pace)
	if f.ledger = s.ledger(cfg.Actions.GitHub); f.ledger != nil {
		f.pace.Shared(f.ledger, s.warn)
		f.host = f.host.Counted(f.ledger, s.warn) // after it has waited: a write counts from when it is sent
	}
	if f.golden, err = app.GoldenPaths(ctx, cfg); err != nil {
		return err
	}
	if f.changed, err = a.Store.LastActions(ctx, settings.Name, fix.Name); err != nil {
		return err
	}
	f.production, f.reviewer = productionOf(cfg), reviewersOf(f.host)
	f.resolve = onceEach(resolverOf(f.host))
	f.runner = &batch.Runner{
		Host: f.host, Record: a.Store.Append, Again: f.again, Now: s.now, Sleep: pauseFor,
		Tell: func(format string, args ...any) { fmt.Fprintf(s.err, "dxctl: "+format+"\n", args...) },
	}
	return do(f)
}

// pauseFor waits, and ends with the context.
func pauseFor(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// fixAll plans a batch, and carries it out if that is asked for.
func (s *cli) fixAll(ctx context.Context, o fixOptions) error {
	if o.all.limit < 0 || o.all.limit > 100 {
		return fmt.Errorf("--limit %d: use 0 to 100", o.all.limit)
	}
	if _, err := batch.Sizes(o.all.waves, 1); err != nil {
		return fmt.Errorf("--%w", err)
	}
	return s.withFixer(ctx, func(f *fixer) error {
		if o.all.resume != "" {
			return f.resume(ctx, o.all)
		}
		if o.all.batch != "" {
			_, found, err := f.Store.ActionBatch(ctx, o.all.batch)
			if err != nil {
				return err
			}
			if found {
				return fmt.Errorf("--batch %[1]s: there is such a batch; `dxctl fix --all --resume %[1]s` continues it", o.all.batch)
			}
		}
		if err := f.spent(ctx); err != nil {
			return err
		}
		p, err := f.planAll(ctx, o)
		if err != nil {
			return batchError(err)
		}
		digest := p.Digest()
		if err := s.printBatch(batchTable(p, digest), o, len(p.Items) > 0); err != nil {
			return err
		}
		switch {
		case len(p.Items) == 0:
			return nil
		case o.all.digest != "" && o.all.digest != digest:
			return exit.With(exit.Conflicts, fmt.Errorf("carrying out the plan %s: it is now %s; look at it again",
				o.all.digest, digest))
		case o.all.digest == "" && !o.yes:
			fmt.Fprintf(s.err, "dxctl: nothing was proposed; add --yes to open these pull requests, or --digest %s to open "+
				"them only if the plan is still this one\n", digest)
			return nil
		}
		return f.start(ctx, p, o)
	})
}

// printBatch prints the plan of what is not carried out. If it is carried out, its result is printed, and the plan
// comes before it only for people: a program reads one document.
func (s *cli) printBatch(t output.Table, o fixOptions, changes bool) error {
	if s.output != "table" && changes && (o.yes || o.all.digest != "") {
		return nil
	}
	return t.Print(s.out, s.output)
}

// start checks the rights and carries out a plan.
func (f *fixer) start(ctx context.Context, p *batch.Plan, o fixOptions) error {
	if err := p.Blind(); err != nil {
		return credentials(fmt.Errorf("%w; or open all pull requests at once, without looking at checks, with --waves rest; "+
			"nothing was written", err))
	}
	if err := f.check(ctx, *p.Needs); err != nil {
		return err
	}
	b := event.ActionBatch{ID: o.all.batch, Action: batchAction, Actor: actor(ctx), Plan: p.Digest()}
	if b.ID == "" {
		b.ID = "fix-" + f.now().UTC().Format("20060102-150405")
	}
	fmt.Fprintf(f.err, "dxctl: batch %s: an interrupted one continues with `dxctl fix --all --resume %s`\n", b.ID, b.ID)
	state, err := f.runner.Start(ctx, b, p)
	return errors.Join(f.printRuns(state), batchError(err))
}

// check reports, before the first write, the rights that the credentials lack, and what GitHub does not show of them.
func (f *fixer) check(ctx context.Context, n github.Needs) error {
	notes, err := f.host.CheckBatch(ctx, n)
	for _, note := range notes {
		fmt.Fprintln(f.err, "dxctl: "+note)
	}
	return credentials(err)
}

// resume continues a batch.
func (f *fixer) resume(ctx context.Context, o fixAllOptions) error {
	id := o.resume
	state, err := f.state(ctx, id)
	if err != nil {
		return err
	}
	if state.Batch.Status == event.Cancelled {
		return fmt.Errorf("the batch %s was undone; plan another one with `dxctl fix --all`", id)
	}
	if err := f.spent(ctx); err != nil {
		return err
	}
	needs, err := state.Required()
	if err != nil {
		return err
	}
	if err := f.check(ctx, needs); err != nil {
		return err
	}
	if needs.Issues {
		if err := f.loadClosings(ctx); err != nil {
			return err
		}
	}
	state, err = f.runner.Resume(ctx, state, o.change)
	return errors.Join(f.printRuns(state), batchError(err))
}

// state reads a batch from the store.
func (f *fixer) state(ctx context.Context, id string) (s batch.State, err error) {
	b, found, err := f.Store.ActionBatch(ctx, id)
	if err != nil {
		return s, err
	}
	if !found {
		return s, fmt.Errorf("there is no batch %q; `dxctl sql \"SELECT id, status FROM action_batches\"` lists them", id)
	}
	runs, err := f.Store.ActionRuns(ctx, id)
	if err != nil {
		return s, err
	}
	steps, err := f.steps(ctx, runs)
	return batch.NewState(b, runs, steps), err
}

// steps returns the recorded steps of runs.
func (f *fixer) steps(ctx context.Context, runs []event.ActionRun) ([]event.ActionStep, error) {
	ids := make([]string, len(runs))
	for i, run := range runs {
		ids[i] = run.ID
	}
	return f.Store.ActionSteps(ctx, ids)
}

// spent counts the writes of the last hour, which other processes made: those of the ledger, or those of the runs that
// are stored, which may be of other machines, whichever are more.
func (f *fixer) spent(ctx context.Context) error {
	runs, err := f.Store.ActionRunsOf(ctx, batchAction)
	if err != nil {
		return err
	}
	var times []time.Time
	for _, run := range slices.Backward(runs) {
		if run.FinishedAt.After(f.now().Add(-time.Hour)) && run.Outcome != string(github.Unchanged) {
			times = append(times, slices.Repeat([]time.Time{run.FinishedAt}, batch.WritesOf)...)
		}
	}
	if f.ledger != nil {
		noted, err := f.ledger.Others()
		if err != nil {
			f.warn(err)
		}
		if len(noted) >= len(times) {
			times = noted
		}
	}
	for _, at := range times {
		f.pace.Spent(at, 1)
	}
	return nil
}

// again plans a run of a batch that goes on.
func (f *fixer) again(ctx context.Context, run event.ActionRun, head github.Head, s batch.Settings) (
	batch.Item, error,
) {
	e, ok := f.Catalog().Entity(run.Entity)
	if !ok {
		return batch.Item{}, fmt.Errorf("the catalog has no %s any longer", run.Entity)
	}
	return f.item(ctx, e, head, s)
}

// unpacked calls do with a directory that has the files of a repository.
func (f *fixer) unpacked(ctx context.Context, head github.Head, do func(root string) error) (err error) {
	dir, err := os.MkdirTemp("", "dxctl-fix-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	_, name, _ := strings.Cut(head.Repository, "/")
	root := filepath.Join(dir, name) // a service without a descriptor has the name of its directory
	if err := os.Mkdir(root, 0o700); err != nil {
		return err
	}
	if err := f.host.Files(ctx, head, root); err != nil {
		return err
	}
	return do(root)
}

// batchError gives the error of a batch its exit code.
func batchError(err error) error {
	switch {
	case errors.Is(err, batch.ErrStopped):
		return exit.With(exit.Unhealthy, err)
	case errors.Is(err, batch.ErrUnfinished):
		return exit.With(exit.Timeout, err)
	case errors.Is(err, batch.ErrPartly):
		return exit.With(exit.Partial, err)
	}
	return credentials(err)
}
