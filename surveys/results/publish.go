package results

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dxctl/dxctl/store"
	"github.com/dxctl/dxctl/surveys"
	"github.com/dxctl/dxctl/surveys/archive"
	"github.com/dxctl/dxctl/surveys/disclosure"
)

// Publications stores what was published; [store.Store] does.
type Publications interface {
	PublishedSurveys(ctx context.Context, survey string) ([]store.PublishedSurvey, error)
	SurveyResults(ctx context.Context, survey string, version uint64) ([]store.SurveyResult, error)
	PublishSurvey(ctx context.Context, p store.PublishedSurvey, results []store.SurveyResult) error
}

// A CorrectionError says that a corrected import may not be published, because who has both versions would know what
// few people answered.
type CorrectionError struct {
	Survey string
	Cells  []disclosure.Correction // that change too little
}

// Error does not say which cells change by how much: that is what must not be known.
func (e *CorrectionError) Error() string {
	return fmt.Sprintf("publishing the corrected answers of survey %s: %d results would change by fewer than %d answers, "+
		"and whoever has both versions could derive them; the published version stays. Publish when more answers differ",
		e.Survey, len(e.Cells), disclosure.Threshold)
}

// ErrPublished reports that the latest import of a survey is published already.
var ErrPublished = errors.New("its latest import is published already, and a publication is final; " +
	"import a corrected file to publish a correction")

// ErrNothing reports that nothing of a survey may be shown.
var ErrNothing = errors.New("nothing may be shown of it: it needs a group in which at least 5 people answered " +
	"each question, and not all alike")

// Prepare computes what a publication of a survey's latest import would show. For a correction that is at most what the
// published version shows; the error is a [CorrectionError] if it may not be published.
func Prepare(ctx context.Context, a *archive.Archive, p Publications, survey string) (*Computed, error) {
	answers, err := a.Load(ctx, survey)
	if err != nil {
		return nil, err
	}
	earlier, err := p.PublishedSurveys(ctx, survey)
	if err != nil {
		return nil, err
	}
	if n := len(earlier); n > 0 && earlier[n-1].Version == answers.Version {
		return nil, fmt.Errorf("publishing survey %s: %w", survey, ErrPublished)
	}
	c, err := Compute(answers)
	if err != nil {
		return nil, err
	}
	for _, version := range earlier {
		before, err := p.SurveyResults(ctx, survey, version.Version)
		if err != nil {
			return nil, err
		}
		if err := c.correct(survey, before); err != nil {
			return nil, err
		}
	}
	if !slices.ContainsFunc(c.Results, func(r store.SurveyResult) bool { return r.Measure == OfItem }) {
		return nil, fmt.Errorf("publishing survey %s: %w", survey, ErrNothing)
	}
	return c, nil
}

// correct leaves only cells that were published before, and refuses what would tell the answers of few.
func (c *Computed) correct(survey string, before []store.SurveyResult) error {
	published := map[cellKey]bool{}
	for _, r := range before {
		published[keyOf(r)] = true
	}
	c.Results = slices.DeleteFunc(c.Results, func(r store.SurveyResult) bool { return !published[keyOf(r)] })
	shown := map[cellKey]bool{}
	for _, r := range c.Results {
		shown[keyOf(r)] = true
	}
	// Only of cells that both versions have the difference is known.
	before = slices.DeleteFunc(slices.Clone(before), func(r store.SurveyResult) bool { return !shown[keyOf(r)] })
	first, second := cellsOf(before), cellsOf(c.Results)
	first = append(first, disclosure.Rests(first, c.parents)...)
	second = append(second, disclosure.Rests(second, c.parents)...)
	refused := disclosure.TooSmall(first, second)
	if len(refused) > 0 {
		return &CorrectionError{survey, refused}
	}
	return nil
}

type cellKey struct{ team, tenure, path, measure, item string }

func keyOf(r store.SurveyResult) cellKey {
	return cellKey{r.Team, r.Tenure, r.GoldenPath, r.Measure, r.Item}
}

// cellsOf returns the cells whose answers can be counted. Dimensions and the index follow from items: they change only
// if answers do, so nothing more is asked of them.
func cellsOf(results []store.SurveyResult) []disclosure.Cell {
	var cells []disclosure.Cell
	for _, r := range results {
		cell := disclosure.Cell{
			Group:    disclosure.Group{Team: r.Team, Tenure: r.Tenure, GoldenPath: r.GoldenPath},
			Question: r.Measure + " " + r.Item,
		}
		switch r.Measure {
		case Responses:
			cell.Counts = []int{int(r.Answers)}
		case OfItem:
			for _, n := range r.Counts {
				cell.Counts = append(cell.Counts, int(n))
			}
		default:
			continue
		}
		cells = append(cells, cell)
	}
	return cells
}

// Publish stores what [Prepare] returned, and deletes the key of the respondents' hashes unless keepKey.
func Publish(
	ctx context.Context, a *archive.Archive, p Publications, c *Computed, keepKey bool, now time.Time,
) error {
	c.Published.PublishedAt = now.UTC()
	if err := p.PublishSurvey(ctx, c.Published, c.Results); err != nil {
		return err
	}
	return a.Publish(ctx, c.Published.Survey, c.Published.Version, keepKey)
}

// TeamCount is how many people of a team, with its sub-teams, did something.
type TeamCount struct {
	Team   string `json:"team"` // "": everyone
	Parent string `json:"parent"`
	Count  int    `json:"count"`
	People int    `json:"people"` // who could; 0: not known
}

// Participation returns how many answered, of the teams in which at least 5 did; it is shown while a survey is open.
func Participation(answers surveys.Answers) []TeamCount {
	places, at := placesOf(answers)
	counts := make([]int, len(places))
	for _, p := range at {
		counts[p]++
	}
	c := &Computed{parents: answers.Parents}
	var rows []TeamCount
	for _, team := range disclosure.Teams(answers.Parents, places, counts, disclosure.Threshold) {
		g := disclosure.Group{Team: team}
		row := TeamCount{Team: team, Parent: answers.Parents[team]}
		for i, p := range places {
			if c.contains(g, p) {
				row.Count += counts[i]
			}
		}
		for _, size := range answers.Invited {
			if c.contains(g, disclosure.Place{Team: size.Groups.Team}) {
				row.People += size.People
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// Comments are the comments of a team with its sub-teams to one question, in no order that says whose they are.
type Comments struct {
	Question string   `json:"question"` // key of the item
	Text     string   `json:"text"`     // of the question
	Team     string   `json:"team"`     // "": everyone
	Comments []string `json:"comments"`
}

// ReadComments returns the comments of all teams that have at least 10 of a question, of one team or question if these
// are not empty. A team's comments are a part of those of the team above it, so teams from which fewer than 10 others
// could be told are hidden.
func ReadComments(answers surveys.Answers, team, question string) []Comments {
	places, at := placesOf(answers)
	c := &Computed{parents: answers.Parents}
	var all []Comments
	for i, item := range answers.Items {
		if item.Kind != surveys.Comment || question != "" && question != item.Key {
			continue
		}
		counts := make([]int, len(places))
		for r, response := range answers.Responses {
			if response.Comments[i] != "" {
				counts[at[r]]++
			}
		}
		for _, shown := range disclosure.Teams(answers.Parents, places, counts, disclosure.CommentThreshold) {
			if shown != team {
				continue
			}
			of := Comments{Question: item.Key, Text: item.Text, Team: shown}
			for r, response := range answers.Responses {
				if response.Comments[i] != "" && c.contains(disclosure.Group{Team: shown}, places[at[r]]) {
					of.Comments = append(of.Comments, response.Comments[i])
				}
			}
			slices.Sort(of.Comments)
			all = append(all, of)
		}
	}
	return all
}
