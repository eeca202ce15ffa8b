// Package named gives names to what is known of a repository: the facts that rules ask about, each with its type and
// the words that pages and messages use for it.
package named

import (
	"encoding/json"
	"fmt"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/repository/fact"
)

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

// Fact is a named fact of one repository or service: its value, or the reason why it has none.
type Fact struct {
	Definition
	Value  json.RawMessage // JSON of the type; nil if Reason is set
	Reason string          // completes the sentence "unknown because …"; "" if the value is known
}

// Of returns the fact with a value that was read. A value that is not of the type of the definition has a reason
// instead.
func Of[T any](d Definition, v fact.Value[T]) Fact {
	if !v.Known {
		return Fact{Definition: d, Reason: v.Reason}
	}
	raw, err := json.Marshal(v.Value)
	if d.Type == event.ListFact && string(raw) == "null" {
		raw = json.RawMessage("[]")
	}
	if err == nil {
		_, err = event.Fact{Name: d.Name, Type: d.Type, Value: raw}.Decode()
	}
	if err != nil {
		return Fact{Definition: d, Reason: fmt.Sprintf("%s has a value that cannot be stored: %v", d.Name, err)}
	}
	return Fact{Definition: d, Value: raw}
}

// Event returns the fact as an event. of has what the caller knows of it: source, entity, times and address.
func (f Fact) Event(of event.Fact) event.Fact {
	of.Name, of.Type, of.Value, of.Error = f.Name, f.Type, f.Value, f.Reason
	return of
}
