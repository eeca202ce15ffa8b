// Package plan compares how the catalog is graded by two sets of rules, such as the present ones and edited ones: what
// rises, falls or becomes unknown, by team, service, scorecard and rule, and why. Nothing is stored.
package plan

import (
	"time"

	"github.com/dxctl/dxctl/event"
)

// Direction is how a level or the outcome of a rule moves.
type Direction string

// Directions. A level rises or falls in the order of the levels; it is unknown where it is lost only because of what is
// not known. A rule falls where it fails and did not fail before; it becomes unknown where it had a verdict, or is new,
// and has none; it rises where it earns the level and did not before, and where a failure no longer counts.
const (
	Falls   Direction = "falls"
	Unknown Direction = "unknown"
	Rises   Direction = "rises"
	Other   Direction = "other" // a difference that is none of these, such as pass and waived
)

// Version of the document that Plan is as JSON.
const Version = 1

// Plan is how the catalog is graded by the edited rules, compared with the present ones.
type Plan struct {
	Version  int       `json:"version"`
	At       time.Time `json:"at"`       // the facts are those of then
	Entities int       `json:"entities"` // that either set grades
	Files    []string  `json:"files"`    // edited
	Base     string    `json:"base"`     // what they are compared with
	Kept     []string  `json:"kept"`     // scorecards that are not among the files, and stay as they are
	Digests  []Digest  `json:"digests"`  // of the rules of scorecards that are not kept
	Falls    bool      `json:"falls"`    // a level is lost, or a rule that counts begins to fail
	Totals   Totals    `json:"totals"`
	Cards    []Card    `json:"scorecards"` // those with a difference
	Rules    []Rule    `json:"rules"`      // those with a difference
	Teams    []Team    `json:"teams"`      // those with a difference; those that fall most first
	Would    *Would    `json:"would"`      // what drafts and announced rules would do; null if there are none
	Past     *Past     `json:"past"`       // null: not asked for
	Notes    []string  `json:"notes"`
}

// Totals count what moves.
type Totals struct {
	Services int               `json:"services"` // with a difference
	Teams    int               `json:"teams"`    // with a difference
	Levels   map[Direction]int `json:"levels"`   // grades whose level moves
	Rules    map[Direction]int `json:"rules"`    // outcomes of rules that move
	Scores   int               `json:"scores"`   // grades whose score differs while no level and no rule moves
}

// Card is a scorecard by both sets.
type Card struct {
	Name    string   `json:"name"`
	Title   string   `json:"title"`
	Changes []string `json:"changes"` // of the scorecard itself, such as "filter changed"
	Levels  []Level  `json:"levels"`  // from the highest; the last is none
}

// Level is how many entities have a level.
type Level struct {
	Name   string `json:"name"` // "": none
	Before int    `json:"before"`
	After  int    `json:"after"`
}

// Rule is a rule by both sets.
type Rule struct {
	Scorecard string                `json:"scorecard"`
	Rule      string                `json:"rule"`
	Title     string                `json:"title"`
	Status    string                `json:"status"`  // by the edited files; "removed" if they do not have it
	Changes   []string              `json:"changes"` // such as "expression changed"; empty: only its outcomes differ
	Place     string                `json:"place"`   // file:line; "" if it is removed
	Before    map[event.Outcome]int `json:"before"`
	After     map[event.Outcome]int `json:"after"`
	Moves     map[Direction]int     `json:"moves"`
}

// Team is an owner and the services of it that differ.
type Team struct {
	Owner  string            `json:"owner"` // ref; "" for what has no owner
	Name   string            `json:"name"`
	Moves  map[Direction]int `json:"moves"` // of levels and rules
	Grades []Grade           `json:"grades"`
}

// Grade is how a service is graded by one scorecard.
type Grade struct {
	Service   string    `json:"service"` // ref
	Scorecard string    `json:"scorecard"`
	Before    *Standing `json:"before"`  // null: not graded
	After     *Standing `json:"after"`   // null: not graded
	Direction Direction `json:"level"`   // of the level; "" if it stays
	Why       string    `json:"why"`     // it is graded, or no longer; "" otherwise
	Missing   []string  `json:"missing"` // where the level is lost: the rules that the next level lacks, with their reasons
	Rules     []Move    `json:"rules"`
}

// Standing is a level with its score.
type Standing struct {
	Level     string  `json:"level"`      // "": none
	Score     float64 `json:"score"`      // 0 to 1
	ScoreHigh float64 `json:"score_high"` // 0 to 1
	Coverage  float64 `json:"coverage"`   // 0 to 1
}

// Move is how the outcome of a rule differs.
type Move struct {
	Rule      string        `json:"rule"`
	Title     string        `json:"title"`
	Before    event.Outcome `json:"before"` // "": it does not count
	After     event.Outcome `json:"after"`  // "": it does not count
	Direction Direction     `json:"direction"`
	Why       string        `json:"why"`    // what is different about the rule
	Reason    string        `json:"reason"` // of the outcome: after, or before if the rule no longer counts
}

// Would is what the rules in draft and the announced rules of the edited files would do if they were enforced.
type Would struct {
	Rules  []Pending      `json:"rules"`
	Levels map[string]int `json:"levels_lost"` // by scorecard: services that would lose their level
	Grades []Lost         `json:"grades"`      // the services that would lose a level
}

// Pending is a rule that does not count yet.
type Pending struct {
	Scorecard string                `json:"scorecard"`
	Rule      string                `json:"rule"`
	Title     string                `json:"title"`
	Status    string                `json:"status"`
	From      *time.Time            `json:"enforced_from"` // of an announced rule
	Place     string                `json:"place"`
	Outcomes  map[event.Outcome]int `json:"outcomes"`
}

// Lost is a level that a service would lose.
type Lost struct {
	Team      string   `json:"team"`
	Service   string   `json:"service"`
	Scorecard string   `json:"scorecard"`
	Before    string   `json:"before"`
	After     string   `json:"after"`
	Rules     []string `json:"rules"` // that it would not pass, with their outcomes
}

// Past is what the edited rules would have found on past days.
type Past struct {
	From  time.Time   `json:"from"`
	To    time.Time   `json:"to"`
	Days  int         `json:"days"`
	Moved []PastGrade `json:"grades"` // those with a difference on any day; most days fallen first
	Rules []PastRule  `json:"rules"`  // those with a difference on any day
	Note  string      `json:"note"`   // what is not recorded; "" if everything is
}

// PastGrade is how a service would have been graded otherwise.
type PastGrade struct {
	Team      string            `json:"team"`
	Service   string            `json:"service"`
	Scorecard string            `json:"scorecard"`
	Days      map[Direction]int `json:"days"`  // on which the level was lower, lost to what is not known, or higher
	First     time.Time         `json:"first"` // day with a difference
	Last      time.Time         `json:"last"`
	Rules     []string          `json:"rules"` // that differ: the rule, its outcomes and the days
}

// PastRule is how often a rule would have had another outcome.
type PastRule struct {
	Scorecard string            `json:"scorecard"`
	Rule      string            `json:"rule"`
	Services  int               `json:"services"`
	Days      map[Direction]int `json:"days"` // summed over the services
}
