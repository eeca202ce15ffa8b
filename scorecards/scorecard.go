// Package scorecards grades services against golden paths. A scorecard is a YAML file with rules in CEL over facts; the
// engine returns for every rule its outcome, the reason, and what to do next.
//
// What is not known is never guessed: a rule whose facts are missing is unknown, one whose facts are old is stale, and
// neither earns a level nor counts as a failure. Losing data can therefore lower a score, but never raise it.
package scorecards

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/scorecards/facts"
)

// Config names the scorecards.
type Config struct {
	// Files are scorecards: names or patterns, relative to the directory of the configuration. Without any, the
	// built-in golden path production-service is used.
	Files []string `yaml:"files"`
}

// Validate reports empty names.
func (c Config) Validate() error {
	for i, f := range c.Files {
		if strings.TrimSpace(f) == "" {
			return fmt.Errorf("scorecards.files[%d] is empty; name a file or a pattern such as scorecards/*.yaml", i)
		}
	}
	return nil
}

// Scorecard is a set of rules with the levels that they lead to.
type Scorecard struct {
	Name        string
	Version     uint32
	Title       string
	Description string
	Filter      string   // CEL over entity; empty: every service
	Levels      []string // from the lowest
	Rules       []Rule
	Facts       []facts.Definition // facts that the scorecard itself declares, in addition to facts.Catalog
	File        string             // "built-in:production-service/scorecard.yaml" for the built-in one
	Line        int

	filterAt position
}

// Rule is one question to a service, with an answer for whoever has to act on it.
type Rule struct {
	ID       string
	Version  uint32 // counts up when the meaning changes, so that grades before and after can be distinguished
	Level    string // the level that needs it
	Title    string
	Expr     string // CEL, true when the rule passes
	Applies  string // CEL; where it is false the rule is not applicable; empty: it always applies
	Evidence string // CEL; the value to show behind the verdict where the expression does not show it by itself
	Why      string
	Fix      string
	Effort   Effort
	DocsURL  string
	Line     int

	exprAt, appliesAt, evidenceAt position
}

// Effort is how long fixing a rule usually takes.
type Effort string

// The efforts, from the least.
const (
	Minutes Effort = "minutes"
	Hours   Effort = "hours"
	Days    Effort = "days"
)

var efforts = []Effort{Minutes, Hours, Days}

func (e Effort) order() int { return slices.Index(efforts, e) }

// position is the place of an expression in its file.
type position struct {
	line  int
	block bool // a block scalar: its text begins on the next line
}

// at returns the line of the file of the expression's line n, counted from 1.
func (p position) at(n int) int {
	if p.block {
		return p.line + n
	}
	return p.line + max(n, 1) - 1
}
