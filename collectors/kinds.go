package collectors

import (
	"context"
	"time"

	"github.com/dxctl/dxctl/collectors/github"
	"github.com/dxctl/dxctl/collectors/gitlab"
	"github.com/dxctl/dxctl/collectors/jenkins"
	"github.com/dxctl/dxctl/collectors/rest"
)

// kinds is the one list of the kinds of sources that exist, in the order in which people are told of them.
var kinds = []kind{
	kindOf("github", func(c *github.Config, since time.Time) { c.Since = since },
		func(c github.Config, o Options) (*github.Collector, error) {
			return github.New(c, github.Options{Logger: o.Logger, Now: o.Now, UserAgent: o.UserAgent})
		},
		func(m Memory) github.Memory { return m }, func(w plainWriter) github.Writer { return w }),
	kindOf("jenkins", func(c *jenkins.Config, since time.Time) { c.Since = since },
		func(c jenkins.Config, o Options) (*jenkins.Collector, error) {
			return jenkins.New(c, jenkins.Options{Logger: o.Logger, Now: o.Now, UserAgent: o.UserAgent})
		},
		func(m Memory) jenkins.Memory { return m }, func(w plainWriter) jenkins.Writer { return w }),
	kindOf("gitlab", func(c *gitlab.Config, since time.Time) { c.Since = since },
		func(c gitlab.Config, o Options) (*gitlab.Collector, error) {
			return gitlab.New(c, gitlab.Options{Logger: o.Logger, Now: o.Now, UserAgent: o.UserAgent})
		},
		func(m Memory) gitlab.Memory { return m }, func(w plainWriter) gitlab.Writer { return w }),
}

// kind is a sort of source: what its settings are, and what collects it.
type kind struct {
	name     string
	settings func() settings // new and empty: a pointer to the Config of the source's package
	collect  func(s settings, since time.Time, opt Options) (Collector, error)
}

// settings are the keys of one kind of source.
type settings interface{ Validate() error }

// child is a source's own collector. It cannot import this package, so its Memory and Writer are types of its own.
type child[M, W any] interface {
	Source() string
	Provider() string
	Observe(rest.Observer)
	Check(ctx context.Context) error
	Scopes(ctx context.Context, m M) ([]string, error)
	Collect(ctx context.Context, scope string, w W) error
}

// kindOf makes the kind of a source's package out of its Config C and its collector S.
func kindOf[C settings, M, W any, S child[M, W]](name string, since func(*C, time.Time), collect func(C, Options) (S, error),
	memory func(Memory) M, writer func(plainWriter) W) kind {
	return kind{
		name:     name,
		settings: func() settings { return any(new(C)).(settings) },
		collect: func(s settings, from time.Time, opt Options) (Collector, error) {
			cfg := *any(s).(*C)
			since(&cfg, from)
			c, err := collect(cfg, opt)
			if err != nil {
				return nil, err
			}
			return &adapted[M, W]{c, memory, writer}, nil
		},
	}
}

// adapted fits a child to the interfaces of this package.
type adapted[M, W any] struct {
	child[M, W]
	memory func(Memory) M
	writer func(plainWriter) W
}

func (a *adapted[M, W]) Scopes(ctx context.Context) ([]string, error) {
	return a.child.Scopes(ctx, a.memory(forgetful{}))
}

func (a *adapted[M, W]) Discover(ctx context.Context, m Memory) ([]string, error) {
	return a.child.Scopes(ctx, a.memory(m))
}

func (a *adapted[M, W]) Collect(ctx context.Context, scope string, w Writer) error {
	return a.child.Collect(ctx, scope, a.writer(plainWriter{w}))
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
