package event

import "time"

// Login is an account of a provider as events name it, with what it did.
type Login struct {
	Provider string
	Name     string // in lower case
	Bot      bool   // the source marked it as a bot account at least once
	Changes  uint64
	Runs     uint64
	Deploys  uint64
	LastAt   time.Time // of what it did; the epoch when no time is known
}

// Events returns how many changes, runs and deployments are the login's.
func (l Login) Events() uint64 { return l.Changes + l.Runs + l.Deploys }
