package scorecards

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/repository/waiver"
	"github.com/dxctl/dxctl/scorecards/facts"
	"github.com/dxctl/dxctl/scorecards/format"
)

// digestCard is what decides the grades of a scorecard. The digest is that of its JSON: a field that is added, renamed
// or moved changes every digest, and every history then has a change of the rules that was none.
type digestCard struct {
	API     string          `json:"api"`
	Name    string          `json:"name"`
	Filter  string          `json:"filter"`
	Levels  []string        `json:"levels"`
	Waivers []waiver.Origin `json:"waivers"`
	Facts   [][2]string     `json:"facts"` // name and type of those that the file declares
	Rules   []digestRule    `json:"rules"` // those that count, or will: neither drafts nor retired ones
}

type digestRule struct {
	ID        string        `json:"id"`
	Version   uint32        `json:"version"`
	Level     string        `json:"level"`
	Weight    float64       `json:"weight"`
	From      string        `json:"from"` // day from which an announced rule counts
	Grace     time.Duration `json:"grace"`
	Freshness time.Duration `json:"freshness"`
	Expr      string        `json:"expr"`
	Bands     [][3]string   `json:"bands"` // value, pass, warn
	Applies   string        `json:"applies"`
	Reviewed  bool          `json:"reviewed"`
	Review    string        `json:"review"` // when a person decides
	Waivable  bool          `json:"waivable"`
}

// digestOf returns the SHA-256, in hexadecimal, of what decides the grades of a scorecard, as it was loaded: defaults
// are filled in, comments and the layout of the file are gone. Titles, notes and other texts decide nothing, nor do the
// order of the rules, rules in draft, retired rules and cases.
func digestOf(s *Scorecard, declared []facts.Definition) string {
	d := digestCard{
		API: format.APIVersion, Name: s.Name, Filter: strings.TrimSpace(s.Filter), Levels: s.Levels,
		Waivers: slices.Sorted(slices.Values(s.WaiversFrom)), Facts: [][2]string{}, Rules: []digestRule{},
	}
	for _, f := range declared {
		d.Facts = append(d.Facts, [2]string{f.Name, string(f.Type)})
	}
	slices.SortFunc(d.Facts, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	for i := range s.Rules {
		if r := &s.Rules[i]; r.Status != format.Draft && r.Status != format.Retired {
			d.Rules = append(d.Rules, newDigestRule(r))
		}
	}
	slices.SortFunc(d.Rules, func(a, b digestRule) int { return strings.Compare(a.ID, b.ID) })
	text, err := json.Marshal(d)
	if err != nil {
		return "" // a weight that is no number, which the checks of the file report
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

func newDigestRule(r *Rule) digestRule {
	d := digestRule{
		ID: r.ID, Version: r.Version, Level: r.Level, Weight: r.Weight, Grace: r.Grace, Freshness: r.Freshness,
		Expr: strings.TrimSpace(r.Expr), Bands: [][3]string{}, Applies: strings.TrimSpace(r.Applies), Waivable: r.Waivable,
	}
	if r.Status == format.Announced {
		d.From = r.EnforcedFrom.Format(time.DateOnly)
	}
	if r.Review != nil {
		d.Reviewed, d.Review = true, strings.TrimSpace(r.Review.When)
	}
	for _, b := range r.Bands {
		d.Bands = append(d.Bands, [3]string{strings.TrimSpace(b.Value), strings.TrimSpace(b.Pass), strings.TrimSpace(b.Warn)})
	}
	return d
}
