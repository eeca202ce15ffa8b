package collectors

import (
	"errors"
	"fmt"

	"github.com/dxctl/dxctl/collectors/alertmanager"
	"github.com/dxctl/dxctl/collectors/argocd"
	"github.com/dxctl/dxctl/collectors/circleci"
	"github.com/dxctl/dxctl/collectors/events"
	"github.com/dxctl/dxctl/collectors/github"
	githubreceiver "github.com/dxctl/dxctl/collectors/github/receiver"
	"github.com/dxctl/dxctl/collectors/gitlab"
	gitlabreceiver "github.com/dxctl/dxctl/collectors/gitlab/receiver"
	"github.com/dxctl/dxctl/collectors/webhook"
)

// Webhook holds the secrets of a source that is collected and sends too.
type Webhook struct {
	Secret   string `yaml:"secret"`          // shared with the source, which signs or sends it
	Previous string `yaml:"previous_secret"` // accepted too, while the secret is being changed
}

// A source that lists its scopes by name lets its webhook write no other.

func receiveGitHub(s settings) webhook.Source {
	c := s.(*github.Config)
	to := webhook.Source{Receiver: githubreceiver.Receiver{IncidentLabels: c.Incidents.Labels}}
	if c.Organization == "" {
		to.Scopes, _ = c.RepositoryNames() // what cannot be read is a mistake of the configuration, which is refused before
	}
	return to
}

func receiveGitLab(s settings) webhook.Source {
	c := s.(*gitlab.Config)
	to := webhook.Source{Receiver: gitlabreceiver.Receiver{}}
	if len(c.Groups) == 0 {
		to.Scopes, _ = c.ProjectPaths() // likewise
	}
	return to
}

func receiveCircleCI(s settings) webhook.Source {
	return webhook.Source{Receiver: circleci.Receiver{URL: s.(*circleci.Config).URL}, Scopes: s.(*circleci.Config).Slugs()}
}

func receiveArgoCD(s settings) webhook.Source {
	c := s.(*argocd.Config)
	return webhook.Source{Receiver: argocd.Receiver{Config: *c}}
}

func receiveEvents(s settings) webhook.Source {
	c := s.(*events.Config)
	return webhook.Source{Receiver: c.Receiver(), Secret: c.Secret, Previous: c.Previous}
}

func receiveAlertmanager(s settings) webhook.Source {
	c := s.(*alertmanager.Config)
	return webhook.Source{
		Receiver: alertmanager.Receiver{Config: *c},
		Secret:   c.Secret,
		Previous: c.Previous,
		Scopes:   c.Scopes,
	}
}

// Receivers returns the sources that send, those that are collected too among them.
func (c Config) Receivers() []webhook.Source {
	var receivers []webhook.Source
	for _, s := range c {
		if s.settings == nil || s.kind.receive == nil || (s.kind.collect != nil && s.Webhook == nil) {
			continue
		}
		p := s.kind.receive(s.settings)
		p.Name, p.Polled = s.Name, s.kind.collect != nil
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

// validateReceiver reports the mistakes in how a source sends.
func (s SourceConfig) validateReceiver() error {
	switch {
	case s.settings == nil:
		return nil
	case s.Webhook != nil && s.kind.collect == nil:
		return errors.New("webhook: a source that only sends has its secret next to its name")
	case s.Webhook != nil && s.kind.receive == nil:
		return fmt.Errorf("webhook: dxctl takes no webhooks of kind %s; leave it out", s.Kind)
	}
	for _, p := range (Config{s}).Receivers() {
		err := p.Validate()
		if err != nil && s.Webhook != nil {
			err = fmt.Errorf("webhook: %w", err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
