package report

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/report/sorting"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/facts"
)

// Fact is what is known of a service under a name, or the reason why it is not known.
type Fact struct {
	Name        string          `json:"name"`
	Type        event.FactType  `json:"type"`
	Value       json.RawMessage `json:"value"` // null if it is not known
	Text        string          `json:"text"`  // the value as people read it; "" if it is not known
	Error       string          `json:"error,omitempty"`
	ObservedAt  *time.Time      `json:"observed_at"` // null: never
	ExpiresAt   *time.Time      `json:"expires_at"`  // null: it does not expire
	Stale       bool            `json:"stale"`       // it has expired
	Source      string          `json:"source"`      // who gave it, or who should
	URL         string          `json:"url,omitempty"`
	Description string          `json:"description,omitempty"`
}

// Known reports whether there is a value, which may have expired.
func (f Fact) Known() bool { return f.Error == "" }

// FactsDocument is what is known of a service.
type FactsDocument struct {
	Service string `json:"service"`
	Known   int    `json:"known"` // of Facts
	Facts   []Fact `json:"facts"` // by name
}

// Select returns the facts whose names contain a text, in an order.
func (d FactsDocument) Select(text string, order sorting.Order) FactsDocument {
	text = strings.ToLower(strings.TrimSpace(text))
	d.Facts = sorting.Rows(slices.DeleteFunc(slices.Clone(d.Facts), func(f Fact) bool {
		return !strings.Contains(f.Name, text)
	}), FactColumns, order)
	d.Known = 0
	for i := range d.Facts {
		if d.Facts[i].Known() {
			d.Known++
		}
	}
	return d
}

// FactColumns are the columns of the list of facts.
var FactColumns = []sorting.Field[Fact]{
	text("name", "fact", func(f Fact) string { return f.Name }),
	text("value", "value", func(f Fact) string { // the unknown ones together
		if !f.Known() {
			return "\uffff" + f.Error
		}
		return f.Text
	}),
	text("source", "source", func(f Fact) string { return f.Source }),
	number("observed", "observed", func(f Fact) *float64 { return seconds(f.ObservedAt) }),
	number("expires", "expires", func(f Fact) *float64 { return seconds(f.ExpiresAt) }),
}

// seconds is a time for sorting; nil if there is none.
func seconds(at *time.Time) *float64 {
	if at == nil {
		return nil
	}
	return sorting.Value(float64(at.Unix()))
}

// Facts returns every fact of an entity whose name begins with one of the prefixes; without prefixes, all. They are
// those that dxctl provides, those that sources and scorecards declare, and those that are stored besides.
func (r *Reader) Facts(ctx context.Context, ref string, prefixes ...string) (FactsDocument, error) {
	cat := r.deps.Catalog()
	entity, ok := cat.Entity(ref)
	if !ok {
		return FactsDocument{}, r.noEntity(ref, cat)
	}
	now := r.deps.Now()
	observed := cat.ServiceFacts(entity, now)
	asked, err := facts.Of(ctx, r.deps.Store, []string{entity.Ref}, nil)
	if err != nil {
		return FactsDocument{}, err
	}
	stored, err := facts.Read(ctx, asked, observed)
	if err != nil {
		return FactsDocument{}, err
	}
	known := stored.Of(entity.Ref, observed)
	doc := FactsDocument{Service: entity.Ref, Facts: []Fact{}}
	definitions := r.factDefinitions()
	for name := range known {
		if _, ok := definitions[name]; !ok {
			definitions[name] = facts.Definition{Name: name, Type: known[name].Type}
		}
	}
	for name, d := range definitions {
		begins := func(prefix string) bool { return strings.HasPrefix(name, strings.TrimSuffix(prefix, "*")) }
		if d.Type == "" || len(prefixes) > 0 && !slices.ContainsFunc(prefixes, begins) {
			continue
		}
		f, has := known[name]
		one := factOf(d, f, has, now)
		if one.Known() {
			doc.Known++
		}
		doc.Facts = append(doc.Facts, one)
	}
	slices.SortFunc(doc.Facts, func(a, b Fact) int { return cmp.Compare(a.Name, b.Name) })
	return doc, nil
}

// factDefinitions returns the definitions of all facts that a rule may use, by name.
func (r *Reader) factDefinitions() map[string]facts.Definition {
	var own []facts.Definition
	for _, card := range r.deps.Scorecards.Scorecards() {
		own = append(own, card.Facts...)
	}
	return facts.Definitions(own)
}

func factOf(d facts.Definition, f event.Fact, has bool, now time.Time) Fact {
	one := Fact{Name: d.Name, Type: d.Type, Source: cmp.Or(f.Source, d.Source), Description: d.Description, URL: f.URL}
	if !has {
		one.Error = "no source has given it yet; " + cmp.Or(d.Source, "the source that reports it") + " should give it"
		return one
	}
	one.Error = f.Error
	if !f.ObservedAt.IsZero() {
		at := f.ObservedAt.UTC()
		one.ObservedAt = &at
	}
	if !f.ExpiresAt.IsZero() {
		at := f.ExpiresAt.UTC()
		one.ExpiresAt, one.Stale = &at, !now.Before(at)
	}
	if f.Error != "" {
		return one
	}
	text, err := scorecards.FactText(d, f, now)
	switch {
	case err != nil:
		one.Error = err.Error()
	case f.Type != d.Type:
		one.Error = fmt.Sprintf("it is the %s %s, and a %s was expected; %s gave it", f.Type, text, d.Type, f.Source)
	default:
		one.Value, one.Text = f.Value, text
	}
	return one
}
