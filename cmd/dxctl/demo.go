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
	"go.yaml.in/yaml/v3"

	"github.com/dxctl/dxctl/cmd/dxctl/app"
	"github.com/dxctl/dxctl/cmd/dxctl/demo"
	"github.com/dxctl/dxctl/cmd/dxctl/progress"
	"github.com/dxctl/dxctl/config"
	"github.com/dxctl/dxctl/event"
)

// demoMark is the file that marks a directory as created by the demo.
const demoMark = "demo-organization.txt"

func newDemo(s *cli) *cobra.Command {
	var addr, data string
	var loadOnly bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Load a synthetic demo organization and serve its dashboard",
		Long: `Load a synthetic organization (80 engineers, 12 services, 24 months of events, with dates relative to today) and
serve its dashboard. The demo needs no account and no network. It writes only to the --data directory, which also
contains its configuration and catalog; you can start your own from them.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			org := demo.Generate(s.now())
			cfg, err := prepareDemo(data, org)
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

// configFlag returns the --config flag that other commands need to find the demo; empty if they need none.
func configFlag(cfg config.Config) string {
	if filepath.Clean(cfg.File) == filepath.Join("data", "dx.yaml") {
		return ""
	}
	return " --config " + cfg.File
}

// prepareDemo writes the configuration, the catalog and the people of the demo to dir. It refuses a directory that has
// files but was not created by the demo, so that real data is never mixed with synthetic data.
func prepareDemo(dir string, org *demo.Organization) (config.Config, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return config.Config{}, fmt.Errorf("reading the directory of the demo: %w", err)
	}
	made := slices.ContainsFunc(entries, func(e os.DirEntry) bool {
		return e.Name() == demoMark || e.Name() == "demo-organisation.txt" // of an earlier version
	})
	if len(entries) > 0 && !made {
		return config.Config{}, fmt.Errorf("%s contains files that are not from the demo; choose another directory with "+
			"--data (make demo DATA=…)", dir)
	}
	settings, err := yaml.Marshal(map[string]any{
		"store":        map[string]string{"dsn": "embedded:./clickhouse"},
		"server":       map[string]string{"addr": "127.0.0.1:8080"},
		"catalog":      map[string]any{"files": []string{"catalog/*.yaml"}},
		"people":       map[string]any{"files": []string{"people.csv"}},
		"environments": org.Environments(),
		"demo":         true,
	})
	if err != nil {
		return config.Config{}, err
	}
	files := map[string][]byte{
		demoMark: []byte("`dxctl demo` created this directory. All of its data is synthetic; you can delete it.\n"),
		"dx.yaml": append(
			[]byte("# The configuration of the demo organization. README.md describes each section.\n"),
			settings...),
		"people.csv": org.PeopleCSV(),
	}
	for name, text := range org.CatalogFiles() {
		files[filepath.Join("catalog", name)] = text
	}
	if err := os.RemoveAll(filepath.Join(dir, "catalog")); err != nil { // of another version, with other files
		return config.Config{}, fmt.Errorf("removing the catalog of the demo: %w", err)
	}
	for name, text := range files {
		if err := writeFile(filepath.Join(dir, name), text); err != nil {
			return config.Config{}, fmt.Errorf("writing the files of the demo: %w", err)
		}
	}
	return config.Load(filepath.Join(dir, "dx.yaml"))
}

func writeFile(name string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
		return err
	}
	return os.WriteFile(name, text, 0o600)
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
	err = org.Events(20_000, func(batch []event.Event) error {
		stored += len(batch)
		text := fmt.Sprintf("loading the demo organization  %s %ss", thousands(stored), batch[0].Kind())
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
	if err := p.Store.SaveCheckpoint(ctx, "demo", "organization", "day", []byte(day+" "+versionString())); err != nil {
		return err
	}
	show.Clear()
	show.Print(fmt.Sprintf("loaded %s events of a synthetic organization and graded %d services in %s",
		thousands(stored), len(reports), s.now().Sub(began).Round(100*time.Millisecond)))
	return nil
}

// thousands formats 123456 as 123,456.
func thousands(n int) string {
	digits := fmt.Sprint(n)
	var groups []string
	for len(digits) > 3 {
		groups = append([]string{digits[len(digits)-3:]}, groups...)
		digits = digits[:len(digits)-3]
	}
	return strings.Join(append([]string{digits}, groups...), ",")
}
