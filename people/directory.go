// Package people identifies the persons of an organization: it reads records of them from CSV files and from
// Backstage's Users, decides which records are one person, whose login is whose and which accounts are bots, and writes
// the result to the store as a whole. What it needs of the catalog (the spelling of teams, the Users) is handed in as
// values.
package people

import (
	"cmp"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/files"
)

// Config names the files that describe who works here.
type Config struct {
	// Files are CSV files: names or patterns, relative to the directory of the configuration. Columns: person, team,
	// start_date, logins and, where wanted, name, email, left_date, bot.
	Files []string `yaml:"files"`
	// Rules is a YAML file with rules: which records are one person, which are not, and which accounts are bots. Empty:
	// no rules.
	Rules string `yaml:"rules"`
	// ExcludeBots excludes what bot accounts did from every metric, also from those that count events and not people.
	ExcludeBots bool `yaml:"exclude_bots"`
}

// Validate reports empty names.
func (c Config) Validate() error { return files.ValidateNames("people.files", c.Files) }

// Directory is who works here, and whose login is whose. It does not change and may be shared.
type Directory struct {
	people     []Person
	identities []Identity // sorted by provider and login
	report     Report
	bots       []botPattern
}

// All returns everyone who is known, sorted by ID. Bots are not among them.
func (d *Directory) All() []Person { return slices.Clone(d.people) }

// Size returns the number of people.
func (d *Directory) Size() int { return len(d.people) }

// WithoutStart returns the number of people whose start is not known: they are in no estimate of time to first deploy.
func (d *Directory) WithoutStart() int {
	n := 0
	for _, p := range d.people {
		if p.StartedOn().IsZero() {
			n++
		}
	}
	return n
}

// Identities returns whose login is whose, sorted by provider and login.
func (d *Directory) Identities() []Identity { return slices.Clone(d.identities) }

// Report returns which records were merged, and what they do not decide.
func (d *Directory) Report() Report { return d.report }

// HasBotPatterns reports whether bots are recognized by patterns, for which [Directory.WithSeen] needs the logins.
func (d *Directory) HasBotPatterns() bool { return len(d.bots) > 0 }

// WithSeen returns the directory with the bots among the logins of stored events that the patterns of people.rules
// match. A login that a record or a rule names keeps what is stated there, whatever its name.
func (d *Directory) WithSeen(seen []event.Login) *Directory {
	with := *d
	with.identities = slices.Clone(d.identities)
	for _, s := range seen {
		if d.Whose(s.Provider, s.Name).Login == "" && d.BotPattern(s.Provider, s.Name) != "" {
			with.identities = append(with.identities, Identity{Provider: s.Provider, Login: s.Name, Bot: true})
		}
	}
	sortIdentities(with.identities)
	return &with
}

// Whose returns who a provider's login is, in the way of the public views: what is said of that provider counts before
// what is said of all. The zero Identity says that nobody claims it.
func (d *Directory) Whose(provider, login string) Identity {
	login = strings.ToLower(login)
	for _, p := range []string{provider, ""} {
		i, ok := slices.BinarySearchFunc(d.identities, [2]string{p, login}, func(have Identity, want [2]string) int {
			return cmp.Or(cmp.Compare(have.Provider, want[0]), cmp.Compare(have.Login, want[1]))
		})
		if ok {
			return d.identities[i]
		}
	}
	return Identity{}
}

// BotPattern returns the pattern, and where it stands, by which a login is a machine's; empty when none fits.
func (d *Directory) BotPattern(provider, login string) string {
	if strings.HasSuffix(strings.ToLower(login), "[bot]") {
		return "its name ends with [bot]"
	}
	for _, b := range d.bots {
		if b.matches(provider, login) {
			return b.place
		}
	}
	return ""
}

func sortIdentities(all []Identity) {
	slices.SortFunc(all, func(a, b Identity) int {
		return cmp.Or(cmp.Compare(a.Provider, b.Provider), cmp.Compare(a.Login, b.Login))
	})
}
