package main

import "github.com/dxctl/dxctl/web"

// health is what the parts of `dxctl serve` report about themselves while they work: a part calls Set when something
// goes wrong that it does not end with, and Set(object, nil) when that is over.
type health struct {
	collectors web.Conditions // by source: it cannot be made, or what it answered was refused
	inbox      web.Conditions // deliveries are not applied
}

// checks lists everything that /readyz and the gauge dxctl_degraded report. A new check is one more line.
func (p *platform) checks() []web.HealthCheck {
	return []web.HealthCheck{
		{Name: "collectors", Causes: p.health.collectors.Causes},
		{Name: "inbox", Causes: p.health.inbox.Causes},
	}
}
