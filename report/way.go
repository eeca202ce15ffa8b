package report

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/repository/waiver"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/facts"
)

// Way is the smallest set of rules that an entity needs for the next level of a scorecard: every rule of that level
// that counts and is not earned. All rules of the levels below are earned.
//
// The steps are in the order of their expected gain for the effort. The gain is the share of the way that a step is, by
// weight, times the probability that its fix makes the rule pass, see [FixRate]: (k + 1) / (n + 2) of n fixes that were
// graded after their merge, if n is at least 5, else 1/2. The effort is the stated one (minutes 1, hours 5, days 25),
// unless enough repairs of every step are known here: then it is the median time that they took, at least a day.
type Way struct {
	Scorecard  string  `json:"scorecard"`
	Title      string  `json:"title"` // of the scorecard
	Level      string  `json:"level"` // to which it leads, in lower case
	Score      float64 `json:"score"` // 0 to 1: the lower end
	ScoreAfter float64 `json:"score_after"`
	Measured   bool    `json:"measured"` // the order is by what repairs took here
	Steps      []Step  `json:"steps"`
}

// Step is a rule that is not earned, what it would gain, and what to do about it.
type Step struct {
	Scorecard string        `json:"scorecard"`
	Card      string        `json:"-"` // title of the scorecard
	Rule      string        `json:"rule"`
	Title     string        `json:"title"`
	Outcome   event.Outcome `json:"outcome"`
	Reason    string        `json:"reason"`
	Level     string        `json:"level"`  // the next level of the scorecard, in lower case
	Needed    int           `json:"needed"` // steps that the level needs, this one included; 0: it is not on the way
	Gain      float64       `json:"gain"`   // by how much the lower end of the score rises, 0 to 1
	Share     float64       `json:"share"`  // of the way, 0 to 1
	Effort    string        `json:"effort"` // as the rule states it
	Took      *Took         `json:"took"`   // here; null: too few repairs are known
	Fixes     *Rate         `json:"fixes"`  // share of the fixes of the rule after which it passes; null: fewer than 5 are known
	Action    Action        `json:"action"`
	Also      int           `json:"-"` // of FirstSteps: further steps that lack facts of the same sources

	worth float64
}

// Cost says what the step takes: the stated effort, and how long it took here where that is known.
func (s Step) Cost() string {
	text := s.Effort
	if s.Took != nil {
		text += "; took here: median " + s.Took.Text()
	}
	if s.Fixes != nil {
		text += "; passes after " + words.Percent(&s.Fixes.Share) + " of its fixes, n = " + words.Whole(s.Fixes.N)
	}
	return text
}

// Text is such as "6 days, n = 9".
func (t Took) Text() string {
	unit := " days"
	if words.Number(t.MedianDays, 1) == "1" {
		unit = " day"
	}
	return words.Number(t.MedianDays, 1) + unit + ", n = " + words.Whole(t.N)
}

// Action is what to do about a rule that is not earned.
type Action struct {
	Do      string   `json:"do"`      // fix, find out, read again, correct or review
	How     []string `json:"how"`     // of a fix: patch, setting, ask
	Text    string   `json:"text"`    // sentence without a period
	Command string   `json:"command"` // that the rule names; "" for none
	Explain string   `json:"explain"` // command that explains the rule in full
	Waiver  string   `json:"waiver"`  // command that asks for a waiver; "" where none can count
	Waived  string   `json:"waived"`  // state of a waiver that is written already; "" for none
	// Declined is until when the lock file of the repository declines the rule, and why; "" if it does not.
	Declined string `json:"declined"`
}

// findOut is what to do about a rule whose facts no source has reported.
const findOut = "find out"

// howTexts say what the kinds of actions are.
var howTexts = map[string]string{
	"patch": "change a file in the repository", "setting": "change a setting at the host of the repository",
	"ask": "open an issue for its owners",
}

// stepOf describes a result that is not earned.
func (r *Reader) stepOf(e descriptor.Entity, report *scorecards.Report, x *scorecards.Result, known experience) Step {
	s := Step{
		Scorecard: report.Scorecard, Card: report.Title, Rule: x.Rule, Title: x.Title, Outcome: x.Outcome, Reason: x.Reason,
		Level: strings.ToLower(report.NextLevel), Gain: report.Gain(x), Effort: x.Effort,
		Took: known.took.of(report.Scorecard, x.Rule), Fixes: known.rates.of(report.Scorecard, x.Rule),
		Action: r.actionOf(e, report.Scorecard, x),
	}
	total := 0.0
	for i := range report.Next {
		total += report.Next[i].Weight
	}
	if slices.ContainsFunc(report.Next, func(n scorecards.Result) bool { return n.Rule == x.Rule }) && total > 0 {
		s.Needed, s.Share = len(report.Next), x.Weight/total
	}
	return s
}

// ServiceArg is an entity as commands take it: the name of a Component of the default namespace, else the ref.
func ServiceArg(ref string) string {
	if strings.HasPrefix(ref, "component:default/") {
		return words.RefName(ref)
	}
	return ref
}

// actionOf returns what to do about a result that is not earned.
func (r *Reader) actionOf(e descriptor.Entity, scorecard string, x *scorecards.Result) Action {
	name := ServiceArg(e.Ref)
	a := Action{How: []string{}, Explain: "dxctl grade " + name + " --rule " + x.Rule}
	switch x.Outcome {
	case event.Fail:
		a.Do, a.Text = "fix", "Fix it"
		if x.Action != nil {
			a.How, a.Command = list(x.Action.Kind), x.Action.Command
			var how []string
			for _, kind := range x.Action.Kind {
				how = append(how, cmp.Or(howTexts[kind], kind))
			}
			a.Text = "Fix it: " + strings.Join(how, ", or ")
		}
	case event.Stale:
		a.Do, a.Text = "read again", "Read its sources again: dxctl grade "+name
	case event.ErrorOutcome:
		a.Do, a.Text = "correct", "Correct the rule or the source of its facts"
	case event.NeedsReview:
		a.Do, a.Text = "review", "Let a person look at it"
	default:
		a.Do, a.Text = findOut, "Find out: let "+strings.Join(r.sourcesOf(scorecard, x), " and ")+" report it"
	}
	if x.Waiver != nil {
		a.Waived = string(x.Waiver.State)
	}
	card, rule := r.rule(scorecard, x.Rule)
	if rule == nil || !rule.Waivable {
		return a
	}
	of := name
	if len(card.WaiversFrom) > 0 && !slices.Contains(card.WaiversFrom, waiver.FromScorecards) {
		of = "." // only the waivers in the repository count
	}
	if len(card.WaiversFrom) > 0 {
		a.Waiver = "dxctl waiver request " + of + " --rule " + RuleName(scorecard, x.Rule) +
			" --until 30d --reason planned --note TEXT"
	}
	return a
}

// sourcesOf returns who should report the facts that an undecided rule lacks: the source that could not, or else those
// that can. Facts that are computed from metrics lack the records of sources.
func (r *Reader) sourcesOf(scorecard string, x *scorecards.Result) []string {
	var sources []string
	definitions := r.deps.Scorecards.DefinitionsOf(scorecard, x.Rule)
	for i, f := range x.FactsUsed() { // in the order of the definitions
		source := f.Source
		if source == facts.MetricsSource && i < len(definitions) {
			source = definitions[i].Source
		}
		if slices.Contains(x.Missing, f.Name) && source != "" && !slices.Contains(sources, source) {
			sources = append(sources, source)
		}
	}
	if len(sources) == 0 {
		return []string{"a source"}
	}
	return sources
}

// rule returns a scorecard and a rule of it; nil for what there is not.
func (r *Reader) rule(scorecard, id string) (*scorecards.Scorecard, *scorecards.Rule) {
	cards := r.deps.Scorecards.Scorecards()
	for i := range cards {
		if cards[i].Name != scorecard {
			continue
		}
		for j := range cards[i].Rules {
			if cards[i].Rules[j].ID == id {
				return &cards[i], &cards[i].Rules[j]
			}
		}
		return &cards[i], nil
	}
	return nil, nil
}

// waysOf returns the cheapest way of an entity to the next level of each scorecard that grades it; none for a scorecard
// whose levels it has all reached.
func (r *Reader) waysOf(ctx context.Context, s Service) ([]Way, error) {
	known, err := r.experience(ctx)
	if err != nil {
		return nil, err
	}
	var ways []Way
	for i := range s.Reports {
		if len(s.Reports[i].Next) > 0 {
			ways = append(ways, r.wayOf(s.Entity, &s.Reports[i], known))
		}
	}
	return ways, r.declined(ctx, s.Entity.Ref, ways)
}

func (r *Reader) wayOf(e descriptor.Entity, report *scorecards.Report, known experience) Way {
	way := Way{
		Scorecard: report.Scorecard, Title: report.Title, Level: strings.ToLower(report.NextLevel), Score: report.Score,
		ScoreAfter: report.Score,
	}
	for i := range report.Next {
		step := r.stepOf(e, report, &report.Next[i], known)
		way.ScoreAfter = min(way.ScoreAfter+step.Gain, 1)
		way.Steps = append(way.Steps, step)
	}
	way.Measured = order(way.Steps, known)
	return way
}

// order sorts steps by their expected gain for the effort, and returns whether the effort is measured. What is not
// decided comes after what fails, if both have the same.
func order(steps []Step, known experience) (measured bool) {
	days := make([]float64, len(steps))
	measured = true
	for i := range steps {
		took, ok := known.took[RuleName(steps[i].Scorecard, steps[i].Rule)]
		measured = measured && ok
		days[i] = max(took.MedianDays, 1)
	}
	for i := range steps {
		cost := scorecards.Effort(steps[i].Effort).Cost()
		if measured {
			cost = days[i]
		}
		steps[i].worth = steps[i].Share * known.rates.expected(steps[i].Scorecard, steps[i].Rule) / cost
	}
	slices.SortStableFunc(steps, func(a, b Step) int {
		return cmp.Or(cmp.Compare(b.worth, a.worth), cmp.Compare(undecided(a), undecided(b)))
	})
	return measured && len(steps) > 0
}

func undecided(s Step) int {
	if s.Outcome == event.Fail {
		return 0
	}
	return 1
}

// FirstSteps returns the steps of all ways with the most gain for the effort, at most as many as asked for. Of those
// that lack facts of the same sources, only the first is returned: one cause needs to be removed once.
func (r *Reader) FirstSteps(ctx context.Context, ways []Way, most int) ([]Step, error) {
	known, err := r.experience(ctx)
	if err != nil {
		return nil, err
	}
	var steps []Step
	for _, way := range ways {
		steps = append(steps, way.Steps...)
	}
	order(steps, known)
	var first []Step
	for _, step := range steps {
		i := slices.IndexFunc(first, func(s Step) bool { return s.Action.Do == findOut && s.Action.Text == step.Action.Text })
		switch {
		case i >= 0:
			first[i].Also++
		default:
			first = append(first, step)
		}
	}
	return first[:min(most, len(first))], nil
}
