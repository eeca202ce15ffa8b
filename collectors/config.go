package collectors

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/dxctl/dxctl/collectors/webhook"
)

// Config is the `sources` list of the configuration.
type Config []SourceConfig

// SourceConfig is one source: the keys that every source has, and those of its kind.
type SourceConfig struct {
	Name string `yaml:"name"` // how events, metrics and the ledger call it; unique
	Kind string `yaml:"kind"` // one of kinds
	// how far back the first sync reads: a date (2025-01-31) or days (400d); default: everything
	Since string `yaml:"since"`
	// Webhook is set where the source sends deliveries in addition to being collected.
	Webhook *Webhook `yaml:"webhook"`

	kind     kind
	settings settings // nil when the kind is not known
}

// UnmarshalYAML reads the keys of every source, and then those of the source's kind.
func (s *SourceConfig) UnmarshalYAML(n *yaml.Node) error {
	type common SourceConfig
	if err := n.Decode((*common)(s)); err != nil {
		return err
	}
	i := slices.IndexFunc(kinds, func(k kind) bool { return k.name == s.Kind })
	if i < 0 {
		return nil // Validate says so
	}
	s.kind, s.settings = kinds[i], kinds[i].settings()
	return n.Decode(s.settings)
}

// Variants returns the structs whose keys may stand in the mapping n of a source.
func (SourceConfig) Variants(n *yaml.Node) []any {
	var s struct {
		Kind string `yaml:"kind"`
	}
	variants := []any{SourceConfig{}}
	known := n.Decode(&s) == nil
	for _, k := range kinds {
		if !known || s.Kind == k.name || !slices.Contains(kindNames(), s.Kind) { // of an unknown kind, any key may be right
			variants = append(variants, reflect.ValueOf(k.settings()).Elem().Interface())
		}
	}
	return variants
}

func kindNames() []string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.name
	}
	return names
}

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
			errs = append(errs, fmt.Errorf("%s: name is taken by sources[%d]; events are kept by name, so each source needs "+
				"its own", where, first))
		}
		seen[s.Name] = i
	}
	errs = append(errs, c.validateFacts()...)
	if len(errs) == 0 {
		errs = append(errs, webhook.Validate(c.Receivers()))
	}
	return errors.Join(errs...)
}

// Validate reports every mistake in one source.
func (s SourceConfig) Validate() error {
	var errs []error
	if !nameRule.MatchString(s.Name) {
		errs = append(
			errs,
			fmt.Errorf("name %q: give 1 to 63 of a-z, 0-9, '.', '_', '-', beginning with a letter or digit", s.Name),
		)
	}
	if _, err := s.since(time.Now()); err != nil {
		errs = append(errs, err)
	}
	switch {
	case s.Kind == "":
		errs = append(errs, fmt.Errorf("kind is missing; give one of: %s", strings.Join(kindNames(), ", ")))
	case s.settings == nil:
		errs = append(errs, fmt.Errorf("kind %q is not known; give one of: %s", s.Kind, strings.Join(kindNames(), ", ")))
	default:
		if s.Since != "" && s.kind.timeless {
			errs = append(
				errs,
				fmt.Errorf("since means nothing for a source of kind %s, which has no history; leave it out", s.Kind),
			)
		}
		errs = append(errs, s.settings.Validate(), s.validateReceiver())
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
	return time.Time{}, fmt.Errorf("since %q: give a date (2025-01-31), a time (2025-01-31T00:00:00Z) or a number of "+
		"days (400d)", s.Since)
}
