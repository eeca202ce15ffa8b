package report

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/scorecards"
)

// The documents are what the API and `dxctl -o json` give. Within /api/v1 fields are added, never renamed or removed. A
// list has Total, and Next: the address of the next page of the API, "" after the last.

// Page is the part of a list that a document has.
type Page struct {
	Number int // from 1
	Size   int // entries; 0 is all, on one page
}

// All is the whole list on one page.
var All = Page{Number: 1}

// PageOf returns a page of the rows, and for none an empty list.
func PageOf[T any](rows []T, p Page) []T {
	if p.Size == 0 {
		return list(rows)
	}
	return list(Part(rows, p.Number, p.Size))
}

// ServiceDocument is a service in lists. The rules of its grades are in its own document only.
type ServiceDocument struct {
	Ref        string            `json:"ref"`
	Name       string            `json:"name"`
	Title      string            `json:"title"`
	Team       string            `json:"team"`
	Owner      string            `json:"owner"`
	System     string            `json:"system"`
	Lifecycle  string            `json:"lifecycle"`
	Type       string            `json:"type"`
	DependsOn  []string          `json:"depends_on"`
	Repository string            `json:"repository"` // its slug; "" when the catalog does not name it
	Grades     []GradeDocument   `json:"grades"`
	LeftOut    []LeftOutDocument `json:"left_out"` // scorecards whose filters leave it out
	Window     metrics.Window    `json:"window"`   // of the numbers
	// null: not known, as in a list of a past time
	Numbers *metrics.ServiceStats `json:"numbers"`
	Path    string                `json:"path"` // of its page
}

// GradeDocument is the grade of a service by one scorecard.
type GradeDocument struct {
	Service   string                `json:"service"`
	Scorecard string                `json:"scorecard"`
	Title     string                `json:"title"`
	Digest    string                `json:"rules_digest"` // SHA-256 of what decides the grades of the scorecard
	Level     string                `json:"level"`        // "" for none
	NextLevel string                `json:"next_level"`
	Score     float64               `json:"score"`      // 0 to 1: what is not known taken as failed
	ScoreHigh float64               `json:"score_high"` // 0 to 1: what is not known taken as passed
	Coverage  float64               `json:"coverage"`   // share of the rules, by weight, with a known outcome
	Note      string                `json:"note"`       // what else is missing for the next level
	Counts    map[event.Outcome]int `json:"counts"`
	Rules     []RuleDocument        `json:"rules,omitempty"`
	Next      []string              `json:"next,omitempty"` // rules: the cheapest way to the next level

	WithoutWaivers *scorecards.WithoutWaivers `json:"without_waivers"` // null: no rule is waived

	// of one service only
	Way        *Way        `json:"way,omitempty"` // to the next level, step by step; absent: there is none
	Percentile *Percentile `json:"percentile,omitempty"`
}

// LeftOutDocument is a scorecard whose filter leaves a service out.
type LeftOutDocument struct {
	Scorecard string `json:"scorecard"`
	Title     string `json:"title"`
	Reason    string `json:"reason"`
}

// FactDocument is a fact that a rule looked at.
type FactDocument struct {
	Fact       string     `json:"fact"`
	Value      string     `json:"value"` // as people read it; "" if it is not known
	Error      string     `json:"error"` // why it is not known or cannot be used
	Source     string     `json:"source"`
	ObservedAt *time.Time `json:"observed_at"`
	ExpiresAt  *time.Time `json:"expires_at"`
	URL        string     `json:"url"`
}

// LinkDocument is a page to read.
type LinkDocument struct {
	Title string `json:"title"`
	URL   string `json:"url"`
}

// RuleDocument is the outcome of a rule.
type RuleDocument struct {
	Rule    string            `json:"rule"`
	Version uint32            `json:"version"`
	Title   string            `json:"title"`
	Level   string            `json:"level"`
	Outcome event.Outcome     `json:"outcome"`
	Reason  string            `json:"reason"`
	Why     string            `json:"why"`
	Fix     string            `json:"fix"`
	Effort  string            `json:"effort"`
	Missing []string          `json:"missing"` // facts that are not known
	Facts   map[string]string `json:"facts"`
	URL     string            `json:"url"`
	DocsURL string            `json:"docs_url"` // the first of links

	Weight     float64           `json:"weight"`
	Owner      string            `json:"owner"`         // ref of who answers for the rule
	Announced  *time.Time        `json:"would_fail_at"` // from then on an announced rule counts; it counts in no grade yet
	Expression string            `json:"expression"`    // "" where only a person decides
	Parts      []scorecards.Part `json:"parts"`         // of the expression, with their values
	FactsUsed  []FactDocument    `json:"facts_used"`
	Links      []LinkDocument    `json:"links"`
	Action     []string          `json:"action"`  // kinds of what makes the rule pass: patch, setting, ask
	Command    string            `json:"command"` // that does it

	Waiver  *scorecards.WaiverOn `json:"waiver"`         // null: none; its state says whether it holds
	Without event.Outcome        `json:"without_waiver"` // of a waived rule: the outcome without the waiver
}

func ruleDocument(x *scorecards.Result) RuleDocument {
	doc := RuleDocument{
		Rule: x.Rule, Version: x.Version, Title: x.Title, Level: strings.ToLower(x.Level), Outcome: x.Outcome,
		Reason: x.Reason, Why: x.Why, Fix: x.Fix, Effort: x.Effort, Missing: list(x.Missing), Facts: map[string]string{},
		URL: x.URL, DocsURL: x.DocsURL, Weight: x.Weight, Owner: x.Owner, Announced: known(x.Announced),
		Expression: x.Expression(), Parts: list(x.Parts()), FactsUsed: []FactDocument{}, Links: []LinkDocument{},
		Action: []string{}, Waiver: x.Waiver, Without: x.Unwaived,
	}
	for _, f := range x.FactsUsed() {
		doc.Facts[f.Name] = cmp.Or(f.Value, "not known")
		doc.FactsUsed = append(doc.FactsUsed, FactDocument{
			Fact: f.Name, Value: f.Value, Error: f.Error, Source: f.Source, ObservedAt: known(f.ObservedAt),
			ExpiresAt: known(f.ExpiresAt), URL: f.URL,
		})
	}
	for _, l := range x.Links {
		doc.Links = append(doc.Links, LinkDocument{l.Title, l.URL})
	}
	if x.Action != nil {
		doc.Action, doc.Command = list(x.Action.Kind), x.Action.Command
	}
	return doc
}

// known returns a time, nil for the zero time.
func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func gradeDocument(r scorecards.Report, rules bool) GradeDocument {
	g := GradeDocument{
		Service: r.Entity, Scorecard: r.Scorecard, Title: r.Title, Digest: r.Digest, Level: strings.ToLower(r.Level),
		NextLevel: strings.ToLower(r.NextLevel), Score: r.Score, ScoreHigh: r.ScoreHigh, Coverage: r.Coverage,
		Note: r.Note, Counts: r.Counts, WithoutWaivers: r.WithoutWaivers,
	}
	if !rules {
		return g
	}
	for i := range r.Results {
		g.Rules = append(g.Rules, ruleDocument(&r.Results[i]))
	}
	for _, x := range r.Next {
		g.Next = append(g.Next, x.Rule)
	}
	return g
}

func (s Service) document(rules bool) ServiceDocument {
	slug, _ := s.Entity.Repository()
	doc := ServiceDocument{
		Ref: s.Entity.Ref, Name: s.Entity.Name, Title: s.Entity.Title, Team: s.Team, Owner: s.Entity.Owner,
		System: s.Entity.System, Lifecycle: s.Entity.Lifecycle, Type: s.Entity.Type,
		DependsOn: list(s.Entity.DependsOn), Repository: slug,
		Grades: []GradeDocument{}, LeftOut: []LeftOutDocument{}, Window: s.Window, Path: ServicePath(s.Entity.Ref),
	}
	if !s.NumbersUnknown {
		doc.Numbers = &s.Numbers
	}
	for i, report := range s.Reports {
		grade := gradeDocument(report, rules)
		if w := slices.IndexFunc(s.Ways, func(w Way) bool { return w.Scorecard == report.Scorecard }); w >= 0 {
			grade.Way, grade.Next = &s.Ways[w], nil
			for _, step := range s.Ways[w].Steps {
				grade.Next = append(grade.Next, step.Rule)
			}
		}
		if i < len(s.Percentiles) {
			grade.Percentile = &s.Percentiles[i]
		}
		doc.Grades = append(doc.Grades, grade)
	}
	for _, l := range s.LeftOut {
		doc.LeftOut = append(doc.LeftOut, LeftOutDocument(l))
	}
	return doc
}

// ServicesDocument is a list of services.
type ServicesDocument struct {
	Past
	Services []ServiceDocument `json:"services"`
	Total    int               `json:"total"`
	// Unmapped is what no service claims: only in the list of all services, and absent where it is not known, as in a list
	// of a past time.
	Unmapped      *[]metrics.ServiceStats `json:"unmapped,omitempty"`
	UnmappedTotal *int                    `json:"unmapped_total,omitempty"`
	Next          string                  `json:"next"`
}

// SetUnmapped sets a page of what no service claims, and how many there are.
func (d *ServicesDocument) SetUnmapped(page []metrics.ServiceStats, total int) {
	page = list(page)
	d.Unmapped, d.UnmappedTotal = &page, &total
}

// Document is the list of all services as a document.
func (s Services) Document() ServicesDocument {
	doc := NewServicesDocument(s.List, All)
	doc.SetUnmapped(s.Unmapped, len(s.Unmapped))
	return doc
}

// NewServicesDocument is a page of the services as a document, without what no service claims.
func NewServicesDocument(services []Service, p Page) ServicesDocument {
	doc := ServicesDocument{Services: []ServiceDocument{}, Total: len(services)}
	for _, service := range PageOf(services, p) {
		doc.Services = append(doc.Services, service.document(false))
	}
	return doc
}

// EntitiesDocument is a list of graded entities that are no services.
type EntitiesDocument struct {
	Past
	Entities []ServiceDocument `json:"entities"`
	Total    int               `json:"total"`
	Next     string            `json:"next"`
}

// NewEntitiesDocument is a page of graded entities as a document.
func NewEntitiesDocument(entities []Service, p Page) EntitiesDocument {
	doc := EntitiesDocument{Entities: []ServiceDocument{}, Total: len(entities)}
	for _, e := range PageOf(entities, p) {
		doc.Entities = append(doc.Entities, e.document(false))
	}
	return doc
}

// TeamDocument is a team in lists.
type TeamDocument struct {
	Ref      string         `json:"ref"` // "" for the services without an owner
	Name     string         `json:"name"`
	Services int            `json:"services"`
	Levels   map[string]int `json:"levels"`  // services by level, "none" included
	Deploys  *int           `json:"deploys"` // successful, to production, in the window
}

// TeamsDocument is a list of teams.
type TeamsDocument struct {
	Teams  []TeamDocument `json:"teams"`
	Window metrics.Window `json:"window"` // of the deployments
	Total  int            `json:"total"`
	Next   string         `json:"next"`
}

// NewTeamsDocument is a page of the teams as a document.
func NewTeamsDocument(teams []Team, window metrics.Window, p Page) TeamsDocument {
	doc := TeamsDocument{Teams: []TeamDocument{}, Window: window, Total: len(teams)}
	for _, t := range PageOf(teams, p) {
		doc.Teams = append(doc.Teams, TeamDocument{t.Owner, t.Name, t.Services, t.ByLevel, t.Deploys})
	}
	return doc
}

// UnmappedDocument is a scope that no service claims.
type UnmappedDocument struct {
	Service      string     `json:"service"` // unmapped:<provider>/<scope>
	Provider     string     `json:"provider"`
	Scope        string     `json:"scope"`
	Deployments  uint64     `json:"deployments"`
	PipelineRuns uint64     `json:"pipeline_runs"`
	Changes      uint64     `json:"changes"`
	Incidents    uint64     `json:"incidents"`
	LastAt       *time.Time `json:"last_at"`
	Likely       string     `json:"likely"`     // ref of the service that has the scope's name; "" for none
	Annotation   string     `json:"annotation"` // the line that claims the scope in a descriptor
}

// UnmappedScopesDocument is a list of scopes that no service claims.
type UnmappedScopesDocument struct {
	Unmapped []UnmappedDocument `json:"unmapped"`
	Total    int                `json:"total"`
	Next     string             `json:"next"`
}

// NewUnmappedDocument is a page of total scopes as a document.
func NewUnmappedDocument(scopes []UnmappedScope, total int) UnmappedScopesDocument {
	doc := UnmappedScopesDocument{Unmapped: []UnmappedDocument{}, Total: total}
	for _, s := range scopes {
		likely := ""
		if s.Likely != nil {
			likely = s.Likely.Ref
		}
		doc.Unmapped = append(doc.Unmapped, UnmappedDocument{
			Service: s.Service, Provider: s.Provider(), Scope: s.Scope(), Deployments: s.Deployments, PipelineRuns: s.Runs,
			Changes: s.Changes, Incidents: s.Incidents, LastAt: s.LastAt, Likely: likely, Annotation: s.Annotation(),
		})
	}
	return doc
}

// ServiceDetail is one service with its rules and its descriptor.
type ServiceDetail struct {
	ServiceDocument
	Entity descriptor.Entity `json:"entity"`
}

// Document is the service as a document of its own.
func (s Service) Document() ServiceDetail { return ServiceDetail{s.document(true), s.Entity} }

// GradesDocument is the list of all grades with their rules.
type GradesDocument struct {
	Past
	Grades []GradeDocument `json:"grades"`
	Total  int             `json:"total"`
	Next   string          `json:"next"`
}

// NewGradesDocument is the grades as a document.
func NewGradesDocument(reports []scorecards.Report, p Page) GradesDocument {
	doc := GradesDocument{Grades: []GradeDocument{}, Total: len(reports)}
	for _, r := range PageOf(reports, p) {
		doc.Grades = append(doc.Grades, gradeDocument(r, true))
	}
	return doc
}

// LedgerDocument is the ledger as a document.
type LedgerDocument struct {
	Ledger []LedgerRow `json:"ledger"`
	Total  int         `json:"total"`
	Next   string      `json:"next"`
}

// NewLedgerDocument is a page of a ledger of total rows as a document.
func NewLedgerDocument(rows []LedgerRow, total int) LedgerDocument {
	return LedgerDocument{Ledger: list(rows), Total: total}
}

// FirstDeployDocument is a time to first deploy with a part of its subjects. Completeness has the scopes that lack
// most.
type FirstDeployDocument struct {
	metrics.TTFD
	Subjects          []metrics.Subject      `json:"subjects"`
	SubjectsTotal     int                    `json:"subjects_total"`
	Completeness      []metrics.Completeness `json:"completeness"`
	CompletenessTotal int                    `json:"completeness_total"`
	Next              string                 `json:"next"`
}

// NewFirstDeployDocument is a time to first deploy as a document.
func NewFirstDeployDocument(t metrics.TTFD, p Page) FirstDeployDocument {
	t.Excluded = list(t.Excluded)
	return FirstDeployDocument{
		TTFD: t, Subjects: PageOf(t.Subjects, p), SubjectsTotal: len(t.Subjects),
		Completeness: PageOf(t.Completeness, Page{Number: 1, Size: p.Size}), CompletenessTotal: len(t.Completeness),
	}
}

// FrequencyDocument is a deployment frequency. Completeness has the scopes that lack most.
type FrequencyDocument struct {
	metrics.Series
	Completeness      []metrics.Completeness `json:"completeness"`
	CompletenessTotal int                    `json:"completeness_total"`
}

// NewFrequencyDocument is a deployment frequency as a document.
func NewFrequencyDocument(s metrics.Series, p Page) FrequencyDocument {
	return FrequencyDocument{Series: s, Completeness: PageOf(s.Completeness, Page{Number: 1, Size: p.Size}),
		CompletenessTotal: len(s.Completeness)}
}
