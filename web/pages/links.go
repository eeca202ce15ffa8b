package pages

import (
	"net/url"
	"strings"
	"time"

	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/report/words"
)

// eventsPath is the list of the events behind a figure. Arguments come in pairs; empty values are left out.
func eventsPath(kind string, pairs ...string) string {
	query := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			query.Set(pairs[i], pairs[i+1])
		}
	}
	return address("/events/"+kind, query)
}

func address(path string, query url.Values) string {
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}

// deploysPath lists production deployments exactly as the metrics count them.
func deploysPath(service, team string, from time.Time) string {
	return eventsPath("deployments", "service", service, "team", team, "environment", metrics.Production,
		"delivered", "true", "from", words.Instant(from))
}

// servicesPath is the list of services narrowed by one parameter.
func servicesPath(name, value string) string { return address("/services", url.Values{name: {value}}) }

// firstDeployPath is the page of time to first deploy; only is a cohort to narrow the list of subjects to, or "".
func firstDeployPath(of metrics.Population, by metrics.Grouping, only string) string {
	query := url.Values{}
	if of != metrics.Engineers {
		query.Set("of", string(of))
	}
	if by != metrics.Quarter {
		query.Set("cohort", string(by))
	}
	fragment := ""
	if only != "" {
		query.Set("only", only)
		fragment = "#subjects"
	}
	return address("/time-to-first-deploy", query) + fragment
}

// ledgerEvents is the list of the records that a row of the ledger counts, or "" for kinds that have none.
func ledgerEvents(r report.LedgerRow) string {
	switch r.Kind {
	case "deployment", "pipeline_run", "pipeline_job", "change", "incident":
		return eventsPath(r.Kind+"s", "source", r.Source, "scope", r.Scope)
	}
	return ""
}

// serviceRow is a service with the lists of the records behind its numbers.
type serviceRow struct {
	report.Service
	Hidden bool // does not fit the filter
}

// Path is the page of the service.
func (r serviceRow) Path() string { return report.ServicePath(r.Entity.Ref) }

// from is the beginning of the numbers' window.
func (r serviceRow) from() string { return words.Instant(r.Window.From) }

// Deploys is the list of the deployments that the number counts.
func (r serviceRow) Deploys() string { return deploysPath(r.Entity.Ref, "", r.Window.From) }

// LastDeployments is the list of all that were ever counted.
func (r serviceRow) LastDeployments() string { return deploysPath(r.Entity.Ref, "", time.Time{}) }

// Runs is the list of the CI runs in the success rate.
func (r serviceRow) Runs() string {
	return eventsPath("pipeline_runs", "service", r.Entity.Ref, "status", "succeeded,failed", "from", r.from())
}

// TimedRuns is the list of the CI runs in the duration.
func (r serviceRow) TimedRuns() string {
	return eventsPath("pipeline_runs", "service", r.Entity.Ref, "status", "succeeded", "from", r.from())
}

// UntimedRuns is the list of the successful CI runs that are in no duration, because theirs is not known.
func (r serviceRow) UntimedRuns() string {
	return eventsPath("pipeline_runs", "service", r.Entity.Ref, "status", "succeeded", "without", "duration",
		"from", r.from())
}

// Changes is the list of the merged changes in the review share.
func (r serviceRow) Changes() string {
	return eventsPath("changes", "service", r.Entity.Ref, "status", "merged", "bots", "false", "from", r.from())
}

func serviceRows(services report.Services) []serviceRow {
	rows := make([]serviceRow, len(services.List))
	for i, s := range services.List {
		rows[i].Service = s
	}
	return rows
}

// stepLink is a service in a step or a level.
type stepLink struct{ Name, Path string }

func arrow(level string) string {
	if level == "" {
		return ""
	}
	return " → " + strings.ToLower(level)
}
