package plan

import (
	"slices"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards"
)

// Digest has the digests of the rules of a scorecard: scorecards.Scorecard.Digest says of what.
type Digest struct {
	Scorecard string     `json:"scorecard"`
	InForce   string     `json:"in_force"`       // of the rules by which grades were last given; "": not recorded
	Since     *time.Time `json:"in_force_since"` // null: not recorded
	Base      string     `json:"base"`           // "": the base does not have the scorecard
	Edited    string     `json:"edited"`         // "": the edited files do not have it, and it is removed
}

// AddDigests adds the digests of the scorecards that are not kept as they are. inForce are the rules by which grades
// were given since when, oldest first.
func (p *Plan) AddDigests(before, after *scorecards.Engine, inForce []event.RulesInForce) {
	of := func(cards []scorecards.Scorecard, name string) string {
		i := slices.IndexFunc(cards, func(c scorecards.Scorecard) bool { return c.Name == name })
		if i < 0 {
			return ""
		}
		return cards[i].Digest
	}
	was, is := before.Scorecards(), after.Scorecards()
	var names []string
	for _, card := range slices.Concat(is, was) {
		if !slices.Contains(names, card.Name) && !slices.Contains(p.Kept, card.Name) {
			names = append(names, card.Name)
		}
	}
	p.Digests = []Digest{}
	for _, name := range names {
		d := Digest{Scorecard: name, Base: of(was, name), Edited: of(is, name)}
		for _, r := range inForce {
			if r.Scorecard == name {
				since := r.Since.UTC()
				d.InForce, d.Since = r.Digest, &since
			}
		}
		p.Digests = append(p.Digests, d)
	}
}
