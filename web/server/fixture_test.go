package server_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/people"
	"github.com/dxctl/dxctl/repository/waiver"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/campaign"
	"github.com/dxctl/dxctl/store"
	"github.com/dxctl/dxctl/store/storetest"
	"github.com/dxctl/dxctl/web/server"
)

// present is the time of the tests: a Wednesday.
var present = time.Date(2026, 11, 18, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return present }

// fixture is the dashboard over a store with data of its own.
type fixture struct {
	app     *fiber.App
	store   *store.Store
	catalog *catalog.Catalog
	deps    server.Deps
}

// newFixture builds the dashboard over the catalog and the people given, and appends the events.
func newFixture(tb testing.TB, descriptors, peopleCSV string, events []event.Event) *fixture {
	tb.Helper()
	ctx := context.Background()
	dir := tb.TempDir()
	write(tb, dir, "catalog.yaml", descriptors)
	write(tb, dir, "people.csv", peopleCSV)
	write(tb, dir, "scorecard.yaml", testScorecard)
	write(tb, dir, "others.yaml", othersScorecard)
	cat, warnings, err := catalog.Load(catalog.Config{Files: []string{"catalog.yaml"}},
		people.Config{Files: []string{"people.csv"}}, dir)
	if err != nil {
		tb.Fatal(err)
	}
	for _, w := range warnings {
		tb.Logf("catalog: %s:%d: %s", w.File, w.Line, w.Message)
	}
	s := storetest.Open(tb)
	if err := cat.Sync(ctx, s); err != nil {
		tb.Fatal(err)
	}
	publishSurveys(tb, s)
	for _, f := range cat.Facts(present) {
		events = append(events, f)
	}
	if err := s.Append(ctx, events...); err != nil {
		tb.Fatal(err)
	}
	engine, err := metrics.New(s, clock)
	if err != nil {
		tb.Fatal(err)
	}
	cards, err := scorecards.Load(scorecards.Config{Files: []string{"scorecard.yaml", "others.yaml"}}, dir)
	if err != nil {
		tb.Fatal(err)
	}
	graded, err := scorecards.New(cards, clock)
	if err != nil {
		tb.Fatal(err)
	}
	var waivers []waiver.Waiver // requested only, so that they change no grade
	for _, e := range cat.Entities() {
		rule := map[bool]string{true: "system"}[e.IsService()]
		if e.Kind == "System" {
			rule = "described"
		}
		waivers = append(waivers, waiver.Waiver{
			Rule: rule, Service: e.Ref, Reason: "planned", Note: "In January.", By: "user:default/ana",
			Until: present.Truncate(24*time.Hour).AddDate(0, 0, 30), Origin: waiver.FromRepository, File: "w.yaml", Line: 4,
		})
	}
	book := waiver.NewBook(waivers, nil)
	graded = graded.WithWaivers(func() *waiver.Book { return book })
	all := testCampaigns
	for i := range 50 { // so that their list has two pages
		all += fmt.Sprintf("---\napiVersion: dxctl.dev/v1\nkind: Campaign\nid: year-%d\ntitle: The campaign number %d\nwhy: w\n"+
			"owner: o\nscorecard: test-path\nlevel: gold\nstarts: 2027-01-%02d\nends: 2027-03-31\n", i, i, i%28+1)
	}
	campaigns := campaign.Parse([]byte(all), "campaigns.yaml", cards, nil)
	if len(campaigns.Problems) != 1 {
		tb.Fatal(campaigns.Problems)
	}
	registry := prometheus.NewRegistry()
	f := &fixture{store: s, catalog: cat, deps: server.Deps{
		Store: s, DataVersion: s.Reader().DataVersion, Metrics: engine, Scorecards: graded,
		GradeHistory: s.GradeHistory,
		FactHistory:  s,
		CountOutcome: s.CountOutcome,
		RulesHistory: s.RulesHistory,

		OutcomeChanges: s.OutcomeChanges, RepairedOutcomes: s.RepairedOutcomes,
		Campaigns: func() *campaign.Set { return &campaigns },
		Fixes:     plannedFixes,
		Ping: func(ctx context.Context) error {
			_, err := s.Info(ctx)
			return err
		},
		Catalog: func() *catalog.Catalog { return cat }, Logger: slog.New(slog.NewTextHandler(tb.Output(), nil)),
		Registerer: registry, Gatherer: registry, Now: clock, Version: "test",
	}}
	if f.app, err = server.New(server.DefaultConfig(), f.deps); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = f.app.Shutdown() }) // ends the computations before the store is closed
	return f
}

func write(tb testing.TB, dir, name, content string) {
	tb.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
		tb.Fatal(err)
	}
}

// get asks for a path as a browser on this machine would. It returns a page as one line.
func (f *fixture) get(tb testing.TB, path string) (status int, header http.Header, body string) {
	tb.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Host = "127.0.0.1:8080"
	status, header, body = f.do(tb, r)
	if strings.HasPrefix(header.Get("Content-Type"), "text/html") {
		body = oneLine(body)
	}
	return status, header, body
}

func (f *fixture) do(tb testing.TB, r *http.Request) (status int, header http.Header, body string) {
	tb.Helper()
	resp, err := f.app.Test(r, 60_000)
	if err != nil {
		tb.Fatalf("%s %s: %v", r.Method, r.URL, err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(raw)
}

// oneLine removes the line breaks of the templates, which a browser shows as spaces or, between blocks, not at all.
func oneLine(page string) string {
	page = spaces.ReplaceAllString(page, " ")
	return betweenBlocks.ReplaceAllString(strings.ReplaceAll(page, " >", ">"), ">$1")
}

var (
	spaces        = regexp.MustCompile(`\s+`)
	betweenBlocks = regexp.MustCompile(`> (</?(?:t[drh]|thead|tbody|table|li|ol|ul|d[dtl]|div|section|header|p|h[1-3]|form|option|select|label)\b)`)
)

// page is get for a page that must be there.
func (f *fixture) page(tb testing.TB, path string) string {
	tb.Helper()
	status, _, body := f.get(tb, path)
	if status != http.StatusOK {
		tb.Fatalf("%s: status %d\n%s", path, status, body)
	}
	return body
}

const testScorecard = `apiVersion: dxctl.dev/v1
kind: Scorecard
name: test-path
title: Test path
levels: [bronze, silver, gold]
rules:
  - {id: owner, level: bronze, title: Has an owner, expr: 'facts["catalog.has_owner"]', effort: minutes, why: Somebody must answer., fix: Set spec.owner., controls: [{standard: slsa, control: source/identity-management, shows: part, note: Teams only.}]}
  - {id: readme, level: bronze, title: Has a README, expr: 'facts["repository.files.readme"]', effort: minutes, why: People start there., fix: Write one., controls: [{standard: slsa, control: source/history, shows: whole}]}
  - {id: ci, level: silver, title: CI is fast, expr: 'facts["ci.p95_minutes"] <= 10.0', effort: days, why: Waiting breaks the flow., fix: Cache the dependencies., controls: [{standard: slsa, control: source/history, shows: part}, {standard: osps, control: OSPS-QA-06.01, shows: part}]}
  - {id: system, level: gold, title: Belongs to a system, expr: 'facts["catalog.has_system"]', effort: hours, why: It has a place., fix: Set spec.system.}
`

// testCampaigns are one that runs, one that is over, and one with a mistake.
const testCampaigns = `apiVersion: dxctl.dev/v1
kind: Campaign
id: silver
title: Silver everywhere
why: The winter is long.
owner: team-payments
scorecard: test-path
level: silver
starts: 2026-10-19
ends: 2026-12-18
---
apiVersion: dxctl.dev/v1
kind: Campaign
id: readmes
title: A README for each service
why: People start there.
owner: team-payments
scorecard: test-path
rule: readme
filter: entity.lifecycle == "production"
starts: 2026-09-01
ends: 2026-09-30
---
apiVersion: dxctl.dev/v1
kind: Campaigns
id: nothing
`

// othersScorecard grades what is no service.
const othersScorecard = `apiVersion: dxctl.dev/v1
kind: Scorecard
name: others
title: Libraries and systems
filter: entity.type == "library" || entity.kind == "System"
filter_note: Only libraries and systems are graded.
levels: [bronze, silver]
rules:
  - {id: owned, level: bronze, title: Has an owner, expr: 'facts["catalog.has_owner"]', effort: minutes, why: w, fix: Set spec.owner.}
  - {id: described, level: silver, title: Is described, expr: 'facts["catalog.has_description"]', effort: minutes, why: w, fix: Describe it.}
`

const testCatalog = `apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: team-payments, title: Payments}
spec: {type: team, children: []}
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: team-ledger, title: Ledger}
spec: {type: team, children: []}
---
apiVersion: backstage.io/v1alpha1
kind: System
metadata: {name: checkout, title: Checkout}
spec: {owner: team-payments}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: payment-service
  description: Handles payment processing
  annotations: {github.com/project-slug: myorg/payment-service}
  tags: [go, pci]
spec: {type: service, lifecycle: production, owner: team-payments, system: checkout, dependsOn: [component:user-service]}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: user-service, annotations: {github.com/project-slug: myorg/user-service}}
spec: {type: service, lifecycle: experimental, owner: team-ledger}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: orphan-service}
spec: {type: service, lifecycle: production}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: shared-library}
spec: {type: library, owner: team-ledger}
`

const testPeople = `person,name,team,start_date,logins
ada,Ada Example,team-payments,2026-02-02,ada
bob,Bob Example,team-payments,2026-02-03,bob
cleo,Cleo Example,team-ledger,2026-08-03,cleo
dan,Dan Example,team-ledger,2026-08-04,dan
eve,Eve Example,team-ledger,2026-11-16,eve
`

func origin(repository, id string) event.Origin {
	return event.Origin{Source: "gh", Provider: "github", Scope: repository, ID: id,
		URL: "https://github.example/" + repository + "/" + id}
}

// deployment makes one of payment-service that ended at the time.
func deployment(repository, id, actor, environment string, status event.Status, at time.Time) event.Deployment {
	return event.Deployment{
		Origin: origin(repository, id), Attempt: 1, Environment: environment, Status: status, StatusRaw: string(status),
		Actor:     actor,
		CreatedAt: at.Add(-5 * time.Minute), StartedAt: at.Add(-4 * time.Minute), FinishedAt: at,
		SHA: fmt.Sprintf("%040d", len(id)), Version: "v" + id,
	}
}

// testEvents is ten months of a small organization, counted back from the present.
func testEvents() []event.Event {
	var events []event.Event
	add := func(e ...event.Event) { events = append(events, e...) }
	day := func(y int, m time.Month, d, h int) time.Time { return time.Date(y, m, d, h, 0, 0, 0, time.UTC) }
	add(deployment("myorg/payment-service", "first", "ci", "production", event.Succeeded, day(2026, 1, 5, 9)))
	add(deployment("myorg/payment-service", "of-ada", "ada", "production", event.Succeeded, day(2026, 2, 16, 10)))
	add(deployment("myorg/user-service", "of-bob", "bob", "production", event.Succeeded, day(2026, 2, 18, 10)))
	add(deployment("myorg/payment-service", "of-cleo", "cleo", "production", event.Succeeded, day(2026, 8, 5, 10)))
	add(deployment("myorg/payment-service", "of-dan", "dan", "production", event.Succeeded, day(2026, 8, 6, 10)))
	for i := range 20 {
		at := present.AddDate(0, 0, -i*7).Add(-2 * time.Hour)
		add(deployment("myorg/payment-service", fmt.Sprintf("d%d", i), "ada", "production", event.Succeeded, at))
		failed := deployment("myorg/payment-service", fmt.Sprintf("f%d", i), "ada", "production", event.Failed,
			at.Add(-time.Hour))
		add(failed)
	}
	retried := deployment("myorg/payment-service", "retried", "ada", "production", event.Succeeded,
		present.Add(-30*time.Hour))
	again := retried
	again.Attempt, again.FinishedAt = 2, retried.FinishedAt.Add(time.Hour)
	add(retried, again) // one deployment in two attempts
	for i := range 60 {
		at := present.Add(-time.Duration(i)*11*time.Hour - time.Minute)
		status := event.Succeeded
		if i%9 == 0 {
			status = event.Failed
		}
		add(event.PipelineRun{
			Origin: origin("myorg/payment-service", fmt.Sprintf("run%d", i)), Attempt: 1, Pipeline: "build", Status: status,
			StatusRaw: string(status),
			Branch:    "main", Trigger: "push", Actor: "ada", CreatedAt: at.Add(-time.Duration(6+i%5) * time.Minute),
			StartedAt: at.Add(-time.Duration(5+i%5) * time.Minute), FinishedAt: at,
		})
	}
	for i := range 2 { // of the second the source does not say when it was created
		job := event.PipelineJob{
			Origin:     origin("myorg/payment-service", fmt.Sprintf("job%d", i)),
			RunID:      "run0",
			Attempt:    1,
			Name:       fmt.Sprintf("test %d", i),
			Status:     event.Succeeded,
			StatusRaw:  "success",
			StartedAt:  present.Add(-30 * time.Minute),
			FinishedAt: present.Add(-10 * time.Minute),
		}
		if i == 0 {
			job.CreatedAt = job.StartedAt.Add(-2 * time.Minute)
		}
		add(job)
	}
	for i := range 12 {
		merged := present.AddDate(0, 0, -2*i).Add(-3 * time.Hour)
		add(event.Change{
			Origin: origin("myorg/payment-service", fmt.Sprintf("pr%d", i)), Repository: "myorg/payment-service",
			Number: uint64(i + 1), Title: fmt.Sprintf("Change %d", i),
			Author: "bob", CreatedAt: merged.Add(-20 * time.Hour), FirstReviewAt: merged.Add(-time.Hour), MergedAt: merged,
			ClosedAt: merged, MergeSHA: fmt.Sprintf("%040d", 100+i),
		})
	}
	for _, e := range batchesOf("payment-service", 1, 3) {
		add(e)
	}
	add(deployment("myorg/stranger", "s1", "zoe", "production", event.Succeeded, present.AddDate(0, 0, -3)))
	for _, l := range []event.LedgerEntry{
		{Source: "gh", Scope: "myorg/payment-service", Of: event.KindDeployment, Expected: 46, Stored: 46},
		{Source: "gh", Scope: "myorg/payment-service", Of: event.KindPipelineRun, Expected: 63, Stored: 60,
			Note: "GitHub deletes runs after 400 days"},
		{Source: "gh", Scope: "myorg/user-service", Of: event.KindDeployment, Expected: 1, Stored: 1},
	} {
		l.WindowStart, l.WindowEnd, l.CheckedAt = present.AddDate(0, -11, 0), present, present.Add(-time.Hour)
		add(l)
	}
	for _, repository := range []string{"myorg/payment-service", "myorg/user-service"} {
		add(event.Fact{Source: "gh", Entity: "unmapped:github/" + repository, Name: "repository.files.readme",
			Type:  event.BoolFact,
			Value: []byte(fmt.Sprint(strings.Contains(repository, "payment"))), ObservedAt: present.Add(-time.Hour)})
	}
	return events
}

// recorder notes the queries that go through it.
type recorder struct {
	q       metrics.Querier
	mu      sync.Mutex
	queries []recordedQuery
}

type recordedQuery struct {
	sql    string
	params map[string]any
	kind   reflect.Type // of the slice
}

func (q recordedQuery) dest() any { return reflect.New(q.kind).Interface() }

// name is the first line of the query.
func (q recordedQuery) name() string {
	return strings.Map(func(r rune) rune {
		if r == '/' || r == ' ' || r == '\n' {
			return '_'
		}
		return r
	}, strings.TrimSpace(q.sql))
}

// Select notes the query and passes it on.
func (r *recorder) Select(ctx context.Context, dest any, sql string, params map[string]any) error {
	r.mu.Lock()
	r.queries = append(r.queries, recordedQuery{sql, maps.Clone(params), reflect.TypeOf(dest).Elem()})
	r.mu.Unlock()
	return r.q.Select(ctx, dest, sql, params)
}

// rebuild makes the dashboard again over another querier.
func (f *fixture) rebuild(tb testing.TB, q metrics.Querier) *fiber.App {
	tb.Helper()
	deps := f.deps
	deps.Store = q
	if store, ok := q.(*slowStore); ok && store.blind {
		deps.DataVersion = func(context.Context) (string, error) { return "", errors.New("no right to read system.parts") }
	}
	engine, err := metrics.New(q, clock)
	if err != nil {
		tb.Fatal(err)
	}
	deps.Metrics = engine
	registry := prometheus.NewRegistry()
	deps.Registerer, deps.Gatherer = registry, registry
	app, err := server.New(server.DefaultConfig(), deps)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = app.Shutdown() })
	return app
}
