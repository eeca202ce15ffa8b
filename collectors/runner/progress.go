// Package runner collects sources: all of them side by side, each on its own schedule. It keeps their checkpoints,
// their ledger and what is wrong with them, and reports progress.
package runner

import (
	"time"

	"github.com/dxctl/dxctl/collectors/rest"
)

// Progress says what a run is doing. Which fields are set depends on what is reported.
type Progress struct {
	Source string
	Scope  string
	Stream string // runs, changes, deployments …; empty when the message is about the scope or the source
	Done   uint64 // records read in this run
	Total  uint64 // of how many, as far as is known; 0: not known

	Budget rest.Budget // Known: what the source still allows

	WaitUntil time.Time // set: the source is left alone until then
	Reason    string    // why it waits

	Finished bool // the scope is done
	Err      error
}
