package pages

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/scorecards"
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

// with adds a parameter to an address; it replaces one of the same name.
func with(path, name, value string) string {
	path, raw, _ := strings.Cut(path, "?")
	query, err := url.ParseQuery(raw)
	if err != nil { // none of our addresses
		query = url.Values{}
	}
	query.Set(name, value)
	return address(path, query)
}

// deploysPath lists production deployments exactly as the metrics count them.
func deploysPath(service, team string, from time.Time) string {
	return eventsPath("deployments", "service", service, "team", team, "environment", metrics.Production,
		"delivered", "true", "from", words.Instant(from))
}

// servicesPath is the list of services narrowed by one parameter.
func servicesPath(name, value string) string { return address("/services", url.Values{name: {value}}) }

// failingPath is the list of services that fail a rule.
func failingPath(scorecard, rule string) string {
	return address("/services", url.Values{"rule": {report.RuleName(scorecard, rule)}, "outcome": {string(event.Fail)}})
}

// firstDeployPath is the page of time to first deploy.
func firstDeployPath(of metrics.Population, by metrics.Grouping) string {
	return address("/time-to-first-deploy", firstDeployQuery(of, by))
}

// subjectsPath is the list of engineers or services; only is a cohort to narrow it to, or "".
func subjectsPath(of metrics.Population, by metrics.Grouping, only string) string {
	query := firstDeployQuery(of, by)
	if only != "" {
		query.Set("only", only)
	}
	return address("/time-to-first-deploy/subjects", query)
}

func firstDeployQuery(of metrics.Population, by metrics.Grouping) url.Values {
	query := url.Values{}
	if of != metrics.Engineers {
		query.Set("of", string(of))
	}
	if by != metrics.Quarter {
		query.Set("cohort", string(by))
	}
	return query
}

// ledgerPath is the ledger of some kinds of records.
func ledgerPath(kinds []event.Kind) string {
	var names []string
	for _, kind := range kinds {
		if slices.Contains(report.LedgerKinds, kind) {
			names = append(names, string(kind))
		}
	}
	if len(names) == 0 {
		return "/ledger"
	}
	return address("/ledger", url.Values{"kind": {strings.Join(names, ",")}})
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
	Outcome *scorecards.Result // by which the list is narrowed; nil: it is not
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

func serviceRows(services []report.Service, f report.ServiceFilter) []serviceRow {
	rows := make([]serviceRow, len(services))
	for i, s := range services {
		rows[i] = serviceRow{Service: s, Outcome: f.ResultOf(s)}
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
