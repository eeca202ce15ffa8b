package manifest

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Contents is what the database holds.
type Contents struct {
	Tables  map[string]Table // those whose parts are tracked
	Schema  int              // version of the schema
	Pending bool             // migrations are not applied yet
}

// Update notes what is lost and what is back, and takes over what the database holds.
func (m *Manifest) Update(c Contents, now time.Time) {
	m.Lost = slices.DeleteFunc(m.Lost, func(l LostPart) bool {
		t, there := c.Tables[l.Table]
		return there && t.UUID == l.UUID && t.Holds(l.Part, l.Rows)
	})
	migrated := c.Schema > m.Schema || c.Upgrading(*m)
	for _, table := range slices.Sorted(maps.Keys(m.Tables)) {
		before, t := m.Tables[table], c.Tables[table]
		if migrated && t.UUID != before.UUID {
			continue // a migration put another table in its place
		}
		for _, name := range slices.Sorted(maps.Keys(before.Parts)) {
			if t.UUID != before.UUID || !t.Holds(name, before.Parts[name]) {
				m.Lost = append(m.Lost, LostPart{table, before.UUID, name, before.Parts[name], now})
			}
		}
	}
	held := maps.Clone(c.Tables)
	for table, before := range m.Tables {
		if _, there := held[table]; !there { // what it held is noted: nothing else is lost when it is made again
			held[table] = Table{UUID: before.UUID}
		}
	}
	m.Tables, m.Schema = held, max(c.Schema, m.Schema)
}

// Upgrading reports whether migrations wait to be applied; where the record of what was applied is lost they only
// seem to.
func (c Contents) Upgrading(m Manifest) bool { return c.Pending && c.Schema >= m.Schema }

// Restored reports whether active parts hold the blocks of a part that was set aside: ClickHouse falls back on the
// parts that a damaged one was merged from, while they are still there.
func (t Table) Restored(aside string) bool {
	words := strings.Split(aside, "_") // broken-on-start_all_1_7_2
	want, ok := parsePart(strings.Join(words[min(1, len(words)):], "_"))
	if !ok {
		return false
	}
	blocks := int64(0)
	for name := range t.Parts {
		have, ok := parsePart(name)
		if ok && have.covers(want) {
			return true
		}
		if ok && want.covers(have) {
			blocks += have.max - have.min + 1
		}
	}
	return blocks >= want.max-want.min+1
}
