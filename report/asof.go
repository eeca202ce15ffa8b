package report

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/replay"
)

// FactHistory has the facts that were known at past times.
type FactHistory = replay.Store

// AsOf is a service as its scorecards grade what was known at a past time.
type AsOf struct {
	Service Service // without the numbers, which are those of today
	At      time.Time
	Notes   []string // sentences: what is not of that time, and what is not recorded
}

// ParseAsOf reads a time in the past: a date, which is the end of that day in UTC, or a time with a zone. Today is now.
func ParseAsOf(text string, now time.Time) (time.Time, error) {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		day, dayErr := time.Parse(time.DateOnly, text)
		if dayErr != nil {
			return time.Time{}, fmt.Errorf("as of %q: write a date such as 2026-05-31 or a time such as "+
				"2026-05-31T12:00:00Z", text)
		}
		if at = day.AddDate(0, 0, 1); at.After(now) && !day.After(now) {
			at = now
		}
	}
	switch {
	case at.After(now):
		return time.Time{}, fmt.Errorf("as of %s: this is in the future; write a time before %s", text,
			now.UTC().Format(time.RFC3339))
	case at.Year() < 2000:
		return time.Time{}, fmt.Errorf("as of %s: write a time after the year 1999", text)
	}
	return at.UTC(), nil
}

// AsOf grades a service by what was known at a past time. Its errors are those of Service.
func (r *Reader) AsOf(ctx context.Context, ref string, at time.Time) (AsOf, error) {
	cat := r.deps.Catalog()
	entity, err := r.graded(cat, ref)
	if err != nil {
		return AsOf{}, err
	}
	if r.deps.FactHistory == nil {
		return AsOf{}, errors.New("grading as of a past time: no history of facts is read here")
	}
	engine := r.deps.Scorecards.At(at)
	history, err := replay.Load(ctx, r.deps.FactHistory, cat,
		replay.Days{From: at, To: at, Entities: []string{entity.Ref}}, engine)
	if err != nil {
		return AsOf{}, fmt.Errorf("grading %s as of %s: %w", words.RefName(ref), at.Format(time.RFC3339), err)
	}
	facts := history.FactsAt(entity.Ref, at)
	result := AsOf{At: at, Service: Service{
		Entity: entity, Team: displayName(cat, entity.Owner), System: displayName(cat, entity.System),
		Reports: engine.Grade(entity, facts), LeftOut: engine.LeftOut(entity),
	}}
	if len(result.Service.Reports) > 0 {
		result.Service.Report = &result.Service.Reports[0]
	}
	result.Notes = []string{todaysRules}
	if len(facts) == 0 {
		result.Notes = append(result.Notes, "No fact of this service was known then.")
	} else if note := history.Note(); note != "" {
		result.Notes = append(result.Notes, note)
	}
	if r.deps.GradeHistory != nil {
		grades, err := r.deps.GradeHistory(ctx, entity.Ref)
		if err != nil {
			return AsOf{}, err
		}
		result.Notes = append(result.Notes, otherVersions(result.Service.Reports, grades, at)...)
	}
	inForce, err := r.rulesHistory(ctx)
	if err != nil {
		return AsOf{}, err
	}
	result.Notes = append(result.Notes, otherRules(result.Service.Reports, inForce, at)...)
	return result, nil
}

// ShortDigest is the beginning of the digest of rules, for people.
func ShortDigest(digest string) string { return digest[:min(len(digest), 12)] }

// otherRules returns a sentence for each scorecard that graded by other rules at the time than it has now. Nothing is
// said where the rules of then are not recorded.
func otherRules(reports []scorecards.Report, inForce []event.RulesInForce, at time.Time) []string {
	var notes []string
	for i := range reports {
		var then event.RulesInForce
		for _, r := range inForce { // oldest first
			if r.Scorecard == reports[i].Scorecard && !r.Since.After(at) {
				then = r
			}
		}
		if then.Digest != "" && then.Digest != reports[i].Digest {
			notes = append(notes, fmt.Sprintf("Scorecard %s graded by other rules then: digest %s, in force since %s; it is "+
				"%s now.", then.Scorecard, ShortDigest(then.Digest), then.Since.Format(time.RFC3339),
				ShortDigest(reports[i].Digest)))
		}
	}
	return notes
}

// otherVersions returns a sentence for the rules that were stored with another version at the time than they have now.
func otherVersions(reports []scorecards.Report, grades []event.Grade, at time.Time) []string {
	type key struct{ scorecard, rule string }
	then := map[key]uint32{}
	for _, g := range grades { // oldest first
		if !g.EvaluatedAt.After(at) {
			then[key{g.Scorecard, g.Rule}] = g.RuleVersion
		}
	}
	var rules []string
	for _, r := range reports {
		for i := range r.Results {
			result := &r.Results[i]
			if v, graded := then[key{r.Scorecard, result.Rule}]; graded && v != result.Version {
				rules = append(rules, fmt.Sprintf("%s (version %d then, %d now)", result.Rule, v, result.Version))
			}
		}
	}
	if len(rules) == 0 {
		return nil
	}
	slices.Sort(rules)
	return []string{"These rules were different then: " + strings.Join(rules, ", ") + "."}
}

// AsOfDocument is a service as of a past time.
type AsOfDocument struct {
	Ref     string            `json:"ref"`
	AsOf    time.Time         `json:"as_of"`
	Notes   []string          `json:"notes"`
	Grades  []GradeDocument   `json:"grades"`
	LeftOut []LeftOutDocument `json:"left_out"`
}

// Document is the service as a document.
func (a AsOf) Document() AsOfDocument {
	service := a.Service.document(true)
	return AsOfDocument{Ref: service.Ref, AsOf: a.At, Notes: a.Notes, Grades: service.Grades, LeftOut: service.LeftOut}
}
