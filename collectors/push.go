package collectors

import (
	"errors"
	"fmt"

	"github.com/dxctl/dxctl/collectors/argocd"
	"github.com/dxctl/dxctl/collectors/circleci"
	"github.com/dxctl/dxctl/collectors/github"
	"github.com/dxctl/dxctl/collectors/gitlab"
	"github.com/dxctl/dxctl/collectors/webhook"
)

// Webhook is how a source that is collected pushes too.
type Webhook struct {
	Secret   string `yaml:"secret"`          // what the source proves to know
	Previous string `yaml:"previous_secret"` // accepted too, while the secret is being changed
}

// pushOnly is a kind of source that nobody asks: it sends.
func pushOnly(name string) kind {
	return kind{name: name, timeless: true, settings: func() settings { return new(webhook.Source) },
		push: func(s settings) webhook.Source { return *s.(*webhook.Source) }}
}

// pushing adds to a kind that its sources can push too. fill says of a source's settings what a webhook has to know.
func pushing[C any](k kind, as webhook.Kind, fill func(*C, *webhook.Source)) kind {
	k.push = func(s settings) webhook.Source {
		pushed := webhook.Source{Kind: as, Polled: true}
		fill(any(s).(*C), &pushed)
		return pushed
	}
	return k
}

// The scopes of a source that lists them by name are the only ones that its webhook may write.
func pushingGitHub(c *github.Config, s *webhook.Source) {
	if c.Organization == "" {
		s.Scopes = c.Repositories
	}
	s.IncidentLabels = c.Incidents.Labels
}

func pushingGitLab(c *gitlab.Config, s *webhook.Source) {
	if len(c.Groups) == 0 {
		s.Scopes = c.Projects
	}
}

func pushingCircleCI(c *circleci.Config, s *webhook.Source) { s.Scopes = c.Projects }

func pushingArgoCD(c *argocd.Config, s *webhook.Source) { s.URL, s.Application = c.URL, c.Place }

// Pushed returns the sources that send, those that are collected too among them.
func (c Config) Pushed() []webhook.Source {
	var pushed []webhook.Source
	for _, s := range c {
		if s.settings == nil || s.kind.push == nil || (s.kind.collect != nil && s.Webhook == nil) {
			continue
		}
		p := s.kind.push(s.settings)
		p.Name = s.Name
		if s.Webhook != nil {
			p.Secret, p.Previous = s.Webhook.Secret, s.Webhook.Previous
		}
		pushed = append(pushed, p)
	}
	return pushed
}

// ReceiveOnly returns the names of the sources that nobody asks: they send.
func (c Config) ReceiveOnly() []string {
	var names []string
	for _, s := range c {
		if s.settings != nil && s.kind.collect == nil {
			names = append(names, s.Name)
		}
	}
	return names
}

// validatePush reports the mistakes in what a source says of its webhook.
func (s SourceConfig) validatePush() error {
	switch {
	case s.Webhook == nil || s.settings == nil:
		return nil
	case s.kind.collect == nil:
		return errors.New("webhook: a source that only sends has its secret beside its name")
	case s.kind.push == nil:
		return fmt.Errorf("webhook: dxctl takes no webhooks of kind %s; leave it out", s.Kind)
	}
	for _, p := range (Config{s}).Pushed() {
		if err := p.Validate(); err != nil {
			return fmt.Errorf("webhook: %w", err)
		}
	}
	return nil
}
