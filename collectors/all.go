package collectors

import (
	"fmt"
	"log/slog"
	"time"
)

// Options are what every collector needs from outside.
type Options struct {
	Logger    *slog.Logger
	Now       func() time.Time // default time.Now
	UserAgent string           // "dxctl/1.2.3"
	Folder    string           // where clones of repositories are kept
	Dir       string           // what relative names of files are relative to: the configuration's folder
}

// All makes the collectors of the configured sources, in their order. Sources that only send have none. A source whose
// collector cannot be made has one that fails with the reason. The error is that the configuration is not valid.
func All(cfg Config, opt Options) ([]Collector, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	var all []Collector
	for _, s := range cfg {
		if s.kind.collect == nil {
			continue
		}
		since, err := s.since(opt.Now())
		if err != nil {
			return nil, fmt.Errorf("source %s: %w", s.Name, err)
		}
		c, err := s.kind.collect(s.settings, since, opt)
		if err != nil {
			c = unmade{source: s.Name, provider: s.Kind, err: err}
		}
		all = append(all, c)
	}
	return all, nil
}
