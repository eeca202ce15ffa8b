package runs

import "fmt"

// Jobs is the choice of the runs whose jobs are read, which costs a request per run. Empty means all.
type Jobs string

// The values of Jobs.
const (
	AllJobs           Jobs = "all"
	DefaultBranchJobs Jobs = "default-branch"
	NoJobs            Jobs = "none"
)

// Validate returns an error for a value that does not exist.
func (j Jobs) Validate() error {
	switch j {
	case "", AllJobs, DefaultBranchJobs, NoJobs:
		return nil
	}
	return fmt.Errorf("jobs %q: give all, default-branch or none", string(j))
}
