package web

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/metrics"
)

// basisView sums the ledger that a figure rests on.
type basisView struct {
	Scopes        int
	Gap, Open     int
	CheckedAt     time.Time // the oldest check
	Stored, Total int
}

func sumBasis(basis []metrics.Basis) basisView {
	var v basisView
	for _, b := range basis {
		v.Scopes++
		v.Gap += int(b.Gap)
		v.Open += int(b.Open)
		v.Stored += int(b.Stored)
		v.Total += int(b.Expected)
		if v.CheckedAt.IsZero() || b.CheckedAt.Before(v.CheckedAt) {
			v.CheckedAt = b.CheckedAt
		}
	}
	return v
}

// ledgerRow is what a source said it has of one kind in one scope, over all windows.
type ledgerRow struct {
	Source    string    `ch:"source" json:"source"`
	Scope     string    `ch:"scope" json:"scope"`
	Kind      string    `ch:"kind" json:"kind"`
	Windows   uint64    `ch:"windows" json:"windows"`
	From      time.Time `ch:"since" json:"from"`
	To        time.Time `ch:"until" json:"to"`
	Expected  uint64    `ch:"expected" json:"expected"`
	Stored    uint64    `ch:"stored" json:"stored"`
	Open      uint64    `ch:"open" json:"open"`
	Gap       uint64    `ch:"gap" json:"gap"`
	CheckedAt time.Time `ch:"checked_at" json:"checked_at"` // the oldest check
	Note      string    `ch:"note" json:"note"`
	URL       string    `ch:"url" json:"url"`
}

// Events is the list of the records that the row counts, or "" for kinds that have none.
func (r ledgerRow) Events() string {
	switch r.Kind {
	case "deployment", "pipeline_run", "pipeline_job", "change", "incident":
		return eventsPath(r.Kind+"s", "source", r.Source, "scope", r.Scope)
	}
	return ""
}

func (a *app) ledgerRows(ctx context.Context) ([]ledgerRow, error) {
	return kept(ctx, a.figures, "ledger", a.readLedger)
}

func (a *app) readLedger(ctx context.Context) ([]ledgerRow, error) {
	var rows []ledgerRow
	err := a.deps.Store.Select(ctx, &rows, `
		SELECT source, scope, kind, count() AS windows, min(l.window_start) AS since, max(l.window_end) AS until,
			sum(l.expected) AS expected, sum(l.stored) AS stored, sum(l.open) AS open, sum(l.gap) AS gap,
			min(l.checked_at) AS checked_at, max(l.note) AS note, max(l.url) AS url
		FROM ledger AS l GROUP BY source, scope, kind ORDER BY gap DESC, source, scope, kind`, nil)
	if err != nil {
		return nil, fmt.Errorf("read the ledger: %w", err)
	}
	return rows, nil
}

// completeness sums the ledger by source and kind, for the strip on the overview.
type completeness struct {
	Source, Kind          string
	Scopes                int
	Expected, Stored, Gap int
	Open                  int
	CheckedAt             time.Time
}

// Share is the part of what the source has that is stored, of 0 to 1; nil when it has nothing.
func (c completeness) Share() *float64 {
	if c.Expected == 0 {
		return nil
	}
	s := float64(c.Expected-c.Gap) / float64(c.Expected)
	return &s
}

func summarise(rows []ledgerRow) []completeness {
	index := map[[2]string]int{}
	var out []completeness
	for _, r := range rows {
		key := [2]string{r.Source, r.Kind}
		i, ok := index[key]
		if !ok {
			i = len(out)
			index[key] = i
			out = append(out, completeness{Source: r.Source, Kind: r.Kind, CheckedAt: r.CheckedAt})
		}
		c := &out[i]
		c.Scopes++
		c.Expected, c.Stored = c.Expected+int(r.Expected), c.Stored+int(r.Stored)
		c.Gap, c.Open = c.Gap+int(r.Gap), c.Open+int(r.Open)
		if r.CheckedAt.Before(c.CheckedAt) {
			c.CheckedAt = r.CheckedAt
		}
	}
	return out
}

// byKind sums over the sources.
func byKind(rows []completeness) []completeness {
	index := map[string]int{}
	var out []completeness
	for _, r := range rows {
		i, ok := index[r.Kind]
		if !ok {
			index[r.Kind] = len(out)
			out = append(out, r)
			continue
		}
		c := &out[i]
		c.Source += ", " + r.Source
		c.Scopes, c.Expected, c.Stored = c.Scopes+r.Scopes, c.Expected+r.Expected, c.Stored+r.Stored
		c.Gap, c.Open = c.Gap+r.Gap, c.Open+r.Open
		if r.CheckedAt.Before(c.CheckedAt) {
			c.CheckedAt = r.CheckedAt
		}
	}
	slices.SortFunc(out, func(x, y completeness) int { return strings.Compare(x.Kind, y.Kind) })
	return out
}
