package report

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/controls"
)

// TestControlShows checks that a rule shows all of a control only where it passes or warns.
func TestControlShows(t *testing.T) {
	engine, err := scorecards.New(scorecards.LoadFiles([]scorecards.File{{Name: "card.yaml", Data: []byte(`
apiVersion: dxctl.dev/v1
kind: Scorecard
name: card
levels: [one]
rules:
  - id: all
    level: one
    title: All of it
    effort: days
    expr: 'true'
    controls: [{standard: slsa, control: source/history, shows: whole}]
  - id: some
    level: one
    title: Some of it
    effort: days
    expr: 'true'
    controls: [{standard: slsa, control: source/history, shows: part, note: Some.}]
`)}}), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	reader := &Reader{deps: Deps{Scorecards: engine}}
	standard, _ := controls.Lookup("slsa")
	var control controls.Control
	for _, c := range standard.Controls {
		if c.ID == "source/history" {
			control = c
		}
	}
	service := func(outcomes string) Service {
		all, some, _ := strings.Cut(outcomes, ", ")
		return Service{Reports: []scorecards.Report{{Scorecard: "card", Results: []scorecards.Result{
			{Rule: "all", Outcome: event.Outcome(all)}, {Rule: "some", Outcome: event.Outcome(some)}}}}}
	}
	for _, tc := range []struct {
		services []string // outcomes of both rules
		want     string
	}{
		{nil, "part not applicable"},
		{[]string{"pass, pass"}, "whole passing"},
		{[]string{"warn, not applicable"}, "whole passing"},
		{[]string{"not applicable, pass"}, "part passing"},
		{[]string{"fail, pass"}, "part failing"},
		{[]string{"waived, pass"}, "part waived"},
		{[]string{"pass, unknown"}, "part unknown"},
		{[]string{"pass, pass", "pass, not applicable"}, "whole passing"},
		{[]string{"pass, pass", "not applicable, pass"}, "part passing"},
		{[]string{"pass, pass", "fail, pass"}, "whole failing"},
		{[]string{"not applicable, not applicable"}, "part not applicable"},
	} {
		var services []Service
		for _, s := range tc.services {
			services = append(services, service(s))
		}
		doc := reader.control(standard, control, services, len(services) == 1, time.Now())
		if got := fmt.Sprint(doc.Shows, " ", doc.State); got != tc.want {
			t.Errorf("%q: %s, want %s", tc.services, got, tc.want)
		}
	}
}

func TestFilterWords(t *testing.T) {
	for _, tc := range []struct {
		query ComplianceQuery
		want  string
	}{
		{ComplianceQuery{Standard: "slsa", Service: "a", Text: " "}, ""},
		{ComplianceQuery{State: "failing"}, "state failing"},
		{ComplianceQuery{State: "failing", Text: "log"}, `state failing, "log" in the id or the title`},
	} {
		if got := tc.query.FilterWords(); got != tc.want {
			t.Errorf("%+v: %s", tc.query, got)
		}
	}
}
