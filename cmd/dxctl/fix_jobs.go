package main

import (
	"cmp"
	"context"
	"os"

	"github.com/dxctl/dxctl/actions/fix/edits"
	"github.com/dxctl/dxctl/cmd/dxctl/app"
	"github.com/dxctl/dxctl/config"
)

// jobTimes returns how long the jobs of a service took, from the store of the configuration that --config or
// DXCTL_CONFIG names; nil without one. A dx.yaml in the repository does not choose a store: anybody may have written
// it. The store is only read: it is not migrated, and none is made.
func (s *cli) jobTimes(ctx context.Context, service string) (times []edits.JobTime, err error) {
	file := cmp.Or(s.configFile, os.Getenv("DXCTL_CONFIG"))
	if file == "" {
		return nil, nil
	}
	cfg, err := config.Load(file)
	if err != nil || !cfg.Store.Exists(cfg.Dir) {
		return nil, err
	}
	a, err := s.open(ctx, cfg, app.Options{Program: "fix", AsIs: true, Bare: true})
	if err != nil {
		return nil, err
	}
	defer closing(a, &err)
	return a.JobTimes(ctx, service)
}
