// Package named gives names to what is known of a repository: the facts that rules ask about, each with its type and
// the words that pages and messages use for it.
package named

import "github.com/dxctl/dxctl/event"

// Definition describes a named fact.
type Definition struct {
	Name string         // dotted: repository.workflows.unpinned_actions
	Type event.FactType // of the value
	// Places reports that the elements of the list are places, "path:line: text" or "path: text".
	Places      bool
	Unit        string // of a number; see facts.Definition
	Label       string // noun phrase: "the number of required approvals"
	True        string // sentence when it holds: "the default branch cannot be deleted"
	False       string // sentence when it does not hold
	Description string // one sentence
}
