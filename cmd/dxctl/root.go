package main

import (
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

	"github.com/dxctl/dxctl/config"
)

// session is what every command has: where it reads and writes, its configuration and its clock.
type session struct {
	in       io.Reader
	out, err io.Writer
	now      func() time.Time

	configFile, output, logLevel, logFormat string
}

// run executes one command line and returns its exit code. Data goes to stdout, everything else to stderr.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	s := &session{in: stdin, out: stdout, err: stderr, now: time.Now}
	root := newRoot(s) //nolint:contextcheck // it builds commands; cobra hands each the context
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	code := exitCode(ctx, err)
	switch {
	case code == exitCancelled:
		fmt.Fprintln(stderr, "dxctl: interrupted; what was stored stays, and the next run goes on from there")
	case err != nil:
		fmt.Fprintln(stderr, "dxctl: "+strings.ReplaceAll(err.Error(), "\n", "\n       "))
	}
	return code
}

func newRoot(s *session) *cobra.Command {
	root := &cobra.Command{
		Use:   "dxctl",
		Short: "Developer-experience metrics and scorecards",
		Long: `dxctl collects deploy, CI and onboarding events, grades every service against golden-path rules,
and shows platform teams and service owners what to do next.

Try it without any account:   dxctl demo
With your own sources:        write dx.yaml, then dxctl doctor, dxctl collect, dxctl serve`,
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if !slices.Contains(formats, s.output) {
				return fmt.Errorf("--output %s: unknown format; use one of %s", s.output, strings.Join(formats, ", "))
			}
			_, err := s.logger()
			return err
		},
	}
	flags := root.PersistentFlags()
	flags.StringVarP(&s.configFile, "config", "c", "", "configuration `FILE` (default $DXCTL_CONFIG, ./dx.yaml, ./data/dx.yaml)")
	flags.StringVarP(&s.output, "output", "o", "table", "how to print data: `"+strings.Join(formats, "|")+"`")
	flags.StringVar(&s.logLevel, "log-level", "warn", "what to log on stderr: debug|info|warn|error")
	flags.StringVar(&s.logFormat, "log-format", "text", "how to log: text|json")
	_ = root.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp))
	root.AddCommand(
		newServe(s), newDemo(s), newCollect(s), newGrade(s), newMetrics(s), newServices(s), newPeople(s),
		newLedger(s), newSQL(s), newEvent(s), newMigrate(s), newDoctor(s), newVersion(s),
	)
	return root
}

// logger returns the logger that the flags ask for.
func (s *session) logger() (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(s.logLevel)); err != nil {
		return nil, fmt.Errorf("--log-level %s: use debug, info, warn or error", s.logLevel)
	}
	options := &slog.HandlerOptions{Level: level}
	switch s.logFormat {
	case "text":
		return slog.New(slog.NewTextHandler(s.err, options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(s.err, options)), nil
	}
	return nil, fmt.Errorf("--log-format %s: use text or json", s.logFormat)
}

// config reads the configuration that the flags and the environment name, or the first that exists. The demo writes
// ./data/dx.yaml beside its data, so that every command finds what `make demo` loaded.
func (s *session) config() (config.Config, error) {
	file := s.configFile
	if file == "" {
		file = os.Getenv("DXCTL_CONFIG")
	}
	if file != "" {
		return config.Load(file)
	}
	for _, candidate := range []string{"dx.yaml", "data/dx.yaml"} {
		_, err := os.Stat(candidate)
		if err == nil {
			return config.Load(candidate)
		}
		if !errors.Is(err, os.ErrNotExist) {
			return config.Config{}, fmt.Errorf("looking for a configuration: %w", err)
		}
	}
	return config.Default(), nil
}
