package metrics

import (
	"context"
	"time"
)

// Completeness is what one source said it has in one scope against what is stored, summed over the ledger's windows. A
// metric with a gap in it is computed on incomplete data.
type Completeness struct {
	Source    string    `ch:"source"     json:"source"`
	Scope     string    `ch:"scope"      json:"scope"`
	Kind      string    `ch:"kind"       json:"kind"`
	Expected  uint64    `ch:"expected"   json:"expected"`
	Stored    uint64    `ch:"stored"     json:"stored"`
	Open      uint64    `ch:"open"       json:"open"` // of those stored: not final yet
	Gap       uint64    `ch:"gap"        json:"gap"`
	CheckedAt time.Time `ch:"checked_at" json:"checked_at"`     // the oldest check of them
	Note      string    `ch:"note"       json:"note,omitempty"` // why a gap cannot be filled, when that is known
}

// Completeness returns the ledger of what the metric is computed from. With a service it is narrowed to the scopes that
// events of the service came from; a scope that never gave one is then not in it.
func (e *Engine) Completeness(ctx context.Context, id, service string) ([]Completeness, error) {
	d, err := e.definition(id)
	if err != nil {
		return nil, err
	}
	kinds := make([]string, len(d.Inputs))
	for i, k := range d.Inputs {
		kinds[i] = string(k)
	}
	var rows []Completeness
	err = e.queryFile(ctx, "completeness.sql", &rows, map[string]any{"kinds": kinds, "service": service})
	return rows, err
}
