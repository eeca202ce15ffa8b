// Package demo makes a synthetic organization: a fintech of 120 engineers and twelve services whose platform team
// reduced the time to first deploy from two weeks to two days. Nothing in it is real: no person, no company, no
// address. It is the same on every machine on the same day, and all its dates hang on that day.
package demo

import (
	"slices"
	"time"

	"github.com/dxctl/dxctl/event"
)

// Names of the demo organization.
const (
	Name         = "Quillhaven Pay (synthetic)"
	organization = "quillhaven-pay"
	domain       = "quillhaven-pay.example" // reserved for examples; it resolves nowhere
)

// Note describes the organization in its catalog.
const Note = "Synthetic demo data, made by `dxctl demo`. The organization, its people and its services are invented."

// The sources that the events claim to come from.
const (
	SourceGitHub   = "demo-github"
	SourceJenkins  = "demo-jenkins"
	SourceCircleCI = "demo-circleci"
	SourceScripts  = "demo-scripts"
	SourcePager    = "demo-pager"
)

var providers = map[string]string{
	SourceGitHub:   "github",
	SourceJenkins:  "jenkins",
	SourceCircleCI: "circleci",
	SourceScripts:  "push",
	SourcePager:    "pagerduty",
}

// Organization is the demo organization as of a day.
type Organization struct {
	Today time.Time // midnight UTC; every event is before it

	cal         calendar
	people      []*person
	deployments []event.Deployment
	runs        []event.PipelineRun
	jobs        []event.PipelineJob
	changes     []event.Change
	incidents   []event.Incident
	facts       []event.Fact
	ledger      []event.LedgerEntry
	batches     []event.ActionBatch // of fixes
	fixes       []event.ActionRun
	steps       []event.ActionStep
}

// Generate makes the organization as it is on the day of now (UTC).
func Generate(now time.Time) *Organization {
	c := newCalendar(now)
	o := &Organization{Today: c.today, cal: c, people: staff(c)}
	for i, s := range services {
		newDelivery(o, s, uint64(100+i)).run()
	}
	o.addStrangers()
	o.addFacts()
	o.addLedger()
	o.addBatches()
	return o
}

// Events yields all events in batches of one kind, at most batch of them, always in the same order; the facts of today
// come last. It stops at the first error of yield and returns it. The slice is used again for the next batch.
func (o *Organization) Events(batch int, yield func([]event.Event) error) error {
	batch = max(1, batch)
	buffer := make([]event.Event, 0, batch)
	for _, each := range []func(func(event.Event) error) error{
		events(o.changes), events(o.runs), events(o.jobs), events(o.deployments), events(o.incidents),
		events(o.ledger), events(o.batches), events(o.fixes), events(o.steps), events(o.facts),
	} {
		buffer = buffer[:0]
		err := each(func(e event.Event) error {
			buffer = append(buffer, e)
			if len(buffer) < batch {
				return nil
			}
			err := yield(buffer)
			buffer = buffer[:0]
			return err
		})
		if err != nil {
			return err
		}
		if len(buffer) > 0 {
			if err := yield(buffer); err != nil {
				return err
			}
		}
	}
	return nil
}

func events[E event.Event](all []E) func(func(event.Event) error) error {
	return func(add func(event.Event) error) error {
		for _, e := range all {
			if err := add(e); err != nil {
				return err
			}
		}
		return nil
	}
}

// environments is what the sources call their environments, by our names: the configuration's `environments`.
func (o *Organization) environments() map[string][]string {
	return map[string][]string{
		"production": {"production", "prod", "live", "prod-eu"},
		"staging":    {"staging", "stage", "preprod"},
	}
}

func serviceNamed(name string) service {
	return services[slices.IndexFunc(services, func(s service) bool { return s.name == name })]
}

// environment words of each tool.
var production = map[tool]string{jenkins: "prod", actions: "production", circleci: "live", scripts: "prod-eu"}
var staging = map[tool]string{jenkins: "stage", actions: "staging", circleci: "staging", scripts: "preprod"}
