package main

import (
	"context"
	"fmt"

	"github.com/dxctl/dxctl/collectors/runner"
	"github.com/dxctl/dxctl/report"
)

// health is what the parts of `dxctl serve` report about themselves while they work: a part calls Set when something
// goes wrong that it does not end with, and Set(object, nil) when that is over.
type health struct {
	collectors report.Conditions // by source: it cannot be made, or what it answered was refused
	inbox      report.Conditions // deliveries are not applied
	catalog    report.Conditions // the catalog as a whole cannot be read
}

// checks lists everything that /readyz and the gauge dxctl_degraded report. A new check is one more line.
func (p *app) checks() []report.HealthCheck {
	return []report.HealthCheck{
		{Name: "store", Causes: p.losses.causes},
		{Name: "collectors", Causes: p.collectorCauses},
		{Name: "inbox", Causes: p.inboxCauses},
		{Name: "catalog", Causes: p.catalogCauses},
	}
}

// inboxCauses returns why deliveries are not applied, and what was set aside.
func (p *app) inboxCauses(ctx context.Context) []string {
	causes := p.health.inbox.Causes(ctx)
	if p.receives != nil {
		causes = append(causes, p.receives.causes(ctx)...)
	}
	return causes
}

// collectorCauses returns why nothing is collected, and what the latest collects ended with: it is read from the store,
// because another process may have collected, and this one may have been started since.
func (p *app) collectorCauses(ctx context.Context) []string {
	causes := p.health.collectors.Causes(ctx)
	problems, err := p.sourceProblems(ctx)
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

// sourceProblems returns what is wrong with the configured sources since their latest collect.
func (p *app) sourceProblems(ctx context.Context) ([]runner.Problem, error) {
	names := make([]string, len(p.cfg.Sources))
	for i, src := range p.cfg.Sources {
		names[i] = src.Name
	}
	return runner.Problems(ctx, p.store, names)
}
