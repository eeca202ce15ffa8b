package collectors

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/dxctl/dxctl/collectors/github"
)

// Options are what every collector needs from outside.
type Options struct {
	Logger    *slog.Logger
	Now       func() time.Time // default time.Now
	UserAgent string           // "dxctl/1.2.3"
}

// All makes the configured sources. This switch is the one list of the kinds that exist.
func All(cfg Config, opt Options) ([]Collector, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	var all []Collector
	for _, s := range cfg {
		switch s.Kind {
		case "github":
			gh, err := s.github(opt.Now())
			if err != nil {
				return nil, fmt.Errorf("source %s: %w", s.Name, err)
			}
			c, err := github.New(gh, github.Options{Logger: opt.Logger, Now: opt.Now, UserAgent: opt.UserAgent})
			if err != nil {
				return nil, fmt.Errorf("source %s: %w", s.Name, err)
			}
			all = append(all, fromGitHub{c})
		default:
			return nil, fmt.Errorf("source %s: kind %q is not known", s.Name, s.Kind)
		}
	}
	return all, nil
}

// fromGitHub fits a github.Collector, which cannot import this package, to the interfaces here.
type fromGitHub struct{ *github.Collector }

func (g fromGitHub) Scopes(ctx context.Context) ([]string, error) {
	return g.Collector.Scopes(ctx, forgetful{})
}

func (g fromGitHub) Discover(ctx context.Context, m Memory) ([]string, error) {
	return g.Collector.Scopes(ctx, m)
}

func (g fromGitHub) Collect(ctx context.Context, scope string, w Writer) error {
	return g.Collector.Collect(ctx, scope, plainWriter{w})
}

// plainWriter is a Writer whose progress is told in plain values, for sources that cannot name this package's types.
type plainWriter struct{ Writer }

func (p plainWriter) Progress(stream string, done, total uint64) {
	p.Writer.Progress(Progress{Stream: stream, Done: done, Total: total})
}

// forgetful is a Memory that keeps nothing.
type forgetful struct{}

func (forgetful) Load(context.Context, string, any) (bool, error) { return false, nil }
func (forgetful) Save(context.Context, string, any) error         { return nil }
