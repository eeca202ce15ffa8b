package intake

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/surveys"
)

// simulated makes the answers of n people to items with these means (on −1 to 1), who have a mood in common that moves
// all their answers by up to the given part of the scale.
func simulated(random *rand.Rand, id string, n int, means []float64, mood float64) surveys.Answers {
	a := surveys.Answers{Survey: id}
	for k := range means {
		a.Items = append(a.Items, surveys.Item{Key: fmt.Sprint("k", k), Kind: surveys.Rating, Reversed: k%4 == 3,
			Scale: surveys.Scales[k%len(surveys.Scales)]})
	}
	for range n {
		r := surveys.Response{}
		own := mood * random.NormFloat64()
		for k, item := range a.Items {
			at := max(-1, min(1, means[k]+own+0.5*random.NormFloat64()))
			point := item.Scale.Min + int((at+1)/2*float64(item.Scale.Max-item.Scale.Min)+0.5)
			r.Ratings = append(r.Ratings, surveys.Point(item.Good(point)))
		}
		a.Responses = append(a.Responses, r)
	}
	return a
}

// turn turns the scales of some items round, as a form does that offers 5 first.
func turn(a surveys.Answers, items ...int) {
	for _, r := range a.Responses {
		for _, k := range items {
			s := a.Items[k].Scale
			r.Ratings[k] = surveys.Point(s.Min+s.Max) - r.Ratings[k]
		}
	}
}

func turnedNotes(now, before surveys.Answers) []string {
	p := &Plan{Survey: surveys.Survey{Items: now.Items}}
	r := Result{Answers: now}
	p.checkAgainst(r)
	p.CheckTurned(r, before)
	return p.Notes
}

// Ordinary quarters are not said to be turned round, whether people have a mood or not; one item or all that are, are.
func TestTurnedScalesAreNoticed(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	const quarters, items = 60, 14
	every := make([]int, items)
	for k := range every {
		every[k] = k
	}
	for _, c := range []struct {
		mood float64
		n    int
		one  bool // one item that is turned round can be told by what it has in common with the others
	}{{0, 20, false}, {0, 60, false}, {0.15, 60, false}, {0.15, 300, true}, {0.3, 20, false}, {0.3, 60, true}} {
		alarms, one, all := 0, 0, 0
		for range quarters {
			before, after := make([]float64, items), make([]float64, items)
			for k := range before {
				before[k] = -0.3 + 0.9*random.Float64()
				after[k] = before[k] + 0.1*random.NormFloat64()
			}
			x, y := simulated(random, "a", c.n, before, c.mood), simulated(random, "b", c.n, after, c.mood)
			if notes := turnedNotes(y, x); len(notes) > 0 {
				alarms++
			}
			k := random.IntN(items)
			turn(y, k)
			if strings.Contains(strings.Join(turnedNotes(y, x), " "), fmt.Sprintf("item k%d ", k)) {
				one++
			}
			turn(y, k)
			turn(y, every...)
			if strings.Contains(strings.Join(turnedNotes(y, x), " "), "check in the form whether all numbers were turned round") {
				all++
			}
		}
		if alarms > 1 || c.one && one*10 < quarters*9 || all*10 < quarters*9 {
			t.Errorf("mood %.2f, %d people, %d quarters: %d false alarms; one turned round is noticed in %d, all are in %d",
				c.mood, c.n, quarters, alarms, one, all)
		}
	}
}

// A scale that is turned round is noticed by its mean where there is nothing to compare it with, and said how to
// correct it. A survey of few answers, or of other items, says nothing.
func TestTurnedScaleOfOneItem(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	before, now := simulated(random, "2026-Q2", 40, []float64{0.5}, 0), simulated(random, "2026-Q3", 40, []float64{0.5}, 0)
	turn(now, 0)
	notes := turnedNotes(now, before)
	if len(notes) != 1 || !strings.Contains(notes[0], "item k0 looks turned round since survey 2026-Q2") ||
		!strings.Contains(notes[0], "write scale: 5-1 in the map") {
		t.Errorf("%q", notes)
	}
	few := now
	few.Responses = now.Responses[:leastToTell-1]
	other := before
	other.Items = []surveys.Item{{Key: "other", Kind: surveys.Rating, Scale: surveys.Scales[0]}}
	for name, notes := range map[string][]string{"few": turnedNotes(few, before), "other items": turnedNotes(now, other)} {
		if len(notes) > 0 {
			t.Errorf("%s: %q", name, notes)
		}
	}
}
