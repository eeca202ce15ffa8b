package report

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/scorecards"
)

var peersNow = time.Date(2026, 11, 18, 12, 0, 0, 0, time.UTC)

// peerService has one report.
func peerService(kind, tier string, years, low, high, coverage float64) Service {
	s := Service{
		Entity: descriptor.Entity{Kind: "Component", Type: kind, Labels: map[string]string{TierLabel: tier}},
		Reports: []scorecards.Report{{Scorecard: "s", Score: low, ScoreHigh: high, Coverage: coverage,
			Born: peersNow.Add(-time.Duration(years * 365.25 * 24 * float64(time.Hour)))}},
	}
	if years < 0 {
		s.Reports[0].Born = time.Time{}
	}
	return s
}

func repeated(n int, s Service) []Service {
	var all []Service
	for range n {
		all = append(all, s)
	}
	return all
}

func TestPercentile(t *testing.T) {
	own := peerService("service", "1", 2, 0.6, 0.6, 1)
	worse, better := peerService("service", "1", 2, 0.4, 0.4, 1), peerService("service", "1", 2, 0.9, 0.9, 1)
	young := peerService("service", "1", 0.5, 0.4, 0.4, 1)
	with := func(lists ...[]Service) []Service {
		all := []Service{own}
		for _, l := range lists {
			all = append(all, l...)
		}
		return all
	}
	for _, tt := range []struct {
		name   string
		own    Service
		others []Service
		want   string
	}{
		{"mid-rank: four lower, itself and one more equal, four higher", own,
			with(repeated(4, worse), repeated(1, own), repeated(4, better)),
			"percentile 50 of n = 10, type service, tier 1, 1 to 3 years old"},
		{"the best", own, with(repeated(9, worse)), "percentile 95 of n = 10, type service, tier 1, 1 to 3 years old"},
		{"too few of the age", own, with(repeated(4, worse), repeated(5, young)),
			"percentile 95 of n = 10, type service, tier 1 (age left out: fewer than 10 are alike)"},
		{"too few of the tier", own, with(repeated(4, worse), repeated(5, peerService("service", "", 2, 0.9, 0.9, 1))),
			"percentile 45 of n = 10, type service (age and tier left out: fewer than 10 are alike)"},
		{"too few of the type", own, with(repeated(8, worse), repeated(9, peerService("website", "1", 2, 0.9, 0.9, 1))),
			"no percentile: there are 9 of type service to compare it with, and at least 10 are needed"},
		{"an interval", peerService("service", "1", 2, 0.3, 1, 0.6),
			append(repeated(5, worse), append(repeated(4, better), peerService("service", "1", 2, 0.3, 1, 0.6))...),
			"percentile 5–95 of n = 10, type service, tier 1, 1 to 3 years old"},
		{"hardly anything is known of it", peerService("service", "1", 2, 0.3, 0.9, 0.4), with(repeated(12, worse)),
			"no percentile: less than half of its rules, by weight, have a known outcome"},
		{"of unknown age and tier", peerService("service", "", -1, 0.6, 0.6, 1),
			repeated(10, peerService("service", "", -1, 0.6, 0.6, 1)),
			"percentile 50 of n = 10, type service, without a tier, of unknown age"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := percentileOf(&tt.own, &tt.own.Reports[0], tt.others, peersNow).Text(); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
	hidden := percentileOf(&own, &own.Reports[0], with(repeated(9, worse), repeated(3, peerService("service", "1", 2, 0, 1, 0.1))),
		peersNow)
	if hidden.N != 10 || hidden.LeftOut != 3 {
		t.Errorf("of peers of which hardly anything is known: %+v", hidden)
	}
}

func TestAgeBands(t *testing.T) {
	var got []string
	for _, years := range []float64{0, 0.9, 1.1, 2.9, 3.1, 40, -1} {
		s := peerService("service", "", years, 0, 0, 1)
		got = append(got, fmt.Sprint(peerGroupOf(&s, &s.Reports[0], peersNow).age))
	}
	want := "less than a year old|less than a year old|1 to 3 years old|1 to 3 years old|more than 3 years old|" +
		"more than 3 years old|"
	if strings.Join(got, "|") != want {
		t.Errorf("got %q", got)
	}
}
