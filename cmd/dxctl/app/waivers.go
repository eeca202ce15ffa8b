package app

import (
	"cmp"
	"slices"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/config"
	"github.com/dxctl/dxctl/repository/waiver"
)

// loadWaivers reads the waivers next to the scorecards again, and logs what is wrong with them.
func (a *App) loadWaivers(cat *catalog.Catalog) {
	a.waivers.Store(Waivers(a.cfg, cat))
	for _, w := range a.cards.WaiverWarnings(cat) {
		a.log.Warn(w)
	}
}

// Waivers returns the waivers next to the scorecards.
func Waivers(cfg config.Config, cat *catalog.Catalog) *waiver.Book {
	all, problems := waiver.Load(cfg.Scorecards.Waivers, cfg.Dir)
	return waiver.NewBook(all, directories(cat)).WithProblems(problems)
}

// directories returns the directories of repositories that belong to services.
func directories(cat *catalog.Catalog) []waiver.Directory {
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
