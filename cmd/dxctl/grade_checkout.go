package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/cmd/dxctl/exit"
	"github.com/dxctl/dxctl/cmd/dxctl/output"
	"github.com/dxctl/dxctl/config"
	"github.com/dxctl/dxctl/report/checks"
	"github.com/dxctl/dxctl/repository/waiver"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/checkout"
)

// gradeDirectory grades the services of a directory. It opens neither a store nor a connection.
func (s *cli) gradeDirectory(ctx context.Context, dir string, options gradeOptions) error {
	root, _, _, err := checkout.Root(dir)
	if err != nil {
		return err
	}
	cards, warnings, err := s.scorecardsOf(root)
	if err != nil {
		return err
	}
	if len(cards.Cards) == 0 {
		return fmt.Errorf("no scorecard can be used:\n%w", cards.Err())
	}
	engine, err := scorecards.New(cards, s.now)
	if err != nil {
		return err
	}
	book, unusable, err := s.waiversOf(root)
	if err != nil {
		return err
	}
	engine = engine.WithWaivers(func() *waiver.Book { return book })
	warnings = append(warnings, unusable...)
	grades := &checks.Grades{Root: root, Cards: engine.Scorecards(), Version: versionString()}
	if err := grades.Validate(options.failBelow); err != nil {
		return err
	}
	if err := grades.HasRules(options.rules); err != nil {
		return err
	}
	c, err := checkout.Read(ctx, dir, s.now())
	if err != nil {
		return err
	}
	grades.Problems, grades.Lost, grades.Notes = c.Problems, c.Lost, slices.Concat(c.Notes, warnings)
	for i := range c.Services {
		one := &c.Services[i]
		service := checks.Service{
			Ref:     one.Entity.Ref,
			At:      one.At,
			Anchor:  one.Anchor,
			Facts:   one.Facts,
			Reports: engine.Grade(one.Entity, one.Facts),
		}
		for _, out := range engine.LeftOut(one.Entity) {
			service.LeftOut = append(service.LeftOut, out.Title+" does not apply: "+out.Reason)
		}
		grades.Services = append(grades.Services, service)
	}
	write := s.printChecks
	if len(options.rules) > 0 {
		write = func(g *checks.Grades) error { return g.WriteRules(s.out, options.rules, output.Printable) }
	}
	err = errors.Join(write(grades), s.against(grades, options.failBelow))
	if broken := cards.Err(); broken != nil {
		return errors.Join(err, exit.With(exit.Partial, fmt.Errorf("scorecards that are not used:\n%w", broken)))
	}
	return err
}

// scorecardsOf returns the scorecards that --config or $DXCTL_CONFIG names, else those of dx.yaml at the root of the
// repository, else the built-in ones; and warnings about files that are named and not there.
func (s *cli) scorecardsOf(root string) (cards scorecards.Set, warnings []string, err error) {
	cfg, dir, err := s.scorecardConfig(root)
	if err != nil {
		return scorecards.Set{}, nil, err
	}
	cards, err = scorecards.Load(cfg, dir)
	return cards, scorecards.Unmatched(cfg, dir), err
}

// scorecardConfig returns the section of scorecards for a checkout, and the directory that its files are relative to.
func (s *cli) scorecardConfig(root string) (cfg scorecards.Config, dir string, err error) {
	file := s.configFile
	if file == "" {
		file = os.Getenv("DXCTL_CONFIG")
	}
	if file == "" {
		file = filepath.Join(root, "dx.yaml")
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			return scorecards.Config{}, root, nil
		}
	}
	cfg, err = config.LoadScorecards(file)
	return cfg, filepath.Dir(file), err
}

// waiversOf returns the waivers next to the scorecards of a checkout, and warnings about them.
func (s *cli) waiversOf(root string) (*waiver.Book, []string, error) {
	cfg, dir, err := s.scorecardConfig(root)
	if err != nil {
		return nil, nil, err
	}
	all, problems := waiver.Load(cfg.Waivers, dir)
	var warnings []string
	for _, p := range problems {
		warnings = append(warnings, p.String())
	}
	return waiver.NewBook(all, nil), warnings, nil
}

// printChecks prints grades in the format of the flag.
func (s *cli) printChecks(grades *checks.Grades) error {
	switch s.output {
	case "sarif":
		return grades.WriteSARIF(s.out)
	case "junit":
		return grades.WriteJUnit(s.out)
	case "json":
		return output.Table{Document: grades.Document()}.Print(s.out, s.output)
	case "csv", "tsv":
		t := output.Table{Columns: []string{"service", "scorecard", "level", "rule", "title", "outcome", "reason", "places"}}
		for i := range grades.Services {
			one := &grades.Services[i]
			for _, r := range one.Reports {
				for k := range r.Results {
					x := &r.Results[k]
					var places []string
					found, _ := grades.Places(one, r.Scorecard, x)
					for _, p := range found {
						places = append(places, p.String())
					}
					t.Rows = append(t.Rows, []string{
						one.Ref, r.Scorecard, x.Level, x.Rule, x.Title, string(x.Outcome), x.Reason, strings.Join(places, " "),
					})
				}
			}
		}
		return t.Print(s.out, s.output)
	}
	return grades.WriteText(s.out, output.Printable)
}

// against returns an error with the exit code of grades that do not reach a level; "" requires none.
func (s *cli) against(grades *checks.Grades, level string) error {
	if level == "" {
		return nil
	}
	standing, why, err := grades.Against(level)
	if err != nil {
		return err
	}
	text := strings.Join(why, "\n")
	switch standing {
	case checks.Below:
		return exit.With(exit.Unhealthy, errors.New(text))
	case checks.Open:
		return exit.With(exit.Unknown, fmt.Errorf("%s\nmissing data decides whether the level is reached", text))
	}
	return nil
}
