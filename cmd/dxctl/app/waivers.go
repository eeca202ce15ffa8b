package app

import (
	"cmp"
	"slices"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/repository/waiver"
)

// loadWaivers reads the waivers next to the scorecards again, and logs what is wrong with them.
func (a *App) loadWaivers(cat *catalog.Catalog) {
	all, problems := waiver.Load(a.cfg.Scorecards.Waivers, a.cfg.Dir)
	a.waivers.Store(waiver.NewBook(all, Directories(cat)).WithProblems(problems))
	for _, w := range a.cards.WaiverWarnings(cat) {
		a.log.Warn(w)
	}
}

// Directories returns the directories of repositories that belong to services.
func Directories(cat *catalog.Catalog) []waiver.Directory {
	var all []waiver.Directory
	below := map[[2]string]bool{}
	for _, p := range cat.Paths() {
		all = append(all, waiver.Directory{Service: p.Service, Repository: p.Scope, Path: p.Path})
		below[[2]string{p.Service, p.Scope}] = true
	}
	for _, b := range cat.Bindings() {
		if !below[[2]string{b.Service, b.Scope}] {
			all = append(all, waiver.Directory{Service: b.Service, Repository: b.Scope})
		}
	}
	slices.SortFunc(all, func(x, y waiver.Directory) int {
		return cmp.Or(cmp.Compare(x.Service, y.Service), cmp.Compare(x.Repository, y.Repository), cmp.Compare(x.Path, y.Path))
	})
	return all
}
