package catalog

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// SeenLogin is a login as stored events name it.
type SeenLogin struct {
	Provider string    `ch:"provider"`
	Login    string    `ch:"login"` // in lower case
	Bot      bool      `ch:"bot"`   // the source said that it is a machine's, at least once
	Changes  uint64    `ch:"changes"`
	Runs     uint64    `ch:"runs"`
	Deploys  uint64    `ch:"deploys"`
	LastAt   time.Time `ch:"last_at"` // of what it did; the epoch when no time is known
}

// Events is how many changes, runs and deployments are the login's.
func (s SeenLogin) Events() uint64 { return s.Changes + s.Runs + s.Deploys }

const seenQuery = `SELECT provider, lower(account) AS login, max(machine) AS bot,
    sum(is_change) AS changes, sum(is_run) AS runs, sum(is_deploy) AS deploys, max(ifNull(at, toDateTime64(0, 3, 'UTC'))) AS last_at
FROM
(
    SELECT provider, author AS account, bot AS machine, coalesce(merged_at, created_at) AS at, 1 AS is_change, 0 AS is_run, 0 AS is_deploy FROM raw_changes FINAL
    UNION ALL
    SELECT provider, actor AS account, bot AS machine, created_at AS at, 0, 1, 0 FROM raw_pipeline_runs FINAL
    UNION ALL
    SELECT provider, actor AS account, bot AS machine, created_at AS at, 0, 0, 1 FROM raw_deployments FINAL
)
WHERE account != ''
GROUP BY provider, login
ORDER BY provider, login`

// ReadSeen returns every login that stored events name, with what it did.
func ReadSeen(ctx context.Context, store Selector) ([]SeenLogin, error) {
	var seen []SeenLogin
	if err := store.Select(ctx, &seen, seenQuery, nil); err != nil {
		return nil, fmt.Errorf("reading the logins of the stored events: %w", err)
	}
	return seen, nil
}

// HasBotPatterns reports whether machines are recognised by patterns, for which [Catalog.WithSeen] needs the logins.
func (c *Catalog) HasBotPatterns() bool { return len(c.bots) > 0 }

// WithSeen returns the catalog with machine accounts among the logins of stored events recognised by name: by the
// patterns of people.rules. A login that a record or a rule names is what it says there, whatever its name is like.
func (c *Catalog) WithSeen(seen []SeenLogin) *Catalog {
	with := *c
	with.identities = slices.Clone(c.identities)
	for _, s := range seen {
		if c.Whose(s.Provider, s.Login).Login == "" && c.BotPattern(s.Provider, s.Login) != "" {
			with.identities = append(with.identities, Identity{Provider: s.Provider, Login: s.Login, Bot: true})
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
