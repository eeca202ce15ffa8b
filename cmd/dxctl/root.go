package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dxctl/dxctl/cmd/dxctl/app"
	"github.com/dxctl/dxctl/cmd/dxctl/exit"
	"github.com/dxctl/dxctl/cmd/dxctl/output"
	"github.com/dxctl/dxctl/config"
	"github.com/dxctl/dxctl/spelling"
)

// moreFormats is the annotation of a command with the formats that it has in addition to those of a table.
const moreFormats = "formats"

// cli holds what every command needs: its input and output, the global flags and the clock.
type cli struct {
	in       io.Reader
	out, err io.Writer
	now      func() time.Time

	configFile, output, logLevel, logFormat string
}

// run executes one command line and returns its exit code. Data goes to stdout, everything else to stderr.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	s := &cli{in: stdin, out: stdout, err: stderr, now: time.Now}
	root := newRoot(s) //nolint:contextcheck // it builds commands; cobra passes the context to each
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := unknownCommand(root, args)
	if err == nil {
		err = root.ExecuteContext(ctx)
	}
	code := exit.Code(ctx, err)
	switch {
	case code == exit.Cancelled && !exit.Has(err, exit.Cancelled): // the error is about what was interrupted
		fmt.Fprintln(stderr, "dxctl: interrupted; stored data is kept, and the next run resumes from it")
	case err != nil:
		fmt.Fprintln(stderr, "dxctl: "+strings.ReplaceAll(err.Error(), "\n", "\n       "))
	}
	return code
}

// unknownCommand returns an error for a word after a group of commands, such as `dxctl path`, that is none of them:
// cobra prints the help of the group, and succeeds.
func unknownCommand(root *cobra.Command, args []string) error {
	group, rest, err := root.Find(args)
	if err != nil || group == root || group.Runnable() || !group.HasSubCommands() {
		return nil //nolint:nilerr // cobra returns it, too
	}
	group.InitDefaultHelpFlag()
	if err := group.ParseFlags(rest); err != nil || group.Flags().NArg() == 0 {
		return nil //nolint:nilerr // cobra returns it, too
	}
	word := group.Flags().Arg(0)
	var names []string
	for _, cmd := range group.Commands() {
		if cmd.IsAvailableCommand() {
			names = append(names, cmd.Name())
		}
	}
	return fmt.Errorf("unknown command %q for %q%s", word, group.CommandPath(), spelling.Hint(word, names))
}

func newRoot(s *cli) *cobra.Command {
	root := &cobra.Command{
		Use:   "dxctl",
		Short: "Developer-experience metrics and scorecards",
		Long: `dxctl collects deployment, CI and onboarding events, grades every service against golden-path rules,
and shows platform teams and service owners what to do next.

To try it without an account:   dxctl demo
To use your own sources:        dxctl init, then dxctl doctor, dxctl collect and dxctl serve`,
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			formats := slices.Concat(output.Formats, strings.Fields(cmd.Annotations[moreFormats]))
			if !slices.Contains(formats, s.output) {
				return fmt.Errorf("--output %s: unknown format; use %s", s.output, strings.Join(formats, ", "))
			}
			_, err := s.logger()
			return err
		},
	}
	flags := root.PersistentFlags()
	flags.StringVarP(&s.configFile, "config", "c", "", "configuration `FILE` (default $DXCTL_CONFIG, ./dx.yaml, "+
		"./data/dx.yaml)")
	flags.StringVarP(&s.output, "output", "o", "table", "format of the printed data: `"+strings.Join(output.Formats, "|")+"`")
	flags.StringVar(&s.logLevel, "log-level", "warn", "lowest `LEVEL` to log to stderr: debug|info|warn|error")
	flags.StringVar(&s.logFormat, "log-format", "text", "`FORMAT` of the log: text|json")
	_ = root.RegisterFlagCompletionFunc(
		"output",
		func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
			formats := slices.Concat(output.Formats, strings.Fields(cmd.Annotations[moreFormats]))
			return formats, cobra.ShellCompDirectiveNoFileComp
		},
	)
	root.AddCommand(
		newServe(s), newDemo(s), newCollect(s), newGrade(s), newGate(s), newFix(s), newFacts(s), newMetrics(s),
		newServices(s), newPeople(s), newLedger(s), newRules(s), newScorecards(s), newWaiver(s), newCampaign(s),
		newCompliance(s),
		newPath(s), newSurvey(s), newCreate(s), newActions(s),
		newSQL(s), newEvent(s), newMigrate(s), newDoctor(s), newInit(s), newVersion(s),
	)
	return root
}

// logger returns the logger that the flags select.
func (s *cli) logger() (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(s.logLevel)); err != nil {
		return nil, fmt.Errorf("--log-level %s: unknown level; use debug, info, warn or error", s.logLevel)
	}
	options := &slog.HandlerOptions{Level: level}
	switch s.logFormat {
	case "text":
		return slog.New(slog.NewTextHandler(s.err, options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(s.err, options)), nil
	}
	return nil, fmt.Errorf("--log-format %s: unknown format; use text or json", s.logFormat)
}

// config reads the configuration file, or returns the defaults if there is none.
func (s *cli) config() (config.Config, error) {
	file, err := s.foundConfig()
	if file == "" || err != nil {
		return config.Default(), err
	}
	return config.Load(file)
}

// foundConfig returns the file that the flag or the environment names, or else the first one that exists; "" if there
// is none. The demo writes ./data/dx.yaml next to its data, so that every command finds what `make demo` loaded.
func (s *cli) foundConfig() (string, error) {
	if file := cmp.Or(s.configFile, os.Getenv("DXCTL_CONFIG")); file != "" {
		return file, nil
	}
	for _, candidate := range []string{"dx.yaml", "data/dx.yaml"} {
		_, err := os.Stat(candidate)
		if err == nil {
			return candidate, nil
		}
		if !errors.Is(err, os.ErrNotExist) {
			return "", fmt.Errorf("looking for a configuration file: %w; name the file with --config", err)
		}
	}
	return "", nil
}

// open opens the parts of dxctl that a command uses.
func (s *cli) open(ctx context.Context, cfg config.Config, opt app.Options) (*app.App, error) {
	opt, err := s.options(opt)
	if err != nil {
		return nil, err
	}
	return app.Open(ctx, cfg, opt)
}

// options completes opt with what all commands share.
func (s *cli) options(opt app.Options) (app.Options, error) {
	log, err := s.logger()
	opt.Logger = log
	opt.Now = s.now
	opt.Version = versionString()
	return opt, err
}

// closing closes p and joins the error with that of the command.
func closing(p *app.App, err *error) { *err = errors.Join(*err, p.Close()) }
