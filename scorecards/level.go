package scorecards

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards/format"
)

// levelOf returns the level of a report as a fact for other scorecards. Where rules of the next level could still be
// found to pass, the level is not known: a level that is only not known yet must not be taken for one not earned. It is
// as old as the oldest fact that the rules looked at, so that a rule with a freshness sees its real age.
func levelOf(r Report, s *subject) event.Fact {
	f := event.Fact{
		Source: "scorecard " + r.Scorecard, Entity: r.Entity, Name: format.LevelFact(r.Scorecard), Type: event.StringFact,
		ObservedAt: s.now,
	}
	for i := range r.Results {
		if !r.Results[i].Counts() {
			continue
		}
		for _, name := range r.Results[i].FactNames {
			if at := s.observation(name).fact.ObservedAt; !at.IsZero() && at.Before(f.ObservedAt) {
				f.ObservedAt = at
			}
		}
	}
	var open []string
	failed, stale := false, true
	for i := range r.Next {
		if r.Next[i].Outcome == event.Fail {
			failed = true
		} else {
			stale = stale && r.Next[i].Outcome == event.Stale
			open = append(open, r.Next[i].Rule+" is "+string(r.Next[i].Outcome))
		}
	}
	switch {
	case failed || len(open) == 0:
	case stale:
		f.ExpiresAt = s.now
	default:
		f.Error = fmt.Sprintf("whether it has level %s depends on rules without a verdict: %s", r.NextLevel,
			strings.Join(open, ", "))
		return f
	}
	f.Value, _ = json.Marshal(r.Level) // a string
	return f
}

// leftOutFact is the level of a scorecard that does not grade the entity.
func leftOutFact(card *compiledCard, s *subject, now time.Time) event.Fact {
	return event.Fact{
		Source: "scorecard " + card.Name, Entity: s.entity.Ref, Name: format.LevelFact(card.Name), Type: event.StringFact,
		ObservedAt: now, Error: "scorecard " + card.Name + " does not grade it: " + strings.TrimSuffix(s.leftOut(card), "."),
	}
}

// bornAt returns the earliest time at which an entity is known to have existed: when its repository was created. Zero:
// not known.
func bornAt(known map[string]event.Fact) time.Time {
	var born time.Time
	for _, name := range birthFacts {
		f, ok := known[name]
		if !ok || f.Error != "" || f.Type != event.TimeFact {
			continue
		}
		value, err := f.Decode()
		at, isTime := value.(time.Time)
		if err == nil && isTime && !at.IsZero() && (born.IsZero() || at.Before(born)) {
			born = at
		}
	}
	return born
}

// birthFacts are the facts that bornAt looks at. The catalog's own fact (facts.FirstSeenFact) is not one of them: where
// it is the older of two, losing it would make a service younger, and so raise its grade by a grace.
var birthFacts = []string{"repository.created_at"}
