package checks

import (
	"io"
	"strings"

	"github.com/jstemmer/go-junit-report/v2/junit"
)

// Case is a case of a test of rules.
type Case struct {
	Suite    string // the scorecard
	Name     string
	Place    string   // file:line
	Problems []string // what does not hold; empty: the case holds
}

// WriteCases writes cases as JUnit XML: a suite for each scorecard. Each mistake of the files is an error, in another
// suite.
func WriteCases(w io.Writer, cases []Case, mistakes []string) error {
	suites := junit.Testsuites{Name: "dxctl rules test"}
	if len(mistakes) > 0 {
		suite := junit.Testsuite{Name: "files", Time: "0"}
		for _, m := range mistakes {
			place, _, _ := strings.Cut(m, ": ")
			suite.AddTestcase(junit.Testcase{
				Name: valid(place), Classname: "files", Error: &junit.Result{Message: valid(m), Type: "mistake"},
			})
		}
		suites.AddSuite(suite)
	}
	for i := 0; i < len(cases); {
		suite := junit.Testsuite{Name: cases[i].Suite, ID: len(suites.Suites), Time: "0"}
		for ; i < len(cases) && cases[i].Suite == suite.Name; i++ {
			c := junit.Testcase{Name: valid(cases[i].Name), Classname: valid(cases[i].Place)}
			if problems := cases[i].Problems; len(problems) > 0 {
				c.Failure = &junit.Result{
					Message: valid(problems[0]), Type: "case", Data: valid(strings.Join(problems, "\n") + "\n"),
				}
			}
			suite.AddTestcase(c)
		}
		suites.AddSuite(suite)
	}
	return writeSuites(w, suites)
}
