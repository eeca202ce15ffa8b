package rows

import (
	"hash/fnv"
	"slices"
	"time"

	"github.com/dxctl/dxctl/event"
)

// FactReads is the row of facts that a source read together of an entity: the last reading of a day.
type FactReads struct {
	Entity     string    `ch:"entity"`
	Source     string    `ch:"source"`
	FactSet    uint64    `ch:"fact_set"`
	Day        time.Time `ch:"day"`
	ObservedAt time.Time `ch:"observed_at"`
	// milliseconds from the reading until the facts expire; 0: never
	ExpiresAfter int64 `ch:"expires_after_ms"`
}

// FactSet is the row of the names of facts that were read together.
type FactSet struct {
	FactSet uint64   `ch:"fact_set"`
	Facts   []string `ch:"facts"` // sorted
}

// Reads returns the readings that facts show, and the sets of names that they refer to, each once. Facts of one source
// and entity with the same times belong to one reading.
func Reads(facts []event.Fact) ([]FactReads, []FactSet) {
	type reading struct {
		entity, source    string
		observed, expires int64 // milliseconds
	}
	var order []reading
	names := map[reading][]string{}
	for i := range facts {
		f := &facts[i]
		key := reading{f.Entity, f.Source, f.ObservedAt.UnixMilli(), expiresAfter(f)}
		if _, known := names[key]; !known {
			order = append(order, key)
		}
		names[key] = append(names[key], f.Name)
	}
	reads := make([]FactReads, len(order))
	var sets []FactSet
	known := map[uint64]bool{}
	for i, r := range order {
		slices.Sort(names[r])
		set := FactSet{Facts: slices.Compact(names[r])}
		set.FactSet = hashOf(set.Facts)
		at := time.UnixMilli(r.observed).UTC()
		reads[i] = FactReads{Entity: r.entity, Source: r.source, FactSet: set.FactSet, Day: at.Truncate(24 * time.Hour),
			ObservedAt: at, ExpiresAfter: r.expires}
		if !known[set.FactSet] {
			known[set.FactSet] = true
			sets = append(sets, set)
		}
	}
	return reads, sets
}

// hashOf returns a hash of names.
func hashOf(names []string) uint64 {
	h := fnv.New64a()
	for _, name := range names {
		_, _ = h.Write([]byte(name)) // never fails
		_, _ = h.Write([]byte{0})
	}
	return h.Sum64()
}
