package report

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/controls"
	"github.com/dxctl/dxctl/scorecards/format"
	"github.com/dxctl/dxctl/spelling"
)

// ControlState is what the rules show about a control for a service, or for all services together.
type ControlState string

// The states of a control, those that ask for attention first. Passing does not mean that
// the control is met, because rules may show a part of it only.
const (
	ControlFailing       ControlState = "failing"        // a rule fails
	ControlUnknown       ControlState = "unknown"        // no rule fails, and one is not decided
	ControlWaived        ControlState = "waived"         // no rule fails or is undecided, and one is waived
	ControlPassing       ControlState = "passing"        // a rule passes or warns, and the others do or do not apply
	ControlNotApplicable ControlState = "not applicable" // no rule applies
	ControlNotCovered    ControlState = "not covered"    // no rule shows it
)

// ControlStates are the states that a control can have.
var ControlStates = []ControlState{ControlFailing, ControlUnknown, ControlWaived, ControlPassing, ControlNotApplicable,
	ControlNotCovered}

// stateOf returns the state of a control by the outcomes of its rules. Without outcomes it is not applicable.
func stateOf(outcomes []event.Outcome) ControlState {
	has := func(states ...event.Outcome) bool {
		return slices.ContainsFunc(outcomes, func(o event.Outcome) bool { return slices.Contains(states, o) })
	}
	switch {
	case has(event.Fail):
		return ControlFailing
	case has(event.Unknown, event.Stale, event.ErrorOutcome, event.NeedsReview):
		return ControlUnknown
	case has(event.Waived):
		return ControlWaived
	case has(event.Pass, event.Warn):
		return ControlPassing
	}
	return ControlNotApplicable
}

// ComplianceDocument is what the rules show about the controls of a standard: of all services, or of one.
type ComplianceDocument struct {
	Standard string            `json:"standard"` // its id
	Title    string            `json:"title"`
	Version  string            `json:"standard_version"`
	Source   string            `json:"source"`  // where the ids of the controls are from
	Service  string            `json:"service"` // ref; "" for all services
	AsOf     time.Time         `json:"as_of"`
	Services int               `json:"services"` // that are looked at
	Covered  int               `json:"covered"`  // controls that a rule shows, whole or in part
	Total    int               `json:"total"`    // controls of the standard
	Filter   string            `json:"filter"`   // which controls are selected, in words; "" for all
	Controls []ControlDocument `json:"controls"` // that fit the filter, in the order of the standard
	Notes    []string          `json:"notes"`    // what is not of that time
}

// ControlDocument is a control and what the rules show about it.
type ControlDocument struct {
	Control string                `json:"control"` // id
	Level   string                `json:"level"`   // in the words of the standard
	Title   string                `json:"title"`   // in our words
	URL     string                `json:"url"`
	Shows   string                `json:"shows"` // whole, part or none: see showsOf
	State   ControlState          `json:"state"` // of the service; of all services, the first that one of them has
	Counts  map[ControlState]int  `json:"counts"`
	Rules   []ControlRuleDocument `json:"rules"`
}

// ControlRuleDocument is a rule of a control.
type ControlRuleDocument struct {
	Scorecard string                `json:"scorecard"`
	Rule      string                `json:"rule"`
	Version   uint32                `json:"version"`
	Title     string                `json:"title"`
	Shows     string                `json:"shows"`   // whole or part
	Note      string                `json:"note"`    // limits of what is shown; "" without one
	Outcome   event.Outcome         `json:"outcome"` // of the service; "" for all services, and where it is not graded
	Reason    string                `json:"reason"`
	Counts    map[event.Outcome]int `json:"counts"` // services by outcome
}

// Name is the name of the rule in filters.
func (r ControlRuleDocument) Name() string { return RuleName(r.Scorecard, r.Rule) }

// ComplianceQuery selects a report. Empty fields select all.
type ComplianceQuery struct {
	Standard string // id; the first standard if empty
	Service  string // ref
	Text     string // part of the id or the title of a control
	State    string
	AsOf     time.Time // of a service only; zero: now
}

// Compliance returns what the rules in force show about the controls of a standard. The error is a *NotFoundError for a
// standard or a service that there is not.
func (r *Reader) Compliance(ctx context.Context, q ComplianceQuery) (ComplianceDocument, error) {
	standard, ok := controls.Lookup(cmp.Or(q.Standard, controls.Names()[0]))
	if !ok {
		return ComplianceDocument{}, notFound("no standard has the id %q%s", q.Standard,
			spelling.Hint(q.Standard, controls.Names()))
	}
	doc := ComplianceDocument{
		Standard: standard.ID, Title: standard.Title, Version: standard.Version, Source: standard.Source,
		AsOf: r.deps.Now().UTC(), Total: len(standard.Controls), Filter: q.FilterWords(), Controls: []ControlDocument{},
		Notes: []string{},
	}
	var services []Service
	switch {
	case q.Service != "" && !q.AsOf.IsZero():
		then, err := r.AsOf(ctx, q.Service, q.AsOf)
		if err != nil {
			return ComplianceDocument{}, err
		}
		services, doc.AsOf, doc.Notes = []Service{then.Service}, q.AsOf.UTC(), list(then.Notes)
	case q.Service != "":
		service, err := r.Service(ctx, q.Service)
		if err != nil {
			return ComplianceDocument{}, err
		}
		services = []Service{service}
	default:
		all, err := r.Services(ctx)
		if err != nil {
			return ComplianceDocument{}, err
		}
		services = all.List
	}
	doc.Services = len(services)
	if q.Service != "" {
		doc.Service = services[0].Entity.Ref
	}
	for _, c := range standard.Controls {
		control := r.control(standard, c, services, q.Service != "", doc.AsOf)
		if control.Shows != "none" {
			doc.Covered++
		}
		if q.selects(&control) {
			doc.Controls = append(doc.Controls, control)
		}
	}
	return doc, nil
}

// selects reports whether the control is in the state for any of the services, and has the text.
func (q ComplianceQuery) selects(c *ControlDocument) bool {
	text := strings.ToLower(c.Control + " " + c.Title)
	return (q.State == "" || q.State == string(c.State) || c.Counts[ControlState(q.State)] > 0) &&
		strings.Contains(text, strings.ToLower(strings.TrimSpace(q.Text)))
}

// shownBy is a rule in force that shows a control.
type shownBy struct {
	card  string
	rule  *scorecards.Rule
	shows format.Shows
}

// shownBy returns the rules that show a control at a time.
func (r *Reader) shownBy(standard, control string, at time.Time) []shownBy {
	var rules []shownBy
	cards := r.deps.Scorecards.Scorecards()
	for i := range cards {
		for j := range cards[i].Rules {
			rule := &cards[i].Rules[j]
			for _, s := range rule.Controls {
				if s.Standard == standard && s.Control == control && rule.Enforced(at) {
					rules = append(rules, shownBy{cards[i].Name, rule, s})
				}
			}
		}
	}
	return rules
}

// control returns what the rules show about a control for the services.
func (r *Reader) control(
	standard controls.Standard, c controls.Control, services []Service, one bool, at time.Time,
) ControlDocument {
	doc := ControlDocument{
		Control: c.ID, Level: c.Level, Title: c.Title, URL: standard.Address(c), Shows: "none", State: ControlNotCovered,
		Counts: map[ControlState]int{}, Rules: []ControlRuleDocument{},
	}
	rules := r.shownBy(standard.ID, c.ID, at)
	if len(rules) == 0 {
		return doc
	}
	for _, by := range rules {
		doc.Rules = append(doc.Rules, ControlRuleDocument{
			Scorecard: by.card, Rule: by.rule.ID, Version: by.rule.Version, Title: by.rule.Title, Shows: by.shows.Shows,
			Note: by.shows.Note, Counts: map[event.Outcome]int{},
		})
	}
	passing, whole := 0, 0 // services, and those of them for which a rule shows all of it
	for i := range services {
		var outcomes []event.Outcome
		shownWhole := false
		for j, by := range rules {
			result := resultOf(services[i].Reports, by.card, by.rule.ID)
			if result == nil || !result.Counts() {
				continue
			}
			outcomes = append(outcomes, result.Outcome)
			shownWhole = shownWhole || showsWhole(by.shows, result.Outcome)
			doc.Rules[j].Counts[result.Outcome]++
			if one {
				doc.Rules[j].Outcome, doc.Rules[j].Reason = result.Outcome, result.Reason
			}
		}
		state := stateOf(outcomes)
		doc.Counts[state]++
		if state == ControlPassing {
			passing++
			if shownWhole {
				whole++
			}
		}
	}
	doc.Shows = showsOf(passing, whole)
	doc.State = ControlNotApplicable
	for _, state := range ControlStates {
		if doc.Counts[state] > 0 {
			doc.State = state
			break
		}
	}
	return doc
}

// showsWhole reports whether a rule shows all of a control by its outcome.
func showsWhole(s format.Shows, o event.Outcome) bool {
	return s.Shows == format.ShowsWhole && (o == event.Pass || o == event.Warn)
}

// showsOf returns how much of a control that has rules is shown, of services for which it is passing, of which so many
// have a rule that shows all of it: whole if all of them have one. A rule that does not apply, or does not pass, shows
// nothing of a service.
func showsOf(passing, whole int) string {
	if passing > 0 && whole == passing {
		return format.ShowsWhole
	}
	return format.ShowsPart
}

// FilterWords says which controls the query selects; "" for all.
func (q ComplianceQuery) FilterWords() string {
	var parts []string
	if q.State != "" {
		parts = append(parts, "state "+q.State)
	}
	if text := strings.TrimSpace(q.Text); text != "" {
		parts = append(parts, strconv.Quote(text)+" in the id or the title")
	}
	return strings.Join(parts, ", ")
}

func resultOf(reports []scorecards.Report, card, rule string) *scorecards.Result {
	for i := range reports {
		if reports[i].Scorecard != card {
			continue
		}
		for j := range reports[i].Results {
			if reports[i].Results[j].Rule == rule {
				return &reports[i].Results[j]
			}
		}
	}
	return nil
}

// Sentence says what the state of the control means, in words that claim no more than the rules show.
func (c ControlDocument) Sentence() string {
	switch {
	case c.Shows == "none":
		return "no rule shows it"
	case c.State == ControlPassing && c.Shows == format.ShowsPart:
		return "passing, as far as the rules show: a part of it"
	}
	return string(c.State)
}

// StandardNames returns the ids of the standards that rules may name.
func StandardNames() []string { return controls.Names() }

// Standard names a standard.
type Standard struct{ ID, Title, Version string }

// Standards returns the standards that rules may name.
func Standards() []Standard {
	var list []Standard
	for _, s := range controls.Standards() {
		list = append(list, Standard{s.ID, s.Title, s.Version})
	}
	return list
}

// ComplianceHeads are the columns of a report as a table or a file.
var ComplianceHeads = []string{"standard", "version", "control", "level", "title", "shows", "state", "failing",
	"unknown", "waived", "passing", "not_applicable", "rules", "as_of", "service"}

// ComplianceNumbers are the indexes of the columns that have numbers.
func ComplianceNumbers() []int { return []int{7, 8, 9, 10, 11} }

// StateCount is how many services have a state.
type StateCount struct {
	State ControlState
	N     int
}

// Tally returns how many services have each state, without those that none has.
func (c ControlDocument) Tally() []StateCount {
	var list []StateCount
	for _, s := range ControlStates {
		if n := c.Counts[s]; n > 0 {
			list = append(list, StateCount{s, n})
		}
	}
	return list
}

// Cells are the rows of the report under ComplianceHeads.
func (d ComplianceDocument) Cells() [][]string {
	rows := make([][]string, 0, len(d.Controls))
	for _, c := range d.Controls {
		var rules []string
		for _, rule := range c.Rules {
			text := rule.Name() + " v" + strconv.Itoa(int(rule.Version)) + " (" + rule.Shows + ")"
			if rule.Outcome != "" {
				text += ": " + string(rule.Outcome)
			}
			rules = append(rules, text)
		}
		row := []string{d.Standard, d.Version, c.Control, c.Level, c.Title, c.Shows, string(c.State)}
		for _, state := range ControlStates[:5] {
			count := ""
			if c.Shows != "none" {
				count = strconv.Itoa(c.Counts[state])
			}
			row = append(row, count)
		}
		rows = append(rows, append(row, strings.Join(rules, "; "), d.AsOf.Format(time.RFC3339), d.Service))
	}
	return rows
}
