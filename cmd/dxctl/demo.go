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

	"github.com/dxctl/dxctl/cmd/dxctl/demo"
	"github.com/dxctl/dxctl/cmd/dxctl/progress"
	"github.com/dxctl/dxctl/config"
	"github.com/dxctl/dxctl/event"
)

// demoMark is the file that says that a folder was made by the demo, and on which day its dates are relative to.
const demoMark = "demo-organization.txt"

func newDemo(s *session) *cobra.Command {
	var addr, data string
	var loadOnly bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Load a synthetic demo organization and serve it",
		Long: `Load a synthetic organization (80 engineers, 12 services, 24 months of events, its dates relative to today) and
serve its dashboard. It needs no account and no network, and writes only below --data, where it also leaves the
configuration and the catalog that it uses: a good start for your own.`,
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
			p, err := s.open(cmd.Context(), cfg, openOptions{program: "demo", alone: true})
			if err != nil {
				return err
			}
			defer p.close(&err)
			if loadOnly {
				return p.loadDemo(cmd.Context(), org, progress.New(s.err, s.now))
			}
			listener, err := p.listen(cmd.Context())
			if err != nil {
				return err
			}
			if err := p.loadDemo(cmd.Context(), org, progress.New(s.err, s.now)); err != nil {
				return errors.Join(err, listener.Close())
			}
			return p.serve(cmd.Context(), listener, func(url string) {
				fmt.Fprintf(s.err, "\n  The demo organization is at  %s\n\n  In another terminal:  bin/dxctl services%s\n  Ctrl-C stops it.\n\n", url, configFlag(cfg))
			})
		},
	}
	cmd.Flags().StringVar(&addr, "addr", "", "`ADDRESS` to serve on (default 127.0.0.1:8080)")
	cmd.Flags().StringVar(&data, "data", "data", "`FOLDER` for the demo's data and configuration")
	cmd.Flags().BoolVar(&loadOnly, "load-only", false, "load the data and stop")
	return cmd
}

// configFlag returns the flag with which other commands find the demo, when they do not find it by themselves.
func configFlag(cfg config.Config) string {
	if filepath.Clean(cfg.File) == filepath.Join("data", "dx.yaml") {
		return ""
	}
	return " --config " + cfg.File
}

// prepareDemo writes the demo's configuration, catalog and people below dir. A folder that holds anything that the demo
// did not make is refused, so that a real organization's data is never mixed with invented data.
func prepareDemo(dir string, org *demo.Organization) (config.Config, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return config.Config{}, fmt.Errorf("looking into the demo's folder: %w", err)
	}
	made := slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.Name() == demoMark })
	if len(entries) > 0 && !made {
		return config.Config{}, fmt.Errorf("%s holds data that is not the demo's; give the demo a folder of its own with --data (make demo DATA=…)", dir)
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
		demoMark:     []byte("This folder was made by `dxctl demo`. Everything in it is synthetic; you may delete it.\n"),
		"dx.yaml":    append([]byte("# The demo organization's configuration. README.md says what each part means.\n"), settings...),
		"people.csv": org.PeopleCSV(),
	}
	for name, text := range org.CatalogFiles() {
		files[filepath.Join("catalog", name)] = text
	}
	if err := os.RemoveAll(filepath.Join(dir, "catalog")); err != nil { // of another version, with other files
		return config.Config{}, fmt.Errorf("removing the demo's catalog: %w", err)
	}
	for name, text := range files {
		if err := writeFile(filepath.Join(dir, name), text); err != nil {
			return config.Config{}, fmt.Errorf("writing the demo's files: %w", err)
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

// loadDemo stores the demo's events. They are the same on every machine on the same day; on a later day the old ones are
// removed first, since all dates move with the day.
func (p *platform) loadDemo(ctx context.Context, org *demo.Organization, show *progress.Display) error {
	day := p.now().UTC().Format(time.DateOnly)
	began := p.now()
	loaded, err := p.store.LoadCheckpoint(ctx, "demo", "organization", "day")
	if err != nil {
		return err
	}
	if string(loaded) == day+" "+versionString() {
		show.Print(fmt.Sprintf("the demo organization of %s is loaded already", day))
		return nil
	}
	if err := p.sync(ctx); err != nil {
		return err
	}
	if err := p.store.Clear(ctx); err != nil {
		return fmt.Errorf("removing the demo of another day: %w", err)
	}
	stored := 0
	err = org.Events(20_000, func(batch []event.Event) error {
		stored += len(batch)
		text := fmt.Sprintf("loading the demo organization  %s %ss", thousands(stored), batch[0].Kind())
		show.Set("load", text, false)
		return p.store.Append(ctx, batch...)
	})
	if err != nil {
		return fmt.Errorf("loading the demo organization: %w", err)
	}
	show.Clear()
	show.Set("grade", "grading", false)
	reports, err := p.grade(ctx)
	if err != nil {
		return err
	}
	if err := p.store.SaveCheckpoint(ctx, "demo", "organization", "day", []byte(day+" "+versionString())); err != nil {
		return err
	}
	show.Clear()
	show.Print(fmt.Sprintf("loaded %s events of a synthetic organization and graded %d services in %s",
		thousands(stored), len(reports), p.now().Sub(began).Round(100*time.Millisecond)))
	return nil
}

// thousands writes 123456 as 123,456.
func thousands(n int) string {
	digits := fmt.Sprint(n)
	var groups []string
	for len(digits) > 3 {
		groups = append([]string{digits[len(digits)-3:]}, groups...)
		digits = digits[:len(digits)-3]
	}
	return strings.Join(append([]string{digits}, groups...), ",")
}
