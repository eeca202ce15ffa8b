// Package api makes the documents of the JSON API. They are those of package report, which `dxctl -o json` prints too.
package api

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/report/records"
	"github.com/dxctl/dxctl/report/sorting"
	"github.com/dxctl/dxctl/scorecards/campaign"
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

// lister makes the route of a list, with its filters and the columns of the page that shows the same.
type lister func(path string, produce route.Maker, title string, filters []string) route.Route

// Routes are the addresses of the API. Lists take the filters and the columns of the pages that show the same.
func (a *API) Routes() []route.Route {
	list := func(path string, produce route.Maker, title string, filters []string) route.Route {
		return route.Get(path, produce, route.APIParameters(filters...)...).
			Titled(title + "; " + strings.Join(slices.Concat(filters, []string{"sort", "dir", "page", "per_page"}), ", "))
	}
	past := func(filters []string) []string { return append(slices.Clone(filters), "as_of") }
	return slices.Concat(a.surveyRoutes(list), a.batchRoutes(list), []route.Route{
		route.Get("/api/v1", a.index).Titled("this list").Answers(IndexDocument{}),
		list("/api/v1/services", a.services, "services with their levels and numbers", past(route.ServiceFilters)).
			With(sortedBy(sorting.Columns(report.ServiceColumns)), outcomes).Answers(report.ServicesDocument{}),
	}, a.one("/api/v1/services/:namespace/:name", "service"), []route.Route{
		list("/api/v1/entities", a.entities, "graded entities that are no services, such as libraries, with their levels",
			past(route.ServiceFilters)).
			With(sortedBy(sorting.Columns(report.EntityColumns)), outcomes).Answers(report.EntitiesDocument{}),
	}, a.one("/api/v1/entities/:entitykind/:namespace/:name", "graded entity, such as a system"), []route.Route{
		list("/api/v1/grades", a.grades, "grades with their rules", past(route.ServiceFilters)).
			With(sortedBy(sorting.Columns(report.ServiceColumns)), outcomes, perPage(route.APIRuleSize)).
			Answers(report.GradesDocument{}),
		list("/api/v1/waivers", a.waivers, "waivers with their state and what the rules would be without them",
			route.WaiverFilters).
			With(sortedBy(sorting.Columns(report.WaiverColumns)), oneOf("state", "state of the waiver", report.WaiverStates)).
			Answers(report.WaiversDocument{}),
		live(list("/api/v1/campaigns", a.campaigns, "campaigns with how their services stand and the forecast",
			route.CampaignFilters)).
			With(sortedBy(sorting.Columns(report.CampaignColumns)), oneOf("state", "state of the campaign", campaign.States)).
			Answers(report.CampaignsDocument{}),
		live(list("/api/v1/campaigns/:campaign", a.campaign, "one campaign with its burn-down, and who is left; "+
			"verdict=all: every service", route.CampaignRowFilters)).
			With(sortedBy(sorting.Columns(report.CampaignRowColumns)), route.Parameter{Name: "verdict",
				Description: "what the service is to the campaign", Values: route.CampaignVerdicts(),
				Default: report.LeftOver}).
			Answers(report.CampaignDetail{}),
		list("/api/v1/scorecards", a.scorecards, "scorecards with the levels of what they grade", past(route.CardFilters)).
			With(sortedBy(sorting.Columns(report.CardColumns)), oneOf("origin", "where the scorecard is from", report.Origins)).
			Answers(report.CardsDocument{}),
		list("/api/v1/scorecards/:scorecard", a.scorecard, "one scorecard with its rules, and its levels over time",
			past(route.CardRuleFilters)).
			With(sortedBy(sorting.Columns(report.RuleColumns)),
				oneOf("stage", "stage in the life of the rule", report.RuleStages),
				route.Parameter{Name: "level", Description: "level that needs the rule"}).
			Answers(report.CardDetail{}),
		list("/api/v1/scorecards/:scorecard/services", a.scorecardServices, "what a scorecard grades, with level and score",
			past(route.CardServiceFilters)).
			With(sortedBy(sorting.Columns(report.CardServiceColumns))).Answers(report.CardServicesDocument{}),
		list("/api/v1/scorecards/:scorecard/teams", a.scorecardTeams, "the teams of what a scorecard grades, by level",
			past(route.CardTeamFilters)).
			With(sortedBy(sorting.Columns(report.CardTeamColumns))).Answers(report.CardTeamsDocument{}),
		list("/api/v1/scorecards/:scorecard/rules/:rule", a.rule, "one rule: who passes, since when, what it would take",
			past(route.RuleServiceFilters)).
			With(sortedBy(sorting.Columns(report.RuleServiceColumns)), outcomes).Answers(report.RulePageDocument{}),
		route.Get("/api/v1/compliance", a.compliance, route.ComplianceFilters...).
			Titled("what the rules show about the controls of a public standard; " +
				strings.Join(route.ComplianceFilters, ", ")).
			With(route.ComplianceParameters()...).Answers(report.ComplianceDocument{}),
		list("/api/v1/teams", a.teams, "teams with their levels and deployments", route.TeamFilters).
			With(sortedBy(sorting.Columns(report.TeamColumns))).Answers(report.TeamsDocument{}),
		route.Get("/api/v1/metrics", a.definitions).Titled("the definitions of the metrics").
			Answers(DefinitionsDocument{}),
		a.adoptionRoute(list),
		list("/api/v1/metrics/time-to-first-deploy", a.firstDeploy, "time to first deploy with its cohorts and subjects",
			route.SubjectFilters).
			With(sortedBy(sorting.Columns(report.SubjectColumns(metrics.Engineers)),
				sorting.Columns(report.SubjectColumns(metrics.Services))),
				oneOf("state", "state of the subject", report.SubjectStates)).
			Answers(report.FirstDeployDocument{}),
		route.Get("/api/v1/metrics/deployment-frequency", a.frequency, "service", "environment", "from", "to", "bucket").
			Titled("deployments per bucket; service, environment, from, to, bucket=day|week|month").
			Answers(report.FrequencyDocument{}),
		list("/api/v1/ledger", a.ledger, "what sources said they have against what is stored", route.LedgerFilters).
			With(sortedBy(sorting.Heads(report.LedgerColumns))).Answers(report.LedgerDocument{}),
		list("/api/v1/unmapped", a.unmapped, "scopes that no service claims", route.UnmappedFilters).
			With(sortedBy(sorting.Heads(report.UnmappedColumns))).Answers(report.UnmappedScopesDocument{}),
		list("/api/v1/events/:kind", a.events, "deployments, pipeline_runs, pipeline_jobs, changes, incidents or action_runs",
			route.RecordParameters).
			With(sortedBy(columnsOfKinds()...), perPage(route.APISize)).
			Answers(EventsDocument[records.Deployment]{}, EventsDocument[records.PipelineRun]{},
				EventsDocument[records.PipelineJob]{}, EventsDocument[records.Change]{}, EventsDocument[records.Incident]{},
				EventsDocument[records.ActionRun]{}),
	})
}

func (a *API) adoptionRoute(list lister) route.Route {
	return list(adoptionPath, a.adoption, "golden-path adoption: which services follow a golden path by their lock files",
		route.AdoptionFilters).
		With(sortedBy(sorting.Columns(report.AdoptionColumns)), oneOf("state", "state of the service",
			report.AdoptionStates), route.Parameter{Name: "path", Description: "name of a golden path"}).
		Answers(report.AdoptionDocument{})
}

// one has the routes of one entity.
func (a *API) one(path, what string) []route.Route {
	return []route.Route{
		route.Get(path, a.service, "as_of").
			Titled("one "+what+" with its rules and numbers; as_of=2026-05-31: its grades by the facts known then").
			Answers(report.ServiceDetail{}, report.AsOfDocument{}),
		route.Get(path+"/history", a.history).Titled("how the grades of one " + what + " changed, rule by rule").
			Answers(report.HistoryDocument{}),
		route.Get(path+"/facts", a.facts, "prefix", "q", "sort", "dir").
			Titled("the facts of one " + what + ", known or not; prefix, such as repository.files., q, sort, dir").
			With(sortedBy(sorting.Columns(report.FactColumns))).Answers(report.FactsDocument{}),
		route.Get(path+"/badge", a.badge, "scorecard").
			Titled("a badge of the level of one " + what + ", for shields.io; scorecard").Answers(report.Badge{}),
		live(route.Get(path+"/gate", a.gate, "scorecard", "level", "as_of").
			Titled("whether one "+what+" has the level of a scorecard that is required: pass, fail or unknown, with the "+
				"evidence; scorecard, level, as_of").
			With(
				route.Parameter{Name: "scorecard", Description: "name of the scorecard", Required: true},
				route.Parameter{Name: "level", Description: "level that is required", Required: true},
			).Answers(report.GateDocument{})),
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

// IndexDocument lists the paths of the API.
type IndexDocument struct {
	Version string       `json:"version"`
	Program string       `json:"program"` // version of dxctl
	Routes  []IndexEntry `json:"routes"`
}

// IndexEntry is a path of the API.
type IndexEntry struct {
	Path  string `json:"path"`
	Title string `json:"title"`
}

// DefinitionsDocument has the definitions of the metrics.
type DefinitionsDocument struct {
	Definitions []metrics.Definition `json:"definitions"`
}

func (a *API) index(context.Context, route.Request) (route.Answer, error) {
	var list []IndexEntry
	for _, r := range a.Routes() {
		list = append(list, IndexEntry{r.Path, r.Title})
	}
	list = append(list, IndexEntry{OpenAPIPath, "the API as an OpenAPI 3.1 document"})
	return document(IndexDocument{"v1", a.version, list})
}

func (a *API) services(ctx context.Context, r route.Request) (route.Answer, error) {
	p, err := route.APIPage(r, route.APIListSize)
	if err != nil {
		return route.Answer{}, err
	}
	reader, past, err := a.readerOf(ctx, r)
	if err != nil {
		return route.Answer{}, err
	}
	services, err := reader.Services(ctx)
	if err != nil {
		return route.Answer{}, err
	}
	list, filtered, err := selected(r, reader, services, report.ServiceColumns)
	if err != nil {
		return route.Answer{}, err
	}
	doc := report.NewServicesDocument(list, p)
	if filtered { // a filter of services selects no scope that belongs to none
		services.Unmapped = nil
	}
	if past.AsOf.IsZero() {
		doc.SetUnmapped(report.PageOf(services.Unmapped, p), len(services.Unmapped))
	}
	doc.Past = past.WithoutNumbers()
	doc.Next = route.NextPageAsOf("/api/v1/services", r, p, max(doc.Total, len(services.Unmapped)), past.AsOf)
	return document(doc)
}

// entities lists the graded entities that are no services.
func (a *API) entities(ctx context.Context, r route.Request) (route.Answer, error) {
	p, err := route.APIPage(r, route.APIListSize)
	if err != nil {
		return route.Answer{}, err
	}
	reader, past, err := a.readerOf(ctx, r)
	if err != nil {
		return route.Answer{}, err
	}
	services, err := reader.Services(ctx)
	if err != nil {
		return route.Answer{}, err
	}
	list, _, err := selected(r, reader, report.Services{List: services.Others}, report.EntityColumns)
	if err != nil {
		return route.Answer{}, err
	}
	doc := report.NewEntitiesDocument(list, p)
	doc.Past = past.WithoutNumbers()
	doc.Next = route.NextPageAsOf("/api/v1/entities", r, p, doc.Total, past.AsOf)
	return document(doc)
}

// selected returns the services that a request asks for, in its order, and whether it has a filter.
func selected(r route.Request, reader *report.Reader, services report.Services,
	columns []sorting.Field[report.Service]) ([]report.Service, bool, error) {
	filter, err := route.ServiceFilterOf(r, reader, reader.ServiceChoices(services))
	if err != nil {
		return nil, false, err
	}
	order, err := route.OrderOf(r, sorting.Columns(columns), sorting.Order{})
	return sorting.Rows(services.Select(filter), columns, order), filter != report.ServiceFilter{}, err
}

func (a *API) teams(ctx context.Context, r route.Request) (route.Answer, error) {
	p, err := route.APIPage(r, route.APIListSize)
	if err != nil {
		return route.Answer{}, err
	}
	order, err := route.OrderOf(r, sorting.Columns(report.TeamColumns), report.ByName)
	if err != nil {
		return route.Answer{}, err
	}
	teams, err := a.reader.Teams(ctx)
	if err != nil {
		return route.Answer{}, err
	}
	list := sorting.Rows(teams.Select(r.Query("q", "")), report.TeamColumns, order)
	doc := report.NewTeamsDocument(list, teams.Window, p)
	doc.Next = route.NextPage("/api/v1/teams", r, p, doc.Total)
	return document(doc)
}

func (a *API) definitions(context.Context, route.Request) (route.Answer, error) {
	return document(DefinitionsDocument{metrics.Definitions()})
}

func (a *API) firstDeploy(ctx context.Context, r route.Request) (route.Answer, error) {
	of, opt, err := route.FirstDeployQuery(r)
	if err != nil {
		return route.Answer{}, err
	}
	p, err := route.APIPage(r, route.APIListSize)
	if err != nil {
		return route.Answer{}, err
	}
	columns := report.SubjectColumns(of)
	order, err := route.OrderOf(r, sorting.Columns(columns), sorting.Order{})
	if err != nil {
		return route.Answer{}, err
	}
	result, err := a.reader.TimeToFirstDeploy(ctx, of, opt)
	if err != nil {
		return route.Answer{}, err
	}
	filter, err := route.SubjectFilterOf(ctx, r, a.reader, result)
	if err != nil {
		return route.Answer{}, err
	}
	result.Subjects = sorting.Rows(filter.Select(result.Subjects), columns, order)
	doc := report.NewFirstDeployDocument(result, p)
	doc.Next = route.NextPage("/api/v1/metrics/time-to-first-deploy", r, p, doc.SubjectsTotal)
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
	series, err := a.reader.DeploymentFrequency(ctx, metrics.DeployQuery{
		Service: filter.Service, Environment: filter.Environment, Window: window, Bucket: bucket,
	})
	if err != nil {
		return route.Answer{}, err
	}
	return document(report.NewFrequencyDocument(series, report.Page{Number: 1, Size: route.APIListSize}))
}

func (a *API) ledger(ctx context.Context, r route.Request) (route.Answer, error) {
	p, err := route.APIPage(r, route.APIListSize)
	if err != nil {
		return route.Answer{}, err
	}
	filter, err := route.LedgerFilterOf(ctx, r, a.reader)
	if err != nil {
		return route.Answer{}, err
	}
	order, err := route.OrderOf(r, sorting.Heads(report.LedgerColumns), report.MostMissing)
	if err != nil {
		return route.Answer{}, err
	}
	totals, err := a.reader.LedgerTotals(ctx, filter)
	if err != nil {
		return route.Answer{}, err
	}
	rows, err := a.reader.Ledger(ctx, filter, order, p)
	if err != nil {
		return route.Answer{}, err
	}
	doc := report.NewLedgerDocument(rows, int(totals.Rows))
	doc.Next = route.NextPage("/api/v1/ledger", r, p, doc.Total)
	return document(doc)
}

func (a *API) unmapped(ctx context.Context, r route.Request) (route.Answer, error) {
	p, err := route.APIPage(r, route.APIListSize)
	if err != nil {
		return route.Answer{}, err
	}
	filter, err := route.UnmappedFilterOf(ctx, r, a.reader)
	if err != nil {
		return route.Answer{}, err
	}
	order, err := route.OrderOf(r, sorting.Heads(report.UnmappedColumns), report.MostRecords)
	if err != nil {
		return route.Answer{}, err
	}
	scopes, total, err := a.reader.Unmapped(ctx, filter, order, p)
	if err != nil {
		return route.Answer{}, err
	}
	doc := report.NewUnmappedDocument(scopes, total)
	doc.Next = route.NextPage("/api/v1/unmapped", r, p, total)
	return document(doc)
}

// EventsDocument is a part of the list of the records of one kind. The counts are of those that fit the filter and have
// ended; they are absent for kinds that have no such time.
type EventsDocument[T records.Record] struct {
	Kind            string  `json:"kind"`
	Total           uint64  `json:"total"`
	WithoutDuration *uint64 `json:"without_duration,omitempty"`
	WithoutQueue    *uint64 `json:"without_queue,omitempty"`
	Events          []T     `json:"events"`
	Next            string  `json:"next"`
}

func (a *API) events(ctx context.Context, r route.Request) (route.Answer, error) {
	kind, filter, err := r.Records(ctx, a.reader)
	if err != nil {
		return route.Answer{}, err
	}
	p, err := route.APIPage(r, route.APISize)
	if err != nil {
		return route.Answer{}, err
	}
	order, err := route.OrderOf(r, sorting.Heads(kind.Listed()), records.Latest)
	if err != nil {
		return route.Answer{}, err
	}
	counts, err := a.reader.CountRecords(ctx, kind, filter.Filter)
	if err != nil {
		return route.Answer{}, err
	}
	list, err := a.reader.Records(ctx, kind, filter.Filter, order, p.Size, (p.Number-1)*p.Size)
	if err != nil {
		return route.Answer{}, err
	}
	doc := EventsDocument[records.Record]{Kind: kind.Name, Total: counts.N, Events: list}
	doc.Next = route.NextPage("/api/v1/events/"+kind.Name, r, p, int(counts.N))
	if kind.Timed {
		doc.WithoutDuration = &counts.NoDuration
	}
	if kind.Queued {
		doc.WithoutQueue = &counts.NoQueue
	}
	return document(doc)
}
