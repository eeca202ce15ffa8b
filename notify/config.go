// Package notify sends messages to chats through incoming webhooks. What it sends is the JSON that Slack takes, which
// Mattermost, Rocket.Chat, Discord (with /slack behind the address) and others take, too.
package notify

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/catalog/identifier"
)

// Config is the webhooks of the configuration.
type Config struct {
	// Dashboard is the address under which people open the dashboard, for links in messages; empty: no links.
	Dashboard string    `yaml:"dashboard"`
	Webhooks  []Webhook `yaml:"webhooks"`
	// Waivers is the name of the webhook that tells owners of waivers that end soon; empty: nobody is told.
	Waivers string `yaml:"waivers"`
	// Surveys is the name of the webhook that reminds of open surveys, and takes the summary of a published one; empty:
	// none is sent.
	Surveys string `yaml:"surveys"`
}

// Webhook is an address that takes messages.
type Webhook struct {
	Name string `yaml:"name"` // how campaigns name it
	// URL is the address of the webhook. Whoever has it can write to the chat, so that it is a secret: ${CHAT_WEBHOOK}.
	URL string `yaml:"url"`
	// Owners has the addresses of owners with a chat of their own: group:default/payments: ${PAYMENTS_WEBHOOK}.
	Owners map[string]string `yaml:"owners"`
	// AllowPrivateNetwork: the names of the addresses may lead into a private network.
	AllowPrivateNetwork bool `yaml:"allow_private_network"`
}

var namePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]{0,62}$`)

// Validate reports every mistake, joined. Addresses are not part of the errors.
func (c Config) Validate() error {
	var errs []error
	if c.Dashboard != "" {
		if u, err := url.Parse(c.Dashboard); err != nil || !web(u) || u.RawQuery != "" || u.Fragment != "" {
			errs = append(errs, fmt.Errorf("dashboard %q: give an absolute http or https URL, such as "+
				"https://dxctl.example.com", c.Dashboard))
		}
	}
	seen := map[string]int{}
	for i, w := range c.Webhooks {
		if first, taken := seen[w.Name]; taken {
			errs = append(errs, fmt.Errorf("webhooks[%d]: name %q is taken by webhooks[%d]", i, w.Name, first))
		}
		seen[w.Name] = i
		if err := w.validate(); err != nil {
			errs = append(errs, fmt.Errorf("webhooks[%d]: %w", i, err))
		}
	}
	for _, named := range [][2]string{{"waivers", c.Waivers}, {"surveys", c.Surveys}} {
		if _, ok := seen[named[1]]; named[1] != "" && !ok {
			errs = append(errs, fmt.Errorf("%s: no webhook is named %q; the webhooks are: %s", named[0], named[1],
				cmp.Or(strings.Join(c.Names(), ", "), "none")))
		}
	}
	return errors.Join(errs...)
}

func (w Webhook) validate() error {
	var errs []error
	if !namePattern.MatchString(w.Name) {
		errs = append(errs, fmt.Errorf("name %q: give 1 to 63 of a-z, 0-9, '.', '_', '-', beginning with a letter or digit",
			w.Name))
	}
	if _, err := parse(w.URL); err != nil {
		errs = append(errs, fmt.Errorf("url: %w", err))
	}
	for _, owner := range slices.Sorted(maps.Keys(w.Owners)) {
		if _, err := identifier.ParseRef(owner, "group", "default"); err != nil {
			errs = append(errs, fmt.Errorf("owners: %w", err))
		}
		if _, err := parse(w.Owners[owner]); err != nil {
			errs = append(errs, fmt.Errorf("owners: %s: %w", owner, err))
		}
	}
	return errors.Join(errs...)
}

func web(u *url.URL) bool { return u.Host != "" && (u.Scheme == "https" || u.Scheme == "http") }

// parse reads the address of a webhook. Its error does not contain the address.
func parse(text string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || !web(u) || u.User != nil || u.Fragment != "" {
		return nil, errors.New("give an absolute http or https URL without user and fragment, from a variable such as " +
			"${CHAT_WEBHOOK}")
	}
	return u, nil
}

// Names returns the names of the webhooks, in their order.
func (c Config) Names() []string {
	names := make([]string, len(c.Webhooks))
	for i, w := range c.Webhooks {
		names[i] = w.Name
	}
	return names
}

// Link returns the address of a page of the dashboard; "" if the address of the dashboard is not configured.
func (c Config) Link(path string) string {
	if c.Dashboard == "" {
		return ""
	}
	return strings.TrimSuffix(c.Dashboard, "/") + path
}
