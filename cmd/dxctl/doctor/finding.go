package doctor

import "fmt"

// Status is the result of a check.
type Status string

// The statuses, from the best.
const (
	OK      Status = "ok"
	Warning Status = "warning" // something may be intended or not; dxctl works
	Problem Status = "problem" // something does not work
)

// Finding is what one check found.
type Finding struct {
	Check  string `json:"check"` // what was checked, for example "schema"
	Status Status `json:"status"`
	Detail string `json:"detail"` // one line, or an error, which may have several
}

// Findings are the results of an examination, in the order of the checks. A check has a finding for everything that it
// found, or none if it depends on one that failed.
type Findings []Finding

// Problems returns the number of problems.
func (f Findings) Problems() int {
	n := 0
	for _, finding := range f {
		if finding.Status == Problem {
			n++
		}
	}
	return n
}

func (f *Findings) ok(check, format string, args ...any) {
	*f = append(*f, Finding{check, OK, fmt.Sprintf(format, args...)})
}

func (f *Findings) warn(check, format string, args ...any) {
	*f = append(*f, Finding{check, Warning, fmt.Sprintf(format, args...)})
}

func (f *Findings) problem(check string, err error) {
	*f = append(*f, Finding{check, Problem, err.Error()})
}
