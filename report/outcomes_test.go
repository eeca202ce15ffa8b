package report

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards"
)

// mapCache keeps everything.
type mapCache map[string]any

func (c mapCache) Get(ctx context.Context, key string, compute func(context.Context) (any, error)) (any, error) {
	if value, ok := c[key]; ok {
		return value, nil
	}
	value, err := compute(ctx)
	c[key] = value
	return value, err
}

// TestTrendOfOtherEntities: a card that grades other entities, such as one of a past time, has a trend of its own.
func TestTrendOfOtherEntities(t *testing.T) {
	cards, err := scorecards.Load(scorecards.Config{}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	engine, err := scorecards.New(cards, nil)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(engine.Scorecards(), func(c scorecards.Scorecard) bool { return c.Name == "production-readiness" })
	card := engine.Scorecards()[i]
	now := time.Date(2026, 11, 18, 9, 0, 0, 0, time.UTC)
	entities := []string{"component:default/a", "component:default/b"}
	r := &Reader{deps: Deps{
		Scorecards: engine, Now: func() time.Time { return now }, Cache: mapCache{},
		OutcomeChanges: func(context.Context, []string) ([]event.Grade, error) {
			var grades []event.Grade
			for _, entity := range entities {
				grades = append(grades, event.Grade{Entity: entity, Scorecard: card.Name, Rule: "on-call",
					Outcome: event.Pass, EvaluatedAt: now.AddDate(0, -1, 0)})
			}
			return grades, nil
		},
	}}
	for _, n := range []int{0, 2, 1, 2, 0} {
		c := Card{Scorecard: card}
		for _, ref := range entities[:n] {
			c.Graded = append(c.Graded, Service{Entity: descriptor.Entity{Ref: ref}})
		}
		points, err := r.Trend(t.Context(), &c)
		if err != nil {
			t.Fatal(err)
		}
		if last := points[len(points)-2]; last.Graded != n {
			t.Errorf("%d entities: the last week is %+v", n, last)
		}
	}
}
