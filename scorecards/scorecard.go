// Package scorecards grades services against golden paths. A scorecard is a YAML file with rules in CEL over facts; the
// engine returns for every rule its outcome, the reason, and what to do next.
//
// What is not known is never guessed: a rule whose facts are missing is unknown, one whose facts are old is stale, and
// neither earns a level nor counts as a failure. Losing data can therefore lower a score, but never raise it.
package scorecards

import (
	"fmt"
	"strings"
	"time"

	"github.com/dxctl/dxctl/repository/waiver"
	"github.com/dxctl/dxctl/scorecards/facts"
	"github.com/dxctl/dxctl/scorecards/format"
)

// Config names the scorecards.
type Config struct {
	// Files are scorecards: names or patterns, relative to the directory of the configuration. Without any, the
	// built-in ones are used.
	Files []string `yaml:"files"`
	// Builtin adds the built-in scorecards to those of Files. One of Files with the name of a built-in one replaces it.
	Builtin bool `yaml:"builtin"`
	// Declared are the facts that sources declare; every scorecard may use those that have a type.
	Declared []facts.Definition `yaml:"-"`
	// Waivers are files of waivers: names or patterns, relative to the directory of the configuration. Without any,
	// those of [waiver.DefaultFiles] are used.
	Waivers []string `yaml:"waivers"`
	// Campaigns are files of campaigns: names or patterns, relative to the directory of the configuration. Without any,
	// those of campaigns/*.yaml are used.
	Campaigns []string `yaml:"campaigns"`
}

// Validate reports empty names.
func (c Config) Validate() error {
	for i, f := range c.Files {
		if strings.TrimSpace(f) == "" {
			return fmt.Errorf("scorecards.files[%d] is empty; name a file or a pattern such as scorecards/*.yaml", i)
		}
	}
	for i, f := range c.Campaigns {
		if strings.TrimSpace(f) == "" {
			return fmt.Errorf("scorecards.campaigns[%d] is empty; name a file or a pattern such as campaigns/*.yaml", i)
		}
	}
	for i, f := range c.Waivers {
		if strings.TrimSpace(f) == "" {
			return fmt.Errorf("scorecards.waivers[%d] is empty; name a file or a pattern such as %s", i, waiver.DefaultFiles)
		}
	}
	return nil
}

// Scorecard is a set of rules with the levels that they lead to.
type Scorecard struct {
	Name        string
	Version     uint32
	Title       string // the name if the file has none
	Description string
	Owner       string // ref of who answers for the rules; "" if nobody is named
	Filter      string // CEL over entity; empty: every service
	FilterNote  string // sentence for the entities that the filter leaves out
	Levels      []string
	Rules       []Rule
	Facts       []facts.Definition // those that the scorecard and the sources declare, in addition to facts.Catalog
	WaiversFrom []waiver.Origin    // the places whose waivers count
	Gates       GatePolicy         // what rules without a verdict mean where a level is required
	Digest      string             // SHA-256 in hexadecimal of what decides the grades: docs/scorecards.md lists it
	File        string             // "built-in:delivery/scorecard.yaml" for a built-in one
	Line        int

	doc      *format.Document
	compiled *compiledCard
}

// Rule is one question to a service, with an answer for whoever has to act on it.
type Rule struct {
	ID           string
	Version      uint32 // counts up when the meaning changes, so that grades before and after can be distinguished
	Level        string // the level that needs it
	Title        string
	Why          string
	Fix          string
	Effort       Effort
	Owner        string // ref of who answers for it: its own or the scorecard's
	Weight       float64
	Status       string        // a stage of format: draft, announced, enforced or retired
	EnforcedFrom time.Time     // of an announced rule
	Grace        time.Duration // younger services are not judged; 0: none
	Freshness    time.Duration // facts observed longer ago are stale; 0: until they expire
	Expr         string        // CEL, true when the rule passes; empty with Bands, and where a person always decides
	Bands        format.Bands
	Applies      string // CEL; where it is false the rule is not applicable; empty: it always applies
	AppliesNote  string // the reason of "not applicable"
	Review       *format.Review
	Evidence     string // CEL; the value to show behind the verdict where the expression does not show it by itself
	Waivable     bool
	Action       *format.Action
	Links        []format.Link
	Controls     []format.Shows // of public standards, that the rule shows
	Line         int
}

// DocsURL returns the address of the first link, "" without links.
func (r *Rule) DocsURL() string {
	if len(r.Links) == 0 {
		return ""
	}
	return r.Links[0].URL
}

// Source returns the condition under which the rule passes, as it is written; "" where only a person decides.
func (r *Rule) Source() string {
	if len(r.Bands) == 0 {
		return r.Expr
	}
	return r.Bands.Source()
}

// StageAt returns the stage in the life of the rule at a time: an announced rule is enforced from its date.
func (r *Rule) StageAt(now time.Time) string {
	if r.Status == format.Announced && !now.Before(r.EnforcedFrom) {
		return format.Enforced
	}
	return r.Status
}

// Enforced reports whether the rule counts in grades at a time.
func (r *Rule) Enforced(now time.Time) bool { return r.StageAt(now) == format.Enforced }

// Effort is how long fixing a rule usually takes.
type Effort string

// The efforts, from the least.
const (
	Minutes Effort = "minutes"
	Hours   Effort = "hours"
	Days    Effort = "days"
)

// Cost returns what an effort costs against the others: about a factor of five from one to the next, as from half an
// hour to half a day to some days.
func (e Effort) Cost() float64 {
	switch e {
	case Minutes:
		return 1
	case Hours:
		return 5
	}
	return 25
}
