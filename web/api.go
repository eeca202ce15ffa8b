package web

import (
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

// answer writes a document of the API. Within /api/v1 fields are added, never renamed or removed.
func answer(c *fiber.Ctx, doc any) error {
	raw, err := json.Marshal(doc)
	if err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	c.Set(fiber.HeaderContentType, "application/json")
	c.Set(fiber.HeaderCacheControl, "no-cache, private")
	return c.Send(append(raw, '\n'))
}

func (a *app) apiIndex(c *fiber.Ctx) error {
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
	return answer(c, map[string]any{"version": "v1", "program": a.deps.Version, "routes": list})
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

func (a *app) apiServices(c *fiber.Ctx) error {
	ctx, cancel := requestContext(c)
	defer cancel()
	rows, unmapped, err := a.serviceRows(ctx)
	if err != nil {
		return err
	}
	docs := make([]apiServiceDoc, len(rows))
	for i, r := range rows {
		docs[i] = a.apiServiceOf(r, false)
	}
	return answer(c, map[string]any{"services": docs, "unmapped": list(unmapped)})
}

func (a *app) apiService(c *fiber.Ctx) error {
	ref := strings.ToLower("component:" + c.Params("namespace") + "/" + c.Params("name"))
	cat := a.deps.Catalog()
	entity, ok := cat.Entity(ref)
	if !ok || !entity.IsService() {
		return a.noService(ref, cat)
	}
	ctx, cancel := requestContext(c)
	defer cancel()
	rows, _, err := a.serviceRows(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(rows, func(r serviceRow) bool { return r.Entity.Ref == entity.Ref })
	if i < 0 { // the catalog was replaced between the two looks
		return a.noService(ref, cat)
	}
	return answer(c, struct {
		apiServiceDoc
		Entity catalog.Entity `json:"entity"`
	}{a.apiServiceOf(rows[i], true), entity})
}

func (a *app) apiDefinitions(c *fiber.Ctx) error {
	return answer(c, map[string]any{"definitions": list(metrics.Definitions())})
}

func (a *app) apiFirstDeploy(c *fiber.Ctx) error {
	of, opt, err := firstDeployQuery(c)
	if err != nil {
		return err
	}
	ctx, cancel := requestContext(c)
	defer cancel()
	result, err := a.figures.firstDeploy(ctx, of, opt)
	if err != nil {
		return err
	}
	return answer(c, result)
}

func (a *app) apiFrequency(c *fiber.Ctx) error {
	filter, err := parseFilter(c)
	if err != nil {
		return err
	}
	window, err := windowOf(c)
	if err != nil {
		return err
	}
	if window.From.IsZero() && window.To.IsZero() {
		window = chartWindow(a.deps.Now(), weeksShown)
	}
	bucket := metrics.Grouping(c.Query("bucket", string(metrics.Week)))
	if !slices.Contains([]metrics.Grouping{metrics.Day, metrics.Week, metrics.Month}, bucket) {
		return fiber.NewError(fiber.StatusBadRequest, fmt.Sprintf("bucket=%q is not known; write day, week or month", string(bucket)))
	}
	ctx, cancel := requestContext(c)
	defer cancel()
	series, err := a.figures.frequency(ctx, metrics.DeployQuery{
		Service: filter.Service, Environment: filter.Environment, Window: window, Bucket: bucket,
	})
	if err != nil {
		return err
	}
	return answer(c, series)
}

func (a *app) apiLedger(c *fiber.Ctx) error {
	ctx, cancel := requestContext(c)
	defer cancel()
	rows, err := a.ledgerRows(ctx)
	if err != nil {
		return err
	}
	return answer(c, map[string]any{"ledger": list(rows)})
}

func (a *app) apiEvents(c *fiber.Ctx) error {
	kind, err := kindOf(c.Params("kind"))
	if err != nil {
		return err
	}
	filter, err := parseFilter(c)
	if err != nil {
		return err
	}
	page, err := pageOf(c)
	if err != nil {
		return err
	}
	ctx, cancel := requestContext(c)
	defer cancel()
	total, err := a.countEvents(ctx, kind, filter)
	if err != nil {
		return err
	}
	const size = 500
	rows, err := a.listEvents(ctx, kind, filter, size, (page-1)*size)
	if err != nil {
		return err
	}
	next := ""
	if page*size < total {
		next = withPage("/api/v1/events/"+kind.Name, queryOf(c), page+1)
	}
	return answer(c, map[string]any{"kind": kind.Name, "total": total, "events": list(rows), "next": next})
}
