package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/scorecards"
)

// enoughPeers is how many services there must be in a group before a percentile says something about one of them.
const enoughPeers = 10

// enoughKnown is the share of the rules, by weight, that must have a known outcome.
const enoughKnown = 0.5

// TierLabel is the label of the tier of an entity.
const TierLabel = "dxctl.dev/tier"

// Percentile is where the score of an entity is among those of its peers, which are graded by the same scorecard and of
// which at least half of the rules, by weight, have a known outcome.
//
// It is the mid-rank percentile of the entity among N, itself included: 100 × (lower + equal / 2) / N, where lower and
// equal are how many have a lower and the same score, itself among the latter. The two values are those of the lower
// ends of all scores, where what is not known counts as failed, and of the upper ends, where it counts as passed.
//
// The peers are of the same type, tier and age. Where these are less than 10, the age is left out, then the tier.
type Percentile struct {
	Low     *float64 `json:"low"`  // 0 to 100, the smaller of the two; null: Why says why it is not known
	High    *float64 `json:"high"` // 0 to 100
	N       int      `json:"n"`    // the entity and its peers
	Group   string   `json:"group"`
	Widened []string `json:"widened"`  // what the group does not have in common, because it would be too small: age, tier
	LeftOut int      `json:"left_out"` // of the group: less than half is known of them
	Why     string   `json:"why"`      // sentence without a period; "" if it is known
}

// Text puts the percentile into words, without a period: "percentile 40–55 of n = 23, type service, tier 1".
func (p Percentile) Text() string {
	if p.Low == nil || p.High == nil {
		return "no percentile: " + p.Why
	}
	low, high := words.Number(*p.Low, 0), words.Number(*p.High, 0)
	if low != high {
		low += "–" + high
	}
	text := fmt.Sprintf("percentile %s of n = %s, %s", low, words.Whole(p.N), p.Group)
	if len(p.Widened) > 0 {
		text += fmt.Sprintf(" (%s left out: fewer than %d are alike)", strings.Join(p.Widened, " and "), enoughPeers)
	}
	return text
}

// ageBands are the ages of repositories that are compared, in years.
var ageBands = []struct {
	below float64
	text  string
}{{1, "less than a year old"}, {3, "1 to 3 years old"}, {1e9, "more than 3 years old"}}

// peerGroup is what peers have in common.
type peerGroup struct {
	kind, tier, age string // "" for a tier or an age that is not known
}

func peerGroupOf(s *Service, report *scorecards.Report, now time.Time) peerGroup {
	g := peerGroup{kind: s.KindName(), tier: strings.TrimSpace(s.Entity.Labels[TierLabel])}
	born := s.Entity.CreatedAt
	if born.IsZero() {
		born = report.Born
	}
	if born.IsZero() || born.After(now) {
		return g
	}
	years := now.Sub(born).Hours() / 24 / 365.25
	for _, band := range ageBands {
		if years < band.below {
			g.age = band.text
			break
		}
	}
	return g
}

// percentilesOf returns where an entity is among its peers, by each scorecard that grades it, in their order.
func (r *Reader) percentilesOf(s Service, all Services) []Percentile {
	others := all.List
	if !s.Entity.IsService() {
		others = all.Others
	}
	found := make([]Percentile, len(s.Reports))
	for i := range s.Reports {
		found[i] = percentileOf(&s, &s.Reports[i], others, r.deps.Now())
	}
	return found
}

// peer is one of those that a score is compared with.
type peer struct {
	group     peerGroup
	low, high float64
	known     bool // enough of it
}

func percentileOf(s *Service, own *scorecards.Report, others []Service, now time.Time) Percentile {
	var peers []peer
	group := peerGroupOf(s, own, now)
	for i := range others {
		for j := range others[i].Reports {
			report := &others[i].Reports[j]
			if report.Scorecard != own.Scorecard || others[i].KindName() != group.kind {
				continue
			}
			peers = append(peers, peer{peerGroupOf(&others[i], report, now), report.Score, report.ScoreHigh,
				report.Coverage >= enoughKnown})
		}
	}
	p := Percentile{Widened: []string{}}
	if own.Coverage < enoughKnown {
		p.Why = "less than half of its rules, by weight, have a known outcome"
		return p
	}
	for _, wide := range []struct {
		without []string
		fits    func(g peerGroup) bool
	}{
		{nil, func(g peerGroup) bool { return g == group }},
		{[]string{"age"}, func(g peerGroup) bool { return g.tier == group.tier }},
		{[]string{"age", "tier"}, func(peerGroup) bool { return true }},
	} {
		var fitting []peer
		leftOut := 0
		for _, other := range peers {
			switch {
			case !wide.fits(other.group):
			case other.known:
				fitting = append(fitting, other)
			default:
				leftOut++
			}
		}
		p.N, p.LeftOut, p.Widened = len(fitting), leftOut, list(wide.without)
		p.Group = group.words(len(wide.without))
		if len(fitting) < enoughPeers {
			continue
		}
		low := midRank(own.Score, fitting, func(o peer) float64 { return o.low })
		high := midRank(own.ScoreHigh, fitting, func(o peer) float64 { return o.high })
		low, high = min(low, high), max(low, high)
		p.Low, p.High = &low, &high
		return p
	}
	p.Why = fmt.Sprintf("there are %d of type %s to compare it with, and at least %d are needed", p.N, group.kind,
		enoughPeers)
	return p
}

// words names a group without the last of age and tier.
func (g peerGroup) words(without int) string {
	text := "type " + g.kind
	if without < 2 {
		text += ", tier " + g.tier
		if g.tier == "" {
			text = "type " + g.kind + ", without a tier"
		}
	}
	if without < 1 {
		if g.age == "" {
			return text + ", of unknown age"
		}
		text += ", " + g.age
	}
	return text
}

// midRank returns 100 × (lower + equal / 2) / n.
func midRank(score float64, peers []peer, end func(peer) float64) float64 {
	rank := 0.0
	for _, p := range peers {
		switch other := end(p); {
		case other < score:
			rank++
		case other == score:
			rank += 0.5
		}
	}
	return 100 * rank / float64(len(peers))
}
