// Package api makes the documents of the JSON API. They are those of package report, which `dxctl -o json` prints too.
package api

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/report/records"
	"github.com/dxctl/dxctl/web/route"
	"github.com/gofiber/fiber/v2"
)

// API makes the documents.
type API struct {
	reader  *report.Reader
	version string // of the program
}

// New returns the API of a reader.
func New(reader *report.Reader, version string) *API { return &API{reader: reader, version: version} }

// Routes are the addresses of the API.
func (a *API) Routes() []route.Route {
	return []route.Route{
		route.Get("/api/v1", a.index).Titled("this list"),
		route.Get("/api/v1/services", a.services, "page").Titled("every service with its level and numbers; page"),
		route.Get("/api/v1/services/:namespace/:name", a.service).Titled("one service with its rules and numbers"),
		route.Get("/api/v1/grades", a.grades, "page").Titled("every grade with its rules; page"),
		route.Get("/api/v1/metrics", a.definitions).Titled("the definitions of the metrics"),
		route.Get("/api/v1/metrics/time-to-first-deploy", a.firstDeploy, "of", "cohort", "from", "to", "page").
			Titled("time to first deploy; of=engineers|services, cohort=month|quarter|half-year|team, from, to," +
				" and page of the subjects"),
		route.Get("/api/v1/metrics/deployment-frequency", a.frequency, "service", "environment", "from", "to", "bucket").
			Titled("deployments per bucket; service, environment, from, to, bucket=day|week|month"),
		route.Get("/api/v1/ledger", a.ledger, "source", "gaps", "windows", "page").
			Titled("what sources said they have against what is stored; source, gaps=true, windows=true, page"),
		route.Get("/api/v1/events/:kind", a.events, append([]string{"page"}, route.RecordParameters...)...).
			Titled("deployments, pipeline_runs, pipeline_jobs, changes or incidents; the filters of the pages, and page"),
	}
}

// document encodes a document.
func document(doc any) (route.Answer, error) {
	raw, err := json.Marshal(doc)
	if err != nil {
		return route.Answer{}, fmt.Errorf("encoding the answer: %w", err)
	}
	return route.Answer{Type: fiber.MIMEApplicationJSON, Body: append(raw, '\n')}, nil
}

// page reads the number of the page of a list.
func page(r route.Request) (report.Page, error) {
	number, err := route.PageOf(r)
	return report.Page{Number: number, Size: route.APIListSize}, err
}

func (a *API) index(context.Context, route.Request) (route.Answer, error) {
	type entry struct {
		Path  string `json:"path"`
		Title string `json:"title"`
	}
	var list []entry
	for _, r := range a.Routes() {
		list = append(list, entry{r.Path, r.Title})
	}
	return document(map[string]any{"version": "v1", "program": a.version, "routes": list})
}

func (a *API) services(ctx context.Context, r route.Request) (route.Answer, error) {
	p, err := page(r)
	if err != nil {
		return route.Answer{}, err
	}
	services, err := a.reader.Services(ctx)
	if err != nil {
		return route.Answer{}, err
	}
	doc := services.Document(p)
	doc.Next = route.NextPage("/api/v1/services", r, p.Number, p.Size, max(doc.Total, doc.UnmappedTotal))
	return document(doc)
}

func (a *API) service(ctx context.Context, r route.Request) (route.Answer, error) {
	service, err := a.reader.Service(ctx, r.ServiceRef())
	if err != nil {
		return route.Answer{}, err
	}
	return document(service.Document())
}

func (a *API) grades(ctx context.Context, r route.Request) (route.Answer, error) {
	p, err := page(r)
	if err != nil {
		return route.Answer{}, err
	}
	grades, err := a.reader.Grades(ctx)
	if err != nil {
		return route.Answer{}, err
	}
	doc := report.NewGradesDocument(grades, p)
	doc.Next = route.NextPage("/api/v1/grades", r, p.Number, p.Size, doc.Total)
	return document(doc)
}

func (a *API) definitions(context.Context, route.Request) (route.Answer, error) {
	return document(map[string]any{"definitions": metrics.Definitions()})
}

func (a *API) firstDeploy(ctx context.Context, r route.Request) (route.Answer, error) {
	of, opt, err := route.FirstDeployQuery(r)
	if err != nil {
		return route.Answer{}, err
	}
	p, err := page(r)
	if err != nil {
		return route.Answer{}, err
	}
	result, err := a.reader.TimeToFirstDeploy(ctx, of, opt)
	if err != nil {
		return route.Answer{}, err
	}
	doc := report.NewFirstDeployDocument(result, p)
	doc.Next = route.NextPage("/api/v1/metrics/time-to-first-deploy", r, p.Number, p.Size, doc.SubjectsTotal)
	return document(doc)
}

func (a *API) frequency(ctx context.Context, r route.Request) (route.Answer, error) {
	filter, err := route.ParseFilter(ctx, a.reader, r, records.Deployments)
	if err != nil {
		return route.Answer{}, err
	}
	window := metrics.Window{From: filter.From, To: filter.To}
	if window.From.IsZero() && window.To.IsZero() {
		window = a.reader.ChartWindow()
	}
	bucket := metrics.Grouping(r.Query("bucket", string(metrics.Week)))
	err = route.OneOf("bucket", string(bucket), string(metrics.Day), string(metrics.Week), string(metrics.Month))
	if err != nil {
		return route.Answer{}, err
	}
	series, err := a.reader.DeploymentFrequency(ctx, metrics.DeployQuery{
		Service: filter.Service, Environment: filter.Environment, Window: window, Bucket: bucket,
	})
	if err != nil {
		return route.Answer{}, err
	}
	return document(report.NewFrequencyDocument(series, report.Page{Number: 1, Size: route.APIListSize}))
}

func (a *API) ledger(ctx context.Context, r route.Request) (route.Answer, error) {
	p, err := page(r)
	if err != nil {
		return route.Answer{}, err
	}
	filter := report.LedgerFilter{Source: r.Query("source", "")}
	if filter.Gaps, err = r.Flag("gaps"); err != nil {
		return route.Answer{}, err
	}
	if filter.Windows, err = r.Flag("windows"); err != nil {
		return route.Answer{}, err
	}
	if err := route.Known(ctx, "source", filter.Source, a.reader.SourceNames); err != nil {
		return route.Answer{}, err
	}
	rows, err := a.reader.Ledger(ctx, filter)
	if err != nil {
		return route.Answer{}, err
	}
	doc := report.NewLedgerDocument(rows, p)
	doc.Next = route.NextPage("/api/v1/ledger", r, p.Number, p.Size, doc.Total)
	return document(doc)
}

// eventsDocument is a part of the list of the records of one kind. The counts are of those that fit the filter and have
// ended; they are absent for kinds that have no such time.
type eventsDocument struct {
	Kind            string           `json:"kind"`
	Total           uint64           `json:"total"`
	WithoutDuration *uint64          `json:"without_duration,omitempty"`
	WithoutQueue    *uint64          `json:"without_queue,omitempty"`
	Events          []records.Record `json:"events"`
	Next            string           `json:"next"`
}

func (a *API) events(ctx context.Context, r route.Request) (route.Answer, error) {
	kind, filter, err := r.Records(ctx, a.reader)
	if err != nil {
		return route.Answer{}, err
	}
	number, err := route.PageOf(r)
	if err != nil {
		return route.Answer{}, err
	}
	counts, err := a.reader.CountRecords(ctx, kind, filter.Filter)
	if err != nil {
		return route.Answer{}, err
	}
	list, err := a.reader.Records(ctx, kind, filter.Filter, route.APISize, (number-1)*route.APISize)
	if err != nil {
		return route.Answer{}, err
	}
	doc := eventsDocument{Kind: kind.Name, Total: counts.N, Events: list}
	doc.Next = route.NextPage("/api/v1/events/"+kind.Name, r, number, route.APISize, int(counts.N))
	if kind.Timed {
		doc.WithoutDuration = &counts.NoDuration
	}
	if kind.Queued {
		doc.WithoutQueue = &counts.NoQueue
	}
	return document(doc)
}
