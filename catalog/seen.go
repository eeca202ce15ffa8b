package catalog

import (
	"cmp"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/event"
)

// HasBotPatterns reports whether machines are recognized by patterns, for which [Catalog.WithSeen] needs the logins.
func (c *Catalog) HasBotPatterns() bool { return len(c.bots) > 0 }

// WithSeen returns the catalog with machine accounts among the logins of stored events recognized by name: by the
// patterns of people.rules. A login that a record or a rule names is what it says there, whatever its name is like.
func (c *Catalog) WithSeen(seen []event.Login) *Catalog {
	with := *c
	with.identities = slices.Clone(c.identities)
	for _, s := range seen {
		if c.Whose(s.Provider, s.Name).Login == "" && c.BotPattern(s.Provider, s.Name) != "" {
			with.identities = append(with.identities, Identity{Provider: s.Provider, Login: s.Name, Bot: true})
		}
	}
	with.sortIdentities()
	return &with
}

func (c *Catalog) sortIdentities() {
	slices.SortFunc(c.identities, func(a, b Identity) int {
		return cmp.Or(cmp.Compare(a.Provider, b.Provider), cmp.Compare(a.Login, b.Login))
	})
}

// Whose returns who a provider's login is, in the way of the public views: what is said of that provider counts before
// what is said of all. The zero Identity says that nobody claims it.
func (c *Catalog) Whose(provider, login string) Identity {
	login = strings.ToLower(login)
	for _, p := range []string{provider, ""} {
		i, ok := slices.BinarySearchFunc(c.identities, [2]string{p, login}, func(have Identity, want [2]string) int {
			return cmp.Or(cmp.Compare(have.Provider, want[0]), cmp.Compare(have.Login, want[1]))
		})
		if ok {
			return c.identities[i]
		}
	}
	return Identity{}
}

// BotPattern returns the pattern, and where it stands, by which a login is a machine's; empty when none fits.
func (c *Catalog) BotPattern(provider, login string) string {
	if strings.HasSuffix(strings.ToLower(login), "[bot]") {
		return "its name ends with [bot]"
	}
	for _, b := range c.bots {
		if b.matches(provider, login) {
			return b.place
		}
	}
	return ""
}
