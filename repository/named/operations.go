package named

import (
	"cmp"

	"github.com/dxctl/dxctl/event"
)

var operations = []entry{
	{Definition{
		Name:        "repository.alerts.count",
		Type:        event.NumberFact,
		Label:       "the number of alert rules",
		Description: "Alert rules of Prometheus in files or PrometheusRules.",
	}, func(r *reader) value { return count(len(r.Operation.Alerts), r.operationDoubt()) }},
	{Definition{
		Name:        "repository.alerts.without_runbook",
		Type:        event.ListFact,
		Places:      true,
		Label:       "the alerts without a runbook",
		Description: "Alert rules without a link to a runbook in an annotation such as runbook_url.",
	}, func(r *reader) value {
		var p places
		for _, a := range r.Operation.Alerts {
			if a.Runbook.Known && a.Runbook.Value == "" { // a template of a link is a link
				p.add(a.At, "the alert %s has no runbook_url", a.Name)
			}
		}
		return p.value(r.operationDoubt())
	}},
	{Definition{
		Name:        "repository.alerts.runbook_links",
		Type:        event.ListFact,
		Label:       "the links to runbooks",
		Description: "Links to runbooks in the annotations of alert rules; templates of links are left out.",
	}, func(r *reader) value {
		var links []string
		for _, a := range r.Operation.Alerts {
			if a.Runbook.Value != "" {
				links = append(links, line(a.Runbook.Value))
			}
		}
		return texts(links, r.operationDoubt())
	}},
	{Definition{
		Name:        "repository.slos.count",
		Type:        event.NumberFact,
		Label:       "the number of service level objectives",
		Description: "Objectives in files of OpenSLO, Sloth or Pyrra.",
	}, func(r *reader) value { return count(len(r.Operation.Objectives), r.operationDoubt()) }},
	{Definition{
		Name:  "repository.logging.structured",
		Type:  event.BoolFact,
		True:  "it writes structured logs",
		False: "it writes logs as lines of text",
		Description: "A library or a configuration for structured logs; unknown if there is neither one nor a " +
			"configuration of plain text.",
	}, func(r *reader) value {
		switch {
		case len(r.Language.Loggers) > 0, len(r.Content.Loggers) > 0:
			return known(true)
		case len(r.Language.PlainLoggers) > 0:
			return known(false)
		}
		return unknown(cmp.Or(r.doubt(), r.Content.Complete.Reason, "no file shows which logger it uses"))
	}},
}

// operationDoubt returns why alerts and objectives may be missing: a file or a chart could not be read.
func (r *reader) operationDoubt() string {
	return r.doubt(r.Operation.Unreadable, r.Manifests.Unrendered)
}
