package results

import (
	"context"
	"encoding/json"
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
	SurveyWasDeleted(ctx context.Context, survey string) (bool, error)
	SurveyResults(ctx context.Context, survey string, version uint64) ([]store.SurveyResult, error)
	PublishSurvey(ctx context.Context, p store.PublishedSurvey, results []store.SurveyResult) error
}

// A CorrectionError says that a corrected import may not be published, because who has both versions would know what
// few people answered.
type CorrectionError struct {
	Survey  string
	Refused int // differences
}

// Error does not say which results change by how much: that is what must not be known.
func (e *CorrectionError) Error() string {
	return fmt.Sprintf("publishing the corrected answers of survey %s: with both versions, %d differences could be "+
		"computed of fewer than %d people, or of people who all changed alike; the published version stays. Publish "+
		"when more answers differ", e.Survey, e.Refused, disclosure.Threshold)
}

// ErrPublished reports that the latest import of a survey is published already.
var ErrPublished = errors.New("its latest import is published already, and a publication is final; " +
	"import a corrected file to publish a correction")

// ErrDeleted reports that a survey was published before, and deleted.
var ErrDeleted = errors.New("it was published and deleted; a new publication is compared with nothing, so that " +
	"whoever has the deleted results could derive what few people answered. Publish it with --again if nobody has them")

// ErrNothing reports that nothing of a survey may be shown.
var ErrNothing = errors.New("nothing may be shown of it: it needs a group in which at least 5 people answered " +
	"each question, and not all alike")

// Prepare computes what a publication of a survey's latest import would show. For a correction that is at most what the
// published versions show, by the tree of teams of the first one; the error is a [CorrectionError] if it may not be
// published. After a published survey was deleted the error is [ErrDeleted] unless again.
func Prepare(ctx context.Context, a *archive.Archive, p Publications, survey string, again bool) (*Computed, error) {
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
	if deleted, err := p.SurveyWasDeleted(ctx, survey); err != nil {
		return nil, err
	} else if deleted && len(earlier) == 0 && !again {
		return nil, fmt.Errorf("publishing survey %s: %w", survey, ErrDeleted)
	}
	var c *Computed
	if len(earlier) == 0 {
		c, err = Compute(answers)
	} else {
		c, err = correction(ctx, a, p, answers, earlier)
	}
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(c.Results, func(r store.SurveyResult) bool { return r.Measure == OfItem }) {
		return nil, fmt.Errorf("publishing survey %s: %w", survey, ErrNothing)
	}
	return c, nil
}

// correction computes a correction, and compares it with each published version.
func correction(
	ctx context.Context, a *archive.Archive, p Publications, answers surveys.Answers, earlier []store.PublishedSurvey,
) (*Computed, error) {
	var versions []*Computed
	shown := map[cellKey]bool{}
	for i, version := range earlier {
		before, err := a.LoadVersion(ctx, answers.Survey, version.Version)
		if err != nil {
			return nil, fmt.Errorf("comparing the correction with version %d: %w", version.Version, err)
		}
		if i == 0 {
			answers.Parents = before.Parents
		}
		before.Parents = answers.Parents
		published, err := p.SurveyResults(ctx, answers.Survey, version.Version)
		if err != nil {
			return nil, err
		}
		cells := map[cellKey]bool{}
		for _, r := range published {
			cells[keyOf(r)] = i == 0 || shown[keyOf(r)]
		}
		shown = cells
		computed, err := compute(before, cells)
		if err != nil {
			return nil, err
		}
		versions = append(versions, computed)
	}
	c, err := compute(answers, shown)
	if err != nil {
		return nil, err
	}
	for _, before := range versions {
		if refused := c.compare(before); refused > 0 {
			return nil, &CorrectionError{answers.Survey, refused}
		}
		if err := c.keepDontKnow(before); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// compare counts the differences to an earlier version that must not be known.
func (c *Computed) compare(before *Computed) int {
	d := disclosure.Correction{Parents: c.parents}
	at := map[disclosure.Place]int{}
	for _, p := range slices.Concat(before.places, c.places) {
		if _, known := at[p]; !known {
			at[p] = len(d.Places)
			d.Places = append(d.Places, p)
		}
	}
	table := func(of *Computed, counts func(place int) []int, n int) disclosure.Question {
		q := disclosure.Question{Counts: make([][]int, len(d.Places))}
		for i := range q.Counts {
			q.Counts[i] = make([]int, n)
		}
		for i, p := range of.places {
			copy(q.Counts[at[p]], counts(i))
		}
		return q
	}
	responses := func(of *Computed) disclosure.Question {
		return table(of, func(place int) []int { return []int{of.responses[place]} }, 1)
	}
	d.Before, d.After = []disclosure.Question{responses(before)}, []disclosure.Question{responses(c)}
	keys := []string{""}
	for _, q := range c.questions {
		i := slices.IndexFunc(before.questions, func(b question) bool { return b.item.Key == q.item.Key })
		if i < 0 {
			continue // it was not published
		}
		b := before.questions[i]
		n := max(b.item.Scale.Points(), q.item.Scale.Points())
		d.Before = append(d.Before, table(before, func(place int) []int { return b.counts[place] }, n))
		d.After = append(d.After, table(c, func(place int) []int { return q.counts[place] }, n))
		keys = append(keys, q.item.Key)
	}
	shown := map[cellKey]bool{}
	for _, r := range c.Results {
		shown[keyOf(r)] = true
	}
	d.Shows = func(g disclosure.Group, question int) bool {
		measure := OfItem
		if question == 0 {
			measure = Responses
		}
		return shown[cellKey{g.Team, g.Tenure, g.GoldenPath, measure, keys[question]}]
	}
	return d.Refused()
}

// keepDontKnow shows how many did not know as it was published.
func (c *Computed) keepDontKnow(before *Computed) error {
	var items, earlier []Item
	if err := json.Unmarshal([]byte(c.Published.Items), &items); err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(before.Published.Items), &earlier); err != nil {
		return err
	}
	for i := range items {
		items[i].DontKnow = 0
		for _, e := range earlier {
			if e.Key == items[i].Key {
				items[i].DontKnow = e.DontKnow
			}
		}
	}
	encoded, err := json.Marshal(items)
	c.Published.Items = string(encoded)
	return err
}

type cellKey struct{ team, tenure, path, measure, item string }

func keyOf(r store.SurveyResult) cellKey {
	return cellKey{r.Team, r.Tenure, r.GoldenPath, r.Measure, r.Item}
}

// Publish stores what [Prepare] returned, and deletes the key of the respondents' hashes unless keepKey. If it ends in
// between, nothing is shown, and it can be done again.
func Publish(
	ctx context.Context, a *archive.Archive, p Publications, c *Computed, keepKey bool, now time.Time,
) error {
	c.Published.PublishedAt = now.UTC()
	if err := a.Publish(ctx, c.Published.Survey, c.Published.Version, keepKey); err != nil {
		return err
	}
	return p.PublishSurvey(ctx, c.Published, c.Results)
}
