// Package format is the file format of scorecards: the types that a file is decoded into, the checks that need no
// expression to be compiled, and the JSON schema for editors.
package format

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/dxctl/dxctl/repository/waiver"
	"github.com/dxctl/dxctl/scorecards/facts"
)

// APIVersion and Kind are the first keys of every scorecard.
const (
	APIVersion = "dxctl.dev/v1"
	Kind       = "Scorecard"
)

// File is one scorecard as it is written. A key that the file does not have is nil or empty. The tags enum,
// pattern, minimum, maximum, above and required are for the JSON schema.
type File struct {
	APIVersion  string             `yaml:"apiVersion" required:"yes" enum:"dxctl.dev/v1"`
	Kind        string             `yaml:"kind" required:"yes" enum:"Scorecard"`
	Name        string             `yaml:"name" required:"yes" pattern:"id"`
	Version     *int               `yaml:"version" minimum:"1" maximum:"2147483647"`
	Title       string             `yaml:"title"`
	Description string             `yaml:"description"`
	Owner       string             `yaml:"owner"`
	Filter      string             `yaml:"filter"`
	FilterNote  string             `yaml:"filter_note"`
	Levels      []string           `yaml:"levels" required:"yes"`
	Waivers     *Waivers           `yaml:"waivers"`
	Gate        *Gate              `yaml:"gate"`
	Facts       []facts.Definition `yaml:"facts"`
	Rules       []Rule             `yaml:"rules" required:"yes"`
}

// Waivers says which waivers count for a scorecard.
type Waivers struct {
	From []waiver.Origin `yaml:"from" required:"yes"`
}

// Gate says what a rule without a verdict means where a level is required: pass, fail or unknown.
type Gate struct {
	Unknown string `yaml:"unknown" enum:"unknown,pass,fail"`
	Stale   string `yaml:"stale" enum:"unknown,pass,fail"`
}

// What a rule means for a gate.
const (
	GateUnknown = "unknown"
	GatePass    = "pass"
	GateFail    = "fail"
)

// Rule is one rule as it is written.
type Rule struct {
	ID           string   `yaml:"id" required:"yes" pattern:"id"`
	Version      *int     `yaml:"version" minimum:"1" maximum:"2147483647"`
	Level        string   `yaml:"level" required:"yes"`
	Title        string   `yaml:"title" required:"yes"`
	Why          string   `yaml:"why"`
	Fix          string   `yaml:"fix"`
	Effort       string   `yaml:"effort" required:"yes" enum:"minutes,hours,days"`
	Owner        string   `yaml:"owner"`
	Weight       *float64 `yaml:"weight" above:"0" maximum:"1000000"`
	Status       string   `yaml:"status" enum:"draft,announced,enforced,retired"`
	EnforcedFrom string   `yaml:"enforced_from" pattern:"date"`
	Grace        string   `yaml:"grace" pattern:"span"`
	Freshness    string   `yaml:"freshness" pattern:"span"`
	Expr         string   `yaml:"expr"`
	Bands        Bands    `yaml:"bands"`
	Applies      string   `yaml:"applies"`
	AppliesNote  string   `yaml:"applies_note"`
	Review       *Review  `yaml:"review"`
	Evidence     string   `yaml:"evidence"`
	Waivable     *bool    `yaml:"waivable"`
	Action       *Action  `yaml:"action"`
	Links        []Link   `yaml:"links"`
	Controls     []Shows  `yaml:"controls"`
}

// Shows says which control of a public standard a rule that passes shows, and how much of it.
type Shows struct {
	Standard string `yaml:"standard" required:"yes" enum:"osps,scorecard,slsa"`
	Control  string `yaml:"control"  required:"yes"`
	Shows    string `yaml:"shows"    required:"yes" enum:"whole,part"`
	Note     string `yaml:"note"`
}

// How much of a control a rule shows.
const (
	ShowsWhole = "whole"
	ShowsPart  = "part"
)

// Bands divide the values of numbers, times or durations into pass, warn and fail. Of several, the worst verdict
// counts. They are written as a mapping, or as a list of mappings.
type Bands []Band

// Band is the division of one value.
type Band struct {
	Value string `yaml:"value" required:"yes"`
	Pass  string `yaml:"pass" required:"yes" pattern:"band"`
	Warn  string `yaml:"warn" pattern:"band"`
}

// UnmarshalYAML reads a mapping or a list of mappings.
func (b *Bands) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.MappingNode {
		*b = make(Bands, 1)
		return n.Decode(&(*b)[0])
	}
	var list []Band
	err := n.Decode(&list)
	*b = list
	return err
}

// Source returns the conditions under which the bands pass, as they are written.
func (b Bands) Source() string {
	parts := make([]string, 0, len(b))
	for _, band := range b {
		parts = append(parts, strings.TrimSpace(band.Value)+" "+band.Pass)
	}
	return strings.Join(parts, " && ")
}

// Review sends a rule to a person.
type Review struct {
	When string `yaml:"when"`
	Note string `yaml:"note" required:"yes"`
}

// Action is what makes a rule pass.
type Action struct {
	Kind    Kinds  `yaml:"kind" required:"yes" enum:"patch,setting,ask"`
	Command string `yaml:"command"`
}

// ActionKinds are the kinds of actions.
var ActionKinds = []string{"patch", "setting", "ask"}

// Link is a page to read.
type Link struct {
	Title string `yaml:"title" required:"yes"`
	URL   string `yaml:"url" required:"yes" pattern:"url"`
}

// Kinds is a word or a list of words.
type Kinds []string

// UnmarshalYAML reads a text or a list of texts.
func (k *Kinds) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*k = Kinds{n.Value}
		return nil
	}
	var list []string
	if err := n.Decode(&list); err != nil {
		return &yaml.TypeError{Errors: []string{
			fmt.Sprintf("line %d: write one of %s, or a list of them", n.Line, strings.Join(ActionKinds, ", ")),
		}}
	}
	*k = list
	return nil
}
