package scorecards

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/metrics"
)

// Querier reads the store; it is the one method that metrics need too.
type Querier = metrics.Querier

// Store reads and appends.
type Store interface {
	Querier
	Append(ctx context.Context, events ...event.Event) error
}

// MetricsSource is the source of the facts that are computed from collected events.
const MetricsSource = "metrics"

const (
	// metricsHold is how long a computed fact is believed when nobody computes it again: a long weekend.
	metricsHold = 96 * time.Hour
	shortWindow = 30 // days
	longWindow  = 90 // days
)

// Refresh gathers the facts of every service from the catalog, the metrics and the store, grades by them, and appends
// the facts and the grades. The catalog must have been synced, because the store shows only what the catalog describes.
func (e *Engine) Refresh(ctx context.Context, store Store, cat *catalog.Catalog, eng *metrics.Engine) ([]Report, error) {
	now := e.now()
	computed, err := metricFacts(ctx, eng, cat, now)
	if err != nil {
		return nil, err
	}
	fresh := append(cat.Facts(now), computed...)
	known, err := storedFacts(ctx, store)
	if err != nil {
		return nil, err
	}
	events := make([]event.Event, 0, len(fresh))
	for _, f := range fresh {
		known.add(f)
		events = append(events, f)
	}
	reports := e.gradeAll(cat, known)
	for _, r := range reports {
		for _, g := range r.Grades(now) {
			events = append(events, g)
		}
	}
	if len(events) == 0 {
		return reports, nil
	}
	if err := store.Append(ctx, events...); err != nil {
		return nil, fmt.Errorf("store the grades: %w", err)
	}
	return reports, nil
}

// Reports grades every service by the facts that are stored, without writing anything. What the catalog says is taken
// from it as it is now.
func (e *Engine) Reports(ctx context.Context, store Querier, cat *catalog.Catalog) ([]Report, error) {
	known, err := storedFacts(ctx, store)
	if err != nil {
		return nil, err
	}
	for _, f := range cat.Facts(e.now()) {
		known.add(f)
	}
	return e.gradeAll(cat, known), nil
}

func (e *Engine) gradeAll(cat *catalog.Catalog, known factTable) []Report {
	var reports []Report
	for _, service := range cat.Services() {
		reports = append(reports, e.Grade(service, known[service.Ref])...)
	}
	return reports
}

// factTable holds facts by entity and name.
type factTable map[string]map[string]event.Fact

func (t factTable) add(f event.Fact) {
	if t[f.Entity] == nil {
		t[f.Entity] = map[string]event.Fact{}
	}
	t[f.Entity][f.Name] = f
}

const factsSQL = "SELECT entity, fact, type, value, observed_at, expires_at, error, source, url FROM facts"

func storedFacts(ctx context.Context, store Querier) (factTable, error) {
	var rows []struct {
		Entity     string     `ch:"entity"`
		Fact       string     `ch:"fact"`
		Type       string     `ch:"type"`
		Value      string     `ch:"value"`
		ObservedAt time.Time  `ch:"observed_at"`
		ExpiresAt  *time.Time `ch:"expires_at"`
		Error      string     `ch:"error"`
		Source     string     `ch:"source"`
		URL        string     `ch:"url"`
	}
	if err := store.Select(ctx, &rows, factsSQL, nil); err != nil {
		return nil, fmt.Errorf("read the stored facts: %w", err)
	}
	table := factTable{}
	for _, r := range rows {
		f := event.Fact{
			Source: r.Source, Entity: r.Entity, Name: r.Fact, Type: event.FactType(r.Type), ObservedAt: r.ObservedAt, Error: r.Error, URL: r.URL,
		}
		if r.Error == "" {
			f.Value = json.RawMessage(r.Value)
		}
		if r.ExpiresAt != nil {
			f.ExpiresAt = *r.ExpiresAt
		}
		table.add(f)
	}
	return table, nil
}

// metricFacts computes the ci, deploy and change facts of every service of the catalog.
func metricFacts(ctx context.Context, eng *metrics.Engine, cat *catalog.Catalog, now time.Time) ([]event.Fact, error) {
	short, err := numbersOf(ctx, eng, shortWindow, now)
	if err != nil {
		return nil, err
	}
	long, err := numbersOf(ctx, eng, longWindow, now)
	if err != nil {
		return nil, err
	}
	var facts []event.Fact
	for _, service := range cat.Services() {
		w := factWriter{entity: service.Ref, now: now}
		w.ci(short[service.Ref], long[service.Ref])
		w.deployments(short[service.Ref], long[service.Ref])
		w.changes(short[service.Ref], long[service.Ref])
		facts = append(facts, w.facts...)
	}
	return facts, nil
}

func numbersOf(ctx context.Context, eng *metrics.Engine, days int, now time.Time) (map[string]metrics.ServiceNumbers, error) {
	rows, err := eng.Services(ctx, metrics.Last(days, now))
	if err != nil {
		return nil, fmt.Errorf("compute the services' numbers of %d days: %w", days, err)
	}
	byRef := make(map[string]metrics.ServiceNumbers, len(rows))
	for _, r := range rows {
		byRef[r.Service] = r
	}
	return byRef, nil
}

// factWriter writes the computed facts of one service. Nothing seen at all is not zero: it is a fact with an error.
type factWriter struct {
	entity string
	now    time.Time
	facts  []event.Fact
}

func (w *factWriter) put(name string, typ event.FactType, value any) {
	f := event.Fact{
		Source: MetricsSource, Entity: w.entity, Name: name, Type: typ, ObservedAt: w.now, ExpiresAt: w.now.Add(metricsHold),
	}
	raw, err := json.Marshal(value)
	if err != nil {
		f.Error = fmt.Sprintf("the computed value cannot be stored: %v", err)
	} else {
		f.Value = raw
	}
	w.facts = append(w.facts, f)
}

func (w *factWriter) absent(typ event.FactType, reason string, names ...string) {
	for _, name := range names {
		w.facts = append(w.facts, event.Fact{
			Source: MetricsSource, Entity: w.entity, Name: name, Type: typ, ObservedAt: w.now, ExpiresAt: w.now.Add(metricsHold), Error: reason,
		})
	}
}

// number puts v, or says why there is none.
func (w *factWriter) number(name string, v *float64, reason string) {
	if v == nil {
		w.absent(event.NumberFact, reason, name)
		return
	}
	w.put(name, event.NumberFact, rounded(*v))
}

// rounded keeps three digits after the point: more is noise, and would add a row of history at every refresh.
func rounded(v float64) float64 { return math.Round(v*1000) / 1000 }

func (w *factWriter) ci(short, long metrics.ServiceNumbers) {
	if short.Runs == 0 && long.Runs == 0 {
		w.absent(event.NumberFact, "no pipeline runs are known; "+fromCI+" should give them",
			"ci.runs_30d", "ci.p95_minutes", "ci.success_rate")
		return
	}
	w.put("ci.runs_30d", event.NumberFact, short.Runs)
	w.number("ci.p95_minutes", short.P95Minutes, "no pipeline run of the last 30 days succeeded and has both a start and an end")
	w.number("ci.success_rate", short.SuccessRate, "no pipeline run of the last 30 days succeeded or failed")
}

func (w *factWriter) deployments(short, long metrics.ServiceNumbers) {
	if long.LastDeploy == nil && long.StagingDeploys == 0 {
		const reason = "no deployments are known; " + fromDeploys + " should give them"
		w.absent(event.NumberFact, reason, "deploy.count_30d", "deploy.per_week", "deploy.staging_count_30d")
		w.absent(event.TimeFact, reason, "deploy.last_at")
		return
	}
	w.put("deploy.count_30d", event.NumberFact, short.Deploys)
	w.put("deploy.per_week", event.NumberFact, rounded(long.DeploysPerWeek))
	w.put("deploy.staging_count_30d", event.NumberFact, short.StagingDeploys)
	if long.LastDeploy == nil {
		w.absent(event.TimeFact, "no deployment to production is known, only to staging; check environments.production in dx.yaml", "deploy.last_at")
		return
	}
	w.put("deploy.last_at", event.TimeFact, long.LastDeploy.UTC())
}

func (w *factWriter) changes(short, long metrics.ServiceNumbers) {
	switch {
	case short.ReviewShare != nil:
		w.put("change.review_share_30d", event.NumberFact, rounded(*short.ReviewShare))
	case long.Changes > 0:
		w.absent(event.NumberFact, "no change of a person was merged in the last 30 days", "change.review_share_30d")
	default:
		w.absent(event.NumberFact, "no merged changes are known; "+fromChanges+" should give them", "change.review_share_30d")
	}
}
