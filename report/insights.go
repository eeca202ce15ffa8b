package report

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/facts"
	"github.com/dxctl/dxctl/spelling"
)

// The documents of the Tech Insights API of Backstage, so that its front end can show our grades. Their shapes are
// those of the npm package @backstage-community/plugin-tech-insights-common 0.11.

// insightType is the type of every check: the one that the front end can draw without an extension. Its results are
// true or false.
const insightType = "json-rules-engine"

// MaxInsightResults bounds the results of one answer: each repeats the texts of its check, so that this many are about
// 20 MB.
const MaxInsightResults = 20_000

// maxInsightElements bounds the elements of a list among the facts of a result.
const maxInsightElements = 100

// InsightCheck is a rule as a check of Tech Insights.
type InsightCheck struct {
	ID          string         `json:"id"`   // scorecard/rule
	Type        string         `json:"type"` // always json-rules-engine
	Name        string         `json:"name"`
	Description string         `json:"description"` // Markdown
	FactIDs     []string       `json:"factIds"`
	Metadata    map[string]any `json:"metadata"`
	Links       []LinkDocument `json:"links"`
}

// InsightFact is a fact as Tech Insights has it.
type InsightFact struct {
	ID          string          `json:"id"`
	Type        string          `json:"type"` // boolean, float, string, datetime or set
	Description string          `json:"description"`
	Value       json.RawMessage `json:"value"`
}

// InsightResult is what a rule found about an entity. Result is true for a rule that passes or warns, false for one
// that fails, and null where neither is known or the rule is waived: the front end counts null as not passed, and not
// as failed.
type InsightResult struct {
	Facts  map[string]InsightFact `json:"facts"` // those that are known
	Check  InsightCheck           `json:"check"`
	Result *bool                  `json:"result"`
}

// InsightError is an error of one entity among several.
type InsightError struct {
	Name    string `json:"name"`
	Message string `json:"message"`
}

// InsightResults are the results of one entity among several.
type InsightResults struct {
	Entity  string          `json:"entity"`          // ref
	Error   *InsightError   `json:"error,omitempty"` // why there are no results
	Results []InsightResult `json:"results"`
}

// InsightFacts are the latest values under one id.
type InsightFacts struct {
	Timestamp time.Time                  `json:"timestamp"`
	Version   string                     `json:"version"` // of the schema
	Facts     map[string]json.RawMessage `json:"facts"`
}

// InsightSchema is the type of a fact.
type InsightSchema struct {
	Type        string `json:"type"`
	Description string `json:"description"`
}

// insightSchemaVersion is the version of the schema of every fact: the type of a fact does not change.
const insightSchemaVersion = "1.0.0"

// InsightChecks returns the rules in force. Rules that are drafts, announced or retired count in no grade and are no
// checks.
func (r *Reader) InsightChecks() []InsightCheck {
	checks := []InsightCheck{}
	now := r.deps.Now()
	cards := r.deps.Scorecards.Scorecards()
	for i := range cards {
		for j := range cards[i].Rules {
			if rule := &cards[i].Rules[j]; rule.Enforced(now) {
				checks = append(checks, insightCheck(&cards[i], rule, r.deps.Scorecards.FactsOf(cards[i].Name, rule.ID)))
			}
		}
	}
	return checks
}

func insightCheck(card *scorecards.Scorecard, rule *scorecards.Rule, factNames []string) InsightCheck {
	c := InsightCheck{
		ID: RuleName(card.Name, rule.ID), Type: insightType, Name: rule.Title, Description: rule.Why,
		FactIDs: list(factNames), Links: []LinkDocument{},
		Metadata: map[string]any{"scorecard": card.Name, "rule": rule.ID, "version": rule.Version,
			"level": strings.ToLower(rule.Level), "effort": rule.Effort, "fix": rule.Fix},
	}
	for _, l := range rule.Links {
		c.Links = append(c.Links, LinkDocument{l.Title, l.URL})
	}
	return c
}

// insightRules returns which rules a request asks for, by scorecard/rule; nil for all. The error is about an id that no
// rule has.
func (r *Reader) insightRules(ids []string) (map[string]bool, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var known []string
	cards := r.deps.Scorecards.Scorecards()
	for i := range cards {
		for j := range cards[i].Rules {
			known = append(known, RuleName(cards[i].Name, cards[i].Rules[j].ID))
		}
	}
	wanted := make(map[string]bool, len(ids))
	for _, id := range ids {
		if !slices.Contains(known, id) {
			return nil, notFound("no check has the id %q%s", id, spelling.Hint(id, known))
		}
		wanted[id] = true
	}
	return wanted, nil
}

// RunInsights returns the results of the checks for an entity; of all, if ids is empty. Rules that do not apply to the
// entity, and those that count in no grade, have no result. The error is a *NotFoundError for an entity or a check that
// there is not.
func (r *Reader) RunInsights(ctx context.Context, ref string, ids []string) ([]InsightResult, error) {
	wanted, err := r.insightRules(ids)
	if err != nil {
		return nil, err
	}
	if e, ok := r.deps.Catalog().Entity(ref); ok && !r.hasPage(e) {
		return []InsightResult{}, nil // no scorecard grades it
	}
	service, err := r.Service(ctx, ref)
	if err != nil {
		return nil, err
	}
	return r.insightResults(service, wanted, true), nil
}

// RunInsightsOf returns the results of the checks for several entities, in their order; for every graded entity, if
// refs is empty. Their facts are left out. An entity that the catalog does not have has an error instead of results.
// More than [MaxInsightResults] results are a *TooMuchError.
func (r *Reader) RunInsightsOf(ctx context.Context, refs, ids []string) ([]InsightResults, error) {
	wanted, err := r.insightRules(ids)
	if err != nil {
		return nil, err
	}
	services, err := r.Services(ctx)
	if err != nil {
		return nil, err
	}
	known := map[string]Service{}
	everyone := len(refs) == 0
	for _, s := range slices.Concat(services.List, services.Others) {
		known[s.Entity.Ref] = s
		if everyone {
			refs = append(refs, s.Entity.Ref)
		}
	}
	all, n := []InsightResults{}, 0
	for _, ref := range refs {
		one := InsightResults{Entity: ref, Results: []InsightResult{}}
		if s, ok := known[ref]; ok {
			one.Results = r.insightResults(s, wanted, false)
		} else if _, ok := r.deps.Catalog().Entity(ref); !ok {
			one.Error = &InsightError{"NotFoundError", r.noEntity(ref, r.deps.Catalog()).Error()}
		}
		all = append(all, one)
		if n += len(one.Results); n > MaxInsightResults {
			return nil, &TooMuchError{fmt.Sprintf("%s of %s are asked for, which have more than %d results; "+
				"name fewer entities, or some checks", checksNamed(len(wanted)),
				words.Plural(len(refs), "entity", "entities"), MaxInsightResults)}
		}
	}
	return all, nil
}

func checksNamed(n int) string {
	if n == 0 {
		return "all checks"
	}
	return words.Plural(n, "check", "checks")
}

// A TooMuchError reports that an answer would exceed a limit, and how to ask for less.
type TooMuchError struct{ Message string }

// Error returns the message.
func (e *TooMuchError) Error() string { return e.Message }

func (r *Reader) insightResults(s Service, wanted map[string]bool, withFacts bool) []InsightResult {
	results := []InsightResult{}
	cards := r.deps.Scorecards.Scorecards()
	for i := range s.Reports {
		report := &s.Reports[i]
		at := slices.IndexFunc(cards, func(c scorecards.Scorecard) bool { return c.Name == report.Scorecard })
		if at < 0 {
			continue
		}
		for j := range report.Results {
			x := &report.Results[j]
			if !x.Counts() || x.Outcome == event.NotApplicable || wanted != nil && !wanted[RuleName(report.Scorecard, x.Rule)] {
				continue
			}
			k := slices.IndexFunc(cards[at].Rules, func(rule scorecards.Rule) bool { return rule.ID == x.Rule })
			if k >= 0 {
				results = append(results, insightResult(&cards[at], &cards[at].Rules[k], x, withFacts))
			}
		}
	}
	return results
}

func insightResult(
	card *scorecards.Scorecard, rule *scorecards.Rule, x *scorecards.Result, withFacts bool,
) InsightResult {
	result := InsightResult{Facts: map[string]InsightFact{}, Check: insightCheck(card, rule, x.FactNames)}
	result.Check.Metadata["outcome"] = x.Outcome
	result.Check.Metadata["reason"] = x.Reason
	yes, no := true, false
	switch x.Outcome {
	case event.Pass, event.Warn:
		result.Result = &yes
	case event.Fail:
		result.Result = &no
	}
	// The front end shows the description next to the icon, and the icon of null is that of false: the words must tell
	// them apart.
	result.Check.Description = fmt.Sprintf("**%s**: %s.", x.Outcome, strings.TrimSuffix(x.Reason, "."))
	if len(x.Missing) > 0 {
		result.Check.Metadata["missing"] = x.Missing
	}
	if x.Waiver != nil {
		result.Check.Metadata["waiver"] = x.Waiver
	}
	if !withFacts {
		return result
	}
	for _, f := range x.FactsUsed() {
		if f.Error == "" && len(f.Raw) > 0 {
			result.Facts[f.Name] = InsightFact{
				ID: f.Name, Type: insightFactType(f.Type), Description: cmp.Or(f.Description, f.Name), Value: shortened(f.Raw),
			}
		}
	}
	return result
}

// shortened returns a value with at most maxInsightElements elements.
func shortened(value json.RawMessage) json.RawMessage {
	var elements []json.RawMessage
	if !bytes.HasPrefix(value, []byte("[")) || json.Unmarshal(value, &elements) != nil ||
		len(elements) <= maxInsightElements {
		return value
	}
	short, err := json.Marshal(elements[:maxInsightElements])
	if err != nil {
		return value
	}
	return short
}

// insightFactType returns the name of a type in Tech Insights.
func insightFactType(t event.FactType) string {
	switch t {
	case event.BoolFact:
		return "boolean"
	case event.NumberFact:
		return "float"
	case event.TimeFact:
		return "datetime"
	case event.ListFact:
		return "set"
	}
	return "string"
}

// LatestInsightFacts returns the facts of an entity that are known, by their ids: each fact is under its own name. One
// without a value is left out.
func (r *Reader) LatestInsightFacts(ctx context.Context, ref string, ids []string) (map[string]InsightFacts, error) {
	definitions := r.factDefinitions()
	for _, id := range ids {
		if _, ok := definitions[id]; !ok {
			return nil, notFound("no fact has the id %q%s", id, spelling.Hint(id, sortedNames(definitions)))
		}
	}
	known, err := r.Facts(ctx, ref, ids...)
	if err != nil {
		return nil, err
	}
	latest := map[string]InsightFacts{}
	for i := range known.Facts {
		f := &known.Facts[i]
		if !slices.Contains(ids, f.Name) || !f.Known() || f.ObservedAt == nil {
			continue
		}
		latest[f.Name] = InsightFacts{
			Timestamp: *f.ObservedAt, Version: insightSchemaVersion, Facts: map[string]json.RawMessage{f.Name: f.Value},
		}
	}
	return latest, nil
}

// InsightSchemas returns the types of the facts, a schema each, by name; of all facts, if ids is empty.
func (r *Reader) InsightSchemas(ids []string) []map[string]InsightSchema {
	schemas := []map[string]InsightSchema{}
	definitions := r.factDefinitions()
	for _, name := range sortedNames(definitions) {
		d := definitions[name]
		if d.Type == "" || len(ids) > 0 && !slices.Contains(ids, name) {
			continue
		}
		schemas = append(schemas, map[string]InsightSchema{
			name: {Type: insightFactType(d.Type), Description: cmp.Or(d.Description, d.Noun())},
		})
	}
	return schemas
}

func sortedNames(definitions map[string]facts.Definition) []string {
	names := make([]string, 0, len(definitions))
	for name := range definitions {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
