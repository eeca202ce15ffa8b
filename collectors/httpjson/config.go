// Package httpjson collects facts from any HTTP API that answers in JSON: for each entity one request, or one listing
// for all of them. Entities are what scorecards grade: services, libraries, systems. The configuration has the address,
// and for each fact the CEL expression that picks its value from the answer.
//
// In the first form an entity is a scope, in the second one the listing is the only scope. An answer is requested on
// the condition that it has changed. A fact that could not be had has the reason, which never contains the value of a
// header.
package httpjson

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
)

// Provider is the kind of this source, as the configuration names it.
const Provider = "http"

const (
	// defaultEvery is how long an answer is used before it is requested again.
	defaultEvery = time.Hour
	// defaultExpires is how long a fact is valid: a long weekend.
	defaultExpires = 96 * time.Hour
	maxFacts       = 50
	maxHeaders     = 20
)

// Config is one address, and the facts that its answers contain.
type Config struct {
	Source string `yaml:"name"` // its name
	// URL is the address, with placeholders for the entity: https://sonar.example.com/api/measures?component={name}
	URL string `yaml:"url"`
	// Headers are sent with every request: Authorization: "Bearer ${SONAR_TOKEN}".
	Headers map[string]string `yaml:"headers"`
	// Entities selects what to ask about: CEL over entity; empty: everything that a scorecard grades.
	Entities Expression `yaml:"entities"`
	// Items makes the address one listing for all entities: CEL over body and status, the list of its items.
	Items Expression `yaml:"items"`
	// Entity is CEL over item: the name or the ref of the entity that an item is about.
	Entity Expression    `yaml:"entity"`
	Facts  []Fact        `yaml:"facts"`
	Every  time.Duration `yaml:"every"` // how often it is requested; default 1h
	// AllowPrivateNetwork: the URL's name may lead into a private network.
	AllowPrivateNetwork bool `yaml:"allow_private_network"`
}

// Fact is a fact that the answers contain.
type Fact struct {
	Name  string         `yaml:"name"` // dotted: sonar.coverage
	Type  event.FactType `yaml:"type"`
	Value Expression     `yaml:"value"` // CEL over body, status, entity and item
	// Expires is how long a value is valid (7d, 12h); default 96h.
	Expires     string `yaml:"expires"`
	Label       string `yaml:"label"` // noun phrase: "the coverage of its tests"; the name when empty
	Unit        string `yaml:"unit"`
	True        string `yaml:"true"` // sentence when a bool holds, and when it does not
	False       string `yaml:"false"`
	Description string `yaml:"description"`

	line int // in the file
}

// factKeys has the keys of a fact.
type factKeys Fact

// UnmarshalYAML reads a mapping.
func (f *Fact) UnmarshalYAML(n *yaml.Node) error {
	*f = Fact{line: n.Line}
	return n.Decode((*factKeys)(f))
}

// Variants returns the struct whose keys a fact may have.
func (Fact) Variants(*yaml.Node) []any { return []any{factKeys{}} }

// Expression is a CEL expression with its line in the file.
type Expression struct {
	Text string
	line int
}

// UnmarshalYAML reads a text.
func (e *Expression) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null" {
		return &yaml.TypeError{Errors: []string{fmt.Sprintf("line %d: write a CEL expression here", n.Line)}}
	}
	e.Text, e.line = n.Value, n.Line
	if n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		e.line++ // the text of a block begins on the next line
	}
	return nil
}

// headerName is what RFC 9110 calls a token.
var headerName = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")

// Validate reports every mistake, joined.
func (c Config) Validate() error {
	_, err := compile(c)
	return errors.Join(c.validateFacts(), c.validateHeaders(), c.validateEvery(), err)
}

// DeclaredFacts returns the facts that the source reports.
func (c Config) DeclaredFacts() source.DeclaredFacts {
	declared := make(source.DeclaredFacts, len(c.Facts))
	for i, f := range c.Facts {
		declared[i] = source.DeclaredFact{
			Name:        f.Name,
			Type:        f.Type,
			Expires:     f.Expires,
			Label:       f.Label,
			Unit:        f.Unit,
			True:        f.True,
			False:       f.False,
			Description: f.Description,
			Line:        f.line,
		}
	}
	return declared
}

func (c Config) validateFacts() error {
	if len(c.Facts) == 0 {
		return errors.New("facts is missing: list the facts that the answers contain, each with name, type and value")
	}
	if len(c.Facts) > maxFacts {
		return fmt.Errorf("facts has %d entries; at most %d are allowed", len(c.Facts), maxFacts)
	}
	var errs []error
	for i, f := range c.Facts {
		if err := source.ValidFactName(f.Name); err != nil {
			errs = append(errs, fmt.Errorf("facts[%d]: name %w", i, err))
			continue
		}
		if !slices.Contains(event.FactTypes, f.Type) {
			errs = append(errs, fmt.Errorf("facts[%d] %s: type %q is not one of bool, number, string, time, list", i, f.Name,
				f.Type))
		}
		if _, err := f.expires(); err != nil {
			errs = append(errs, fmt.Errorf("facts[%d] %s: expires: %w", i, f.Name, err))
		}
		if f.Value.Text == "" {
			errs = append(errs, fmt.Errorf("facts[%d] %s: value is missing: a CEL expression such as body.coverage", i, f.Name))
		}
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	return c.DeclaredFacts().Names().Validate()
}

func (f Fact) expires() (time.Duration, error) {
	if f.Expires == "" {
		return defaultExpires, nil
	}
	return source.ParseValidity(f.Expires)
}

func (c Config) validateHeaders() error {
	if len(c.Headers) > maxHeaders {
		return fmt.Errorf("headers has %d entries; at most %d are allowed", len(c.Headers), maxHeaders)
	}
	var errs []error
	for name, value := range c.Headers {
		switch {
		case !headerName.MatchString(name):
			errs = append(errs, fmt.Errorf("headers: %.60q is not the name of a header", name))
		case slices.Contains([]string{"Host", "Content-Length", "Transfer-Encoding", "Connection", "If-None-Match"},
			http.CanonicalHeaderKey(name)):
			errs = append(errs, fmt.Errorf("headers: %s is set by dxctl; remove it", name))
		case strings.ContainsAny(value, "\r\n\x00"):
			errs = append(errs, fmt.Errorf("headers: the value of %s contains a line break; check its variable", name))
		}
	}
	return errors.Join(errs...)
}

func (c Config) validateEvery() error {
	if c.Every < 0 || c.Every > 0 && c.Every < time.Minute {
		return fmt.Errorf("every %s is too short; use at least 1m", c.Every)
	}
	return nil
}

func (c Config) every() time.Duration { return cmp.Or(c.Every, defaultEvery) }
