package demo

import (
	"fmt"
	"time"
)

// goal is a campaign of the organization.
type goal struct {
	id, title, why, target, filter string
	starts, ends                   int // first and last day, counted from today
}

// goals are the campaigns: one that is half done, one that was missed, and one that begins next month.
var goals = []goal{
	{"agents-md", "AGENTS.md in every service",
		"Agents write a third of the changes now, and guess the test command where none is written down.",
		"scorecard: developer-experience\nrule: agents-md", `entity.type in ["service", "website"]`, -45, 28},
	{"timeouts", "No job without a timeout", "A job that hung for six hours held up every release on 12 builders.",
		"scorecard: delivery\nrule: workflow-timeouts", `entity.type in ["service", "website"]`, -80, -20},
	{"ready-for-peak", "Silver before the holiday sales",
		"Last year two services without alerts were down for an evening.",
		"scorecard: production-readiness\nlevel: silver", `entity.lifecycle == "production"`, 12, 75},
}

// campaignFile returns the campaigns as a file.
func (o *Organization) campaignFile() []byte {
	text := "# Synthetic: the campaigns of the demo organization.\n"
	for i, g := range goals {
		if i > 0 {
			text += "---\n"
		}
		date := func(days int) string { return o.Today.AddDate(0, 0, days).Format(time.DateOnly) }
		text += fmt.Sprintf("apiVersion: dxctl.dev/v1\nkind: Campaign\nid: %s\ntitle: %s\nwhy: %s\nowner: platform\n%s\n"+
			"filter: %s\nstarts: %s\nends: %s\n", g.id, g.title, g.why, g.target, g.filter, date(g.starts), date(g.ends))
	}
	return []byte(text)
}
