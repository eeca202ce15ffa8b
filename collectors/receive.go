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

// Webhook holds the secrets of a source that is collected and sends too.
type Webhook struct {
	Secret   string `yaml:"secret"`          // shared with the source, which signs or sends it
	Previous string `yaml:"previous_secret"` // accepted too, while the secret is being changed
}

// receiveOnly is a kind of source that is not collected: it sends.
func receiveOnly(of webhook.Kind) kind {
	return kind{
		name:     string(of),
		settings: func() settings { return new(webhook.Source) },
		receive:  func(s settings) webhook.Source { return *s.(*webhook.Source) },
		timeless: true,
	}
}

// A source that lists its scopes by name lets its webhook write no other.

func receiveGitHub(s settings) webhook.Source {
	c := s.(*github.Config)
	to := webhook.Source{Kind: webhook.GitHub, Polled: true, IncidentLabels: c.Incidents.Labels}
	if c.Organization == "" {
		to.Scopes = c.Repositories
	}
	return to
}

func receiveGitLab(s settings) webhook.Source {
	c := s.(*gitlab.Config)
	to := webhook.Source{Kind: webhook.GitLab, Polled: true}
	if len(c.Groups) == 0 {
		to.Scopes = c.Projects
	}
	return to
}

func receiveCircleCI(s settings) webhook.Source {
	return webhook.Source{Kind: webhook.CircleCI, Polled: true, Scopes: s.(*circleci.Config).Projects}
}

func receiveArgoCD(s settings) webhook.Source {
	c := s.(*argocd.Config)
	return webhook.Source{Kind: webhook.ArgoCD, Polled: true, URL: c.URL, Application: c.Place}
}

// Receivers returns the sources that send, those that are collected too among them.
func (c Config) Receivers() []webhook.Source {
	var receivers []webhook.Source
	for _, s := range c {
		if s.settings == nil || s.kind.receive == nil || (s.kind.collect != nil && s.Webhook == nil) {
			continue
		}
		p := s.kind.receive(s.settings)
		p.Name = s.Name
		if s.Webhook != nil {
			p.Secret, p.Previous = s.Webhook.Secret, s.Webhook.Previous
		}
		receivers = append(receivers, p)
	}
	return receivers
}

// ReceiveOnly returns the names of the sources that are not collected: they send.
func (c Config) ReceiveOnly() []string {
	var names []string
	for _, s := range c {
		if s.settings != nil && s.kind.collect == nil {
			names = append(names, s.Name)
		}
	}
	return names
}

// validateWebhook reports the mistakes in the webhook of a source.
func (s SourceConfig) validateWebhook() error {
	switch {
	case s.Webhook == nil || s.settings == nil:
		return nil
	case s.kind.collect == nil:
		return errors.New("webhook: a source that only sends has its secret beside its name")
	case s.kind.receive == nil:
		return fmt.Errorf("webhook: dxctl takes no webhooks of kind %s; leave it out", s.Kind)
	}
	for _, p := range (Config{s}).Receivers() {
		if err := p.Validate(); err != nil {
			return fmt.Errorf("webhook: %w", err)
		}
	}
	return nil
}
