package campaign

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

const (
	// minWeeks is how many whole weeks must be known before anything is forecast.
	minWeeks = 3
	// weekDays is the length of the blocks that are drawn: a week, so that a block has its weekend.
	weekDays = 7
	// runs is how many futures are simulated. The standard error of a share is then at most half a percent.
	runs = 10_000
	// horizonDays is how far ahead a future is simulated.
	horizonDays = 730
)

// Forecast is when the rest of a selection will probably have reached the goal.
//
// The method is a Monte Carlo simulation of the throughput, as is usual for the completion of a backlog (D. Vacanti,
// Actionable Agile Metrics for Predictability, 2015, ch. 14 and 15; T. Magennis, Forecasting and Simulating Software
// Development Projects, 2011). A future is drawn from what happened: blocks of a week of the observed daily net
// changes, each beginning on a random day, one after the other until nothing is left. A block that begins near the last
// day continues with the first one, so that every day is drawn equally often. This is the circular block bootstrap
// (D. Politis and J. Romano, A circular block-resampling procedure for stationary data, in R. LePage and L. Billard,
// Exploring the Limits of Bootstrap, 1992), which keeps the share of weekends, and weeks in which many services move
// together. The dates are quantiles of 10,000 futures. The seed is fixed, so that the same days give the same dates.
//
// The uncertainty is that of chance alone. It assumes that the coming weeks are like the past ones: that the rest is
// not harder than what is done, and that no service joins the selection.
type Forecast struct {
	Known  bool       `json:"known"`
	Why    string     `json:"why"`    // why it is not known, or what is left; a sentence without a period
	Left   int        `json:"left"`   // services that have not reached the goal
	Days   int        `json:"days"`   // observed days that are drawn from
	Net    int        `json:"net"`    // how many services reached the goal in these days, less those that lost it
	P50    *time.Time `json:"p50"`    // day by which the rest is done in half of the futures; null: more than 730 days ahead
	P85    *time.Time `json:"p85"`    // in 85 %
	P95    *time.Time `json:"p95"`    // in 95 %
	Chance *float64   `json:"chance"` // 0 to 1: share of the futures in which the rest is done by the last day
}

// NewForecast forecasts from the days of a burn-down, oldest first, what is left at a moment. The last day of the
// campaign decides the chance.
func (c *Campaign) NewForecast(days []Day, left int, now time.Time) Forecast {
	f := Forecast{Left: left}
	var nets []int
	for _, d := range days {
		if d.both {
			nets = append(nets, d.Net)
			f.Net += d.Net
		}
	}
	f.Days = len(nets)
	switch {
	case left == 0:
		f.Why = "nothing is left"
		return f
	case c.Over(now):
		f.Why = "the campaign is over"
		return f
	case now.Before(c.Starts):
		f.Why = "it has not started"
		return f
	case len(nets) < minWeeks*weekDays:
		days := fmt.Sprintf("%d days since its start have", len(nets))
		if len(nets) == 1 {
			days = "1 day since its start has"
		}
		f.Why = fmt.Sprintf("%s grades; %d are needed", days, minWeeks*weekDays)
		return f
	case f.Net <= 0:
		f.Why = fmt.Sprintf("in the last %d days no more services reached the goal than lost it", len(nets))
		return f
	}
	f.Known = true
	ends := simulate(nets, left)
	today := now.UTC().Truncate(24 * time.Hour)
	at := func(share float64) *time.Time {
		n := ends[int(math.Ceil(share*float64(len(ends))))-1]
		if n > horizonDays {
			return nil
		}
		day := today.AddDate(0, 0, n)
		return &day
	}
	f.P50, f.P85, f.P95 = at(0.50), at(0.85), at(0.95)
	inTime := 0
	for _, n := range ends {
		if !today.AddDate(0, 0, n).After(c.Ends) {
			inTime++
		}
	}
	chance := float64(inTime) / float64(len(ends))
	f.Chance = &chance
	return f
}

// simulate returns, sorted, after how many days each future is done; horizonDays+1 for one that is not within the
// horizon. The first day that is drawn is tomorrow, 1: what was reached today is no longer left.
func simulate(nets []int, left int) []int {
	random := rand.New(rand.NewPCG(uint64(len(nets)), uint64(left))) //nolint:gosec // chance, not a secret
	ends := make([]int, runs)
	for i := range ends {
		ends[i] = oneFuture(random, nets, left)
	}
	slices.Sort(ends)
	return ends
}

func oneFuture(random *rand.Rand, nets []int, left int) int {
	rest := left
	for day := 1; day <= horizonDays; {
		start := random.IntN(len(nets))
		for i := range weekDays {
			if rest -= nets[(start+i)%len(nets)]; rest <= 0 {
				return day
			}
			day++
		}
	}
	return horizonDays + 1
}
