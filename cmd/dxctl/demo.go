package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/dxctl/dxctl/cmd/dxctl/app"
	"github.com/dxctl/dxctl/cmd/dxctl/demo"
	"github.com/dxctl/dxctl/cmd/dxctl/progress"
	"github.com/dxctl/dxctl/config"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/surveys/form"
)

func newDemo(s *cli) *cobra.Command {
	var addr, data string
	var loadOnly bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Load a synthetic demo organization and serve its dashboard",
		Long: `Load a synthetic organization (120 engineers, 12 services, 24 months of events, with dates relative to today) and
serve its dashboard. The demo needs no account and no network. It writes only to the --data directory, which also
contains its configuration and catalog; you can start your own from them.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			org := demo.Generate(s.now())
			if err := org.Write(data); err != nil {
				return err
			}
			cfg, err := config.Load(filepath.Join(data, "dx.yaml"))
			if err != nil {
				return err
			}
			if addr != "" {
				cfg.Server.Addr = addr
			}
			if err := cfg.Server.Validate(); err != nil {
				return fmt.Errorf("--addr: %w", err)
			}
			p, err := s.open(cmd.Context(), cfg, app.Options{Program: "demo", Alone: true})
			if err != nil {
				return err
			}
			defer closing(p, &err)
			if loadOnly {
				return s.loadDemo(cmd.Context(), p, org)
			}
			listener, err := p.Listen(cmd.Context())
			if err != nil {
				return err
			}
			if err := s.loadDemo(cmd.Context(), p, org); err != nil {
				return errors.Join(err, listener.Close())
			}
			return p.Serve(cmd.Context(), listener, func(url string) {
				fmt.Fprintf(s.err, "\n  The demo organization is at  %s\n\n  In another terminal, run:  bin/dxctl services%s\n  "+
					"To stop the demo, press Ctrl-C.\n\n", url, configFlag(cfg))
			})
		},
	}
	cmd.Flags().StringVar(&addr, "addr", "", "`ADDRESS` to serve on (default 127.0.0.1:8080)")
	cmd.Flags().StringVar(&data, "data", "data", "`DIR` for the data and configuration of the demo")
	cmd.Flags().BoolVar(&loadOnly, "load-only", false, "load the data and exit")
	return cmd
}

// gradePast stores the facts of past weeks, and grades by them as of then.
func (s *cli) gradePast(ctx context.Context, p *app.App, org *demo.Organization, show *progress.Display) error {
	return org.Past(func(r demo.Reading) error {
		show.Set("past", "grading the past", false)
		if err := p.Store.Append(ctx, r.Facts...); err != nil {
			return err
		}
		return p.GradeAt(ctx, r.Graded, r.Measured)
	})
}

// importDemoSurveys imports and publishes the surveys of the demo as `dxctl survey` does, in place of those of another
// day.
func (s *cli) importDemoSurveys(ctx context.Context, p *app.App, org *demo.Organization) error {
	if err := p.ForgetSurveys(ctx); err != nil {
		return err
	}
	for _, survey := range org.Surveys() {
		export, err := form.Read(survey.ID+".csv", survey.Export, form.Options{})
		if err != nil {
			return fmt.Errorf("importing the surveys of the demo organization: %w", err)
		}
		_, err = p.ImportSurvey(ctx, app.SurveyImport{ID: survey.ID, Export: export, Store: true, Strict: true})
		if err == nil && !survey.Open {
			_, err = p.PublishSurvey(ctx, survey.ID, app.Publication{Again: true})
		}
		if err != nil {
			return fmt.Errorf("importing the surveys of the demo organization: %w", err)
		}
	}
	return nil
}

// configFlag returns the --config flag that other commands need to find the demo; empty if they need none.
func configFlag(cfg config.Config) string {
	if filepath.Clean(cfg.File) == filepath.Join("data", "dx.yaml") {
		return ""
	}
	return " --config " + cfg.File
}

// loadDemo stores the events of the demo. They are the same on every machine on the same day. On a later day, it
// removes the old events first, because all dates are relative to the day.
func (s *cli) loadDemo(ctx context.Context, p *app.App, org *demo.Organization) error {
	show := progress.New(s.err, s.now)
	day := s.now().UTC().Format(time.DateOnly)
	began := s.now()
	loaded, err := p.Store.LoadCheckpoint(ctx, "demo", "organization", "day")
	if err != nil {
		return err
	}
	if string(loaded) == day+" "+versionString() {
		show.Print(fmt.Sprintf("the demo organization of %s is already loaded", day))
		return nil
	}
	if err := p.Sync(ctx); err != nil {
		return err
	}
	if err := p.Store.Clear(ctx); err != nil {
		return fmt.Errorf("removing the demo data of another day: %w", err)
	}
	stored := 0
	past := false
	err = org.Events(20_000, func(batch []event.Event) error {
		if batch[0].Kind() == event.KindFact && !past { // what was read today comes after what was read before
			past = true
			if err := s.gradePast(ctx, p, org, show); err != nil {
				return err
			}
		}
		stored += len(batch)
		text := fmt.Sprintf("loading the demo organization  %s %ss", progress.Thousands(stored), batch[0].Kind())
		show.Set("load", text, false)
		return p.Store.Append(ctx, batch...)
	})
	if err != nil {
		return fmt.Errorf("loading the demo organization: %w", err)
	}
	show.Clear()
	show.Set("grade", "grading", false)
	reports, err := p.Grade(ctx)
	if err != nil {
		return err
	}
	if err := s.importDemoSurveys(ctx, p, org); err != nil {
		return err
	}
	if err := p.Store.SaveCheckpoint(ctx, "demo", "organization", "day", []byte(day+" "+versionString())); err != nil {
		return err
	}
	services := map[string]bool{}
	for _, r := range reports { // one for each scorecard of a service, or of a library
		if e, ok := p.Catalog().Entity(r.Entity); ok && e.IsService() {
			services[r.Entity] = true
		}
	}
	show.Clear()
	show.Print(fmt.Sprintf("loaded %s events of a synthetic organization and graded %d services in %s",
		progress.Thousands(stored), len(services), s.now().Sub(began).Round(100*time.Millisecond)))
	return nil
}
