package report

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/metrics"
)

// CompletenessSum sums the completeness of what a figure is computed from.
type CompletenessSum struct {
	Scopes        int
	Gap, Open     int
	CheckedAt     time.Time // the oldest check
	Stored, Total int
}

// Sum adds up the scopes that a figure is computed from.
func Sum(completeness []metrics.Completeness) CompletenessSum {
	var v CompletenessSum
	for _, b := range completeness {
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

// Completeness is the ledger summed by source and kind, or by kind.
type Completeness struct {
	Source, Kind          string
	Scopes                int
	Expected, Stored, Gap int
	Open                  int
	CheckedAt             time.Time
}

// Share is the part of what the source has that is stored, of 0 to 1; nil when it has nothing.
func (c Completeness) Share() *float64 {
	if c.Expected == 0 {
		return nil
	}
	s := float64(c.Expected-c.Gap) / float64(c.Expected)
	return &s
}

// Summarize sums the ledger by source and kind, ordered by both.
func Summarize(rows []LedgerRow) []Completeness {
	index := map[[2]string]int{}
	var out []Completeness
	for _, r := range rows {
		key := [2]string{r.Source, r.Kind}
		i, ok := index[key]
		if !ok {
			i = len(out)
			index[key] = i
			out = append(out, Completeness{Source: r.Source, Kind: r.Kind, CheckedAt: r.CheckedAt})
		}
		c := &out[i]
		c.Scopes++
		c.Expected, c.Stored = c.Expected+int(r.Expected), c.Stored+int(r.Stored)
		c.Gap, c.Open = c.Gap+int(r.Gap), c.Open+int(r.Open)
		if r.CheckedAt.Before(c.CheckedAt) {
			c.CheckedAt = r.CheckedAt
		}
	}
	slices.SortFunc(out, func(x, y Completeness) int {
		return cmp.Or(strings.Compare(x.Source, y.Source), strings.Compare(x.Kind, y.Kind))
	})
	return out
}

// byKind sums over the sources.
func byKind(rows []Completeness) []Completeness {
	index := map[string]int{}
	var out []Completeness
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
	slices.SortFunc(out, func(x, y Completeness) int { return strings.Compare(x.Kind, y.Kind) })
	return out
}
