package report

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/report/sorting"
	"github.com/dxctl/dxctl/repository/waiver"
	"github.com/dxctl/dxctl/scorecards"
)

// CountOutcome returns how many rules had an outcome at each of the times. rules are those that are counted:
// scorecard/rule.
type CountOutcome func(ctx context.Context, outcome event.Outcome, rules []string, times []time.Time) ([]int, error)

// debtWeeks is how long the history of waivers is.
const debtWeeks = 26

// WaiverRow is a waiver for a rule of a service, or of another entity that is graded.
type WaiverRow struct {
	Service   string              `json:"service"` // entity ref
	Name      string              `json:"-"`       // of the service
	Team      string              `json:"team"`    // display name of the owner
	Owner     string              `json:"owner"`   // entity ref of the owner; "" without one
	Scorecard string              `json:"scorecard"`
	Rule      string              `json:"rule"`
	Title     string              `json:"title"` // of the rule
	Level     string              `json:"level"` // that needs the rule
	Outcome   event.Outcome       `json:"outcome"`
	Without   event.Outcome       `json:"without_waiver"` // the outcome without it
	Waiver    scorecards.WaiverOn `json:"waiver"`
}

// Needed reports whether the rule would not be earned without the waiver.
func (r WaiverRow) Needed() bool { return !scorecards.Earned(r.Without) }

// Text is what the filter searches.
func (r WaiverRow) Text() string {
	return strings.Join([]string{r.Name, r.Team, r.Rule, r.Title, r.Waiver.By, r.Waiver.Note, r.Waiver.Reason}, " ")
}

// WaiverStates are the states of waivers in the order of their urgency.
var WaiverStates = []waiver.State{waiver.Ending, waiver.Requested, waiver.Refused, waiver.TooLong, waiver.Active,
	waiver.Upcoming, waiver.Expired}

// WaiverColumns are the columns of the list of waivers.
var WaiverColumns = []sorting.Field[WaiverRow]{
	{Column: sorting.Column{Key: "service", Label: "service"}, Text: func(r WaiverRow) string { return r.Name }},
	{Column: sorting.Column{Key: "rule", Label: "rule"}, Text: func(r WaiverRow) string { return r.Title }},
	{Column: sorting.Column{Key: "state", Label: "state"}, Text: func(r WaiverRow) string {
		return string(r.Waiver.State)
	}},
	{Column: sorting.Column{Key: "until", Label: "until"}, Value: func(r WaiverRow) *float64 {
		days := float64(r.Waiver.Until.Unix())
		return &days
	}},
	{Column: sorting.Column{Key: "without", Label: "without it"}, Text: func(r WaiverRow) string {
		return string(r.Without)
	}},
	{Column: sorting.Column{Label: "why"}},
}

// Waivers are all waivers, those that end first before the others.
type Waivers struct {
	List     []WaiverRow
	Problems []string // what is wrong with the waivers next to the scorecards
}

// Waivers returns a row for each rule of a service for which a waiver is written somewhere; of several, the one that
// decides.
func (r *Reader) Waivers(ctx context.Context) (Waivers, error) {
	services, err := r.Services(ctx)
	if err != nil {
		return Waivers{}, err
	}
	all := Waivers{Problems: r.deps.Scorecards.WaiverWarnings(r.deps.Catalog())}
	for _, s := range slices.Concat(services.List, services.Others) {
		for _, report := range s.Reports {
			for i := range report.Results {
				if x := &report.Results[i]; x.Waiver != nil {
					all.List = append(all.List, WaiverRow{
						Service: s.Entity.Ref, Name: s.Entity.DisplayName(), Team: s.Team, Owner: s.Entity.Owner,
						Scorecard: report.Scorecard, Rule: x.Rule, Title: x.Title, Level: x.Level, Outcome: x.Outcome,
						Without: cmp.Or(x.Unwaived, x.Outcome), Waiver: *x.Waiver,
					})
				}
			}
		}
	}
	slices.SortStableFunc(all.List, func(a, b WaiverRow) int {
		return cmp.Or(
			cmp.Compare(slices.Index(WaiverStates, a.Waiver.State), slices.Index(WaiverStates, b.Waiver.State)),
			a.Waiver.Until.Compare(b.Waiver.Until), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Rule, b.Rule))
	})
	return all, nil
}

// WaiverFilter selects waivers. Empty fields select all.
type WaiverFilter struct {
	Text  string
	State string
	Team  string // display name
	Rule  string // scorecard/rule
}

// Select returns the waivers that fit the filter, in their order.
func (w Waivers) Select(f WaiverFilter) []WaiverRow {
	text := strings.ToLower(strings.TrimSpace(f.Text))
	var list []WaiverRow
	for _, r := range w.List {
		if (f.State == "" || f.State == string(r.Waiver.State)) && (f.Team == "" || f.Team == r.Team) &&
			(f.Rule == "" || f.Rule == RuleName(r.Scorecard, r.Rule)) && strings.Contains(strings.ToLower(r.Text()), text) {
			list = append(list, r)
		}
	}
	return list
}

// Counts returns how many waivers are in each state.
func (w Waivers) Counts() map[waiver.State]int {
	counts := map[waiver.State]int{}
	for _, r := range w.List {
		counts[r.Waiver.State]++
	}
	return counts
}

// Teams returns the teams of the services with waivers, sorted.
func (w Waivers) Teams() []string {
	var teams []string
	for _, r := range w.List {
		teams = append(teams, r.Team)
	}
	return Distinct(teams)
}

// DebtPoint is how many rules were waived at a time.
type DebtPoint struct {
	At time.Time `json:"at"`
	N  int       `json:"waived"`
}

// WaiverDebt returns how many rules were waived at the end of each week of half a year and now, over the services and
// rules of today. It is nil if no history is stored.
func (r *Reader) WaiverDebt(ctx context.Context) ([]DebtPoint, error) {
	if r.deps.CountOutcome == nil {
		return nil, nil
	}
	return cached(ctx, r, "waiver debt", func(ctx context.Context) ([]DebtPoint, error) {
		times := weekEnds(r.deps.Now(), debtWeeks)
		var rules []string
		for _, card := range r.deps.Scorecards.Scorecards() {
			for i := range card.Rules {
				rules = append(rules, RuleName(card.Name, card.Rules[i].ID))
			}
		}
		counts, err := r.deps.CountOutcome(ctx, event.Waived, rules, times)
		if err != nil {
			return nil, err
		}
		points := make([]DebtPoint, len(times))
		for i := range times {
			points[i] = DebtPoint{times[i], counts[i]}
		}
		return points, nil
	})
}

// WaiversDocument is a page of the list of waivers.
type WaiversDocument struct {
	Total    int         `json:"total"`
	Waivers  []WaiverRow `json:"waivers"`
	Debt     []DebtPoint `json:"debt"`     // how many rules were waived at the end of each week
	Problems []string    `json:"problems"` // what is wrong with the waivers next to the scorecards
	Next     string      `json:"next"`
}

// NewWaiversDocument returns a page of the waivers that fit a filter.
func NewWaiversDocument(rows []WaiverRow, all Waivers, debt []DebtPoint, p Page) WaiversDocument {
	return WaiversDocument{
		Total: len(rows), Waivers: list(PageOf(rows, p)), Debt: list(debt), Problems: list(all.Problems),
	}
}
