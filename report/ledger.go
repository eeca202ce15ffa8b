package report

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/report/sorting"
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

// LedgerFilter selects rows of the ledger. Empty fields select all.
type LedgerFilter struct {
	Source  string
	Kinds   []event.Kind
	Text    string // part of the scope or the note, in any case
	Gaps    bool   // only rows that lack records
	Windows bool   // a row per window instead of their sum
}

// LedgerKinds are the kinds of records that sources are asked to count.
var LedgerKinds = []event.Kind{event.KindDeployment, event.KindPipelineRun, event.KindPipelineJob, event.KindChange,
	event.KindIncident, event.KindDeployedCommits, event.KindDescriptor}

const (
	ledgerSums = `SELECT source, scope, kind, count() AS windows, min(l.window_start) AS since, max(l.window_end) AS until,
		sum(l.expected) AS expected, sum(l.stored) AS stored, sum(l.open) AS open, sum(l.gap) AS gap,
		min(l.checked_at) AS checked_at, max(l.note) AS note, max(l.url) AS url
	FROM ledger AS l GROUP BY source, scope, kind`

	ledgerWindows = `SELECT source, scope, kind, toUInt64(1) AS windows, window_start AS since, window_end AS until,
		expected, stored, open, gap, checked_at, note, url
	FROM ledger`

	ledgerTie = "gap DESC, source, scope, kind, since DESC"
)

// LedgerColumns are the columns of the ledger.
var LedgerColumns = []sorting.Expression{
	{Column: sorting.Column{Key: "scope", Label: "scope"}, SQL: "lowerUTF8(scope)"},
	{Column: sorting.Column{Key: "source", Label: "source"}, SQL: "lowerUTF8(source)"},
	{Column: sorting.Column{Key: "kind", Label: "kind"}, SQL: "kind"},
	{Column: sorting.Column{Key: "expected", Label: "source has", Number: true}, SQL: "expected"},
	{Column: sorting.Column{Key: "stored", Label: "stored", Number: true}, SQL: "stored"},
	{Column: sorting.Column{Key: "open", Label: "open", Number: true}, SQL: "open"},
	{Column: sorting.Column{Key: "gap", Label: "gap", Number: true}, SQL: "gap"},
	{Column: sorting.Column{Key: "from", Label: "covers", Number: true}, SQL: "since"},
	{Column: sorting.Column{Key: "checked", Label: "checked", Number: true}, SQL: "checked_at"},
}

// MostMissing is the order of the ledger that nobody has sorted.
var MostMissing = sorting.Order{By: "gap", Descending: true}

// sql selects the rows that fit.
func (f LedgerFilter) sql() (string, map[string]any) {
	rows := ledgerSums
	if f.Windows {
		rows = ledgerWindows
	}
	kinds := make([]string, len(f.Kinds))
	for i, k := range f.Kinds {
		kinds[i] = string(k)
	}
	gaps := 0
	if f.Gaps {
		gaps = 1
	}
	return " FROM (" + rows + `) AS listed WHERE ({source:String} = '' OR source = {source:String})
		AND (empty({kinds:Array(String)}) OR has({kinds:Array(String)}, kind))
		AND ({text:String} = '' OR positionCaseInsensitiveUTF8(concat(scope, ' ', note), {text:String}) > 0)
		AND ({gaps:UInt8} = 0 OR gap > 0)`,
		map[string]any{"source": f.Source, "kinds": kinds, "text": strings.TrimSpace(f.Text), "gaps": gaps}
}

// ReadLedger returns the rows of the ledger that fit, what lacks most first. It needs nothing but the store.
func ReadLedger(ctx context.Context, store metrics.Querier, f LedgerFilter) ([]LedgerRow, error) {
	return readLedger(ctx, store, f, MostMissing, "", nil)
}

func readLedger(
	ctx context.Context, store metrics.Querier, f LedgerFilter, o sorting.Order, limit string, limits map[string]any,
) ([]LedgerRow, error) {
	sql, params := f.sql()
	for name, value := range limits {
		params[name] = value
	}
	var rows []LedgerRow
	err := store.Select(ctx, &rows, "SELECT *"+sql+sorting.SQL(LedgerColumns, o, ledgerTie)+limit, params)
	if err != nil {
		return nil, fmt.Errorf("reading the ledger: %w", err)
	}
	return rows, nil
}

// Ledger returns the rows of a page of the ledger.
func (r *Reader) Ledger(ctx context.Context, f LedgerFilter, o sorting.Order, p Page) ([]LedgerRow, error) {
	return readLedger(ctx, r.deps.Store, f, o, " LIMIT {limit:UInt32} OFFSET {offset:UInt64}",
		map[string]any{"limit": p.Size, "offset": (p.Number - 1) * p.Size})
}

// LedgerTotals are sums over rows of the ledger.
type LedgerTotals struct {
	Rows uint64 `ch:"n"`
	Gap  uint64 `ch:"missing"`
	Open uint64 `ch:"unfinished"`
}

// LedgerTotals sums the rows that fit.
func (r *Reader) LedgerTotals(ctx context.Context, f LedgerFilter) (LedgerTotals, error) {
	sql, params := f.sql()
	var rows []LedgerTotals
	sql = "SELECT count() AS n, sum(gap) AS missing, sum(open) AS unfinished" + sql
	if err := r.deps.Store.Select(ctx, &rows, sql, params); err != nil {
		return LedgerTotals{}, fmt.Errorf("summing the ledger: %w", err)
	}
	if len(rows) == 0 {
		return LedgerTotals{}, nil
	}
	return rows[0], nil
}

// Completeness is the ledger summed by kind.
type Completeness struct {
	Kind          string
	Sources       []string // at most ten of them
	Scopes        int
	Expected, Gap int
	CheckedAt     time.Time // the oldest check
}

// LedgerByKind returns the ledger summed by kind.
func (r *Reader) LedgerByKind(ctx context.Context) ([]Completeness, error) {
	return cached(ctx, r, "ledger by kind", func(ctx context.Context) ([]Completeness, error) {
		var rows []struct {
			Kind      string    `ch:"kind"`
			Sources   []string  `ch:"sources"`
			Scopes    uint64    `ch:"scopes"`
			Expected  uint64    `ch:"expected"`
			Gap       uint64    `ch:"gap"`
			CheckedAt time.Time `ch:"checked_at"`
		}
		err := r.deps.Store.Select(ctx, &rows, `SELECT kind, arraySort(groupUniqArray(10)(toString(source))) AS sources,
				count() AS scopes, sum(l.expected) AS expected, sum(l.gap) AS gap, min(l.checked_at) AS checked_at
			FROM (`+ledgerSums+`) AS l GROUP BY kind ORDER BY kind`, nil)
		if err != nil {
			return nil, fmt.Errorf("summing the ledger by kind: %w", err)
		}
		kinds := make([]Completeness, len(rows))
		for i, row := range rows {
			kinds[i] = Completeness{Kind: row.Kind, Sources: row.Sources, Scopes: int(row.Scopes),
				Expected: int(row.Expected), Gap: int(row.Gap), CheckedAt: row.CheckedAt}
		}
		return kinds, nil
	})
}

// ledgerNames returns the distinct values of a column of the ledger, sorted.
func (r *Reader) ledgerNames(ctx context.Context, column string) ([]string, error) {
	return cached(ctx, r, "ledger "+column, func(ctx context.Context) ([]string, error) {
		var rows []struct {
			Name string `ch:"name"`
		}
		sql := "SELECT DISTINCT toString(" + column + ") AS name FROM ledger ORDER BY name"
		if err := r.deps.Store.Select(ctx, &rows, sql, nil); err != nil {
			return nil, fmt.Errorf("listing the %ss of the ledger: %w", column, err)
		}
		names := make([]string, len(rows))
		for i, row := range rows {
			names[i] = row.Name
		}
		return names, nil
	})
}
