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

// AllAsOf is every entity of the catalog as its scorecards grade what was known at a past time.
type AllAsOf struct {
	Reports []scorecards.Report // in the order of the entities' refs
	At      time.Time
	Notes   []string // sentences: what is not of that time, and what is not recorded
}

// AllAsOf grades the catalog by what was known at a past time. The history is read once for all entities, of each fact
// its last value before the time.
func (r *Reader) AllAsOf(ctx context.Context, at time.Time) (AllAsOf, error) {
	if r.deps.FactHistory == nil {
		return AllAsOf{}, errors.New("grading as of a past time: no history of facts is read here")
	}
	cat := r.deps.Catalog()
	engine := r.deps.Scorecards.At(at)
	history, err := replay.Load(ctx, r.deps.FactHistory, cat, replay.Days{From: at, To: at}, engine)
	if err != nil {
		return AllAsOf{}, fmt.Errorf("grading the catalog as of %s: %w", at.Format(time.RFC3339), err)
	}
	result := AllAsOf{At: at, Reports: engine.GradeCatalog(cat, func(entity descriptor.Entity) map[string]event.Fact {
		return history.FactsAt(entity.Ref, at)
	})}
	result.Notes = []string{"The rules and the catalog are those of today; the facts are those that were known then."}
	if note := history.Note(); note != "" {
		result.Notes = append(result.Notes, note)
	}
	inForce, err := r.rulesHistory(ctx)
	if err != nil {
		return AllAsOf{}, err
	}
	var cards []scorecards.Report // one of each
	for i := range result.Reports {
		of := result.Reports[i].Scorecard
		if !slices.ContainsFunc(cards, func(c scorecards.Report) bool { return c.Scorecard == of }) {
			cards = append(cards, result.Reports[i])
		}
	}
	result.Notes = append(result.Notes, otherRules(cards, inForce, at)...)
	return result, nil
}

// GradesAsOfDocument is the list of all grades as of a past time, with their rules.
type GradesAsOfDocument struct {
	AsOf  time.Time `json:"as_of"`
	Notes []string  `json:"notes"`
	GradesDocument
}

// Document is the grades as a document.
func (a AllAsOf) Document() GradesAsOfDocument {
	return GradesAsOfDocument{AsOf: a.At, Notes: a.Notes, GradesDocument: NewGradesDocument(a.Reports, All)}
}
