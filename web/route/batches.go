package route

import (
	"github.com/dxctl/dxctl/report"
)

// The filters of batches, of the fixes of one, and of the rates of fixes.
var (
	BatchFilters   = []string{"q", "status"}
	FixRunFilters  = []string{"q", "state"}
	FixRateFilters = []string{"q"}
)

// BatchFilterOf reads the filter of the list of batches.
func BatchFilterOf(r Request) (report.BatchFilter, error) {
	f := report.BatchFilter{Text: r.Query("q", ""), Status: r.Query("status", "")}
	if f.Status == "" {
		return f, nil
	}
	return f, OneOf("status", f.Status, report.BatchStatuses...)
}

// FixRunFilterOf reads the filter of the fixes of a batch.
func FixRunFilterOf(r Request) (report.FixRunFilter, error) {
	f := report.FixRunFilter{Text: r.Query("q", ""), State: r.Query("state", "")}
	if f.State == "" {
		return f, nil
	}
	return f, OneOf("state", f.State, texts(report.Fates)...)
}
