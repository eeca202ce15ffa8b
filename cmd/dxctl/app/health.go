package app

import (
	"context"
	"fmt"

	"github.com/dxctl/dxctl/collectors/runner"
	"github.com/dxctl/dxctl/config"
	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/store"
)

// health is what the parts report about themselves while the dashboard is served: a part calls Set when something goes
// wrong that does not stop it, and Set(object, nil) when that is over.
type health struct {
	collectors report.Conditions // by source: it cannot be made, or what it answered was refused
	inbox      report.Conditions // deliveries are not applied
	catalog    report.Conditions // the catalog as a whole cannot be read
}

// checks lists everything that /readyz and the gauge dxctl_degraded report. received is nil if no source receives. A
// new check is one more line.
func (a *App) checks(received *receiving) []report.HealthCheck {
	return []report.HealthCheck{
		{Name: "store", Causes: a.losses.causes},
		{Name: "collectors", Causes: a.collectorCauses},
		{Name: "inbox", Causes: func(ctx context.Context) []string {
			return append(a.health.inbox.Causes(ctx), received.causes()...)
		}},
		{Name: "catalog", Causes: a.catalogCauses},
	}
}

// collectorCauses returns why nothing is collected, and what the latest collects ended with: it is read from the store,
// because another process may have collected, and this one may have been started since.
func (a *App) collectorCauses(ctx context.Context) []string {
	causes := a.health.collectors.Causes(ctx)
	problems, err := SourceProblems(ctx, a.Store, a.cfg)
	if err != nil {
		return append(causes, err.Error())
	}
	for i, problem := range problems {
		if i == maxCauses {
			return append(causes, fmt.Sprintf("%d more scopes have problems; run `dxctl doctor` for a list", len(problems)-i))
		}
		causes = append(causes, problem.String())
	}
	return causes
}

// maxCauses is how many scopes with problems are listed.
const maxCauses = 20

// SourceProblems returns what is wrong with the configured sources since their latest collect.
func SourceProblems(ctx context.Context, st *store.Store, cfg config.Config) ([]runner.Problem, error) {
	names := make([]string, len(cfg.Sources))
	for i, src := range cfg.Sources {
		names[i] = src.Name
	}
	return runner.Problems(ctx, st, names)
}
