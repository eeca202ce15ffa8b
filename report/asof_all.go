package report

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/replay"
)

// Past is what a document says of the past time that it is of. It is empty in a document of the present.
type Past struct {
	AsOf  time.Time `json:"as_of,omitzero"`
	Notes []string  `json:"notes,omitempty"` // sentences: what is not of that time, and what is not recorded
}

// PastGrades begins the keys under which grades of the whole catalog at past times are cached. They are large.
const PastGrades = "reports as of "

const todaysRules = "The rules and the catalog are those of today; the facts are those that were known then."

// WithoutNumbers adds the note of a list whose numbers are not known; nothing to that of the present.
func (p Past) WithoutNumbers() Past {
	if !p.AsOf.IsZero() {
		p.Notes = append(slices.Clone(p.Notes),
			"Numbers of past times are not computed: those of each service, and the scopes that no service claimed, "+
				"are not known.")
	}
	return p
}

// Then returns a reader of a past time: its services, scorecards and rules have the grades that the scorecards give to
// what was known then. Services have no numbers, rules no time that repairs took, and failed rules no step.
func (r *Reader) Then(ctx context.Context, at time.Time) (*Reader, error) {
	if r.deps.FactHistory == nil {
		return nil, errors.New("grading as of a past time: no history of facts is read here")
	}
	then := *r
	then.then = at
	then.deps.Scorecards = r.deps.Scorecards.At(at)
	then.deps.Now = func() time.Time { return at }
	var err error
	if at.Before(r.deps.Now().Truncate(time.Minute)) {
		then.pastGrades, err = cached(ctx, r, PastGrades+at.Format(time.RFC3339Nano), then.replayed)
	} else { // nobody will ask for the same time again
		then.pastGrades, err = then.replayed(ctx)
	}
	return &then, err
}

// Past returns the time that the reader is of, with notes; it is empty for a reader of the present.
func (r *Reader) Past(ctx context.Context) (Past, error) {
	if r.then.IsZero() {
		return Past{}, nil
	}
	p := Past{AsOf: r.then, Notes: []string{todaysRules}}
	recorded, err := replay.Recorded(ctx, r.deps.FactHistory, r.then)
	if err != nil {
		return Past{}, err
	}
	if recorded != "" {
		p.Notes = append(p.Notes, recorded)
	}
	inForce, err := r.rulesHistory(ctx)
	if err != nil {
		return Past{}, err
	}
	reports := r.pastGrades
	var cards []scorecards.Report // one of each
	for i := range reports {
		of := reports[i].Scorecard
		if !slices.ContainsFunc(cards, func(c scorecards.Report) bool { return c.Scorecard == of }) {
			cards = append(cards, reports[i])
		}
	}
	p.Notes = append(p.Notes, otherRules(cards, inForce, r.then)...)
	return p, nil
}

// AllAsOf is every entity of the catalog as its scorecards grade what was known at a past time.
type AllAsOf struct {
	Past
	Reports []scorecards.Report // in the order of the entities' refs
}

// AllAsOf grades the catalog by what was known at a past time.
func (r *Reader) AllAsOf(ctx context.Context, at time.Time) (AllAsOf, error) {
	then, err := r.Then(ctx, at)
	if err != nil {
		return AllAsOf{}, err
	}
	past, err := then.Past(ctx)
	return AllAsOf{past, then.pastGrades}, err
}

// replayed grades the catalog by what was known at the time of the reader. The history is read once for all entities,
// of each fact its last value before the time.
func (r *Reader) replayed(ctx context.Context) ([]scorecards.Report, error) {
	cat, engine := r.deps.Catalog(), r.deps.Scorecards
	history, err := replay.Load(ctx, r.deps.FactHistory, cat, replay.Days{From: r.then, To: r.then}, engine)
	if err != nil {
		return nil, fmt.Errorf("grading the catalog as of %s: %w", r.then.Format(time.RFC3339), err)
	}
	return engine.GradeCatalog(cat, func(entity descriptor.Entity) map[string]event.Fact {
		return history.FactsAt(entity.Ref, r.then)
	}), nil
}

// Document is the grades as a document.
func (a AllAsOf) Document() GradesDocument {
	doc := NewGradesDocument(a.Reports, All)
	doc.Past = a.Past
	return doc
}
