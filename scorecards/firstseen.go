package scorecards

import (
	"encoding/json"
	"time"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards/facts"
)

// seenBy is the fact by whose history it is known since when the store has had an entity: it is stored of every one.
const seenBy = "catalog.has_owner"

const (
	// filling is how long the catalog may take to be stored for the first time.
	filling = 24 * time.Hour
	// manyAtOnce is the number of entities that appear on one day, and their share of all, above which they are imported
	// rather than new.
	manyAtOnce      = 10
	manyAtOnceShare = 0.1
)

// firstSeen has the times since when the store has had entities. Entities that are likely to be older have none: those
// of the day on which the first one of their type was stored, and those of a day on which many were.
type firstSeen struct {
	now     time.Time
	since   map[string]time.Time // by ref; absent: since now
	first   map[string]time.Time // by type
	ofDay   map[string]int
	present int
}

// newFirstSeen returns when the entities were first seen. since are the times at which the fact seenBy of each ref was
// first stored.
func newFirstSeen(since map[string]time.Time, entities []descriptor.Entity, now time.Time) *firstSeen {
	s := &firstSeen{
		now: now.UTC().Truncate(time.Millisecond), since: since, first: map[string]time.Time{}, ofDay: map[string]int{},
		present: len(entities),
	}
	for i := range entities {
		e := &entities[i]
		at, kind := s.at(e), typeOf(e)
		if first, ok := s.first[kind]; !ok || at.Before(first) {
			s.first[kind] = at
		}
		s.ofDay[at.Format(time.DateOnly)]++
	}
	return s
}

func typeOf(e *descriptor.Entity) string { return e.Kind + " " + e.Type }

func (s *firstSeen) at(e *descriptor.Entity) time.Time {
	if at, ok := s.since[e.Ref]; ok {
		return at.UTC()
	}
	return s.now
}

// fact returns the fact of an entity.
func (s *firstSeen) fact(e descriptor.Entity) event.Fact {
	at := s.at(&e)
	f := event.Fact{
		Source: catalog.FactSource, Entity: e.Ref, Name: facts.FirstSeenFact, Type: event.TimeFact, ObservedAt: s.now,
	}
	day := at.Format(time.DateOnly)
	switch n := s.ofDay[day]; {
	case at.Sub(s.first[typeOf(&e)]) < filling:
		f.Error = "it was described before the catalog was first stored, on " + day
	case n > manyAtOnce && float64(n) > manyAtOnceShare*float64(s.present):
		f.Error = "it was added on " + day + " together with many others, which are likely to be older"
	default:
		f.Value, _ = json.Marshal(at) // a time of this year
	}
	return f
}
