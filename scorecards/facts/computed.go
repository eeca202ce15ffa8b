package facts

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/metrics"
)

// MetricsSource is the source of the facts that are computed from collected events.
const MetricsSource = "metrics"

// MaxAge is how long a computed fact is valid after its sources were last read: a long weekend.
const MaxAge = 96 * time.Hour

// numbers are the metrics of one service.
type numbers struct {
	month      metrics.ServiceStats        // the last 30 days
	quarter    metrics.ServiceStats        // the last 90 days: its deployments
	ever       metrics.ServiceStats        // since collection began: its staging deployments, runs and changes
	main       *metrics.DefaultBranchStats // the last 30 days; nil: no runs
	first      *metrics.Subject            // time to first deploy; nil: it has none, as a library
	versions   *versionCount               // nil: no production deployment
	unreviewed bool                        // its changes are of sources that never reported a review
}

// Computed are the facts of every service that are computed from collected events.
type Computed struct {
	now     time.Time
	at      map[string]time.Time                // when the numbers of a service were computed; others: now
	numbers map[string]*numbers                 // by service
	read    map[string]map[event.Kind]time.Time // as lastRead adds it
}

// Compute queries the metrics and the ledger, for all services at once, or for each one that is asked for. memory keeps
// the numbers of the latter; nil: they are computed every time.
func Compute(ctx context.Context, of Asked, eng *metrics.Engine, now time.Time, memory *Memory) (Computed, error) {
	c := Computed{
		now: now, at: map[string]time.Time{}, numbers: map[string]*numbers{}, read: map[string]map[event.Kind]time.Time{},
	}
	if of.near == nil {
		return c, c.add(ctx, of.q, eng, "")
	}
	for i, q := range of.near {
		service := of.only[i]
		records, err := q.Records(ctx)
		if err != nil {
			return c, err
		}
		if memory.recall(c, service, records) {
			continue
		}
		if err := c.add(ctx, q, eng.Reading(q), service); err != nil {
			return c, err
		}
		memory.keep(c, service, records)
	}
	return c, nil
}

// askedAtOnce is how many queries are under way for the numbers of one service. They are small, and a core is idle
// while one waits for another.
const askedAtOnce = 4

// add adds the numbers of one service; empty: of all.
func (c Computed) add(ctx context.Context, q metrics.Querier, eng *metrics.Engine, service string) error {
	eng = eng.Remembering() // windows have much in common
	asking, ctx := errgroup.WithContext(ctx)
	asking.SetLimit(1) // queries for all services take every core, and much memory
	if service != "" {
		asking.SetLimit(askedAtOnce)
	}
	var mu sync.Mutex // what is filled in
	all := slices.Concat(c.delivery(q, eng, service), c.windows(eng, service), []query{c.lastRead(q, service)})
	for _, ask := range all {
		asking.Go(func() error {
			add, err := ask(ctx)
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			add()
			return nil
		})
	}
	return asking.Wait()
}

// query asks for numbers, and returns what adds them.
type query func(ctx context.Context) (add func(), err error)

// windows are the queries of the numbers that are counted in windows.
func (c Computed) windows(eng *metrics.Engine, service string) []query {
	var all []query
	for _, w := range []struct {
		window  metrics.Window
		numbers metrics.Numbers
		of      func(*numbers) *metrics.ServiceStats
	}{
		{metrics.Last(30, c.now), metrics.AllNumbers, func(n *numbers) *metrics.ServiceStats { return &n.month }},
		{metrics.Last(90, c.now), metrics.Deploys, func(n *numbers) *metrics.ServiceStats { return &n.quarter }},
		{metrics.Window{To: c.now}, metrics.StagingDeploys | metrics.Runs | metrics.Reviews,
			func(n *numbers) *metrics.ServiceStats { return &n.ever }},
	} {
		all = append(all, func(ctx context.Context) (func(), error) {
			rows, err := eng.ServicesOf(ctx, w.window, service, w.numbers)
			if err != nil {
				return nil, fmt.Errorf("computing the services' numbers: %w", err)
			}
			return func() {
				for _, row := range rows {
					*w.of(c.of(row.Service)) = row
				}
			}, nil
		})
	}
	return all
}

// of returns the numbers of a service, to be filled in.
func (c Computed) of(service string) *numbers {
	if c.numbers[service] == nil {
		c.numbers[service] = &numbers{}
	}
	return c.numbers[service]
}

// Of returns the ci, deploy and change facts of a service, which is named by its ref. The names of the facts are the
// same for every service.
func (c Computed) Of(service string) []event.Fact {
	n := c.numbers[service]
	if n == nil {
		n = &numbers{}
	}
	w := factWriter{entity: service, now: c.now, read: c.read[service]}
	if at, ok := c.at[service]; ok {
		w.now = at
	}
	w.ci(*n)
	w.deployments(*n)
	w.versions(n.versions)
	w.firstDeploy(n.first)
	w.changes(*n)
	return w.facts
}

const lastReadSQL = `SELECT service, kind, max(checked_at) AS at FROM ledger
WHERE service != '' AND ({service:String} = '' OR service = {service:String}) GROUP BY service, kind`

// lastRead is the query for when the sources of each service were last read, by the ledger: service → kind of event →
// time. What is computed from events is as old as that, however lately it was computed.
func (c Computed) lastRead(store metrics.Querier, service string) query {
	return func(ctx context.Context) (func(), error) {
		var rows []struct {
			Service string    `ch:"service"`
			Kind    string    `ch:"kind"`
			At      time.Time `ch:"at"`
		}
		if err := store.Select(ctx, &rows, lastReadSQL, map[string]any{"service": service}); err != nil {
			return nil, fmt.Errorf("reading when the sources were last read: %w", err)
		}
		return func() {
			for _, row := range rows {
				if c.read[row.Service] == nil {
					c.read[row.Service] = map[event.Kind]time.Time{}
				}
				c.read[row.Service][event.Kind(row.Kind)] = row.At
			}
		}, nil
	}
}

// factWriter writes the computed facts of one service. Nothing seen at all is not zero: it is a fact with an error.
type factWriter struct {
	entity string
	now    time.Time
	read   map[event.Kind]time.Time
	facts  []event.Fact
}

// fact returns a fact that is computed from events of a kind: it is as old as the last reading of them.
func (w *factWriter) fact(of event.Kind, name string, typ event.FactType) event.Fact {
	observed := w.now
	if at, ok := w.read[of]; ok && at.Before(observed) {
		observed = at.UTC()
	}
	return event.Fact{
		Source:     MetricsSource,
		Entity:     w.entity,
		Name:       name,
		Type:       typ,
		ObservedAt: observed,
		ExpiresAt:  observed.Add(MaxAge),
	}
}

func (w *factWriter) put(of event.Kind, name string, typ event.FactType, value any) {
	f := w.fact(of, name, typ)
	raw, err := json.Marshal(value)
	if err != nil {
		f.Error = fmt.Sprintf("the computed value cannot be stored: %v", err)
	} else {
		f.Value = raw
	}
	w.facts = append(w.facts, f)
}

// absent writes facts without a value. The reason is valid until something is collected, so it does not expire.
func (w *factWriter) absent(of event.Kind, typ event.FactType, reason string, names ...string) {
	for _, name := range names {
		f := w.fact(of, name, typ)
		f.Error, f.ExpiresAt = reason, time.Time{}
		w.facts = append(w.facts, f)
	}
}

// none returns the reason why nothing of a kind is known: the sources have none, or none was read.
func (w *factWriter) none(of event.Kind, what, source string) string {
	if _, looked := w.read[of]; looked {
		return "no " + what + " are known: the sources of this service were read and hold none"
	}
	return "no " + what + " are known; " + source + " should give them"
}

// number writes v, or the reason why there is none.
func (w *factWriter) number(of event.Kind, name string, v *float64, reason string) {
	if v == nil {
		w.absent(of, event.NumberFact, reason, name)
		return
	}
	w.put(of, name, event.NumberFact, rounded(*v))
}

// rounded keeps three digits after the point: more is noise, and would add a row of history at every refresh.
func rounded(v float64) float64 { return math.Round(v*1000) / 1000 }

// some reports whether a count is known and not zero.
func some(n *int) bool { return n != nil && *n > 0 }

func (w *factWriter) ci(n numbers) {
	const of = event.KindPipelineRun
	if !some(n.ever.Runs) || n.month.Runs == nil {
		w.absent(
			of,
			event.NumberFact,
			w.none(of, "pipeline runs", fromCI),
			"ci.runs_30d",
			"ci.p95_minutes",
			"ci.p90_minutes",
			"ci.success_rate",
		)
		return
	}
	w.put(of, "ci.runs_30d", event.NumberFact, *n.month.Runs)
	w.number(of, "ci.p95_minutes", n.month.P95Minutes, noDuration(n.month))
	w.defaultBranch(n.main)
}

// noDuration returns the reason why the duration of the runs is unknown.
func noDuration(n metrics.ServiceStats) string {
	if left := n.LeftOutRuns(); left > 0 {
		return fmt.Sprintf("of %d successful pipeline runs of the last 30 days no source gave a duration, or both a start "+
			"and an end", left)
	}
	return "no pipeline run of the last 30 days succeeded"
}

func (w *factWriter) deployments(n numbers) {
	const of = event.KindDeployment
	if n.month.Deploys == nil || n.month.LastDeploy == nil && !some(n.ever.StagingDeploys) {
		reason := w.none(of, "deployments", fromDeploys)
		w.absent(of, event.NumberFact, reason, "deploy.count_30d", "deploy.per_week", "deploy.staging_count_30d")
		w.absent(of, event.TimeFact, reason, "deploy.last_at")
		return
	}
	w.put(of, "deploy.count_30d", event.NumberFact, *n.month.Deploys)
	w.number(of, "deploy.per_week", n.quarter.DeploysPerWeek, w.none(of, "deployments", fromDeploys))
	w.put(of, "deploy.staging_count_30d", event.NumberFact, *n.month.StagingDeploys)
	if n.month.LastDeploy == nil {
		w.absent(of, event.TimeFact, "no deployment to production is known, only to staging; check "+
			"environments.production in dx.yaml", "deploy.last_at")
		return
	}
	w.put(of, "deploy.last_at", event.TimeFact, n.month.LastDeploy.UTC())
}

func (w *factWriter) changes(n numbers) {
	const of, name, merged = event.KindChange, "change.review_share_30d", "change.merged_30d"
	if n.month.Changes == nil {
		w.absent(of, event.NumberFact, w.none(of, "merged changes", fromChanges), merged)
	} else {
		w.put(of, merged, event.NumberFact, *n.month.Changes)
	}
	if !some(n.ever.Changes) {
		w.absent(of, event.NumberFact, w.none(of, "merged changes", fromChanges), name)
		return
	}
	if n.unreviewed {
		w.absent(of, event.NumberFact, "no review is known of any change of the sources of this service; a source of kind "+
			"github reads reviews, one of kind gitlab receives them by its webhook", name)
		return
	}
	w.number(of, name, n.month.ReviewShare, "no change of a person was merged in the last 30 days")
}
