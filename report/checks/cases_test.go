package checks_test

import (
	"encoding/xml"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/report/checks"
)

// TestWriteCases: a program that reads JUnit XML finds every case and mistake, with any text.
func TestWriteCases(t *testing.T) {
	var b strings.Builder
	err := checks.WriteCases(&b, []checks.Case{
		{Suite: "delivery", Name: "holds", Place: "d.test.yaml:5"},
		{Suite: "delivery", Name: "does <not> & \x01", Place: "d.test.yaml:9", Problems: []string{`level: got "", want "gold"`, "]]> second"}},
		{Suite: "own", Name: "holds", Place: "o.test.yaml:3"},
	}, []string{"broken.yaml:6:10: level \"gold\" has no rule"})
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Errors   int `xml:"errors,attr"`
		Suites   []struct {
			Name  string `xml:"name,attr"`
			Cases []struct {
				Name    string `xml:"name,attr"`
				Class   string `xml:"classname,attr"`
				Failure *struct {
					Message string `xml:"message,attr"`
					Text    string `xml:",chardata"`
				} `xml:"failure"`
				Error *struct {
					Message string `xml:"message,attr"`
				} `xml:"error"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal([]byte(b.String()), &got); err != nil {
		t.Fatalf("%v:\n%s", err, b.String())
	}
	if got.Tests != 4 || got.Failures != 1 || got.Errors != 1 || len(got.Suites) != 3 {
		t.Fatalf("%+v", got)
	}
	if e := got.Suites[0].Cases[0].Error; e == nil || e.Message != `broken.yaml:6:10: level "gold" has no rule` {
		t.Errorf("the mistake is %+v", e)
	}
	c := got.Suites[1].Cases[1]
	if c.Name != "does <not> & \ufffd" || c.Class != "d.test.yaml:9" || c.Failure == nil ||
		c.Failure.Message != `level: got "", want "gold"` || !strings.Contains(c.Failure.Text, "]]> second") {
		t.Errorf("%+v", c)
	}
}
