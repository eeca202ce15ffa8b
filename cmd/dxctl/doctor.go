package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/cmd/dxctl/exit"
	"github.com/dxctl/dxctl/cmd/dxctl/output"
	"github.com/dxctl/dxctl/collectors"
	"github.com/dxctl/dxctl/collectors/inbox"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/config"
	"github.com/dxctl/dxctl/scorecards"
)

// sourceCheckTimeout is how long doctor waits for a source to answer.
const sourceCheckTimeout = 20 * time.Second

// sourceCheckAttempts is how often doctor tries a source that cannot be reached. It is low, so that doctor can report
// the cause before sourceCheckTimeout.
const sourceCheckAttempts = 3

// finding is one line of the output of doctor.
type finding struct {
	Check  string `json:"check"`
	Status string `json:"status"` // ok, warning, problem
	Detail string `json:"detail"`
}

func newDoctor(s *cli) *cobra.Command {
	var accept bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check the engine, stored data, catalog, scorecards, sources and credentials",
		Long: `Check the engine, the schema, the stored data, the catalog, the scorecards, and every source with its credentials,
and print the result of each check. Nothing is created or changed. The exit code is 6 if a check failed.

With --accept-losses, damaged parts of tables are set aside first (their files stay in the data directory), and data
that has been lost until now is no longer reported.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if accept {
				if err := s.acceptLosses(cmd.Context()); err != nil {
					return err
				}
			}
			findings := s.examine(cmd.Context())
			t := output.Table{Columns: []string{"check", "status", "detail"}, Document: findings}
			problems := 0
			for _, f := range findings {
				t.Rows = append(t.Rows, []string{f.Check, f.Status, f.Detail})
				if f.Status == "problem" {
					problems++
				}
			}
			if err := t.Print(s.out, s.output); err != nil {
				return err
			}
			if problems > 0 {
				return exit.With(exit.Unhealthy, fmt.Errorf("%d of %d checks failed", problems, len(findings)))
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&accept, "accept-losses", false, "set damaged parts of tables aside, and stop reporting data "+
		"lost until now")
	return cmd
}

// examine runs every check. A check that depends on one that failed is left out.
func (s *cli) examine(ctx context.Context) []finding {
	var found []finding
	ok := func(check, format string, args ...any) {
		found = append(found, finding{check, "ok", fmt.Sprintf(format, args...)})
	}
	warn := func(check, format string, args ...any) {
		found = append(found, finding{check, "warning", fmt.Sprintf(format, args...)})
	}
	problem := func(check string, err error) { found = append(found, finding{check, "problem", err.Error()}) }

	cfg, err := s.config()
	if err != nil {
		problem("configuration", err)
		return found
	}
	if cfg.File == "" {
		warn("configuration", "no dx.yaml found; using the defaults (run `dxctl init` to write one)")
	} else {
		ok("configuration", "%s", cfg.File)
	}
	log, err := s.logger()
	if err != nil {
		problem("logging", err)
		return found
	}

	s.examineEngine(ctx, cfg, log, ok, warn, problem)
	if cards, err := scorecards.Load(cfg.Scorecards, cfg.Dir); err != nil {
		problem("scorecards", err)
	} else if _, err := scorecards.New(cards, s.now); err != nil {
		problem("scorecards", err)
	} else {
		ok("scorecards", "%d", len(cards))
	}
	for _, w := range scorecards.Unmatched(cfg.Scorecards, cfg.Dir) {
		warn("scorecards", "%s", w)
	}
	s.examineInbox(cfg, warn, problem)
	return append(found, s.examineSources(ctx, &app{cfg: cfg, log: log, now: s.now})...)
}

// examineInbox reports the deliveries that were set aside, and damaged parts of the inbox.
func (s *cli) examineInbox(cfg config.Config, warn func(string, string, ...any), problem func(string, error)) {
	rejected, parts, err := inbox.SetAside(inboxDir(cfg))
	if err != nil {
		problem("inbox", err)
	}
	if rejected > 0 {
		warn("inbox", "%s", setAside(rejected))
	}
	if parts > 0 {
		warn("inbox", "%s", damaged(parts))
	}
}

// examineCollected reports the failures of the latest collects, until one succeeds.
func examineCollected(ctx context.Context, p *app, warn func(string, string, ...any), problem func(string, error)) {
	info, err := p.store.Info(ctx)
	if err != nil || info.SchemaVersion < catalog.FoundSchema {
		return // the schema has a finding of its own
	}
	problems, err := p.sourceProblems(ctx)
	if err != nil {
		problem("collect", err)
	}
	for _, found := range problems {
		if check := "collect " + found.Source; found.Skipped {
			warn(check, "%s", found)
		} else {
			problem(check, errors.New(found.String()))
		}
	}
}

// examineSources checks whether every source answers and accepts the credentials.
func (s *cli) examineSources(ctx context.Context, p *app) []finding {
	if len(p.cfg.Sources) == 0 {
		return []finding{{"sources", "warning", "none configured; add one under `sources:` in dx.yaml"}}
	}
	list, err := collectors.All(p.cfg.Sources, p.collectorOptions())
	if err != nil {
		return []finding{{"sources", "problem", err.Error()}}
	}
	var found []finding
	for _, c := range list {
		check := "source " + c.Source()
		limited, cancel := context.WithTimeout(rest.WithMaxAttempts(ctx, sourceCheckAttempts), sourceCheckTimeout)
		err := c.Check(limited)
		if err == nil {
			var scopes []string
			if scopes, err = c.Scopes(limited, source.NoState{}); err == nil {
				found = append(found, finding{check, "ok", fmt.Sprintf("%s, %d scopes", c.Provider(), len(scopes))})
			}
		}
		if err != nil {
			if errors.Is(err, context.DeadlineExceeded) {
				err = fmt.Errorf("no answer within %s: %w", sourceCheckTimeout, err)
			}
			found = append(found, finding{check, "problem", err.Error()})
		}
		cancel()
	}
	return found
}
