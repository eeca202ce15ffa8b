package checks

import (
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards"
)

// documentVersion counts up when a field changes its meaning.
const documentVersion = 1

// Document are grades for programs.
type Document struct {
	Version  int               `json:"version"`
	Root     string            `json:"root"` // absolute
	Services []ServiceDocument `json:"services"`
	Problems []ProblemDocument `json:"problems"`
	Notes    []string          `json:"notes"`
}

// ServiceDocument is a service with its grades.
type ServiceDocument struct {
	Service    string              `json:"service"`    // ref
	Descriptor string              `json:"descriptor"` // path:line, relative to the root; "" if there is none
	Grades     []scorecards.Report `json:"grades"`
	Findings   []Finding           `json:"findings"`
}

// Finding is a place where a rule is not met.
type Finding struct {
	Scorecard string        `json:"scorecard"`
	Rule      string        `json:"rule"`
	Outcome   event.Outcome `json:"outcome"`
	Path      string        `json:"path"`           // relative to the root
	Line      int           `json:"line,omitempty"` // from 1; absent for a whole file
	Text      string        `json:"text"`
}

// ProblemDocument is a descriptor that cannot be read, or a part of one.
type ProblemDocument struct {
	Path   string `json:"path"`
	Line   int    `json:"line,omitempty"`
	Reason string `json:"reason"`
}

// Document returns the grades for programs.
func (g *Grades) Document() Document {
	d := Document{
		Version: documentVersion, Root: g.Root, Services: []ServiceDocument{}, Problems: []ProblemDocument{},
		Notes: append([]string{}, g.Notes...),
	}
	for _, p := range g.Problems {
		d.Problems = append(d.Problems, ProblemDocument{p.At.Path, p.At.Line, p.Reason})
	}
	for i := range g.Services {
		s := &g.Services[i]
		one := ServiceDocument{Service: s.Ref, Grades: append([]scorecards.Report{}, s.Reports...), Findings: []Finding{}}
		if s.At.Path != "" {
			one.Descriptor = s.At.String()
		}
		for j := range s.Reports {
			for k := range s.Reports[j].Results {
				x := &s.Reports[j].Results[k]
				if state(x.Outcome) != failing && x.Outcome != event.Warn {
					continue
				}
				places, _ := g.Places(s, s.Reports[j].Scorecard, x)
				for _, p := range places {
					one.Findings = append(one.Findings, Finding{s.Reports[j].Scorecard, x.Rule, x.Outcome, p.Path, p.Line, p.Text})
				}
			}
		}
		d.Services = append(d.Services, one)
	}
	return d
}
