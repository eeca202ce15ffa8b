package checks

import (
	"fmt"
	"io"
	"strings"

	"github.com/jstemmer/go-junit-report/v2/junit"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/scorecards"
)

// WriteJUnit writes the grades as JUnit XML: a suite for each scorecard and a case for each rule of each service. A
// rule that fails is a failure, one in error an error, and one that is not decided or does not apply is skipped.
func (g *Grades) WriteJUnit(w io.Writer) error {
	suites := junit.Testsuites{Name: "dxctl grade"}
	if len(g.Problems) > 0 {
		suite := junit.Testsuite{Name: "descriptors", Time: "0"}
		for _, p := range g.Problems {
			suite.AddTestcase(junit.Testcase{
				Name:      p.At.String(),
				Classname: "descriptors",
				Failure:   &junit.Result{Message: p.Reason, Type: "descriptor"},
			})
		}
		suites.AddSuite(suite)
	}
	for _, card := range g.Cards {
		suite := junit.Testsuite{Name: card.Name, ID: len(suites.Suites), Time: "0"}
		for i := range g.Services {
			s := &g.Services[i]
			for j := range s.Reports {
				if s.Reports[j].Scorecard == card.Name {
					g.cases(&suite, s, &s.Reports[j])
				}
			}
		}
		suites.AddSuite(suite)
	}
	return writeSuites(w, suites)
}

func writeSuites(w io.Writer, suites junit.Testsuites) error {
	if _, err := io.WriteString(w, `<?xml version="1.0" encoding="UTF-8"?>`+"\n"); err != nil {
		return err
	}
	return suites.WriteXML(w)
}

func (g *Grades) cases(suite *junit.Testsuite, s *Service, r *scorecards.Report) {
	for i := range r.Results {
		x := &r.Results[i]
		c := junit.Testcase{Name: x.Rule + ": " + x.Title, Classname: s.Ref}
		result := &junit.Result{Message: valid(x.Reason), Type: string(x.Outcome)}
		switch {
		case x.Outcome == event.Pass:
		case x.Outcome == event.Fail && !x.Counts():
			result.Message = valid("would fail from " + words.Day(x.Announced) + ": " + x.Reason)
			c.Skipped = result
		case x.Outcome == event.Fail:
			result.Data = valid(g.detail(s, r.Scorecard, x))
			c.Failure = result
		case x.Outcome == event.ErrorOutcome:
			c.Error = result
		case x.Outcome == event.Warn:
			c.SystemOut = &junit.Output{Data: valid("warns: " + x.Reason + "\n" + g.detail(s, r.Scorecard, x))}
		default:
			result.Message = valid(string(x.Outcome) + ": " + x.Reason)
			c.Skipped = result
		}
		suite.AddTestcase(c)
	}
}

// detail is the places of a rule that fails, why it exists and what to do.
func (g *Grades) detail(s *Service, card string, x *scorecards.Result) string {
	var b strings.Builder
	places, more := g.Places(s, card, x)
	for _, p := range places {
		fmt.Fprintf(&b, "%s: %s\n", p.Location, p.Text)
	}
	if more != "" {
		b.WriteString(more + "\n")
	}
	for _, part := range []string{x.Why, x.Fix} {
		if part = strings.TrimSpace(part); part != "" {
			b.WriteString("\n" + part + "\n")
		}
	}
	return b.String()
}

// valid replaces the characters that XML does not have; in CDATA the encoder leaves them as they are.
func valid(text string) string {
	return strings.Map(func(c rune) rune {
		if c == '\t' || c == '\n' || c >= ' ' && c <= 0xd7ff || c >= 0xe000 && c <= 0xfffd || c >= 0x10000 {
			return c
		}
		return '\ufffd'
	}, text)
}
