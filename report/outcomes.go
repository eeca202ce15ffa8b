package report

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards"
)

// trendWeeks is how long the histories of levels and rules are.
const trendWeeks = 26

// weekEnds returns the last beginnings of a week in UTC, as many as a number of weeks, and the present.
func weekEnds(now time.Time, weeks int) []time.Time {
	now = now.UTC()
	today := now.Truncate(24 * time.Hour)
	monday := today.AddDate(0, 0, -(int(today.Weekday())+6)%7)
	var times []time.Time
	for week := weeks - 1; week >= 0; week-- {
		times = append(times, monday.AddDate(0, 0, -7*week))
	}
	if now.After(monday) {
		times = append(times, now)
	}
	return times
}

// askedOf returns the rules of a scorecard under the names under which the store has them, also earlier ones. only is
// the id of the one that is asked for; "": all.
func askedOf(card *scorecards.Scorecard, only string) []string {
	var names []string
	for i := range card.Rules {
		if only == "" || card.Rules[i].ID == only {
			names = append(names, RuleName(card.Name, card.Rules[i].ID))
		}
	}
	return withEarlier(names)
}

// withEarlier adds the names under which rules were stored before they were renamed.
func withEarlier(names []string) []string {
	for old, now := range scorecards.Renamed() {
		if slices.Contains(names, RuleName(now.Scorecard, now.Rule)) {
			names = append(names, RuleName(old.Scorecard, old.Rule))
		}
	}
	return names
}

func (r *Reader) cardNames() []string {
	cards := r.deps.Scorecards.Scorecards()
	names := make([]string, len(cards))
	for i := range cards {
		names[i] = cards[i].Name
	}
	return names
}

// ruleHistories returns how the outcome of a rule changed, by entity; nil if no history is read here.
func (r *Reader) ruleHistories(
	ctx context.Context, card *scorecards.Scorecard, rule string,
) (map[string]scorecards.OutcomeHistory, error) {
	if r.deps.OutcomeChanges == nil {
		return nil, nil
	}
	key := "outcomes " + RuleName(card.Name, rule)
	return cached(ctx, r, key, func(ctx context.Context) (map[string]scorecards.OutcomeHistory, error) {
		grades, err := r.deps.OutcomeChanges(ctx, askedOf(card, rule))
		if err != nil {
			return nil, err
		}
		all := scorecards.OutcomeHistories(scorecards.Continue(grades, r.cardNames()...))
		of := make(map[string]scorecards.OutcomeHistory, len(all))
		for entity, rules := range all {
			of[entity] = rules[scorecards.RuleName{Scorecard: card.Name, Rule: rule}]
		}
		return of, nil
	})
}

// OutcomeCounts is how many entities had each outcome of a rule at a time.
type OutcomeCounts struct {
	At     time.Time             `json:"at"`
	Counts map[event.Outcome]int `json:"counts"`
	Graded int                   `json:"graded"` // the sum; 0 before the first grade, when nothing is known
}

// outcomesOver counts the outcomes of a rule at the end of each week. The last is the present, whose outcomes are
// given.
func outcomesOver(of map[string]scorecards.OutcomeHistory, now map[string]event.Outcome, at time.Time) []OutcomeCounts {
	times := weekEnds(at, trendWeeks)
	counts := make([]OutcomeCounts, len(times))
	for i := range times {
		counts[i] = OutcomeCounts{At: times[i], Counts: map[event.Outcome]int{}}
	}
	for entity, outcome := range now {
		h := of[entity]
		for i := range times[:len(times)-1] {
			for len(h) > 1 && !h[1].At.After(times[i]) {
				h = h[1:]
			}
			if len(h) > 0 && !h[0].At.After(times[i]) {
				counts[i].Counts[h[0].Outcome]++
				counts[i].Graded++
			}
		}
		counts[len(times)-1].Counts[outcome]++
		counts[len(times)-1].Graded++
	}
	return counts
}

// LevelsAt is how many entities had each level of a scorecard at a time.
type LevelsAt struct {
	At     time.Time      `json:"at"`
	Levels map[string]int `json:"levels"` // by the name in lower case, "none" included
	Graded int            `json:"graded"` // the sum; 0 before the first grade, when nothing is known
}

// levelsOver counts the levels of a scorecard at the end of each week, over the entities that it grades today. It is
// nil if no history is read here.
func (r *Reader) levelsOver(
	ctx context.Context, card *scorecards.Scorecard, entities []string,
) ([]scorecards.LevelCounts, error) {
	if r.deps.OutcomeChanges == nil {
		return nil, nil
	}
	times := weekEnds(r.deps.Now(), trendWeeks)
	times = times[:trendWeeks] // the present is counted by the grades of the present
	// A reader of a past time may grade other entities than one of the present.
	of := sha256.Sum256([]byte(strings.Join(entities, "\n")))
	key := fmt.Sprintf("levels over %s %d %x", card.Name, times[0].Unix(), of)
	return cached(ctx, r, key, func(ctx context.Context) ([]scorecards.LevelCounts, error) {
		grades, err := r.deps.OutcomeChanges(ctx, askedOf(card, ""))
		if err != nil {
			return nil, err
		}
		all := scorecards.OutcomeHistories(scorecards.Continue(grades, r.cardNames()...))
		return scorecards.LevelsOver(card, all, entities, times), nil
	})
}

// enoughRepairs is how many services must have repaired a rule before the time that it took says something.
const enoughRepairs = 5

// Took is how long services of this catalog took from the day on which a rule was found to fail to the day on which it
// was found to pass. It is a time that passed, not an effort.
type Took struct {
	MedianDays float64 `json:"median_days"`
	N          int     `json:"n"` // services, each with its last repair
}

// repairs are the times that repairs took, by scorecard/rule; only those that are known of enough services.
type repairs map[string]Took

// repairs returns what repairs took here; nothing if no history is read.
func (r *Reader) repairs(ctx context.Context) (repairs, error) {
	if r.deps.RepairedOutcomes == nil {
		return nil, nil
	}
	return cached(ctx, r, "repairs", func(ctx context.Context) (repairs, error) {
		var asked []string
		for _, card := range r.deps.Scorecards.Scorecards() {
			asked = append(asked, askedOf(&card, "")...)
		}
		grades, err := r.deps.RepairedOutcomes(ctx, asked)
		if err != nil {
			return nil, err
		}
		days := map[string][]float64{}
		for _, of := range scorecards.OutcomeHistories(scorecards.Continue(grades, r.cardNames()...)) {
			for name, history := range of {
				if took, repaired := history.Repair(); repaired {
					rule := RuleName(name.Scorecard, name.Rule)
					days[rule] = append(days[rule], took.Hours()/24)
				}
			}
		}
		return medians(days), nil
	})
}

// medians returns the medians of those lists that are long enough.
func medians(lists map[string][]float64) repairs {
	found := repairs{}
	for key, days := range lists {
		if len(days) < enoughRepairs {
			continue
		}
		found[key] = Took{median(days), len(days)}
	}
	return found
}

// median returns the median of numbers, of which there is at least one. It sorts them.
func median(numbers []float64) float64 {
	slices.Sort(numbers)
	middle := numbers[len(numbers)/2]
	if len(numbers)%2 == 0 {
		middle = (middle + numbers[len(numbers)/2-1]) / 2
	}
	return middle
}

// of returns what repairs of a rule took; nil if too few are known.
func (t repairs) of(scorecard, rule string) *Took {
	if took, ok := t[RuleName(scorecard, rule)]; ok {
		return &took
	}
	return nil
}
