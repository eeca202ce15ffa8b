package report

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/dxctl/dxctl/metrics"
)

// LedgerRow is what a source said it has of one kind in one scope against what is stored: of all windows, or of one.
type LedgerRow struct {
	Source    string    `ch:"source"     json:"source"`
	Scope     string    `ch:"scope"      json:"scope"`
	Kind      string    `ch:"kind"       json:"kind"`
	Windows   uint64    `ch:"windows"    json:"windows"` // how many are summed
	From      time.Time `ch:"since"      json:"from"`
	To        time.Time `ch:"until"      json:"to"`
	Expected  uint64    `ch:"expected"   json:"expected"`
	Stored    uint64    `ch:"stored"     json:"stored"`
	Open      uint64    `ch:"open"       json:"open"` // of those stored: not final yet
	Gap       uint64    `ch:"gap"        json:"gap"`
	CheckedAt time.Time `ch:"checked_at" json:"checked_at"` // the oldest check
	Note      string    `ch:"note"       json:"note"`
	URL       string    `ch:"url"        json:"url"`
}

// LedgerFilter narrows the ledger.
type LedgerFilter struct {
	Source  string // "" is every source
	Gaps    bool   // only what is missing
	Windows bool   // a row per window in place of their sum
}

const ledgerSums = `
	SELECT source, scope, kind, count() AS windows, min(l.window_start) AS since, max(l.window_end) AS until,
		sum(l.expected) AS expected, sum(l.stored) AS stored, sum(l.open) AS open, sum(l.gap) AS gap,
		min(l.checked_at) AS checked_at, max(l.note) AS note, max(l.url) AS url
	FROM ledger AS l GROUP BY source, scope, kind ORDER BY gap DESC, source, scope, kind`

const ledgerWindows = `
	SELECT source, scope, kind, toUInt64(1) AS windows, window_start AS since, window_end AS until,
		expected, stored, open, gap, checked_at, note, url
	FROM ledger ORDER BY gap DESC, source, scope, kind, window_start DESC`

// ReadLedger returns the ledger, what lacks most first. It needs nothing but the store.
func ReadLedger(ctx context.Context, store metrics.Querier, f LedgerFilter) ([]LedgerRow, error) {
	sql := ledgerSums
	if f.Windows {
		sql = ledgerWindows
	}
	var rows []LedgerRow
	if err := store.Select(ctx, &rows, sql, nil); err != nil {
		return nil, fmt.Errorf("reading the ledger: %w", err)
	}
	return f.narrow(rows), nil
}

// narrow returns the rows that fit.
func (f LedgerFilter) narrow(rows []LedgerRow) []LedgerRow {
	if f.Source == "" && !f.Gaps {
		return rows
	}
	return slices.DeleteFunc(slices.Clone(rows), func(row LedgerRow) bool {
		return f.Source != "" && row.Source != f.Source || f.Gaps && row.Gap == 0
	})
}

// Ledger is [ReadLedger], cached.
func (r *Reader) Ledger(ctx context.Context, f LedgerFilter) ([]LedgerRow, error) {
	key := "ledger"
	if f.Windows {
		key = "ledger windows"
	}
	rows, err := cached(ctx, r, key, func(ctx context.Context) ([]LedgerRow, error) {
		return ReadLedger(ctx, r.deps.Store, LedgerFilter{Windows: f.Windows})
	})
	return f.narrow(rows), err
}
