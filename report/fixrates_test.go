package report

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards"
)

var (
	mergedAt = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	opened   = runRow{Outcome: "opened", Pull: 7, Repository: "Acme/Pay", Status: "succeeded"}
)

// TestFates tells what became of a fix by what was recorded and what was collected.
func TestFates(t *testing.T) {
	pull := func(p pullRow, reverted bool) pulls {
		p.Repository, p.Number = "acme/pay", 7
		return pulls{
			of: map[string]pullRow{"acme/pay#7": p}, reverted: map[string]bool{"acme/pay#7": reverted},
		}
	}
	recorded := func(outcome string, status event.Status, pull uint64) runRow {
		return runRow{Outcome: outcome, Status: string(status), Pull: pull, Repository: "Acme/Pay", FinishedAt: &mergedAt}
	}
	for _, c := range []struct {
		name   string
		run    runRow
		known  pulls
		want   Fate
		merged bool
	}{
		{"its wave has not begun", recorded("", event.Queued, 0), pulls{}, FixQueued, false},
		{"open, not collected", opened, pulls{}, FixOpen, false},
		{"open, collected", opened, pull(pullRow{Status: "open"}, false), FixOpen, false},
		{"merged since", opened, pull(pullRow{Status: "merged", MergedAt: &mergedAt}, false), FixMerged, true},
		{"closed since", opened, pull(pullRow{Status: "closed"}, false), FixDeclined, false},
		{"merged by the journal", recorded("merged", event.Succeeded, 7), pulls{}, FixMerged, true},
		{"declined by the journal", recorded("declined", event.Succeeded, 7), pulls{}, FixDeclined, false},
		{"reverted since", opened, pull(pullRow{Status: "merged", MergedAt: &mergedAt}, true), FixReverted, true},
		{"reverted with the batch", recorded("reverted", event.Succeeded, 7),
			pull(pullRow{Status: "merged", MergedAt: &mergedAt}, false), FixReverted, true},
		{"closed with the batch", recorded("undone", event.Succeeded, 7), pull(pullRow{Status: "closed"}, false), FixUndone,
			false},
		{"settings only", recorded("set", event.Succeeded, 0), pulls{}, FixSet, true},
		{"settings that the batch took back", recorded("restored", event.Succeeded, 0), pulls{}, FixUndone, false},
		{"failed", recorded("failed", event.Failed, 0), pulls{}, FixFailed, false},
		{"failed without an outcome", recorded("", event.Failed, 0), pulls{}, FixFailed, false},
		{"held by a commit of somebody", recorded("held", event.Skipped, 7), pulls{}, FixSkipped, false},
		{"nothing to change", recorded("nothing", event.Succeeded, 0), pulls{}, FixSkipped, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, merged := c.known.fate(c.run)
			if got != c.want || (merged != nil) != c.merged {
				t.Errorf("%s, merged %v; want %s, %t", got, merged, c.want, c.merged)
			}
		})
	}
}

// TestReverted: a pull request is reverted if a merged one reverts it that was not reverted itself.
func TestReverted(t *testing.T) {
	row := func(number uint64, status, reverts string) pullRow {
		return pullRow{Repository: "acme/pay", Number: number, Status: status, Reverts: reverts}
	}
	for _, c := range []struct {
		rows []pullRow
		want bool
	}{
		{[]pullRow{row(7, "merged", "")}, false},
		{[]pullRow{row(7, "merged", ""), row(8, "merged", "7")}, true},
		{[]pullRow{row(7, "merged", ""), row(8, "open", "7")}, false},
		{[]pullRow{row(7, "merged", ""), row(8, "merged", "7"), row(9, "merged", "8")}, false},
		{[]pullRow{row(9, "merged", "8"), row(7, "merged", ""), row(8, "merged", "7")}, false},
		{[]pullRow{row(7, "merged", ""), row(8, "merged", "7"), row(9, "closed", "8")}, true},
		{[]pullRow{row(7, "merged", ""), row(8, "merged", "7"), row(9, "merged", "8"), row(10, "merged", "9")}, true},
	} {
		p := pulls{of: map[string]pullRow{}, reverted: map[string]bool{}}
		p.add(c.rows)
		if got := p.reverted["acme/pay#7"]; got != c.want {
			t.Errorf("%+v: %t", c.rows, got)
		}
	}
}

// TestCredit: a fix is credited only if the rule passes by facts that were observed after the merge.
func TestCredit(t *testing.T) {
	_, engine := wayReader(t)
	e := descriptor.Entity{Ref: "component:default/pay", Kind: "Component", Name: "pay"}
	grade := func(passes bool, observed time.Time) []scorecards.Report {
		return engine.Grade(e, map[string]event.Fact{"t.days": {
			Source: "s", Entity: e.Ref, Name: "t.days", Type: event.BoolFact, Value: fmt.Append(nil, passes), ObservedAt: observed,
		}})
	}
	before, after := mergedAt.Add(-time.Hour), mergedAt.Add(time.Hour)
	for _, c := range []struct {
		name    string
		rule    string
		reports []scorecards.Report
		fate    Fate
		merged  *time.Time
		want    Credit
	}{
		{"not merged, and passes", "days", grade(true, after), FixOpen, nil, NotMerged},
		{"declined, and passes", "days", grade(true, after), FixDeclined, nil, NotMerged},
		{"merged, and passes", "days", grade(true, after), FixMerged, &mergedAt, Credited},
		{"by the name of its scorecard", "way/days", grade(true, after), FixMerged, &mergedAt, Credited},
		{"merged, and does not pass", "days", grade(false, after), FixMerged, &mergedAt, NotCredited},
		{"merged, and passed before", "days", grade(true, before), FixMerged, &mergedAt, NotRegraded},
		{"merged, and not read since", "days", grade(false, before), FixMerged, &mergedAt, NotRegraded},
		{"merged, and no facts", "days", engine.Grade(e, nil), FixMerged, &mergedAt, NotRegraded},
		{"a rule that is gone", "gone", grade(true, after), FixMerged, &mergedAt, NotRegraded},
		{"a service that is gone", "days", nil, FixMerged, &mergedAt, NotRegraded},
		{"reverted, though it passes", "days", grade(true, after), FixReverted, &mergedAt, NotCredited},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := fixedRule(c.rule, c.reports, c.fate, c.merged); got.Credit != c.want {
				t.Errorf("%+v, want %s", got, c.want)
			}
		})
	}
}

// runsOf makes fixes of the rule way/RULE with these fates and credits.
func runsOf(rule string, of ...FixRun) []FixRun {
	for i := range of {
		of[i].Pull = i + 1
		credit := of[i].Rules
		of[i].Rules = []FixedRule{{Scorecard: "way", Rule: rule, Title: rule, Credit: NotMerged}}
		if len(credit) > 0 {
			of[i].Rules[0].Credit = credit[0].Credit
		}
	}
	return of
}

func with(fate Fate, credit Credit) FixRun {
	return FixRun{Fate: fate, Rules: []FixedRule{{Credit: credit}}}
}

func TestFixRates(t *testing.T) {
	runs := runsOf("days", with(FixMerged, Credited), with(FixMerged, Credited), with(FixMerged, NotCredited),
		with(FixMerged, NotRegraded), with(FixReverted, NotCredited), with(FixOpen, NotMerged), with(FixDeclined, NotMerged),
		with(FixFailed, NotMerged))
	runs = append(runs, FixRun{Fate: FixQueued, Rules: []FixedRule{{Scorecard: "way", Rule: "days"}}}) // no pull request
	got := ratesOf(runs)
	if len(got) != 1 {
		t.Fatalf("%+v", got)
	}
	f := got[0]
	if f.Proposed != 8 || f.Open != 1 || f.Declined != 1 || f.Merged != 5 || f.Graded != 4 || f.Credited != 2 ||
		f.Reverted != 1 {
		t.Errorf("%+v", f)
	}
	// Wilson's interval of 2 in 4, by R: prop.test(2, 4, correct = FALSE)$conf.int is 0.1500390 to 0.8499610.
	if f.Success.Share != 0.5 || f.Success.N != 4 || math.Abs(f.Success.Low-0.150039) > 1e-4 ||
		math.Abs(f.Success.High-0.849961) > 1e-4 {
		t.Errorf("success %+v", f.Success)
	}
	if f.Revert.Share != 0.2 || f.Revert.N != 5 {
		t.Errorf("revert %+v", f.Revert)
	}
	open := ratesOf(runsOf("hours", with(FixOpen, NotMerged)))[0]
	if open.Success != nil || open.Revert != nil || open.Success.Text() != "not known" {
		t.Errorf("without a merge: %+v", open)
	}
}

// TestWayIsOrderedByWhatFixesDid: of two steps of the same effort, the one whose fixes worked comes first; below the
// minimum of fixes, nothing changes.
func TestWayIsOrderedByWhatFixesDid(t *testing.T) {
	r, engine := wayReader(t)
	e := descriptor.Entity{Ref: "component:default/pay", Kind: "Component", Name: "pay"}
	report := graded(engine, e)
	rates := func(n int, credit Credit) fixRates {
		runs := make([]FixRun, n)
		for i := range runs {
			runs[i] = with(FixMerged, credit)
		}
		return fixRates{"way/minutes": ratesOf(runsOf("minutes", runs...))[0]}
	}
	for _, c := range []struct {
		name  string
		rates fixRates
		want  string
	}{
		{"nothing is known", nil, "minutes other hours days"},
		{"they worked", rates(8, Credited), "minutes other hours days"},
		{"they did not work", rates(8, NotCredited), "other hours minutes days"},
		{"too few are known", rates(EnoughFixes-1, NotCredited), "minutes other hours days"},
	} {
		t.Run(c.name, func(t *testing.T) {
			way := r.wayOf(e, &report, experience{rates: c.rates})
			var got []string
			for _, s := range way.Steps {
				got = append(got, s.Rule)
			}
			if fmt.Sprint(got) != "["+c.want+"]" {
				t.Errorf("%v, want %s", got, c.want)
			}
			i := slices.IndexFunc(way.Steps, func(s Step) bool { return s.Rule == "minutes" })
			if enough := c.rates["way/minutes"].Graded >= EnoughFixes; enough != (way.Steps[i].Fixes != nil) {
				t.Errorf("the rate of the step is %+v", way.Steps[i].Fixes)
			}
		})
	}
}
