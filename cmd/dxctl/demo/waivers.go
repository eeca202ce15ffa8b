package demo

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/dxctl/dxctl/repository/waiver"
)

// exception is a waiver of the organization.
type exception struct {
	file, service, scorecard, rule, reason, note string
	since, days                                  int // first and last day, counted from today
}

// approved are the waivers next to the scorecards: one that ends soon, one for a quarter, and one that was not renewed.
var approved = []exception{
	{"cards.yaml", "card-issuing", "production-readiness", "probes-set", "planned",
		"The chart of the new platform sets them; the move is planned for next week (CARD-310).", -80, 9},
	{"ledger.yaml", "reporting-service", "production-readiness", "structured-logs", "replaced-soon",
		"The service is replaced by the data platform (LED-88).", -30, 61},
	{"cards.yaml", "card-issuing", "production-readiness", "on-call", "blocked",
		"The schedule waits for two new colleagues (CARD-287).", -120, -20},
}

// requested is a waiver in the repository of a service, which nobody has approved.
var requested = exception{
	waiver.RepositoryFile, "web-checkout", "production-readiness", "disruption-budget", "accepted-risk",
	"A restart of the only pod takes four seconds (WEB-512).", -2, 88,
}

func (o *Organization) waiver(e exception, origin waiver.Origin) waiver.Waiver {
	at := func(days int) time.Time { return o.Today.AddDate(0, 0, days) }
	return waiver.Waiver{
		Scorecard: e.scorecard, Rule: e.rule, Service: "component:default/" + e.service, Reason: e.reason, Note: e.note,
		By: "user:default/" + o.somebodyOf(e.service), Since: at(e.since), Until: at(e.days), Origin: origin, File: e.file,
		Line: 4,
	}
}

// somebodyOf returns the id of a person of the team that owns a service.
func (o *Organization) somebodyOf(name string) string {
	for _, s := range services {
		for _, p := range o.people {
			if s.name == name && p.team == s.team && p.left.IsZero() {
				return p.id
			}
		}
	}
	return "nobody"
}

// waiverFiles returns the files of waivers next to the scorecards by name.
func (o *Organization) waiverFiles() (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, e := range approved {
		w := o.waiver(e, waiver.FromScorecards)
		text, err := waiver.Add(files[e.file], e.file, &w)
		if err != nil {
			return nil, fmt.Errorf("writing the waivers of the demo: %w", err)
		}
		files[e.file] = text
	}
	return files, nil
}

// waiversIn returns the waivers in the repository of a service some days ago, as its fact has them.
func (o *Organization) waiversIn(service string, days int) []string {
	if service != requested.service || days > -requested.since {
		return none
	}
	text, err := json.Marshal(o.waiver(requested, waiver.FromRepository))
	if err != nil {
		panic(fmt.Sprintf("the demo has a waiver that is no JSON: %v", err))
	}
	return []string{string(text)}
}
