package route

import (
	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/report"
)

// AdoptionFilters select services by the golden path that they follow.
var AdoptionFilters = []string{"q", "state", "path"}

// AdoptionFilterOf reads the filter of the services.
func AdoptionFilterOf(r Request, a metrics.Adoption) (report.AdoptionFilter, error) {
	f := report.AdoptionFilter{Text: r.Query("q", ""), State: r.Query("state", ""), Path: r.Query("path", "")}
	if f.State != "" {
		if err := OneOf("state", f.State, report.AdoptionStates...); err != nil {
			return f, err
		}
	}
	if f.Path == "" {
		return f, nil
	}
	return f, OneOf("path", f.Path, report.PathNames(a)...)
}
