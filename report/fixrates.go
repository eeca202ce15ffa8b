package report

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/report/sorting"
	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/surveys/statistics"
)

// EnoughFixes is how many fixes of a rule must have been graded after their merge before the share that passed orders
// the cheapest way up.
const EnoughFixes = 5

// FixRate is how the fixes of a rule did: of all repositories, by the grades after the merges.
//
// The success rate is credited / graded: of the merged fixes whose rule was graded by facts that were observed after
// the merge, or that were reverted, those after which the rule passes. The revert rate is reverted / merged. Both have
// Wilson's 95 % interval.
type FixRate struct {
	Scorecard string `json:"scorecard"`
	Rule      string `json:"rule"`
	Title     string `json:"title"`
	Proposed  int    `json:"proposed"` // pull requests
	Open      int    `json:"open"`
	Declined  int    `json:"declined"`
	Merged    int    `json:"merged"`   // reverted ones included
	Graded    int    `json:"graded"`   // n of Success
	Credited  int    `json:"credited"` // the rule passes after the merge
	Reverted  int    `json:"reverted"`
	Success   *Rate  `json:"success"` // null without a graded one
	Revert    *Rate  `json:"revert"`  // null without a merged one
}

// Rate is a share with its 95 % interval, from 0 to 1.
type Rate struct {
	Share float64 `json:"share"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
	N     int     `json:"n"`
}

func rateOf(k, n int) *Rate {
	if n == 0 {
		return nil
	}
	low, high := statistics.Wilson(k, n)
	return &Rate{float64(k) / float64(n), low, high, n}
}

// Text is such as "89 % (57 to 98 %), n = 9".
func (r *Rate) Text() string {
	if r == nil {
		return "not known"
	}
	return words.Percent(&r.Share) + " (" + words.Interval(r.Low, r.High) + "), n = " + words.Whole(r.N)
}

// FixRateColumns are the columns of the list of rates.
var FixRateColumns = []sorting.Field[FixRate]{
	text("rule", "rule", func(f FixRate) string { return f.Title }),
	number("proposed", "proposed", func(f FixRate) *float64 { return sorting.Value(float64(f.Proposed)) }),
	number("open", "open", func(f FixRate) *float64 { return sorting.Value(float64(f.Open)) }),
	number("merged", "merged", func(f FixRate) *float64 { return sorting.Value(float64(f.Merged)) }),
	number("declined", "declined", func(f FixRate) *float64 { return sorting.Value(float64(f.Declined)) }),
	number("success", "success", func(f FixRate) *float64 { return f.Success.share() }),
	number("revert", "reverted", func(f FixRate) *float64 { return f.Revert.share() }),
}

func (r *Rate) share() *float64 {
	if r == nil {
		return nil
	}
	return &r.Share
}

// FixRates returns the rates of all rules that fixes were proposed for, those with most proposals first.
func (r *Reader) FixRates(ctx context.Context) ([]FixRate, error) {
	runs, err := r.FixRuns(ctx)
	if err != nil {
		return nil, err
	}
	return ratesOf(runs), nil
}

func ratesOf(runs []FixRun) []FixRate {
	of := map[string]*FixRate{}
	for _, run := range runs {
		if run.Pull == 0 {
			continue
		}
		for _, rule := range run.Rules {
			name := RuleName(rule.Scorecard, rule.Rule)
			if of[name] == nil {
				of[name] = &FixRate{Scorecard: rule.Scorecard, Rule: rule.Rule, Title: rule.Title}
			}
			of[name].add(run, rule)
		}
	}
	rates := make([]FixRate, 0, len(of))
	for _, f := range of {
		f.Success, f.Revert = rateOf(f.Credited, f.Graded), rateOf(f.Reverted, f.Merged)
		rates = append(rates, *f)
	}
	slices.SortFunc(rates, func(a, b FixRate) int {
		return cmp.Or(cmp.Compare(b.Proposed, a.Proposed), cmp.Compare(a.Scorecard, b.Scorecard), cmp.Compare(a.Rule, b.Rule))
	})
	return rates
}

// add counts a rule of a run.
func (f *FixRate) add(run FixRun, rule FixedRule) {
	f.Proposed++
	switch run.Fate {
	case FixOpen:
		f.Open++
	case FixDeclined:
		f.Declined++
	case FixMerged, FixSet:
		f.Merged++
	case FixReverted:
		f.Merged++
		f.Reverted++
	case FixQueued, FixUndone, FixFailed, FixSkipped:
	}
	switch rule.Credit {
	case Credited:
		f.Graded++
		f.Credited++
	case NotCredited:
		f.Graded++
	case NotRegraded, NotMerged:
	}
}

// SelectFixRates returns the rates of rules that contain a text.
func SelectFixRates(rates []FixRate, text string) []FixRate {
	text = strings.ToLower(strings.TrimSpace(text))
	return slices.DeleteFunc(slices.Clone(rates), func(f FixRate) bool {
		return !strings.Contains(strings.ToLower(f.Title+" "+RuleName(f.Scorecard, f.Rule)), text)
	})
}

// fixRates are rates by scorecard/rule.
type fixRates map[string]FixRate

// of returns the share of the fixes of a rule after which it passes; nil if too few are known.
func (f fixRates) of(scorecard, rule string) *Rate {
	if known := f[RuleName(scorecard, rule)]; known.Graded >= EnoughFixes {
		return known.Success
	}
	return nil
}

// expected is the probability with which the fix of a rule makes it pass, by Laplace's rule of succession: (k + 1) /
// (n + 2) of at least EnoughFixes that were graded, else 1/2.
func (f fixRates) expected(scorecard, rule string) float64 {
	known := f[RuleName(scorecard, rule)]
	if known.Graded < EnoughFixes {
		return 0.5
	}
	return float64(known.Credited+1) / float64(known.Graded+2)
}

// experience is what was measured here of repairing rules.
type experience struct {
	took  repairs
	rates fixRates
}

func (r *Reader) experience(ctx context.Context) (experience, error) {
	took, err := r.repairs(ctx)
	if err != nil || r.deps.Store == nil {
		return experience{took: took}, err
	}
	list, err := r.FixRates(ctx)
	rates := fixRates{}
	for _, f := range list {
		rates[RuleName(f.Scorecard, f.Rule)] = f
	}
	return experience{took, rates}, err
}
