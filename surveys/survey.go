// Package surveys has the model of a quarterly survey: its definition file, its items, and the answers as they are
// kept. What a person answered is known only here and in the packages below; what leaves them is published cells.
package surveys

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Survey is what surveys/<id>.yaml says.
type Survey struct {
	ID         string // the name of its file without .yaml: "2026-Q3"
	Title      string
	Opens      time.Time      // midnight with which the first day begins, in TimeZone
	Closes     time.Time      // midnight after the last day, in TimeZone: answers at or after it are late
	TimeZone   *time.Location // of the days, and of times in the export that have no zone; UTC if the file has none
	Population Population
	Columns    Columns // of the export, for what is not a question
	Dates      DateOrder
	Items      []Item
	Ignore     []string   // columns that are left out on purpose
	GoldenPath GoldenPath // who counts as working on the golden path
	File       string     // as shown to people; empty if there is no file
}

// Population is a filter on people. The zero value is everyone who works here on the last day of the survey.
type Population struct {
	Teams         []string  `yaml:"teams"`          // only these, with their sub-teams; empty: all
	ExcludeTeams  []string  `yaml:"exclude_teams"`  // not these, with their sub-teams
	ExcludePeople []string  `yaml:"exclude_people"` // ids of people
	StartedBefore time.Time `yaml:"-"`              // only who started before this day; zero: no limit
}

// GoldenPath decides who counts as working on the golden path when the form does not ask.
type GoldenPath struct {
	// Tag is the tag of services on the golden path; a person counts if at least half of the services that their team
	// owns have it. Unknown for a team that owns none.
	Tag string `yaml:"tag"`
}

// Columns are the headers of columns that are not questions. Empty: recognized by the tool that wrote the export.
type Columns struct {
	Email      string `yaml:"email"`
	Submitted  string `yaml:"submitted"`
	Team       string `yaml:"team"`
	Tenure     string `yaml:"tenure"`
	GoldenPath string `yaml:"golden_path"`
}

// DateOrder is how the export writes days whose order is unclear, such as 5/10/2026.
type DateOrder string

// Orders of a date's parts.
const (
	DatesUnknown DateOrder = ""            // decided by the file: one date with a part above 12 is enough
	DayFirst     DateOrder = "day-first"   // 31/12/2026
	MonthFirst   DateOrder = "month-first" // 12/31/2026
)

// Kind is what an item asks for.
type Kind string

// Kinds of items.
const (
	Rating  Kind = "rating"  // a point of a scale
	Comment Kind = "comment" // free text
)

// Item is a question, by its meaning.
type Item struct {
	Key       string // the same in every quarter: "deploy-confidence"; letters, digits, hyphens
	Text      string // as the form asks it, for people
	Headers   []string
	Kind      Kind
	Dimension Dimension // empty: in no dimension
	Scale     Scale     // of a rating
	Turned    bool      // the numbers of the form are turned round: its 1 is the highest point. Stored points are not
	Reversed  bool      // a high point is bad: direction: lower_is_better
	Labels    map[string]int
	Unknown   []string // answers that mean "I don't know", in addition to the usual ones
	Rules     []string // ids of rules of scorecards that address the item
}

// Dimension groups items for the index.
type Dimension string

// Dimensions of the index, and two kinds of items that stand for themselves.
const (
	FeedbackLoops Dimension = "feedback_loops"
	CognitiveLoad Dimension = "cognitive_load"
	Flow          Dimension = "flow"
	Satisfaction  Dimension = "satisfaction" // CSAT: the share of the two highest points
	Recommend     Dimension = "recommend"    // eNPS: 0–10
)

// Dimensions are all dimensions; the first three are those of the index.
var Dimensions = []Dimension{FeedbackLoops, CognitiveLoad, Flow, Satisfaction, Recommend}

// Scale is the points of a rating, from Min to Max.
type Scale struct{ Min, Max int }

// Scales are the supported scales.
var Scales = []Scale{{1, 5}, {1, 7}, {1, 10}, {0, 10}}

// Points returns how many points the scale has.
func (s Scale) Points() int { return s.Max - s.Min + 1 }

// Has reports whether a point is on the scale.
func (s Scale) Has(point int) bool { return s.Min <= point && point <= s.Max }

// String returns the scale as the definition file writes it: "1-5".
func (s Scale) String() string { return fmt.Sprintf("%d-%d", s.Min, s.Max) }

// ParseScale parses "1-5", "1-7", "1-10" or "0-10".
func ParseScale(text string) (Scale, error) {
	from, to, ok := strings.Cut(strings.ReplaceAll(strings.TrimSpace(text), "–", "-"), "-")
	first, err1 := strconv.Atoi(strings.TrimSpace(from))
	last, err2 := strconv.Atoi(strings.TrimSpace(to))
	s := Scale{first, last}
	if !ok || err1 != nil || err2 != nil || !slices.Contains(Scales, s) {
		return Scale{}, fmt.Errorf("scale %q is not one of 1-5, 1-7, 1-10, 0-10", text)
	}
	return s, nil
}

// Good returns the point with the direction in which more is better: that of a reversed item is mirrored, so that 1 of
// 1-5 becomes 5.
func (i Item) Good(point int) int {
	if i.Reversed {
		return i.Scale.Min + i.Scale.Max - point
	}
	return point
}
