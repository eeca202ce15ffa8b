package demo

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/surveys"
	"github.com/dxctl/dxctl/surveys/questionnaire"
)

// Survey is a quarter of the organization's survey, as Google Forms exports it.
type Survey struct {
	ID     string
	Export []byte
	Open   bool      // people can still answer; the others are published
	opens  time.Time // first day
	closes time.Time // last day
}

// surveyStream is the stream of dice of the latest survey; the one before has the next. With these, no small team
// happens to answer a question alike, which would hide it, and the few teams answer as their services are.
const surveyStream = 996

// Columns of the export that are no question.
const (
	surveyEmail  = "Email Address"
	surveyGolden = "Is the service that you work on most on the golden path?"
)

// Surveys returns four quarters, the oldest first. The last one is open: most people have answered.
func (o *Organization) Surveys() []Survey {
	last := o.Today.AddDate(0, 0, 3)
	// Counted from the first of the month, three months are always another quarter.
	month := time.Date(last.Year(), last.Month(), 1, 0, 0, 0, 0, time.UTC)
	var all []Survey
	for i := 3; i >= 0; i-- {
		closes := month.AddDate(0, -3*i, min(last.Day(), 28)-1)
		s := Survey{
			ID:    fmt.Sprintf("%d-Q%d", closes.Year(), (int(closes.Month())+2)/3),
			opens: closes.AddDate(0, 0, -13), closes: closes, Open: i == 0,
		}
		s.Export = o.surveyExport(s, uint64(surveyStream+i))
		all = append(all, s)
	}
	return all
}

// definition returns the definition of a quarter.
func (s Survey) definition() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "# Synthetic: the survey of the demo organization.\ntitle: Developer survey %s\nopens: %s\n"+
		"closes: %s\ntime_zone: UTC\ncolumns:\n  golden_path: %q\nitems:\n", strings.ReplaceAll(s.ID, "-", " "),
		s.opens.Format(time.DateOnly), s.closes.Format(time.DateOnly), surveyGolden)
	for _, i := range questionnaire.Items() {
		fmt.Fprintf(&b, "  - key: %s\n    text: %q\n    column: %q\n", i.Key, i.Text, i.Headers[0])
		if i.Dimension != "" {
			fmt.Fprintf(&b, "    dimension: %s\n", i.Dimension)
		}
		if i.Kind == surveys.Comment {
			b.WriteString("    kind: comment\n")
			continue
		}
		fmt.Fprintf(&b, "    scale: %s\n", i.Scale)
		if i.Reversed {
			b.WriteString("    direction: lower_is_better\n")
		}
		if len(i.Rules) > 0 {
			fmt.Fprintf(&b, "    rules: [%s]\n", strings.Join(i.Rules, ", "))
		}
	}
	return []byte(b.String())
}

// surveyExport makes what people answered in a quarter.
func (o *Organization) surveyExport(s Survey, stream uint64) []byte {
	d := newDice(stream)
	items := questionnaire.Items()
	header := []string{"Timestamp", surveyEmail}
	for _, i := range items {
		header = append(header, i.Headers[0])
	}
	rows := [][]string{append(header, surveyGolden)}
	asked, answered := map[string]int{}, map[string]int{}
	for _, p := range o.people {
		if !p.started.Before(s.opens) || !p.left.IsZero() && !p.left.After(s.closes) {
			continue
		}
		// A draw for each person could leave a small team without a result; so many of each team answer.
		team := p.teamAt(s.closes)
		asked[team]++
		if answered[team]*1000 >= asked[team]*int(surveyRate[team]) {
			continue
		}
		answered[team]++
		works := serviceNamed(o.surveyService(p, s.closes))
		golden := works.golden(s.opens, o.cal)
		at := s.opens.Add(time.Duration(d.between(0, 13)) * day).Add(time.Duration(d.between(8*60, 18*60)) * time.Minute)
		if !at.Before(o.Today) {
			continue
		}
		row := []string{at.Format("2006/01/02 3:04:05 PM") + " GMT+0", p.email()}
		mood := int64(d.between(-500, 500)) // of the person, in thousandths of a point
		for _, i := range items {
			row = append(row, o.surveyAnswer(d, i, s.opens, works, mood))
		}
		row = append(row, map[bool]string{true: "Yes", false: "No"}[golden])
		rows = append(rows, row)
	}
	slices.SortStableFunc(rows[1:], func(a, b []string) int { return strings.Compare(a[0], b[0]) })
	var b bytes.Buffer
	if err := csv.NewWriter(&b).WriteAll(rows); err != nil { // a buffer takes everything
		b.WriteString(err.Error())
	}
	return b.Bytes()
}

// surveyRate is how many of a team answer.
var surveyRate = map[string]permille{
	"payments": 880, "payouts": 860, "checkout": 800, "identity": 900, "messaging": 850, "ledger": 850, "risk": 820,
	"merchants": 870, "cards": 820, "growth": 800, "data": 900, "platform": 1000,
}

// surveyService is the service that a person works on most: one that the team owns or, until it has one, one in which
// its members begin.
func (o *Organization) surveyService(p *person, at time.Time) string {
	name := p.teamAt(at)
	var own []string
	for _, s := range services {
		if s.team == name {
			own = append(own, s.name)
		}
	}
	firsts := teams[slices.IndexFunc(teams, func(t team) bool { return t.name == name })].firsts
	for _, of := range [][]string{own, firsts} {
		of = slices.DeleteFunc(slices.Clone(of), func(s string) bool { return !serviceNamed(s).createdAt(o.cal).Before(at) })
		if len(of) > 0 {
			return of[len(p.id)%len(of)]
		}
	}
	return services[0].name
}

// mean is the score of a question in the good direction, in thousandths of a point of 1 to 5: before the platform team,
// and what it adds for all and on the golden path.
type mean struct{ before, all, golden int64 }

var surveyMeans = map[string]mean{
	"code-readable":   {3300, 0, 100},
	"docs-findable":   {2600, 500, 400},
	"setup-simple":    {2100, 700, 1100},
	"too-many-tools":  {2400, 200, 900},
	"focus-time":      {3000, 0, 100},
	"goals-clear":     {3600, 0, 0},
	"time-for-plan":   {2900, 0, 500},
	"urgent-requests": {2800, -100, 100},
	"satisfaction":    {3000, 200, 600},
	"recommend":       {3100, 200, 700},
}

// builtByHand is how long a build feels where no CI is connected.
const builtByHand = 30 * time.Minute

// surveyMean is the mean of what people who work on a service answer, as those of surveyMeans. What is asked about the
// feedback loops follows how long CI takes, how often it is green, how much is reviewed and how often it is released.
func (o *Organization) surveyMean(key string, at time.Time, works service) int64 {
	p := works.at(at, o.cal)
	switch key {
	case "build-speed":
		ci := p.ci
		if works.noCI {
			ci = builtByHand
		}
		return 4700 - 95*int64(ci/time.Minute)
	case "review-speed":
		return 1500 + 2*int64(p.reviewed)
	case "deploy-ease":
		if p.release == 0 {
			return 3900
		}
		return 3100 - 150*int64(p.release)
	case "flaky-checks":
		return 2500 + 7*int64(p.green-800)
	}
	m := surveyMeans[key]
	level := m.before + m.all*o.cal.progress(at)/1000
	if p.golden {
		level += m.golden
	}
	return level
}

// surveyAnswer draws the answer to an item as the form writes it.
func (o *Organization) surveyAnswer(d dice, i surveys.Item, at time.Time, works service, mood int64) string {
	if i.Kind == surveys.Comment {
		return o.surveyComment(d, i.Key, works.golden(at, o.cal))
	}
	level := o.surveyMean(i.Key, at, works) + mood + int64(d.between(-1150, 1150))
	if d.chance(15) {
		return "I don't know"
	}
	level = min(max(level, 1000), 5000)
	span := int64(i.Scale.Max - i.Scale.Min)
	point := i.Scale.Min + int((span*(level-1000)+2000)/4000)
	point = i.Good(point) // a reversed item is answered the other way round
	if len(i.Headers) == 1 {
		return fmt.Sprint(point)
	}
	return agreement[point-1]
}

var agreement = []string{"Strongly disagree", "Disagree", "Neither agree nor disagree", "Agree", "Strongly agree"}

// surveyComment draws a comment; most people write none.
func (o *Organization) surveyComment(d dice, key string, golden bool) string {
	if !d.chance(330) {
		return ""
	}
	switch {
	case key == "keep":
		return pick(d, []string{
			"Code reviews are friendly.", "Teams own what they build.", "No meetings before ten.",
			"The on-call rotation is fair.", "We fix incidents together and blame nobody.",
		})
	case golden:
		return pick(d, []string{
			"Finding who owns an old library.", "End-to-end tests are still slow.", "Urgent requests in the middle of a sprint.",
			"Too many dashboards.", "Waiting for access to production data.",
		})
	}
	return pick(d, []string{
		"Builds take more than twenty minutes, so I start something else and forget what I did.",
		"Releases happen on Thursdays and\nneed three people.", "Nobody knows how the deploy script works.",
		"The setup of a laptop takes days.", "Flaky tests. I restart the job until it is green.",
	})
}
