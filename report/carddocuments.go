package report

import (
	"strings"
	"time"

	"github.com/dxctl/dxctl/event"
)

// CardDocument is a scorecard in lists.
type CardDocument struct {
	Scorecard   string         `json:"scorecard"`
	Title       string         `json:"title"`
	Description string         `json:"description"`
	Owner       string         `json:"owner"`  // ref; "" if nobody is named
	Origin      string         `json:"origin"` // built-in or own
	File        string         `json:"file"`
	Version     uint32         `json:"version"`
	Levels      []string       `json:"levels"`   // in lower case, the lowest first
	Rules       int            `json:"rules"`    // that count now
	Graded      int            `json:"graded"`   // services and other entities
	ByLevel     map[string]int `json:"by_level"` // of those, "none" included
	Coverage    *float64       `json:"coverage"` // 0 to 1: mean of those; null: there is none
	FailsMost   []string       `json:"fails_most"`
	Path        string         `json:"path"` // of its page
}

func (c Card) document() CardDocument {
	doc := CardDocument{
		Scorecard: c.Scorecard.Name, Title: c.Scorecard.Title, Description: c.Scorecard.Description,
		Owner: c.Scorecard.Owner, Origin: c.Origin(), File: c.Scorecard.File, Version: c.Scorecard.Version,
		Levels: []string{}, Rules: c.InForce(), Graded: len(c.Graded), ByLevel: map[string]int{}, Coverage: c.Coverage,
		FailsMost: []string{}, Path: ScorecardPath(c.Scorecard.Name),
	}
	for _, level := range c.Scorecard.Levels {
		doc.Levels = append(doc.Levels, strings.ToLower(level))
	}
	for _, l := range c.Levels {
		doc.ByLevel[l.Level] += l.N
	}
	for _, row := range c.Failing {
		doc.FailsMost = append(doc.FailsMost, row.Rule.ID)
	}
	return doc
}

// CardsDocument is a list of scorecards.
type CardsDocument struct {
	Past
	Scorecards []CardDocument `json:"scorecards"`
	Total      int            `json:"total"`
	Next       string         `json:"next"`
}

// NewCardsDocument is a page of the scorecards as a document.
func NewCardsDocument(cards []Card, p Page) CardsDocument {
	doc := CardsDocument{Scorecards: []CardDocument{}, Total: len(cards)}
	for _, c := range PageOf(cards, p) {
		doc.Scorecards = append(doc.Scorecards, c.document())
	}
	return doc
}

// RuleRowDocument is a rule in the list of a scorecard.
type RuleRowDocument struct {
	Rule         string                `json:"rule"`
	Version      uint32                `json:"version"`
	Title        string                `json:"title"`
	Level        string                `json:"level"` // in lower case
	Stage        string                `json:"stage"` // announced, enforced or retired
	EnforcedFrom *time.Time            `json:"enforced_from"`
	Effort       string                `json:"effort"`
	Weight       float64               `json:"weight"`
	Owner        string                `json:"owner"`
	Waivable     bool                  `json:"waivable"`
	Counts       map[event.Outcome]int `json:"counts"`
	Waivers      int                   `json:"waivers"`
	Path         string                `json:"path"` // of its page
}

func (r RuleRow) document(scorecard string) RuleRowDocument {
	return RuleRowDocument{
		Rule: r.Rule.ID, Version: r.Rule.Version, Title: r.Rule.Title, Level: strings.ToLower(r.Rule.Level),
		Stage: r.Stage, EnforcedFrom: known(r.From), Effort: string(r.Rule.Effort), Weight: r.Rule.Weight,
		Owner: r.Rule.Owner, Waivable: r.Rule.Waivable, Counts: r.Counts, Waivers: r.Waivers,
		Path: RulePath(scorecard, r.Rule.ID),
	}
}

// CardDetail is one scorecard with a part of its rules, and how many entities had each level over time.
type CardDetail struct {
	Past
	CardDocument
	RuleList []RuleRowDocument `json:"rule_list"`
	Total    int               `json:"total"` // rules that fit the filter
	Trend    []LevelsAt        `json:"trend"`
	Next     string            `json:"next"`
}

// NewCardDetail is a scorecard as a document of its own, with a page of the rules.
func NewCardDetail(c *Card, rows []RuleRow, trend []LevelsAt, p Page) CardDetail {
	doc := CardDetail{CardDocument: c.document(), RuleList: []RuleRowDocument{}, Total: len(rows), Trend: list(trend)}
	for _, row := range PageOf(rows, p) {
		doc.RuleList = append(doc.RuleList, row.document(c.Scorecard.Name))
	}
	return doc
}

// GradedDocument is an entity as one scorecard grades it.
type GradedDocument struct {
	Ref  string `json:"ref"`
	Name string `json:"name"`
	Team string `json:"team"`
	Kind string `json:"kind"` // type of a Component, else the kind, in lower case
	GradeDocument
	Missing int    `json:"missing"` // rules that the next level still needs
	Path    string `json:"path"`
}

// CardServicesDocument is a list of what a scorecard grades.
type CardServicesDocument struct {
	Past
	Scorecard string           `json:"scorecard"`
	Services  []GradedDocument `json:"services"`
	Total     int              `json:"total"`
	Next      string           `json:"next"`
}

// NewCardServicesDocument is a page of what a scorecard grades as a document.
func NewCardServicesDocument(c *Card, services []Service, p Page) CardServicesDocument {
	doc := CardServicesDocument{Scorecard: c.Scorecard.Name, Services: []GradedDocument{}, Total: len(services)}
	for _, s := range PageOf(services, p) {
		doc.Services = append(doc.Services, GradedDocument{
			Ref: s.Entity.Ref, Name: s.Entity.DisplayName(), Team: s.Team, Kind: s.KindName(),
			GradeDocument: gradeDocument(*s.Report, false), Missing: len(s.Report.Next), Path: ServicePath(s.Entity.Ref),
		})
	}
	return doc
}

// CardTeamDocument is a team with the levels that a scorecard gives to what it owns.
type CardTeamDocument struct {
	Ref      string         `json:"ref"` // "" for what has no owner
	Name     string         `json:"name"`
	Services int            `json:"services"`
	Levels   map[string]int `json:"levels"` // by level, "none" included
}

// CardTeamsDocument is a list of such teams.
type CardTeamsDocument struct {
	Past
	Scorecard string             `json:"scorecard"`
	Teams     []CardTeamDocument `json:"teams"`
	Total     int                `json:"total"`
	Next      string             `json:"next"`
}

// NewCardTeamsDocument is a page of the teams of a scorecard as a document.
func NewCardTeamsDocument(c *Card, teams []Team, p Page) CardTeamsDocument {
	doc := CardTeamsDocument{Scorecard: c.Scorecard.Name, Teams: []CardTeamDocument{}, Total: len(teams)}
	for _, t := range PageOf(teams, p) {
		doc.Teams = append(doc.Teams, CardTeamDocument{t.Owner, t.Name, t.Services, t.ByLevel})
	}
	return doc
}

// RuleServiceDocument is an entity with its outcome of a rule.
type RuleServiceDocument struct {
	Ref           string        `json:"ref"`
	Name          string        `json:"name"`
	Team          string        `json:"team"`
	Level         string        `json:"level"` // by the scorecard, "" for none
	Outcome       event.Outcome `json:"outcome"`
	Reason        string        `json:"reason"`
	Since         *time.Time    `json:"since"`          // null: no grade with the outcome is stored
	FromBeginning bool          `json:"from_beginning"` // since the first stored grade, so perhaps for longer
	Step          *Step         `json:"step"`           // what it would take; null: it is earned
	Path          string        `json:"path"`
}

// UsedFactDocument is a fact that a rule looks at.
type UsedFactDocument struct {
	Fact        string `json:"fact"`
	Type        string `json:"type"`
	Source      string `json:"source"`
	Description string `json:"description"`
}

// RulePageDocument is a rule with a part of the entities that it looks at.
type RulePageDocument struct {
	Past
	Scorecard string `json:"scorecard"`
	RuleRowDocument
	Why         string                `json:"why"`
	Fix         string                `json:"fix"`
	Expression  string                `json:"expression"` // "" where only a person decides
	Applies     string                `json:"applies"`    // "": always
	AppliesNote string                `json:"applies_note"`
	Facts       []UsedFactDocument    `json:"facts"`
	Links       []LinkDocument        `json:"links"`
	Action      []string              `json:"action"`
	Command     string                `json:"command"`
	Took        *Took                 `json:"took"` // null: too few repairs are known here
	History     []OutcomeCounts       `json:"history"`
	Services    []RuleServiceDocument `json:"services"`
	Total       int                   `json:"total"`
	Next        string                `json:"next"`
}

// NewRulePageDocument is a rule as a document of its own. rows fit a filter, and are those of the page; steps are what
// each of them takes.
func NewRulePageDocument(p *RulePage, rows []RuleService, steps []*Step, total int) RulePageDocument {
	rule := &p.Row.Rule
	doc := RulePageDocument{
		Scorecard: p.Card.Scorecard.Name, RuleRowDocument: p.Row.document(p.Card.Scorecard.Name), Why: rule.Why,
		Fix: rule.Fix, Expression: rule.Source(), Applies: rule.Applies, AppliesNote: rule.AppliesNote,
		Facts: []UsedFactDocument{}, Links: []LinkDocument{}, Action: []string{}, Took: p.Took, History: list(p.History),
		Services: []RuleServiceDocument{}, Total: total,
	}
	for _, f := range p.Facts {
		doc.Facts = append(doc.Facts, UsedFactDocument{f.Name, string(f.Type), f.Source, f.Description})
	}
	for _, l := range rule.Links {
		doc.Links = append(doc.Links, LinkDocument{l.Title, l.URL})
	}
	if rule.Action != nil {
		doc.Action, doc.Command = list(rule.Action.Kind), rule.Action.Command
	}
	for i := range rows {
		doc.Services = append(doc.Services, RuleServiceDocument{
			Ref: rows[i].Entity.Ref, Name: rows[i].Entity.DisplayName(), Team: rows[i].Team,
			Level: strings.ToLower(rows[i].Report.Level), Outcome: rows[i].Result.Outcome, Reason: rows[i].Result.Reason,
			Since: known(rows[i].Since), FromBeginning: rows[i].FromBeginning, Step: steps[i],
			Path: ServicePath(rows[i].Entity.Ref),
		})
	}
	return doc
}
