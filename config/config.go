// Package config composes the configurations of the packages into one strict YAML file, conventionally dx.yaml.
package config

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/dxctl/dxctl/actions/github"
	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/collectors"
	"github.com/dxctl/dxctl/collectors/links"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/notify"
	"github.com/dxctl/dxctl/people"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/paths"
	"github.com/dxctl/dxctl/store"
	"github.com/dxctl/dxctl/strictyaml"
	"github.com/dxctl/dxctl/surveys"
	"github.com/dxctl/dxctl/web/server"
)

// Config is the whole of dx.yaml. Relative paths are relative to the directory of the file.
type Config struct {
	Store        store.Config        `yaml:"store"`
	Server       server.Config       `yaml:"server"`
	Catalog      catalog.Config      `yaml:"catalog"`
	Sources      collectors.Config   `yaml:"sources"`
	Environments map[string][]string `yaml:"environments"` // name → the names that sources use for it
	People       people.Config       `yaml:"people"`
	Scorecards   scorecards.Config   `yaml:"scorecards"`
	Paths        paths.Config        `yaml:"paths"`
	Surveys      surveys.Config      `yaml:"surveys"`
	Actions      Actions             `yaml:"actions"`
	Facts        links.Config        `yaml:"facts"`
	Notify       notify.Config       `yaml:"notify"`
	Collect      Collect             `yaml:"collect"`
	Demo         bool                `yaml:"demo"` // the data is the synthetic demo organization; pages show a notice

	// File is the file that was read; empty if the defaults are used.
	File string `yaml:"-"`
	// Dir is the directory that relative paths are relative to.
	Dir string `yaml:"-"`
}

// Actions configures what actions write with, and what they are planned on.
type Actions struct {
	GitHub github.Config `yaml:"github"`
	// Checkouts are directories with checkouts, by which `dxctl serve` shows the plans of fixes: that of the repository
	// owner/name is in DIR/owner/name or DIR/name, or in DIR/SERVICE. They are read only.
	Checkouts []string `yaml:"checkouts"`
}

// Collect configures how often `dxctl serve` collects and grades, and where it keeps its files.
type Collect struct {
	Interval time.Duration `yaml:"interval"` // 0: never; run `dxctl collect` instead
	// Dir is the directory for what is not in the store: deliveries that wait to be applied, clones of repositories.
	Dir string `yaml:"dir"`
}

// Default returns the configuration of an empty file.
func Default() Config {
	return Config{
		Store:  store.DefaultConfig(),
		Server: server.DefaultConfig(),
		Environments: map[string][]string{
			"production": {"production", "prod", "live"},
			"staging":    {"staging", "stage"},
		},
		Surveys: surveys.DefaultConfig(),
		Collect: Collect{Interval: 15 * time.Minute, Dir: "collected"},
	}
}

// Load reads and validates file. It reports all errors at once, each with file and line.
func Load(file string) (Config, error) {
	cfg := Default()
	text, err := os.ReadFile(file)
	if err != nil {
		return cfg, fmt.Errorf("reading the configuration: %w; name another file with --config", err)
	}
	cfg.Environments = nil // environments in the file replace the defaults instead of adding to them
	where, err := decode(file, text, &cfg)
	if err != nil {
		return cfg, reading(err)
	}
	if cfg.Environments == nil {
		cfg.Environments = Default().Environments
	}
	cfg.File, cfg.Dir = file, filepath.Dir(file)
	cfg.Catalog.Sources = cfg.Sources.Places()
	cfg.Scorecards.Declared = declared(file, cfg.Sources)
	return cfg, reading(cfg.validate(where))
}

// reading adds what was being done to each error of a file; nil stays nil.
func reading(err error) error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return fmt.Errorf("reading %w", err)
	}
	var errs []error
	for _, e := range joined.Unwrap() {
		errs = append(errs, reading(e))
	}
	return errors.Join(errs...)
}

// decode decodes the only document of a file into cfg. An empty file leaves the defaults.
func decode(file string, text []byte, cfg *Config) (strictyaml.Positions, error) {
	docs, err := strictyaml.Read(file, text)
	switch {
	case err != nil:
		return strictyaml.Positions{}, err
	case len(docs) == 0:
		docs = []strictyaml.Document{{File: file, Root: &yaml.Node{Kind: yaml.MappingNode}}}
	case len(docs) > 1:
		return strictyaml.Positions{}, fmt.Errorf(
			"%s:%d: a configuration has only one YAML document; remove the second one",
			file,
			docs[1].Root.Line,
		)
	}
	var errs []error
	expand(
		docs[0].Root,
		func(line int, message string) { errs = append(errs, fmt.Errorf("%s:%d: %s", file, line, message)) },
	)
	where, err := docs[0].Decode(cfg)
	return where, errors.Join(append(errs, err)...)
}

// validate validates each section. Each error begins with its file and line.
func (c Config) validate(where strictyaml.Positions) error {
	var errs []error
	fail := func(path string, err error) {
		for _, one := range flat(err) {
			errs = append(errs, fmt.Errorf("%s: %w", where.At(path), one))
		}
	}
	fail("store", c.Store.Validate())
	fail("server", c.Server.Validate())
	for i, s := range c.Sources {
		fail(fmt.Sprintf("sources[%d]", i), s.Validate())
	}
	if len(errs) == 0 {
		fail("sources", c.Sources.Validate())
	}
	for i, s := range c.Sources {
		fail(fmt.Sprintf("sources[%d]", i), otherTypes(s))
	}
	fail("actions.github", c.Actions.GitHub.Validate())
	fail("facts", c.Facts.Validate())
	fail("notify", c.Notify.Validate())
	for i, s := range c.Sources {
		if s.Name == links.Source && len(c.Facts.LinkHosts) > 0 {
			fail(fmt.Sprintf("sources[%d]", i), fmt.Errorf("name %q belongs to the source of facts.link_hosts; choose another "+
				"name", s.Name))
		}
	}
	for i, token := range c.Server.Tokens {
		for _, s := range c.Sources.Receivers() {
			if token.Shares(s.Secret, s.Previous) {
				fail(fmt.Sprintf("server.tokens[%d]", i), fmt.Errorf("token %s has a secret of source %s; give each its own",
					token.Name, s.Name))
			}
		}
	}
	if c.Collect.Interval < 0 || (c.Collect.Interval > 0 && c.Collect.Interval < time.Minute) {
		fail(
			"collect.interval",
			fmt.Errorf("%s is too short; use at least 1m, or 0 to collect only with `dxctl collect`", c.Collect.Interval),
		)
	}
	seen := map[string]string{}
	for name, words := range c.Environments {
		for i, w := range words {
			if other, taken := seen[strings.ToLower(w)]; taken && other != name {
				fail(fmt.Sprintf("environments.%s[%d]", name, i), fmt.Errorf("%q is already a name of environment %s; a name "+
					"can belong to only one environment", w, other))
			}
			seen[strings.ToLower(w)] = name
		}
	}
	fail("catalog", c.Catalog.Validate())
	fail("people", c.People.Validate())
	fail("surveys", c.Surveys.Validate())
	errs = append(errs, pathMistakes(c.Paths, where)...)
	for i, f := range c.Scorecards.Files { // an unreadable file of the catalog or of people is a warning when it is read
		fail(fmt.Sprintf("scorecards.files[%d]", i), c.readable(f))
	}
	return errors.Join(errs...)
}

// pathMistakes returns what is wrong with the section paths, each with its file and line.
func pathMistakes(cfg paths.Config, where strictyaml.Positions) []error {
	var errs []error
	for i, source := range cfg.Sources {
		if err := source.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", where.At(fmt.Sprintf("paths.sources[%d]", i)), err))
		}
	}
	for _, err := range flat(cfg.Defaults.Validate()) {
		at := "paths.defaults"
		if wrong, ok := errors.AsType[paths.DefaultError](err); ok {
			at += "." + wrong.Key
		}
		errs = append(errs, fmt.Errorf("%s: %w", where.At(at), err))
	}
	return errs
}

// flat returns the errors that err joins; none for nil.
func flat(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var errs []error
	for _, e := range joined.Unwrap() {
		errs = append(errs, flat(e)...)
	}
	return errs
}

// readable returns an error if name has no wildcards and is not a file that can be read.
func (c Config) readable(name string) error {
	if strings.ContainsAny(name, "*?[{") {
		return nil
	}
	f, err := os.Open(c.Path(name)) // the user's own configuration names it
	if err != nil {
		return fmt.Errorf("cannot read the file: %w", err)
	}
	defer f.Close() //nolint:errcheck // opened for reading only
	if st, err := f.Stat(); err == nil && st.IsDir() {
		return fmt.Errorf("%s is a directory; name files, or use a pattern such as %s", name, filepath.Join(name, "*.yaml"))
	}
	return nil
}

// Path returns name relative to the directory of the configuration, unless it is absolute.
func (c Config) Path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(c.Dir, name)
}

// Environment is a row of the table catalog_environments: the name of an environment at a source, and ours.
type Environment struct {
	Raw         string `ch:"raw"`
	Environment string `ch:"environment"`
}

// EnvironmentRows returns the names that sources use for each environment, in lower case and in a stable order.
func (c Config) EnvironmentRows() []Environment {
	var rows []Environment
	for _, name := range sortedKeys(c.Environments) {
		for _, word := range c.Environments[name] {
			rows = append(rows, Environment{Raw: event.Lower(word), Environment: name})
		}
	}
	return rows
}

func sortedKeys(m map[string][]string) []string {
	return slices.Sorted(maps.Keys(m))
}
