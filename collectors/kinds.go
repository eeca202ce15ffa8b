package collectors

import (
	"context"
	"time"

	"github.com/dxctl/dxctl/collectors/argocd"
	"github.com/dxctl/dxctl/collectors/backstage"
	"github.com/dxctl/dxctl/collectors/circleci"
	"github.com/dxctl/dxctl/collectors/git"
	"github.com/dxctl/dxctl/collectors/github"
	"github.com/dxctl/dxctl/collectors/gitlab"
	"github.com/dxctl/dxctl/collectors/jenkins"
	"github.com/dxctl/dxctl/collectors/kubernetes"
	"github.com/dxctl/dxctl/collectors/opsgenie"
	"github.com/dxctl/dxctl/collectors/pagerduty"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/webhook"
)

// kinds is the one list of the kinds of sources that exist, in the order in which people are told of them.
var kinds = []kind{
	pushing(kindOf(github.Provider, func(c *github.Config, since time.Time) { c.Since = since },
		func(c github.Config, o Options) (*github.Collector, error) {
			return github.New(c, github.Options{Logger: o.Logger, Now: o.Now, UserAgent: o.UserAgent, Dir: o.Dir})
		},
		func(m Memory) github.Memory { return m }, func(w plainWriter) github.Writer { return w }),
		webhook.GitHub, pushingGitHub),
	pushing(kindOf(gitlab.Provider, func(c *gitlab.Config, since time.Time) { c.Since = since },
		func(c gitlab.Config, o Options) (*gitlab.Collector, error) {
			return gitlab.New(c, gitlab.Options{Logger: o.Logger, Now: o.Now, UserAgent: o.UserAgent})
		},
		func(m Memory) gitlab.Memory { return m }, func(w plainWriter) gitlab.Writer { return w }),
		webhook.GitLab, pushingGitLab),
	kindOf(jenkins.Provider, func(c *jenkins.Config, since time.Time) { c.Since = since },
		func(c jenkins.Config, o Options) (*jenkins.Collector, error) {
			return jenkins.New(c, jenkins.Options{Logger: o.Logger, Now: o.Now, UserAgent: o.UserAgent})
		},
		func(m Memory) jenkins.Memory { return m }, func(w plainWriter) jenkins.Writer { return w }),
	pushing(kindOf(circleci.Provider, func(c *circleci.Config, since time.Time) { c.Since = since },
		func(c circleci.Config, o Options) (*circleci.Collector, error) {
			return circleci.New(c, circleci.Options{Logger: o.Logger, Now: o.Now, UserAgent: o.UserAgent})
		},
		func(m Memory) circleci.Memory { return m }, func(w plainWriter) circleci.Writer { return w }),
		webhook.CircleCI, pushingCircleCI),
	pushing(kindOf(argocd.Provider, func(c *argocd.Config, since time.Time) { c.Since = since },
		func(c argocd.Config, o Options) (*argocd.Collector, error) {
			return argocd.New(c, argocd.Options{Logger: o.Logger, Now: o.Now, UserAgent: o.UserAgent})
		},
		func(m Memory) argocd.Memory { return m }, func(w plainWriter) argocd.Writer { return w }),
		webhook.ArgoCD, pushingArgoCD),
	kindOf(kubernetes.Provider, func(c *kubernetes.Config, since time.Time) { c.Since = since },
		func(c kubernetes.Config, o Options) (*kubernetes.Collector, error) {
			return kubernetes.New(c, kubernetes.Options{Logger: o.Logger, Now: o.Now, UserAgent: o.UserAgent})
		},
		func(m Memory) kubernetes.Memory { return m }, func(w plainWriter) kubernetes.Writer { return w }),
	kindOf(pagerduty.Provider, func(c *pagerduty.Config, since time.Time) { c.Since = since },
		func(c pagerduty.Config, o Options) (*pagerduty.Collector, error) {
			return pagerduty.New(c, pagerduty.Options{Logger: o.Logger, Now: o.Now, UserAgent: o.UserAgent})
		},
		func(m Memory) pagerduty.Memory { return m }, func(w plainWriter) pagerduty.Writer { return w }),
	kindOf(opsgenie.Provider, func(c *opsgenie.Config, since time.Time) { c.Since = since },
		func(c opsgenie.Config, o Options) (*opsgenie.Collector, error) {
			return opsgenie.New(c, opsgenie.Options{Logger: o.Logger, Now: o.Now, UserAgent: o.UserAgent})
		},
		func(m Memory) opsgenie.Memory { return m }, func(w plainWriter) opsgenie.Writer { return w }),
	kindOf(backstage.Provider, nil,
		func(c backstage.Config, o Options) (*backstage.Collector, error) {
			return backstage.New(c, backstage.Options{Logger: o.Logger, Now: o.Now, UserAgent: o.UserAgent})
		},
		func(m Memory) backstage.Memory { return m }, func(w plainWriter) backstage.Writer { return w }),
	kindOf("git", nil,
		func(c git.Config, o Options) (*git.Collector, error) {
			return git.New(c, git.Options{Logger: o.Logger, Now: o.Now, Folder: o.Folder})
		},
		func(m Memory) git.Memory { return m }, func(w plainWriter) git.Writer { return w }),
	pushOnly(string(webhook.Events)),
	pushOnly(string(webhook.Alertmanager)),
}

// kind is a sort of source: what its settings are, and what collects it.
type kind struct {
	name     string
	settings func() settings                                                   // new and empty: a pointer to the Config of the source's package
	timeless bool                                                              // what it reads has no history, so that since means nothing
	collect  func(s settings, since time.Time, opt Options) (Collector, error) // nil: such a source only sends
	push     func(s settings) webhook.Source                                   // nil: it never sends
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
		timeless: since == nil,
		collect: func(s settings, from time.Time, opt Options) (Collector, error) {
			cfg := *any(s).(*C)
			if since != nil {
				since(&cfg, from)
			}
			c, err := collect(cfg, opt)
			if err != nil {
				return nil, err
			}
			a := &adapted[M, W]{c, memory, writer, digestOf(s)}
			if w, ok := any(c).(watcher[W]); ok {
				return &watching[M, W]{a, w}, nil
			}
			return a, nil
		},
	}
}

// adapted fits a child to the interfaces of this package.
type adapted[M, W any] struct {
	child[M, W]
	memory     func(Memory) M
	writer     func(plainWriter) W
	configured string
}

// Configured is a digest of what the configuration asks for.
func (a *adapted[M, W]) Configured() string { return a.configured }

func (a *adapted[M, W]) Scopes(ctx context.Context) ([]string, error) {
	return a.child.Scopes(ctx, a.memory(forgetful{}))
}

func (a *adapted[M, W]) Discover(ctx context.Context, m Memory) ([]string, error) {
	return a.child.Scopes(ctx, a.memory(m))
}

func (a *adapted[M, W]) Collect(ctx context.Context, scope string, w Writer) error {
	return a.child.Collect(ctx, scope, a.writer(plainWriter{w}))
}

// Derived reports whether the child reads what the other sources stored, as git does.
func (a *adapted[M, W]) Derived() bool {
	d, ok := any(a.child).(Derived)
	return ok && d.Derived()
}

// Abreast is how many scopes the child wants to have collected side by side; 0 when it does not say.
func (a *adapted[M, W]) Abreast() int {
	if w, ok := any(a.child).(Wide); ok {
		return w.Abreast()
	}
	return 0
}

// watcher is a child that can be told of changes as they happen.
type watcher[W any] interface {
	Watch(ctx context.Context, scoped func(scope string) W) error
}

// watching is an adapted child that watches.
type watching[M, W any] struct {
	*adapted[M, W]
	w watcher[W]
}

func (a *watching[M, W]) Watch(ctx context.Context, scoped func(scope string) Writer) error {
	return a.w.Watch(ctx, func(scope string) W { return a.writer(plainWriter{scoped(scope)}) })
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
