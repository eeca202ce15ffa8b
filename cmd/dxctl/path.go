package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dxctl/dxctl/cmd/dxctl/output"
	"github.com/dxctl/dxctl/config"
	"github.com/dxctl/dxctl/scorecards/paths"
)

func newPath(s *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "path",
		Short: "List golden paths, write your own, check and test them",
		Long: `A golden path is a directory: the rules that grade a service, the templates from which one is created, and the
files that make an older service pass the rules. dxctl has some; yours are in directories or git repositories that
paths.sources of dx.yaml names.`,
		Args: cobra.NoArgs,
	}
	cmd.AddCommand(newPathList(s), newPathShow(s), newPathNew(s), newPathLint(s), newPathTest(s))
	return cmd
}

// pathConfig returns the section paths of the configuration, and the directory that its names are relative to.
func (s *cli) pathConfig() (cfg paths.Config, dir string, err error) {
	file, err := s.foundConfig()
	if file == "" || err != nil {
		return paths.Config{}, ".", err
	}
	cfg, err = config.LoadPaths(file)
	return cfg, filepath.Dir(file), err
}

// goldenPath returns the golden path that a person names: by its name, or by a directory that is written with a
// separator, such as ./go-service.
func (s *cli) goldenPath(ctx context.Context, name string) (*paths.Path, error) {
	if isDirectory(name) {
		return paths.OpenDir(name, filepath.Clean(name))
	}
	cfg, dir, err := s.pathConfig()
	if err != nil {
		return nil, err
	}
	p, err := paths.Find(ctx, name, cfg, dir)
	var unknown paths.NotFoundError
	if !errors.As(err, &unknown) {
		return p, err
	}
	if exists(filepath.Join(name, paths.DescriptionFile)) {
		return paths.OpenDir(name, name)
	}
	if info, statErr := os.Stat(name); statErr == nil && info.IsDir() {
		return nil, fmt.Errorf("%w; the directory %s has no file %s", err, name, paths.DescriptionFile)
	}
	return nil, err
}

// goldenPaths returns the golden path that a person names, or those in a directory that is none itself.
func (s *cli) goldenPaths(ctx context.Context, name string) ([]*paths.Path, error) {
	several := severalPaths(name)
	if several && isDirectory(name) {
		return paths.OpenAll(name, name)
	}
	p, err := s.goldenPath(ctx, name)
	var unknown paths.NotFoundError
	if several && errors.As(err, &unknown) {
		return paths.OpenAll(name, name)
	}
	if err != nil {
		return nil, err
	}
	return []*paths.Path{p}, nil
}

// severalPaths reports whether a directory is no golden path, but has some.
func severalPaths(dir string) bool {
	if exists(filepath.Join(dir, paths.DescriptionFile)) {
		return false
	}
	entries, _ := os.ReadDir(dir)
	return slices.ContainsFunc(entries, func(e os.DirEntry) bool {
		return e.IsDir() && exists(filepath.Join(dir, e.Name(), paths.DescriptionFile))
	})
}

func newPathList(s *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the golden paths",
		Long: `List the golden paths of dx.yaml and those that dxctl has. What cannot be read is named on stderr, and the exit code is
then 1.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, dir, err := s.pathConfig()
			if err != nil {
				return err
			}
			all, broken := paths.All(cmd.Context(), cfg, dir)
			return errors.Join(pathsTable(all).Print(s.out, s.output), broken)
		},
	}
}

// pathSummary is a golden path in a list.
type pathSummary struct {
	Name       string   `json:"name"`
	Version    string   `json:"version"`
	Title      string   `json:"title"`
	Source     string   `json:"source"`
	Digest     string   `json:"digest"`
	Scorecards []string `json:"scorecards"`
}

func pathsTable(all []*paths.Path) output.Table {
	t := output.Table{Columns: []string{"name", "version", "title", "source", "digest"}}
	rows := []pathSummary{}
	for _, p := range all {
		rows = append(rows, pathSummary{p.Name, p.Version, p.Title, p.Origin.String(), p.Digest, p.Scorecards})
		t.Rows = append(t.Rows, []string{p.Name, p.Version, p.Title, p.Origin.String(), shortDigest(p.Digest)})
	}
	t.Document = rows
	return t
}

// shortDigest returns the beginning of a digest, for people.
func shortDigest(digest string) string { return strings.TrimPrefix(digest, "sha256:")[:12] }

func newPathShow(s *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "show NAME | DIR",
		Short: "Show what a golden path asks, creates and fixes",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := s.goldenPath(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return pathTable(p).Print(s.out, s.output)
		},
	}
}

// pathDocument is a golden path as it is shown.
type pathDocument struct {
	pathSummary
	Description string           `json:"description"`
	Spec        paths.Spec       `json:"spec"`
	Questions   []paths.Question `json:"questions"`
	Files       []pathFile       `json:"files"`
	Fixes       []pathFix        `json:"fixes"`
	Commands    []paths.Command  `json:"commands"`
	Actions     []pathAction     `json:"actions"`
}

type pathFile struct {
	Template string     `json:"template"`
	Mode     paths.Mode `json:"mode"`
}

type pathFix struct {
	Rule  string         `json:"rule"`
	Files []string       `json:"files,omitempty"`
	Edit  string         `json:"edit,omitempty"`
	With  map[string]any `json:"with,omitempty"`
}

type pathAction struct {
	Name   string `json:"name"`
	Tag    string `json:"tag"`
	Commit string `json:"commit"`
}

func pathTable(p *paths.Path) output.Table {
	doc := pathDocument{
		pathSummary: pathSummary{p.Name, p.Version, p.Title, p.Origin.String(), p.Digest, p.Scorecards},
		Description: p.Description, Spec: p.Spec, Questions: p.Questions,
		Files: []pathFile{}, Fixes: []pathFix{}, Actions: []pathAction{}, Commands: []paths.Command{},
	}
	doc.Commands = append(doc.Commands, p.Commands...)
	for _, name := range p.Templates() {
		result := strings.TrimSuffix(name, paths.Suffix)
		doc.Files = append(doc.Files, pathFile{name, p.ModeOf(result)})
	}
	for _, f := range p.Fixes {
		doc.Fixes = append(doc.Fixes, pathFix{f.Rule, f.Files, f.Edit, f.With})
	}
	for _, a := range p.Actions {
		doc.Actions = append(doc.Actions, pathAction{a.Name, a.Tag, a.Commit})
	}
	t := output.Table{
		Columns: []string{"question", "answer", "default", "title"}, Document: doc, Prose: pathProse(p, &doc),
	}
	for i := range p.Questions {
		q := &p.Questions[i]
		t.Rows = append(t.Rows, []string{q.Name, q.Wanted(), q.Default, q.Title})
	}
	return t
}

func pathProse(p *paths.Path, doc *pathDocument) string {
	var out strings.Builder
	line := func(format string, args ...any) {
		fmt.Fprintln(&out, output.Printable(strings.TrimRight(fmt.Sprintf(format, args...), " ")))
	}
	line("%s: %s", strings.TrimSpace(p.Name+" "+p.Version), p.Title)
	if p.Description != "" {
		line("%s", strings.Join(strings.Fields(p.Description), " "))
	}
	line("")
	line("%-12s %s", "source", doc.Source)
	line("%-12s %s", "digest", doc.Digest)
	line("%-12s %s", "scorecards", strings.Join(doc.Scorecards, ", "))
	line("%-12s %s", "runs on", strings.Join([]string{
		asked(p.Spec.Infrastructure.Compute), "database " + asked(p.Spec.Infrastructure.Database),
		"cache " + asked(p.Spec.Infrastructure.Cache),
	}, ", "))
	line("%-12s %s, %s, to %s", "is built by", p.Spec.CICD.Pipeline, p.Spec.CICD.DeployStrategy,
		strings.Join(p.Spec.CICD.Environments, ", "))
	line("")
	line("Questions")
	for i := range doc.Questions {
		q := &doc.Questions[i]
		text := q.Wanted()
		if q.Default != "" {
			text += "; default " + q.Default
		}
		line("  %-18s %s (%s)", q.Name, q.Title, text)
	}
	line("")
	line("Files")
	for _, f := range doc.Files {
		line("  %-8s %s", f.Mode, f.Template)
	}
	if len(doc.Fixes) > 0 {
		line("")
		line("Fixes")
	}
	for _, f := range doc.Fixes {
		how := strings.Join(f.Files, ", ")
		if f.Edit != "" {
			how = strings.TrimPrefix(how+", an edit", ", ")
		}
		line("  %-26s %s", f.Rule, how)
	}
	if len(doc.Commands) > 0 {
		line("")
		line("After creation")
	}
	for _, c := range doc.Commands {
		line("  %-18s %s", c.Run, c.Why)
	}
	return out.String()
}

// asked returns a value of path.yaml, or that it is a question.
func asked(value string) string {
	if strings.Contains(value, "{{") {
		return "as asked"
	}
	return value
}

// pathNames returns the names of golden paths, for completion in the shell.
func (s *cli) pathNames(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	all, _ := paths.Builtin()
	if cfg, dir, err := s.pathConfig(); err == nil {
		// A repository is not fetched while somebody presses a key.
		cfg.Sources = slices.DeleteFunc(cfg.Sources, func(source paths.Source) bool { return source.Git != "" })
		all, _ = paths.All(cmd.Context(), cfg, dir)
	}
	names := make([]string, 0, len(all))
	for _, p := range all {
		names = append(names, p.Name+"\t"+p.Title)
	}
	return names, cobra.ShellCompDirectiveDefault
}
