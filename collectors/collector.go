// Package collectors brings what happened at a source into the store: the interface that a source implements, the
// configuration of sources, and the Runner that collects them side by side, keeps their checkpoints, and counts.
//
// A collector reads pages, makes events of them and appends those; only then does it save how far it has come. Stopping it
// anywhere, also by pulling the plug, therefore loses nothing, and what is read twice is stored once, because events have
// an identity.
package collectors

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
