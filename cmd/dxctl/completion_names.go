package main

import (
	"github.com/spf13/cobra"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/scorecards"
)

// entityNames completes the names of services and of what else a scorecard grades, such as libraries and systems, in
// the shell. An entity whose name others have is completed by its ref.
func (s *cli) entityNames() ([]string, cobra.ShellCompDirective) {
	cfg, err := s.config()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	cat, _, err := catalog.Load(cfg.Catalog, cfg.People, cfg.Dir)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	graded := func(descriptor.Entity) bool { return false }
	if set, err := scorecards.Load(cfg.Scorecards, cfg.Dir); err == nil { // without them, services are completed
		if engine, err := scorecards.New(set, s.now); err == nil {
			graded = engine.Takes
		}
	}
	var offered []descriptor.Entity
	count := map[string]int{} // by name
	for _, e := range cat.Entities() {
		if e.IsService() || graded(e) {
			offered = append(offered, e)
			count[e.Name]++
		}
	}
	names := make([]string, 0, len(offered))
	for _, e := range offered {
		name := e.Name
		if count[name] > 1 {
			name = e.Ref
		}
		names = append(names, name+"\t"+e.Title)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
