package report

import (
	"context"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards"
)

// GradeHistory returns the grades of an entity whenever they changed, oldest first.
type GradeHistory func(ctx context.Context, entity string) ([]event.Grade, error)

// RulesHistory returns by which rules each scorecard graded since when, oldest first.
type RulesHistory func(ctx context.Context) ([]event.RulesInForce, error)

// HistorySize is how many changes of a grade are shown at most: the latest.
const HistorySize = 500

// CardHistory is how the grade of a service by a scorecard changed.
type CardHistory struct {
	Scorecard string              `json:"scorecard"`
	Title     string              `json:"title"`
	Level     string              `json:"level"` // the last one; empty: none
	Since     *time.Time          `json:"since"` // since when the level has been held; null: no history is stored
	Moments   []scorecards.Moment `json:"history"`
	Omitted   int                 `json:"omitted"` // earlier moments
}

// HistoryDocument is the history of the grades of a service.
type HistoryDocument struct {
	Service    string        `json:"service"`
	Scorecards []CardHistory `json:"scorecards"`
}

// History returns how the grades of a service changed, by each scorecard that grades it. Its errors are those of
// Service.
func (r *Reader) History(ctx context.Context, ref string) (HistoryDocument, error) {
	service, err := r.Service(ctx, ref)
	if err != nil {
		return HistoryDocument{}, err
	}
	doc := HistoryDocument{Service: service.Entity.Ref, Scorecards: []CardHistory{}}
	inForce, err := r.rulesHistory(ctx)
	if err != nil {
		return doc, err
	}
	var grades []event.Grade
	if r.deps.GradeHistory != nil {
		if grades, err = r.deps.GradeHistory(ctx, service.Entity.Ref); err != nil {
			return doc, err
		}
	}
	cards := r.deps.Scorecards.Scorecards()
	names := make([]string, len(cards))
	byName := make(map[string]*scorecards.Scorecard, len(cards))
	for i := range cards {
		names[i] = cards[i].Name
		byName[names[i]] = &cards[i]
	}
	grades = scorecards.Continue(grades, names...)
	for _, graded := range service.Reports {
		doc.Scorecards = append(doc.Scorecards, historyOf(byName[graded.Scorecard], grades, inForce))
	}
	return doc, nil
}

func (r *Reader) rulesHistory(ctx context.Context) ([]event.RulesInForce, error) {
	if r.deps.RulesHistory == nil {
		return nil, nil
	}
	return r.deps.RulesHistory(ctx)
}

func historyOf(card *scorecards.Scorecard, grades []event.Grade, inForce []event.RulesInForce) CardHistory {
	moments := scorecards.History(card, grades, inForce)
	h := CardHistory{Scorecard: card.Name, Title: card.Title, Moments: list(moments)}
	if len(moments) > 0 {
		since := scorecards.LevelSince(moments)
		h.Level, h.Since = moments[len(moments)-1].Level, &since
	}
	h.Omitted = max(0, len(moments)-HistorySize)
	h.Moments = h.Moments[h.Omitted:]
	return h
}
