package demo

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/dxctl/dxctl/catalog"
	pushed "github.com/dxctl/dxctl/collectors/events"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/people"
	"github.com/dxctl/dxctl/store"
	"github.com/dxctl/dxctl/store/storetest"
)

// loaded is the demo organization in a store, with its catalog.
func loaded(tb testing.TB, now time.Time) (*store.Store, *catalog.Catalog) {
	tb.Helper()
	begin := time.Now()
	o := Generate(now)
	generated := time.Since(begin)
	dir := tb.TempDir()
	for name, content := range o.catalogFiles() {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "people.csv"), o.peopleCSV(), 0o600); err != nil {
		tb.Fatal(err)
	}
	c, warnings, err := catalog.Load(
		catalog.Config{Files: []string{"*.yaml"}},
		people.Config{Files: []string{"people.csv"}},
		dir,
	)
	if err != nil {
		tb.Fatal(err)
	}
	for _, w := range warnings {
		tb.Errorf("the demo catalog is not clean: %s:%d: %s", w.File, w.Line, w.Message)
	}
	s := storetest.Open(tb)
	begin = time.Now()
	if err := o.Events(20_000, func(batch []event.Event) error { return s.Append(tb.Context(), batch...) }); err != nil {
		tb.Fatal(err)
	}
	appended := time.Since(begin)
	if err := c.Sync(tb.Context(), s); err != nil {
		tb.Fatal(err)
	}
	var environments []environmentRow
	for environment, raw := range o.environments() {
		for _, word := range raw {
			environments = append(environments, environmentRow{word, environment})
		}
	}
	if err := s.Replace(tb.Context(), "environments", environments); err != nil {
		tb.Fatal(err)
	}
	tb.Logf(
		"%v: generated in %s, stored in %s",
		counts(o),
		generated.Round(time.Millisecond),
		appended.Round(time.Millisecond),
	)
	return s, c
}

type environmentRow struct {
	Raw         string `ch:"raw"`
	Environment string `ch:"environment"`
}

func engine(tb testing.TB, s metrics.Querier, now time.Time) *metrics.Engine {
	tb.Helper()
	e, err := metrics.New(s, func() time.Time { return now })
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

// The story has to be in the numbers, whatever the day on which it is told.
func TestTheStory(t *testing.T) {
	for _, now := range []time.Time{testNow, time.Date(2027, 1, 4, 8, 0, 0, 0, time.UTC), time.Date(2027, 5, 19, 23, 0, 0, 0, time.UTC)} {
		t.Run(now.Format(time.DateOnly), func(t *testing.T) {
			s, _ := loaded(t, now)
			e := engine(t, s, now)
			onboarding := tellEngineers(t, e, now)
			tellServices(t, e, now)
			tellFrequency(t, e, now)
			tellSpecialCases(t, onboarding)
		})
	}
}

func tellEngineers(t *testing.T, e *metrics.Engine, now time.Time) metrics.TTFD {
	t.Helper()
	ttfd, err := e.TimeToFirstDeploy(t.Context(), metrics.Engineers, metrics.TTFDOptions{Cohort: metrics.Quarter})
	if err != nil {
		t.Fatal(err)
	}
	var counted []metrics.Cohort
	for _, c := range ttfd.Cohorts {
		if c.N >= 3 {
			counted = append(counted, c)
			t.Logf(
				"%s: n %d, deployed %d, excluded %d, median %s, p90 %s",
				c.Label,
				c.N,
				c.Deployed,
				c.Excluded,
				days(c.MedianHours),
				days(c.P90Hours),
			)
		}
	}
	first, last := counted[0], counted[len(counted)-1]
	if last.Start.AddDate(0, 3, 0).After(now) {
		last = counted[len(counted)-2] // the latest full quarter
	}
	if m := first.MedianHours; m == nil || *m < 10*24 || *m > 16*24 {
		t.Errorf("in %s the median is %s, want 10 to 16 days", first.Label, days(m))
	}
	if m := last.MedianHours; m == nil || *m > 3*24 {
		t.Errorf("in %s the median is %s, want at most 3 days", last.Label, days(m))
	}
	return ttfd
}

func tellServices(t *testing.T, e *metrics.Engine, now time.Time) {
	t.Helper()
	begin := newCalendar(now)
	for _, era := range []struct {
		name     string
		window   metrics.Window
		low, top float64
	}{
		{"before the platform team", metrics.Window{To: begin.platform}, 21 * 24, 60 * 24},
		{"in the last six months", metrics.Window{From: begin.settled}, 1, 12},
	} {
		ttfd, err := e.TimeToFirstDeploy(
			t.Context(),
			metrics.Services,
			metrics.TTFDOptions{Cohort: metrics.HalfYear, Window: era.window},
		)
		if err != nil {
			t.Fatal(err)
		}
		if m := ttfd.Overall.MedianHours; m == nil || *m < era.low || *m > era.top {
			t.Errorf("services %s: median %s of %d", era.name, days(m), ttfd.Overall.N)
		} else {
			t.Logf("services %s: median %.1f h of %d, %d censored", era.name, *m, ttfd.Overall.N, ttfd.Overall.Censored)
		}
	}
}

func tellFrequency(t *testing.T, e *metrics.Engine, now time.Time) {
	t.Helper()
	c := newCalendar(now)
	perWeek := func(w metrics.Window) float64 {
		s, err := e.DeploymentFrequency(t.Context(), metrics.DeployQuery{Window: w, Bucket: metrics.Week})
		if err != nil {
			t.Fatal(err)
		}
		if s.PerWeek == nil {
			t.Fatal("the deployment frequency is not known")
		}
		return *s.PerWeek
	}
	before := perWeek(metrics.Window{From: c.platform.Add(-90 * day), To: c.platform})
	after := perWeek(metrics.Window{From: c.today.Add(-90 * day), To: c.today})
	t.Logf("deployments per week: %.1f before the platform team, %.1f now", before, after)
	if after < 4*before {
		t.Errorf("deployments per week rose from %.1f to %.1f only", before, after)
	}
}

// tellSpecialCases checks that the list has what every real one has: nobody is left out without a word.
func tellSpecialCases(t *testing.T, ttfd metrics.TTFD) {
	t.Helper()
	if ttfd.Overall.Censored < 3 {
		t.Errorf("%d have not deployed yet, want a few", ttfd.Overall.Censored)
	}
	if len(ttfd.Excluded) != 4 {
		t.Errorf("reasons not to be counted: %+v", ttfd.Excluded)
	}
	gap := uint64(0)
	for _, b := range ttfd.Completeness {
		gap += b.Gap
	}
	if gap != 0 {
		t.Errorf("time to first deploy rests on a ledger with a gap of %d; the demo's gap is in the builds", gap)
	}
}

func days(hours *float64) string {
	if hours == nil {
		return "not reached"
	}
	return time.Duration(*hours * float64(time.Hour)).Round(time.Hour).String()
}

func TestServicesOfTheDemo(t *testing.T) {
	s, c := loaded(t, testNow)
	e := engine(t, s, testNow)
	numbers, err := e.Services(t.Context(), metrics.Last(30, testNow))
	if err != nil {
		t.Fatal(err)
	}
	unmapped := 0
	for _, n := range numbers {
		t.Logf(
			"%-45s deploys %v (%v a week) staging %v runs %v green %v median %v p95 %v reviewed %v",
			n.Service,
			count(n.Deploys),
			number(n.DeploysPerWeek),
			count(n.StagingDeploys),
			count(n.Runs),
			number(n.SuccessRate),
			number(n.MedianMinutes),
			number(n.P95Minutes),
			number(n.ReviewShare),
		)
		if _, ok := c.Entity(n.Service); !ok {
			unmapped++
		}
	}
	if len(numbers)-unmapped != len(services) || unmapped != 1 {
		t.Errorf("%d services and %d unmapped scopes", len(numbers)-unmapped, unmapped)
	}
	completeness, err := e.Completeness(t.Context(), metrics.CIDurationID, "")
	if err != nil {
		t.Fatal(err)
	}
	if len(completeness) == 0 || completeness[0].Gap != gapMissing || completeness[0].Note != gapNote {
		t.Errorf("the gap in the ledger is not to be seen: %+v", completeness)
	}
}

func number(f *float64) any {
	if f == nil {
		return "-"
	}
	return float64(int(*f*100)) / 100
}

func count(n *int) any {
	if n == nil {
		return "-"
	}
	return *n
}

// What the overview asks for, on the demo organization.
func BenchmarkOverview(b *testing.B) {
	s, _ := loaded(b, testNow)
	e := engine(b, s, testNow)
	year := metrics.Last(365, testNow)
	for _, q := range []struct {
		name string
		run  func(context.Context) error
	}{
		{"TimeToFirstDeployEngineers", func(ctx context.Context) error {
			_, err := e.TimeToFirstDeploy(ctx, metrics.Engineers, metrics.TTFDOptions{})
			return err
		}},
		{"TimeToFirstDeployServices", func(ctx context.Context) error {
			_, err := e.TimeToFirstDeploy(ctx, metrics.Services, metrics.TTFDOptions{})
			return err
		}},
		{"DeploymentFrequency", func(ctx context.Context) error {
			_, err := e.DeploymentFrequency(ctx, metrics.DeployQuery{Window: year})
			return err
		}},
		{"DeploymentsByTeam", func(ctx context.Context) error {
			_, err := e.DeploymentsBy(ctx, metrics.DeployQuery{Window: year}, metrics.Team)
			return err
		}},
		{"Services", func(ctx context.Context) error {
			_, err := e.Services(ctx, metrics.Last(30, testNow))
			return err
		}},
		{"CISeries", func(ctx context.Context) error {
			_, err := e.CISeries(ctx, "component:default/payment-service", year)
			return err
		}},
	} {
		b.Run(q.name, func(b *testing.B) {
			for b.Loop() {
				if err := q.run(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// What the scripts push looks as real pushed events do, so that the demo's queries and links are those of users.
func TestPushedEventsLookAsRealOnesDo(t *testing.T) {
	o := Generate(time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC))
	n := 0
	for _, d := range o.deployments {
		if d.Source != SourceScripts {
			continue
		}
		n++
		if d.Provider != pushed.Provider || d.Service == "" ||
			!slices.Contains([]string{"deployed", "failed", "started"}, d.StatusRaw) {
			t.Fatalf("%+v", d)
		}
	}
	if n == 0 {
		t.Error("nothing is pushed")
	}
}
