// Package collectors is the list of the sources that exist and their configuration: [All] makes the collectors of the
// configured ones, which [github.com/dxctl/dxctl/collectors/runner] runs.
package collectors

import (
	"fmt"
	"time"

	"github.com/dxctl/dxctl/collectors/source"
)

// All makes the collectors of the configured sources, in their order. Sources that only send have none. A source whose
// collector cannot be made has one that fails with the reason. The error is that the configuration is not valid.
func All(cfg Config, opt source.Options) ([]source.Collector, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	var all []source.Collector
	for _, s := range cfg {
		if s.kind.collect == nil {
			continue
		}
		since, err := s.since(opt.Now())
		if err != nil {
			return nil, fmt.Errorf("source %s: %w", s.Name, err)
		}
		opt.Configured = digestOf(s.settings)
		c, err := s.kind.collect(s.settings, since, opt)
		if err != nil {
			c = unmade{source: s.Name, provider: s.Kind, err: err}
		}
		all = append(all, c)
	}
	return all, nil
}
