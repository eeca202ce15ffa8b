package collectors

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/github"
)

// Config is the `sources` list of the configuration.
type Config []SourceConfig

// SourceConfig is one source. Which keys apply depends on its kind.
type SourceConfig struct {
	Name           string   `yaml:"name"`            // how events, metrics and the ledger call it; unique
	Kind           string   `yaml:"kind"`            // github
	URL            string   `yaml:"url"`             // the API's address; default: the provider's public one
	Token          string   `yaml:"token"`           // credentials; a read-only token
	Repositories   []string `yaml:"repositories"`    // github: owner/name
	Organization   string   `yaml:"organization"`    // github: every repository of it
	Archived       bool     `yaml:"archived"`        // github: of an organization, also archived repositories
	Forks          bool     `yaml:"forks"`           // github: of an organization, also forks
	Jobs           string   `yaml:"jobs"`            // github: all (default), default-branch, none
	Since          string   `yaml:"since"`           // how far back the first sync reads: a date (2025-01-31) or days (400d); default: everything
	PrivateNetwork bool     `yaml:"private_network"` // the url's name may lead into a private network
}

var kinds = []string{"github"}

var nameRule = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]{0,62}$`)

// Validate reports every mistake in the list, each with the source it is in.
func (c Config) Validate() error {
	var errs []error
	seen := map[string]int{}
	for i, s := range c {
		where := fmt.Sprintf("sources[%d]", i)
		if s.Name != "" {
			where += " " + strconv.Quote(s.Name)
		}
		if err := s.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", where, err))
		}
		if first, ok := seen[s.Name]; ok && s.Name != "" {
			errs = append(errs, fmt.Errorf("%s: name is taken by sources[%d]; events are kept by name, so each source needs its own", where, first))
		}
		seen[s.Name] = i
	}
	return errors.Join(errs...)
}

// Validate reports every mistake in one source.
func (s SourceConfig) Validate() error {
	var errs []error
	if !nameRule.MatchString(s.Name) {
		errs = append(errs, fmt.Errorf("name %q: give 1 to 63 of a-z, 0-9, '.', '_', '-', beginning with a letter or digit", s.Name))
	}
	if _, err := s.since(time.Now()); err != nil {
		errs = append(errs, err)
	}
	switch {
	case s.Kind == "github":
		cfg, _ := s.github(time.Now())
		errs = append(errs, cfg.Validate())
	case s.Kind == "":
		errs = append(errs, fmt.Errorf("kind is missing; give one of: %s", strings.Join(kinds, ", ")))
	case !slices.Contains(kinds, s.Kind):
		errs = append(errs, fmt.Errorf("kind %q is not known; give one of: %s", s.Kind, strings.Join(kinds, ", ")))
	}
	return errors.Join(errs...)
}

// since reads Since; zero when it is not set.
func (s SourceConfig) since(now time.Time) (time.Time, error) {
	if s.Since == "" {
		return time.Time{}, nil
	}
	if days, ok := strings.CutSuffix(s.Since, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n > 0 && n < 36500 {
			return now.UTC().AddDate(0, 0, -n).Truncate(24 * time.Hour), nil
		}
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, s.Since); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("since %q: give a date (2025-01-31), a time (2025-01-31T00:00:00Z) or a number of days (400d)", s.Since)
}

func (s SourceConfig) github(now time.Time) (github.Config, error) {
	since, err := s.since(now)
	return github.Config{
		Source: s.Name, URL: s.URL, Token: s.Token, Repositories: s.Repositories, Organization: s.Organization,
		Archived: s.Archived, Forks: s.Forks, Jobs: github.Jobs(s.Jobs), Since: since, PrivateNetwork: s.PrivateNetwork,
	}, err
}
