package report

import (
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
