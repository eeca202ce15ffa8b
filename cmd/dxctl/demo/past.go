package demo

import (
	"maps"
	"slices"
	"time"

	"github.com/dxctl/dxctl/event"
)

// Facts were read and services graded in the last pastWeeks: every measuredWeeks with the metrics of then, which takes
// most of the time, and in between where something had changed in a repository.
const pastWeeks, measuredWeeks = 15, 5

// earlier is what was found in the repository of a service until a day, in place of what is found today.
type earlier struct {
	service string
	until   int // days before today
	found   map[string]any
}

// noAgents is a repository before it got its AGENTS.md, untimed one whose test job could run forever.
var (
	noAgents = map[string]any{"files.agents": false, "agents.missing": []string{"build", "style", "test"}}
	untimed  = map[string]any{"workflows.without_timeout": []string{
		".github/workflows/ci.yaml:9: the job test has no timeout-minutes",
	}}
)

// Repositories before one command started a development environment, and before the README named all that it has to.
var (
	noDevelopment = map[string]any{"development.command": ""}
	shortReadme   = map[string]any{"readme.missing": []string{"test", "contact"}}
)

// unpinned is a repository before a fix pinned its actions and let all its dependencies be updated.
var unpinned = map[string]any{
	"dependencies.without_updates": []string{"Dockerfile: neither Dependabot nor Renovate is configured for docker here"},
	"workflows.unpinned_actions": []string{
		".github/workflows/ci.yaml:14: actions/checkout@v7 is not pinned to a commit",
	},
}

// changed are the repositories that changed in the last weeks.
var changed = []earlier{
	{"payment-service", 70, untimed},
	{"user-service", 66, untimed},
	{"payout-service", 60, untimed},
	{"kyc-service", 52, untimed},
	{"card-issuing", 47, untimed},
	{"notification-service", 33, untimed},
	// The preview came later.
	{"web-checkout", 30, map[string]any{"workflows.without_timeout": none}},
	{"user-service", 41, noAgents},
	{"user-service", 2, unpinned},
	{"payment-service", 36, noAgents},
	{"payout-service", 29, noAgents},
	{"kyc-service", 22, noAgents},
	{"card-issuing", 13, noAgents},
	{"notification-service", 6, noAgents},
	{"notification-service", 19, map[string]any{"settings.required_checks": none}},
	{"reporting-service", 25, map[string]any{"ci.tests_on_pull_requests": false, "settings.required_checks": none}},
	{"user-service", 66, noDevelopment},
	{"payout-service", 66, noDevelopment},
	{"card-issuing", 60, noDevelopment},
	{"kyc-service", 52, shortReadme},
	{"payment-service", 41, shortReadme},
	{"card-issuing", 33, shortReadme},
	{"loyalty-points", 38, map[string]any{"settings.force_push_blocked": false}},
}

// pastDays are the days before today on which facts were read and services graded, the earliest first.
func pastDays() []int {
	days := make([]int, 0, pastWeeks+len(changed))
	for week := measuredWeeks; week <= pastWeeks; week += measuredWeeks {
		days = append(days, 7*week)
	}
	for _, c := range changed {
		days = append(days, c.until)
	}
	slices.Sort(days)
	days = slices.Compact(days)
	slices.Reverse(days)
	return days
}

// Reading is what was read on a day of the last weeks.
type Reading struct {
	Graded   time.Time // when services were graded by it
	Measured bool      // the metrics were computed for this grading
	Facts    []event.Event
}

// Past yields the readings of the last weeks, the earliest first. It stops at the first error of yield and returns it.
func (o *Organization) Past(yield func(Reading) error) error {
	for _, days := range pastDays() {
		at := o.Today.AddDate(0, 0, -days).Add(9*time.Hour + 30*time.Minute)
		past := &Organization{Today: o.Today, cal: o.cal, people: o.people}
		past.readFacts(at, days)
		r := Reading{Graded: at, Measured: days%(7*measuredWeeks) == 0}
		for _, f := range past.facts {
			r.Facts = append(r.Facts, f)
		}
		if err := yield(r); err != nil {
			return err
		}
	}
	return nil
}

// before changes what was found in a repository to what was found some days ago.
func before(service string, days int, found map[string]any) {
	for _, c := range changed {
		if c.service == service && days > c.until {
			maps.Copy(found, c.found)
		}
	}
}
