package server

import (
	"github.com/dxctl/dxctl/web/api"
	"github.com/dxctl/dxctl/web/pages"
)

// Build is New with the assets given.
var Build = build

// The bounds of planning actions.
const (
	PlanSlots = planSlots
	PlanQueue = planQueue
)

// Parameters returns the parameters of every address whose answers are made from records.
func Parameters() map[string][]string {
	all := map[string][]string{}
	for _, r := range append((&pages.Pages{}).Routes(), (&api.API{}).Routes()...) {
		if r.Make != nil {
			all[r.Path] = r.Parameters
		}
	}
	return all
}
