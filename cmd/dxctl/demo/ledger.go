package demo

import (
	"cmp"
	"slices"
	"time"

	"github.com/dxctl/dxctl/event"
)

// The one gap of the demo organization: builds that Jenkins threw away before they were read.
const (
	gapMissing = 32
	gapNote    = "Jenkins keeps 50 builds of this job; these were discarded before they were read"
)

// ledgerWindows is how many parts the 24 months are counted in.
const ledgerWindows = 8

type ledgerKey struct {
	source, provider, scope string
	of                      event.Kind
	window                  int
}

// addLedger counts what was made, per source, scope and window: each source said exactly that much, save for the gap.
func (o *Organization) addLedger() {
	stored, open := map[ledgerKey]uint64{}, map[ledgerKey]uint64{}
	length := o.Today.Sub(o.cal.begin) / ledgerWindows
	add := func(from event.Origin, of event.Kind, at time.Time, isOpen bool) {
		k := ledgerKey{
			from.Source,
			from.Provider,
			from.Scope,
			of,
			max(0, min(ledgerWindows-1, int(at.Sub(o.cal.begin)/length))),
		}
		stored[k]++
		if isOpen {
			open[k]++
		}
	}
	for _, e := range o.deployments {
		add(e.Origin, e.Kind(), e.CreatedAt, !e.Status.Final())
	}
	for _, e := range o.runs {
		add(e.Origin, e.Kind(), e.CreatedAt, !e.Status.Final())
	}
	for _, e := range o.jobs {
		add(e.Origin, e.Kind(), e.CreatedAt, !e.Status.Final())
	}
	for _, e := range o.changes {
		add(e.Origin, e.Kind(), e.CreatedAt, e.ClosedAt.IsZero())
	}
	for _, e := range o.incidents {
		add(e.Origin, e.Kind(), e.OpenedAt, e.ResolvedAt.IsZero())
	}
	keys := make([]ledgerKey, 0, len(stored))
	for k := range stored {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b ledgerKey) int {
		return cmp.Or(
			cmp.Compare(a.source, b.source),
			cmp.Compare(a.scope, b.scope),
			cmp.Compare(a.of, b.of),
			cmp.Compare(a.window, b.window),
		)
	})
	gapScope := jobName(serviceNamed("payment-service"))
	for _, k := range keys {
		e := event.LedgerEntry{
			Source:      k.source,
			Provider:    k.provider,
			Scope:       k.scope,
			Of:          k.of,
			WindowStart: o.cal.begin.Add(time.Duration(k.window) * length),
			WindowEnd:   o.cal.begin.Add(time.Duration(k.window+1) * length),
			Expected:    stored[k],
			Stored:      stored[k],
			Open:        open[k],
			CheckedAt:   o.Today.Add(-45 * time.Minute),
		}
		if k.source == SourceJenkins && k.scope == gapScope && k.of == event.KindPipelineRun && k.window == 3 {
			e.Expected += gapMissing
			e.Note = gapNote
		}
		o.ledger = append(o.ledger, e)
	}
}
