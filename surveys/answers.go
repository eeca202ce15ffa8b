package surveys

import (
	"cmp"
	"slices"
	"time"
)

// Answers are all that is kept of a survey: no name, no address, no time of an answer. The order of the responses is
// not that of the export.
type Answers struct {
	Survey   string    // id
	Version  uint64    // 1 for the first import; every import that is stored has the next
	Imported time.Time // UTC
	Title    string
	Opens    time.Time
	Closes   time.Time // see [Survey.Closes]
	TimeZone string    // name of the zone in which Opens and Closes are midnights; empty: UTC
	Items    []Item    // as they were when the answers were imported; Headers and Labels are left out
	// Parents are the teams by which a team is a part of another, as they were at import: team → parent. Top-level teams
	// are not in it.
	Parents map[string]string
	// Invited is how many people of each group could answer, by the population. Groups without people are not in it.
	Invited   []GroupSize
	Responses []Response
	Turnout   Turnout // what is shown of them
	// Excluded counts rows of the export that are not in Responses, by cause: "late", "duplicate" …
	Excluded map[string]int
}

// Turnout is what is shown of who took part while a survey is not published. It is kept with each import, because what
// the next one may show depends on it.
type Turnout struct {
	Parents map[string]string // the teams of the first import; see [Answers.Parents]
	// Shown has for each shown team how many people took part who are in no shown team below it: every number that was
	// shown, the latest last. "" is everyone.
	Shown map[string][]int
}

// Groups are what is kept of who answered. The zero value of each part is: not known.
type Groups struct {
	Team       string     // name of the team, as the catalog spells it
	Tenure     Tenure     // on the last day of the survey
	GoldenPath GoldenWord // whether the person works on the golden path
}

// Compare orders groups by team, tenure and golden path.
func (g Groups) Compare(other Groups) int {
	return cmp.Or(cmp.Compare(g.Team, other.Team), cmp.Compare(g.Tenure, other.Tenure),
		cmp.Compare(g.GoldenPath, other.GoldenPath))
}

// GoldenWord is yes, no, or empty where it is not known.
type GoldenWord string

// Words of Groups.GoldenPath.
const (
	OnGoldenPath  GoldenWord = "yes"
	OffGoldenPath GoldenWord = "no"
)

// Tenure is a band of the time that a person has worked here.
type Tenure string

// Bands of tenure, each from its lower bound to before the next.
const (
	UnderThreeMonths Tenure = "under 3 months"
	UnderOneYear     Tenure = "3 to 12 months"
	UnderThreeYears  Tenure = "1 to 3 years"
	ThreeYears       Tenure = "3 years and more"
)

// Tenures are the bands, the shortest first.
var Tenures = []Tenure{UnderThreeMonths, UnderOneYear, UnderThreeYears, ThreeYears}

// TenureAt returns the band of somebody who started on a day; empty if the day is not known (zero) or is after at.
func TenureAt(started, at time.Time) Tenure {
	switch {
	case started.IsZero() || started.After(at):
		return ""
	case started.AddDate(0, 3, 0).After(at):
		return UnderThreeMonths
	case started.AddDate(1, 0, 0).After(at):
		return UnderOneYear
	case started.AddDate(3, 0, 0).After(at):
		return UnderThreeYears
	}
	return ThreeYears
}

// GroupSize is a number of people of a group.
type GroupSize struct {
	Groups Groups
	People int
}

// Response is what one person answered.
type Response struct {
	Groups Groups
	// Respondent is a keyed hash of the person's e-mail address; empty if the form has none, and after the publication
	// of the survey, when the key is deleted.
	Respondent string
	Ratings    []Point  // one per item of Answers.Items; NotAnswered for comments
	Comments   []string // one per item of Answers.Items; empty for ratings and where nothing was written
}

// Point is a point of an item's scale in the direction of its text (see [Item.Good] for the good one), or one of
// NotAnswered and DontKnow.
type Point int8

// Ratings that are no points.
const (
	NotAnswered Point = -1 // the cell is empty, or the person did not see the question
	DontKnow    Point = -2 // "I don't know", "not applicable": left out of means and shares, and counted
)

// Get returns the point; ok is false if there is none.
func (p Point) Get() (point int, ok bool) { return int(p), p >= 0 }

// ItemIndex returns the position of an item in Items, -1 if no item has the key.
func (a Answers) ItemIndex(key string) int {
	return slices.IndexFunc(a.Items, func(i Item) bool { return i.Key == key })
}

// InvitedTotal returns how many people could answer; 0 if people are not known.
func (a Answers) InvitedTotal() int {
	n := 0
	for _, g := range a.Invited {
		n += g.People
	}
	return n
}
