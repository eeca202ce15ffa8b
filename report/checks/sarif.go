package checks

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/repository/fact"
	"github.com/dxctl/dxctl/scorecards"
)

// rootBase is the base of the addresses of files: the root of the checkout.
const rootBase = "%SRCROOT%"

// WriteSARIF writes the rules that fail as SARIF 2.1.0, a result for each place. What is not known is no result, but a
// notification of the run.
func (g *Grades) WriteSARIF(w io.Writer) error {
	report := sarif.NewReport()
	run := sarif.NewRunWithInformationURI("dxctl", "https://github.com/dxctl/dxctl")
	run.Tool.Driver.WithVersion(g.Version)
	run.WithColumnKind("utf16CodeUnits")
	run.WithAutomationDetails(sarif.NewRunAutomationDetails().WithID("dxctl/grade/"))
	base := sarif.NewArtifactLocation().WithDescription(sarif.NewTextMessage("The root of the repository."))
	run.OriginalUriBaseIds = map[string]sarif.ArtifactLocation{rootBase: *base}
	invocation := sarif.NewInvocation().WithExecutionSuccessful(true)
	l := sarifLog{g: g, run: run, rules: map[string]int{}, prints: map[string]int{}, seen: map[string]bool{}}
	l.addRules()
	for i := range g.Services {
		s := &g.Services[i]
		for j := range s.Reports {
			for k := range s.Reports[j].Results {
				if n := l.add(s, s.Reports[j].Scorecard, &s.Reports[j].Results[k]); n != nil {
					invocation.AddToolExecutionNotification(n)
				}
			}
		}
	}
	for _, p := range g.Problems {
		n := sarif.NewNotification().WithLevel("error").WithMessage(sarif.NewTextMessage(p.Reason))
		invocation.AddToolExecutionNotification(n.WithLocations([]*sarif.Location{location(p.At)}))
	}
	run.AddInvocation(invocation)
	report.AddRun(run)
	return report.PrettyWrite(w)
}

type sarifLog struct {
	g      *Grades
	run    *sarif.Run
	rules  map[string]int  // index of the rule of a scorecard, by "scorecard/rule"
	prints map[string]int  // how many results have a fingerprint
	seen   map[string]bool // places of rules, because services of a repository share files
}

// addRules adds the rules of all scorecards. A rule has its own id; the second of two scorecards that share an id has
// the name of its scorecard in front.
func (l *sarifLog) addRules() {
	ids := map[string]bool{}
	for _, card := range l.g.Cards {
		for i := range card.Rules {
			r := &card.Rules[i]
			id := r.ID
			if ids[id] {
				id = card.Name + "/" + r.ID
			}
			ids[id] = true
			rule := l.run.AddRule(id).
				WithName(r.ID).
				WithShortDescription(message(r.Title)).
				WithFullDescription(message(cmpText(r.Why, r.Title))).
				WithHelp(help(r)).
				WithDefaultConfiguration(sarif.NewReportingConfiguration().WithLevel(level(&card, r.Level)))
			if address := r.DocsURL(); address != "" {
				rule.WithHelpURI(address)
			}
			properties := sarif.NewPropertyBag()
			properties.Add("scorecard", card.Name)
			properties.Add("level", r.Level)
			rule.WithProperties(properties)
			l.rules[card.Name+"/"+r.ID] = len(l.run.Tool.Driver.Rules) - 1
		}
	}
}

func cmpText(first, second string) string {
	if text := strings.TrimSpace(first); text != "" {
		return text
	}
	return second
}

func message(text string) *sarif.MultiformatMessageString {
	return sarif.NewMultiformatMessageString().WithText(text)
}

func help(r *scorecards.Rule) *sarif.MultiformatMessageString {
	text := strings.TrimSpace(strings.TrimSpace(r.Why) + "\n\n" + strings.TrimSpace(r.Fix))
	if text == "" {
		text = r.Title
	}
	return message(text).WithMarkdown(text)
}

// level returns the level of SARIF of a rule: what the first level of the scorecard needs is an error.
func level(card *scorecards.Scorecard, name string) string {
	if len(card.Levels) > 0 && card.Levels[0] == name {
		return "error"
	}
	return "warning"
}

// add adds the results of a rule that fails or warns, and returns a notification for one that is not decided.
func (l *sarifLog) add(s *Service, card string, x *scorecards.Result) *sarif.Notification {
	index, known := l.rules[card+"/"+x.Rule]
	if !known {
		return nil
	}
	rule := l.run.Tool.Driver.Rules[index]
	level := rule.DefaultConfiguration.Level
	switch state(x.Outcome) {
	case settled:
		if x.Outcome != event.Warn {
			return nil
		}
		level = "note"
	case failing:
		if !x.Counts() {
			level = "note"
		}
	case undecided:
		severity := "note"
		if x.Outcome == event.ErrorOutcome {
			severity = "error"
		}
		text := fmt.Sprintf("%s: %s is %s: %s", s.Ref, x.Title, x.Outcome, x.Reason)
		n := sarif.NewNotification().WithLevel(severity).WithMessage(sarif.NewTextMessage(text))
		return n.WithAssociatedRule(sarif.NewReportingDescriptorReference().WithID(*rule.ID).WithIndex(index))
	}
	places, more := l.g.Places(s, card, x)
	if len(places) == 0 {
		places = []Place{{s.Anchor, x.Reason}}
	}
	for i, p := range places {
		text := x.Title + ": " + p.Text
		if !x.Counts() {
			text = "Would fail from " + words.Day(x.Announced) + ": " + text
		}
		if more != "" && i == len(places)-1 {
			text += " (" + more + ")"
		}
		l.result(s, index, level, p, text)
	}
	return nil
}

func (l *sarifLog) result(s *Service, index int, level string, p Place, text string) {
	rule := l.run.Tool.Driver.Rules[index]
	key := *rule.ID + "\x00" + p.Path + "\x00" + p.Text
	if p.Path == "" {
		key += "\x00" + s.Ref
	} else if at := fmt.Sprintf("%s\x00%d", key, p.Line); l.seen[at] {
		return // another service of the repository has it, too
	} else {
		l.seen[at] = true
	}
	// The fingerprint has no line, so that it stays the same when lines above are added.
	l.prints[key]++
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d", key, l.prints[key]))
	result := sarif.NewRuleResult(*rule.ID).WithRuleIndex(index).WithLevel(level).WithKind("fail").
		WithMessage(sarif.NewTextMessage(text))
	result.PartialFingerprints = map[string]string{"dxctlPlace/v1": hex.EncodeToString(sum[:16])}
	place := location(p.Location)
	place.AddLogicalLocation(sarif.NewLogicalLocation().WithFullyQualifiedName(s.Ref).WithKind("module"))
	result.AddLocation(place)
	l.run.AddResult(result)
}

// location returns a place in the checkout. Without a path it has no physical location.
func location(at fact.Location) *sarif.Location {
	l := sarif.NewLocation()
	if at.Path == "" {
		return l
	}
	parts := strings.Split(at.Path, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	file := sarif.NewArtifactLocation().WithURI(strings.Join(parts, "/")).WithURIBaseID(rootBase)
	physical := sarif.NewPhysicalLocation().WithArtifactLocation(file)
	// A whole file is its first line, because not all readers show results without one.
	return l.WithPhysicalLocation(physical.WithRegion(sarif.NewRegion().WithStartLine(max(at.Line, 1))))
}
