package web

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/gofiber/fiber/v2"
)

// document makes a document of the API. Within /api/v1 fields are added, never renamed or removed.
func document(doc any) (answer, error) {
	raw, err := json.Marshal(doc)
	if err != nil {
		return answer{}, fmt.Errorf("encode the answer: %w", err)
	}
	return answer{kind: fiber.MIMEApplicationJSON, body: append(raw, '\n')}, nil
}

func (a *app) apiIndex(ctx context.Context, r request) (answer, error) {
	type entry struct {
		Path  string `json:"path"`
		Title string `json:"title"`
	}
	var list []entry
	for _, r := range a.routes() {
		if r.title != "" {
			list = append(list, entry{r.path, r.title})
		}
	}
	return document(map[string]any{"version": "v1", "program": a.deps.Version, "routes": list})
}

// apiServiceDoc is a service in lists. Rules stand in the document of one service only.
type apiServiceDoc struct {
	Ref       string                 `json:"ref"`
	Name      string                 `json:"name"`
	Title     string                 `json:"title"`
	Team      string                 `json:"team"`
	Owner     string                 `json:"owner"`
	System    string                 `json:"system"`
	Lifecycle string                 `json:"lifecycle"`
	Type      string                 `json:"type"`
	Grades    []apiGrade             `json:"grades"`
	Window    metrics.Window         `json:"window"` // of the numbers
	Numbers   metrics.ServiceNumbers `json:"numbers"`
	Path      string                 `json:"path"` // of its page
}

type apiGrade struct {
	Scorecard string                `json:"scorecard"`
	Title     string                `json:"title"`
	Level     string                `json:"level"` // "" for none
	NextLevel string                `json:"next_level"`
	Score     float64               `json:"score"`    // 0 to 1
	Coverage  float64               `json:"coverage"` // share of the rules with a known outcome
	Note      string                `json:"note"`     // what else stands before the next level
	Counts    map[event.Outcome]int `json:"counts"`
	Rules     []apiRule             `json:"rules,omitempty"`
	Next      []string              `json:"next,omitempty"` // rules: the cheapest way to the next level
}

type apiRule struct {
	Rule    string            `json:"rule"`
	Version uint32            `json:"version"`
	Title   string            `json:"title"`
	Level   string            `json:"level"`
	Outcome event.Outcome     `json:"outcome"`
	Reason  string            `json:"reason"`
	Why     string            `json:"why"`
	Fix     string            `json:"fix"`
	Effort  string            `json:"effort"`
	Missing []string          `json:"missing"`
	Facts   map[string]string `json:"facts"`
	URL     string            `json:"url"`
	DocsURL string            `json:"docs_url"`
}

func apiGradeOf(r scorecards.Report, rules bool) apiGrade {
	g := apiGrade{Scorecard: r.Scorecard, Title: r.Title, Level: strings.ToLower(r.Level), NextLevel: strings.ToLower(r.NextLevel),
		Score: r.Score, Coverage: r.Coverage, Note: r.Note, Counts: r.Counts}
	if !rules {
		return g
	}
	for _, x := range r.Results {
		g.Rules = append(g.Rules, apiRule{x.Rule, x.Version, x.Title, strings.ToLower(x.Level), x.Outcome, x.Reason, x.Why, x.Fix, x.Effort,
			list(x.Missing), x.Facts, x.URL, x.DocsURL})
	}
	for _, x := range r.Next {
		g.Next = append(g.Next, x.Rule)
	}
	return g
}

// list makes an empty list of nil, so that readers need not tell null from [].
func list[T any](values []T) []T {
	if values == nil {
		return []T{}
	}
	return values
}

func (a *app) apiServiceOf(r serviceRow, rules bool) apiServiceDoc {
	doc := apiServiceDoc{Ref: r.Entity.Ref, Name: r.Entity.Name, Title: r.Entity.Title, Team: r.Team, Owner: r.Entity.Owner, System: r.Entity.System,
		Lifecycle: r.Entity.Lifecycle, Type: r.Entity.Type, Grades: []apiGrade{}, Window: a.recent(), Numbers: r.Numbers, Path: r.Path()}
	for _, report := range r.Reports {
		doc.Grades = append(doc.Grades, apiGradeOf(report, rules))
	}
	return doc
}

func (a *app) apiServices(ctx context.Context, r request) (answer, error) {
	page, err := pageOf(r)
	if err != nil {
		return answer{}, err
	}
	rows, unmapped, err := a.serviceRows(ctx)
	if err != nil {
		return answer{}, err
	}
	docs := []apiServiceDoc{}
	for _, row := range part(rows, page, apiListSize) {
		docs = append(docs, a.apiServiceOf(row, false))
	}
	return document(map[string]any{
		"services": docs, "total": len(rows), "unmapped": list(part(unmapped, page, apiListSize)), "unmapped_total": len(unmapped),
		"next": nextPage("/api/v1/services", r, page, apiListSize, max(len(rows), len(unmapped))),
	})
}

func (a *app) apiService(ctx context.Context, r request) (answer, error) {
	ref := strings.ToLower("component:" + r.Param("namespace") + "/" + r.Param("name"))
	cat := a.deps.Catalog()
	entity, ok := cat.Entity(ref)
	if !ok || !entity.IsService() {
		return answer{}, a.noService(ref, cat)
	}
	rows, _, err := a.serviceRows(ctx)
	if err != nil {
		return answer{}, err
	}
	i := slices.IndexFunc(rows, func(r serviceRow) bool { return r.Entity.Ref == entity.Ref })
	if i < 0 { // the catalog was replaced between the two looks
		return answer{}, a.noService(ref, cat)
	}
	return document(struct {
		apiServiceDoc
		Entity catalog.Entity `json:"entity"`
	}{a.apiServiceOf(rows[i], true), entity})
}

func (a *app) apiDefinitions(ctx context.Context, r request) (answer, error) {
	return document(map[string]any{"definitions": list(metrics.Definitions())})
}

func (a *app) apiFirstDeploy(ctx context.Context, r request) (answer, error) {
	of, opt, err := firstDeployQuery(r)
	if err != nil {
		return answer{}, err
	}
	page, err := pageOf(r)
	if err != nil {
		return answer{}, err
	}
	result, err := a.figures.firstDeploy(ctx, of, opt)
	if err != nil {
		return answer{}, err
	}
	return document(struct {
		metrics.TTFD
		Subjects      []metrics.Subject `json:"subjects"` // of the page
		SubjectsTotal int               `json:"subjects_total"`
		Basis         []metrics.Basis   `json:"basis"`
		BasisTotal    int               `json:"basis_total"`
		Next          string            `json:"next"`
	}{
		result, list(part(result.Subjects, page, apiListSize)), len(result.Subjects), basisPart(result.Basis), len(result.Basis),
		nextPage("/api/v1/metrics/time-to-first-deploy", r, page, apiListSize, len(result.Subjects)),
	})
}

// basisPart bounds the ledger that a metric rests on; the scopes that lack most come first.
func basisPart(basis []metrics.Basis) []metrics.Basis { return list(part(basis, 1, apiListSize)) }

func (a *app) apiFrequency(ctx context.Context, r request) (answer, error) {
	filter, err := a.parseFilter(ctx, r, eventKinds[0])
	if err != nil {
		return answer{}, err
	}
	window := metrics.Window{From: filter.From, To: filter.To}
	if window.From.IsZero() && window.To.IsZero() {
		window = chartWindow(a.deps.Now(), weeksShown)
	}
	bucket := metrics.Grouping(r.Query("bucket", string(metrics.Week)))
	if err := oneOf("bucket", string(bucket), string(metrics.Day), string(metrics.Week), string(metrics.Month)); err != nil {
		return answer{}, err
	}
	series, err := a.figures.frequency(ctx, metrics.DeployQuery{
		Service: filter.Service, Environment: filter.Environment, Window: window, Bucket: bucket,
	})
	if err != nil {
		return answer{}, err
	}
	return document(struct {
		metrics.Series
		Basis      []metrics.Basis `json:"basis"`
		BasisTotal int             `json:"basis_total"`
	}{series, basisPart(series.Basis), len(series.Basis)})
}

func (a *app) apiLedger(ctx context.Context, r request) (answer, error) {
	page, err := pageOf(r)
	if err != nil {
		return answer{}, err
	}
	rows, err := a.ledgerRows(ctx)
	if err != nil {
		return answer{}, err
	}
	return document(map[string]any{
		"ledger": list(part(rows, page, apiListSize)), "total": len(rows), "next": nextPage("/api/v1/ledger", r, page, apiListSize, len(rows)),
	})
}

func (a *app) apiEvents(ctx context.Context, r request) (answer, error) {
	kind, err := kindOf(r.Param("kind"))
	if err != nil {
		return answer{}, err
	}
	filter, err := a.parseFilter(ctx, r, kind)
	if err != nil {
		return answer{}, err
	}
	page, err := pageOf(r)
	if err != nil {
		return answer{}, err
	}
	counts, err := a.countEvents(ctx, kind, filter)
	if err != nil {
		return answer{}, err
	}
	total := int(counts.N)
	rows, err := a.listEvents(ctx, kind, filter, apiSize, (page-1)*apiSize)
	if err != nil {
		return answer{}, err
	}
	next := nextPage("/api/v1/events/"+kind.Name, r, page, apiSize, total)
	doc := map[string]any{"kind": kind.Name, "total": total, "events": list(rows), "next": next}
	if kind.Timed {
		doc["without_duration"] = counts.NoDuration
	}
	if kind.Queued {
		doc["without_queue"] = counts.NoQueue
	}
	return document(doc)
}
