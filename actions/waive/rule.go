package waive

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/repository/waiver"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/format"
	"github.com/dxctl/dxctl/spelling"
)

// lastDay reads a day or a span from now.
func lastDay(text string, now time.Time) (time.Time, error) {
	day, err := format.ParseDate(text)
	if span, spanErr := format.ParseSpan(text); spanErr == nil {
		day, err = now.Add(span).Truncate(24*time.Hour), nil
	}
	w := waiver.Waiver{Until: day}
	switch {
	case err != nil:
		return day, fmt.Errorf("%q is neither a day, such as 2027-01-31, nor a span of time, such as 30d", text)
	case w.StateAt(now, true, true) == waiver.Expired:
		return day, fmt.Errorf("%s is over", text)
	case w.StateAt(now, true, true) == waiver.TooLong:
		return day, fmt.Errorf("%s is more than %d days ahead; ask for less, and again when it ends", text, waiver.MaxDays)
	}
	return day, nil
}

// ruleFor finds the rule that a word names in the scorecards, sets it in the waiver, and returns what to say of it.
func ruleFor(w *waiver.Waiver, cards scorecards.Set, word string) (notes []string, err error) {
	scorecard, id, named := strings.Cut(word, "/")
	if !named {
		scorecard, id = "", word
	}
	var known, has []string
	for i := range cards.Cards {
		card := &cards.Cards[i]
		for k := range card.Rules {
			rule := &card.Rules[k]
			if named {
				known = append(known, card.Name+"/"+rule.ID)
			} else {
				known = append(known, rule.ID)
			}
			if rule.ID != id || named && card.Name != scorecard {
				continue
			}
			if !rule.Waivable {
				return nil, fmt.Errorf("rule %s of scorecard %s cannot be waived: %s:%d", id, card.Name, card.File, rule.Line)
			}
			has = append(has, card.Name)
			if !slices.Contains(card.WaiversFrom, w.Origin) {
				notes = append(notes, fmt.Sprintf("scorecard %s counts waivers from %s only; this one will be shown as requested "+
					"and changes no grade", card.Name, originsInWords(card.WaiversFrom)))
			}
		}
	}
	switch len(has) {
	case 0:
		if broken := cards.Err(); broken != nil {
			return nil, fmt.Errorf("no scorecard that can be used has a rule %q:\n%w", word, broken)
		}
		return nil, fmt.Errorf("no scorecard has a rule %q%s", word, spelling.Hint(word, known))
	case 1:
		w.Scorecard, w.Rule = has[0], id
		return notes, nil
	}
	return nil, fmt.Errorf("rule %s is in scorecards %s; name one of them: --rule %s/%s", id, strings.Join(has, ", "),
		has[0], id)
}

func originsInWords(origins []waiver.Origin) string {
	if len(origins) == 0 {
		return "nowhere"
	}
	var words []string
	for _, o := range origins {
		if o == waiver.FromScorecards {
			words = append(words, "the files next to it")
		} else {
			words = append(words, waiver.RepositoryFile)
		}
	}
	return strings.Join(words, " and ")
}
