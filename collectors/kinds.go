package collectors

import (
	"time"

	"github.com/dxctl/dxctl/collectors/alertmanager"
	"github.com/dxctl/dxctl/collectors/argocd"
	"github.com/dxctl/dxctl/collectors/backstage"
	"github.com/dxctl/dxctl/collectors/circleci"
	"github.com/dxctl/dxctl/collectors/events"
	"github.com/dxctl/dxctl/collectors/git"
	"github.com/dxctl/dxctl/collectors/github"
	"github.com/dxctl/dxctl/collectors/gitlab"
	"github.com/dxctl/dxctl/collectors/httpjson"
	"github.com/dxctl/dxctl/collectors/jenkins"
	"github.com/dxctl/dxctl/collectors/kubernetes"
	"github.com/dxctl/dxctl/collectors/opsgenie"
	"github.com/dxctl/dxctl/collectors/pagerduty"
	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/collectors/webhook"
)

// kind is a kind of source: its settings, and what collects and receives it.
type kind struct {
	name string
	// settings returns new, empty settings: a pointer to the Config of the source's package.
	settings func() settings
	// collect makes the collector from the settings. since is how far back its first read goes; zero: everything.
	// nil: such a source only sends.
	collect func(s settings, since time.Time, opt source.Options) (source.Collector, error)
	// receive returns what the webhook has to know of the source, but for its name and secrets; nil: it never sends.
	receive func(s settings) webhook.Source
	// timeless: what it reads has no history, so that since is not supported.
	timeless bool
}

// settings are the keys of one kind of source.
type settings interface{ Validate() error }

// kinds is the one list of the kinds of sources that exist, in the order in which messages list them.
var kinds = []kind{
	{
		name:     github.Provider,
		settings: func() settings { return new(github.Config) },
		collect: func(s settings, since time.Time, opt source.Options) (source.Collector, error) {
			cfg := *s.(*github.Config)
			cfg.Since = since
			return github.New(cfg, opt)
		},
		receive: receiveGitHub,
	},
	{
		name:     gitlab.Provider,
		settings: func() settings { return new(gitlab.Config) },
		collect: func(s settings, since time.Time, opt source.Options) (source.Collector, error) {
			cfg := *s.(*gitlab.Config)
			cfg.Since = since
			return gitlab.New(cfg, opt)
		},
		receive: receiveGitLab,
	},
	{
		name:     jenkins.Provider,
		settings: func() settings { return new(jenkins.Config) },
		collect: func(s settings, since time.Time, opt source.Options) (source.Collector, error) {
			cfg := *s.(*jenkins.Config)
			cfg.Since = since
			return jenkins.New(cfg, opt)
		},
	},
	{
		name:     circleci.Provider,
		settings: func() settings { return new(circleci.Config) },
		collect: func(s settings, since time.Time, opt source.Options) (source.Collector, error) {
			cfg := *s.(*circleci.Config)
			cfg.Since = since
			return circleci.New(cfg, opt)
		},
		receive: receiveCircleCI,
	},
	{
		name:     argocd.Provider,
		settings: func() settings { return new(argocd.Config) },
		collect: func(s settings, since time.Time, opt source.Options) (source.Collector, error) {
			cfg := *s.(*argocd.Config)
			cfg.Since = since
			return argocd.New(cfg, opt)
		},
		receive: receiveArgoCD,
	},
	{
		name:     kubernetes.Provider,
		settings: func() settings { return new(kubernetes.Config) },
		collect: func(s settings, since time.Time, opt source.Options) (source.Collector, error) {
			cfg := *s.(*kubernetes.Config)
			cfg.Since = since
			return kubernetes.New(cfg, kubernetes.Options{Options: opt})
		},
	},
	{
		name:     pagerduty.Provider,
		settings: func() settings { return new(pagerduty.Config) },
		collect: func(s settings, since time.Time, opt source.Options) (source.Collector, error) {
			cfg := *s.(*pagerduty.Config)
			cfg.Since = since
			return pagerduty.New(cfg, opt)
		},
	},
	{
		name:     opsgenie.Provider,
		settings: func() settings { return new(opsgenie.Config) },
		collect: func(s settings, since time.Time, opt source.Options) (source.Collector, error) {
			cfg := *s.(*opsgenie.Config)
			cfg.Since = since
			return opsgenie.New(cfg, opt)
		},
	},
	{
		name:     backstage.Provider,
		settings: func() settings { return new(backstage.Config) },
		collect: func(s settings, _ time.Time, opt source.Options) (source.Collector, error) {
			return backstage.New(*s.(*backstage.Config), opt)
		},
		timeless: true,
	},
	{
		name:     git.Provider,
		settings: func() settings { return new(git.Config) },
		collect: func(s settings, _ time.Time, opt source.Options) (source.Collector, error) {
			return git.New(*s.(*git.Config), git.Options{Options: opt})
		},
		timeless: true,
	},
	{
		name:     httpjson.Provider,
		settings: func() settings { return new(httpjson.Config) },
		collect: func(s settings, _ time.Time, opt source.Options) (source.Collector, error) {
			return httpjson.New(*s.(*httpjson.Config), opt)
		},
		timeless: true,
	},
	{
		name:     events.Kind,
		settings: func() settings { return new(events.Config) },
		receive:  receiveEvents,
		timeless: true,
	},
	{
		name:     alertmanager.Provider,
		settings: func() settings { return new(alertmanager.Config) },
		receive:  receiveAlertmanager,
		timeless: true,
	},
}
