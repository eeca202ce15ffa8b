package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dxctl/dxctl/actions"
	checkouts "github.com/dxctl/dxctl/actions/checkout"
	"github.com/dxctl/dxctl/actions/fix"
	"github.com/dxctl/dxctl/actions/fix/registry"
	"github.com/dxctl/dxctl/cmd/dxctl/exit"
	"github.com/dxctl/dxctl/cmd/dxctl/output"
	"github.com/dxctl/dxctl/repository/pathlock"
	"github.com/dxctl/dxctl/repository/waiver"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/checkout"
	"github.com/dxctl/dxctl/scorecards/paths"
)

// fixOptions are the flags of `dxctl fix`.
type fixOptions struct {
	input             actions.Input
	write, check, pr  bool
	resolve           bool
	repository        string
	out, apply, tasks string
	issues            bool
	settingsOptions
	all fixAllOptions
}

func newFix(s *cli) *cobra.Command {
	var o fixOptions
	d := (&fix.Action{}).Descriptor()
	cmd := &cobra.Command{
		Use:   "fix [DIRECTORY | SERVICE]",
		Short: "Show, and with --write make, the patches that make rules pass",
		Long: `Adopt the defaults of a golden path in a repository, also in one that was never created from it: read the files as
the scorecards do, find the smallest patch for each rule that is not met, and print the plan: the rules, the grade
before and after, and the diff. Nothing is changed without --write.

  dxctl fix                          the checkout that you are in
  dxctl fix services/pay             one service of a repository with several; only its directory is changed
  dxctl fix --rule actions-pinned    one rule; repeatable
  dxctl fix pay --settings           the settings on GitHub that rules ask for; --yes sets them, --undo RUN restores
  dxctl fix --pr                     open or update a pull request on GitHub instead of writing the files
  dxctl fix --write                  write the files; refused for files with changes that are not committed
  dxctl fix --tasks tasks            write a task in Markdown for each rule that needs a person
  dxctl fix --issues                 open an issue on GitHub for each rule that needs a person
  dxctl fix --all                    plan pull requests for all services, in waves; --yes opens them
  dxctl fix --all --settings         the same, and settings on GitHub with them; --undo BATCH restores these, too
  dxctl fix --resolve                ask registries for the digests of images that the golden path has none of
  dxctl fix --out plan.json          save the plan; --apply plan.json writes exactly it, or refuses

The golden path is the one of the lock file (.dxctl/golden-path.lock), else the one that --golden-path names, else the
only one for the language. Files of a golden path are only added, never written over what somebody wrote; what its newer
version changes is merged, and a merge that is not clean is reported as a conflict.

Each patch is judged before it is shown: workflows by actionlint, Dockerfiles by the parser of BuildKit, manifests by
the types of Kubernetes.

With --check the exit code is 2 if there are changes to make, and 0 if there are none. It is 3 if there are conflicts.`,
		Args:        cobra.MaximumNArgs(1),
		Annotations: map[string]string{moreFormats: "human diff"},
		RunE: func(cmd *cobra.Command, args []string) error {
			in, err := actionInput(cmd.Flags(), d, args)
			if err != nil {
				return err
			}
			if o.input, err = d.Check(in, false); err != nil {
				return locateInputs(err, cmd.Flags(), d)
			}
			if err := o.validateModes(in); err != nil {
				return err
			}
			switch {
			case o.undo != "" && (!o.settings || o.all.all):
				return s.undoBatch(cmd.Context(), o.undo, o)
			case o.all.all:
				return s.fixAll(cmd.Context(), o)
			}
			if o.settings {
				return s.fixSettings(cmd.Context(), o.word(), o)
			}
			return s.fix(cmd.Context(), o)
		},
	}
	addActionFlags(cmd, d)
	flags := cmd.Flags()
	flags.BoolVar(&o.write, "write", false, d.Option("write"))
	flags.BoolVar(&o.pr, "pr", false, d.Option("pr"))
	flags.StringVar(&o.repository, "repository", "", d.Option("repository"))
	flags.BoolVar(&o.check, "check", false, d.Option("check"))
	flags.BoolVar(&o.resolve, "resolve", false, d.Option("resolve"))
	flags.StringVar(&o.out, "out", "", d.Option("out"))
	flags.StringVar(&o.apply, "apply", "", d.Option("apply"))
	flags.StringVar(&o.tasks, "tasks", "", d.Option("tasks"))
	flags.BoolVar(&o.issues, "issues", false, d.Option("issues"))
	o.add(cmd, d)
	addFixAllFlags(cmd, d, &o.all)
	cmd.MarkFlagsMutuallyExclusive("write", "check", "pr")
	cmd.MarkFlagsMutuallyExclusive("apply", "pr")
	cmd.MarkFlagsMutuallyExclusive("apply", "check")
	cmd.MarkFlagsMutuallyExclusive("apply", "out")
	cmd.MarkFlagsMutuallyExclusive("resolve", "all")
	cmd.MarkFlagsMutuallyExclusive("resolve", "settings")
	return cmd
}

// validateModes refuses what does not go together.
func (o fixOptions) validateModes(in actions.Input) error {
	if err := o.validate(o.all.all, o.issues); err != nil {
		return err
	}
	for _, name := range []string{fix.PathField, fix.AnswersField} {
		if o.settings && !o.all.all && in[name] != nil {
			return exit.With(exit.Usage, fmt.Errorf("--settings changes no files: leave out --golden-path and --answer"))
		}
	}
	return o.all.validate(o.input.Text(fix.ServiceField), o.undo)
}

// word is the directory or the service.
func (o fixOptions) word() string { return cmp.Or(o.input.Text(fix.ServiceField), ".") }

func (s *cli) fix(ctx context.Context, o fixOptions) error {
	digest := ""
	if o.apply != "" {
		for _, name := range []string{fix.RulesField, fix.PathField, fix.AnswersField} {
			if o.input[name] != nil {
				return errors.New("--apply writes the plan as it was made; leave out --rule, --golden-path and --answer")
			}
		}
		in, shown, err := readPlan(o.apply, (&fix.Action{}).Descriptor())
		if err != nil {
			return err
		}
		in[fix.ServiceField] = o.input.Text(fix.ServiceField)
		o.input, digest = in, shown
	}
	dir, err := serviceDirectory(ctx, o.word())
	if err != nil {
		return err
	}
	plan, err := s.planFix(ctx, dir, o)
	if err != nil {
		return err
	}
	if digest != "" && digest != plan.Digest() {
		return fmt.Errorf("applying %s: %w", o.apply, fix.ErrChanged)
	}
	if err := s.printFix(plan); err != nil {
		return err
	}
	if err := s.saveFix(plan, o); err != nil {
		return err
	}
	conflicts := error(nil)
	if n := len(plan.Conflicts); n > 0 {
		conflicts = exit.With(exit.Conflicts,
			fmt.Errorf("conflicts in %d files, which are not written; the plan says why", n))
	}
	switch {
	case o.write || o.apply != "":
		written, err := plan.Write(ctx)
		if err != nil {
			if len(written) > 0 {
				err = fmt.Errorf("%w\nwritten before: %s", err, strings.Join(written, ", "))
			}
			return fmt.Errorf("writing the fixes: %w", err)
		}
		fmt.Fprintf(s.err, "dxctl: %d files written; look at `git diff`, and commit them\n", len(written))
	case o.pr || o.issues:
		return errors.Join(s.proposeAndAsk(ctx, plan, o), conflicts)
	case conflicts != nil:
	case o.check && plan.Changes():
		return exit.With(exit.Pending, fmt.Errorf("%d files to change; `dxctl fix --write` changes them", len(plan.Files)))
	case plan.Changes():
		fmt.Fprintln(s.err, "dxctl: nothing was changed; `dxctl fix --write` writes these files")
	}
	return conflicts
}

// serviceDirectory returns the directory of a service of the repository that the command is run in, for its name, or a
// directory itself.
func serviceDirectory(ctx context.Context, word string) (string, error) {
	if info, err := os.Stat(word); isDirectory(word) || err == nil && info.IsDir() {
		return word, nil
	}
	root, components, err := checkout.Components(ctx, ".")
	if err != nil {
		return "", err
	}
	var names []string
	for _, d := range components {
		if strings.EqualFold(d.Name, word) || strings.EqualFold(d.Ref, word) {
			return filepath.Join(root, filepath.FromSlash(d.Dir)), nil
		}
		names = append(names, d.Name)
	}
	if len(names) == 0 {
		return "", fmt.Errorf("%s is no directory, and this repository describes no service; run dxctl fix in the "+
			"checkout of the service", word)
	}
	return "", fmt.Errorf("%s is no directory, and no service of this repository; it has: %s", word,
		strings.Join(names, ", "))
}

// planFix plans with the scorecards, the waivers and the golden paths of the configuration.
func (s *cli) planFix(ctx context.Context, dir string, o fixOptions) (*fix.Plan, error) {
	in := o.input
	root, _, _, err := checkout.Root(dir)
	if err != nil {
		return nil, err
	}
	cards, warnings, err := s.scorecardsOf(root)
	if err != nil {
		return nil, err
	}
	engine, err := scorecards.New(cards, s.now)
	if err != nil {
		return nil, err
	}
	book, unusable, err := s.waiversOf(root)
	if err != nil {
		return nil, err
	}
	engine = engine.WithWaivers(func() *waiver.Book { return book })
	for _, w := range append(warnings, unusable...) {
		fmt.Fprintln(s.err, "dxctl: "+w)
	}
	cfg, base, err := s.pathsOf(root)
	if err != nil {
		return nil, err
	}
	all, err := paths.All(ctx, cfg, base)
	if err != nil {
		return nil, err
	}
	return fix.New(ctx, fix.Options{
		Dir:        dir,
		Rules:      in.List(fix.RulesField),
		GoldenPath: in.Text(fix.PathField),
		Answers:    in.Texts(fix.AnswersField),
		Engine:     engine,
		Paths:      all,
		Defaults:   cfg.Defaults,
		Pinned: func(ctx context.Context, lock *pathlock.Lock) *paths.Path {
			return pinnedPath(ctx, cfg, base, lock)
		},
		Resolve: s.resolveActions(root),
		Digest:  digests(o.resolve),
		JobsOf:  s.jobTimes,
		Now:     s.now(),
	})
}

// digests returns how registries are asked for digests; nil if they are not to be asked.
func digests(ask bool) func(ctx context.Context, image string) (string, error) {
	if !ask {
		return nil
	}
	return (&registry.Client{UserAgent: "dxctl/" + versionString()}).Digest
}

// pinnedPath returns the version of a golden path that a lock file records: one that dxctl ships, or that is in a git
// source of the configuration. No other source is read: a lock file may have been written by anybody.
func pinnedPath(ctx context.Context, cfg paths.Config, base string, lock *pathlock.Lock) *paths.Path {
	shipped, _ := paths.Builtin() // a path of the configuration may have taken the name
	for _, p := range shipped {
		if p.Digest == lock.Path.Digest {
			return p
		}
	}
	address, subdir, _ := strings.Cut(strings.Replace(lock.Path.Source, "://", ":\x00", 1), "//")
	address = strings.Replace(address, ":\x00", "://", 1)
	i := slices.IndexFunc(cfg.Sources, func(source paths.Source) bool { return source.Git != "" && source.Git == address })
	if i < 0 || lock.Path.Commit == "" {
		return nil
	}
	pinned := paths.Config{Sources: []paths.Source{{Git: address, Ref: lock.Path.Commit, Dir: subdir}}}
	p, err := paths.Find(ctx, lock.Path.Name, pinned, base)
	if err != nil {
		return nil // reported as a conflict for each file that would need it
	}
	return p
}

func (s *cli) printFix(plan *fix.Plan) error {
	switch s.output {
	case "json":
		return output.Table{Document: plan.Document()}.Print(s.out, s.output)
	case "diff":
		_, err := fmt.Fprint(s.out, plan.Diff())
		return err
	case "csv", "tsv":
		t := output.Table{Columns: []string{"rule", "level", "before", "after", "files", "no_patch"}}
		for _, r := range plan.Rules {
			t.Rows = append(t.Rows, []string{
				r.ID, r.Level, string(r.Before), string(r.After), strings.Join(r.Files, " "), r.NoPatch,
			})
		}
		return t.Print(s.out, s.output)
	}
	return plan.WriteText(s.out, func(line string) string {
		parts := strings.Split(line, "\t")
		for i := range parts {
			parts[i] = output.Printable(parts[i])
		}
		return strings.Join(parts, "\t")
	})
}

// saveFix writes the plan and the tasks where flags ask for them.
func (s *cli) saveFix(plan *fix.Plan, o fixOptions) error {
	for _, name := range []string{o.out, o.tasks} {
		if name == "" {
			continue
		}
		if err := checkouts.Plain(plan.Root, name); err != nil {
			return fmt.Errorf("writing %s: %w", name, err)
		}
	}
	if o.out != "" {
		content, err := json.MarshalIndent(plan.Document(), "", "  ")
		if err == nil {
			err = os.WriteFile(o.out, append(content, '\n'), 0o600)
		}
		if err != nil {
			return fmt.Errorf("saving the plan: %w", err)
		}
	}
	if o.tasks == "" {
		return nil
	}
	written, removed, err := plan.WriteTasks(o.tasks)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.err, "dxctl: %d tasks written to %s, %d removed that are done\n", len(written), o.tasks, len(removed))
	return nil
}
