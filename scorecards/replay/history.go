// Package replay grades by what was known at a past time: one entity with explanations, as of any time, and the whole
// catalog on each of many days without them.
//
// The facts are those that were stored, with the age that they had. The rules, the catalog, and which source a fact
// belongs to are those of today.
package replay

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/store"
)

// Store has the history of facts.
type Store interface {
	FactVersions(ctx context.Context, q store.HistoryQuery, each func(*store.FactVersions)) error
	FactReadings(ctx context.Context, q store.HistoryQuery, each func(*store.FactReadings)) error
	ReadsRecordedSince(ctx context.Context) (time.Time, error)
}

// Days are the days from From to To, in UTC. Each is graded at its end, the last one at To.
type Days struct {
	From, To time.Time
	Entities []string // refs; nil: every entity of the catalog
}

// times returns when each day is graded.
func (d Days) times() ([]time.Time, error) {
	if d.To.Before(d.From) {
		return nil, fmt.Errorf("replaying days: the last, %s, is before the first, %s", d.To.Format(time.DateOnly),
			d.From.Format(time.DateOnly))
	}
	var times []time.Time
	for day := d.From.UTC().Truncate(24 * time.Hour); ; day = day.AddDate(0, 0, 1) {
		if end := day.AddDate(0, 0, 1); end.Before(d.To) {
			times = append(times, end)
			continue
		}
		return append(times, d.To.UTC()), nil
	}
}

// History is what was known of the entities of the catalog in a range of time. It does not change and may be used from
// many goroutines.
type History struct {
	times    []time.Time
	recorded time.Time // since when it is recorded that facts were read again; zero: never
	catalog  *catalog.Catalog
	entities map[string]*entity
}

// entity is what was known of an entity.
type entity struct {
	facts    map[string][]*line // by name; of several sources, several lines
	readings []*reading
}

// line is what one source observed of a fact.
type line struct {
	source, observed string
	versions         []version // in the order of their times
	readings         []int     // indexes in the readings of the entity
}

// version is a value that a fact had from a time on.
type version struct {
	from    int64 // Unix milliseconds
	seq     uint64
	value   *value
	expires int64 // milliseconds from the observation; 0: never, -1: not recorded
}

// value is shared by all the versions that have it.
type value struct {
	content
	read scorecards.Value
}

// content is what a value is.
type content struct{ typ, raw, err string }

// reading is when facts were read together.
type reading struct {
	source, observed string
	facts            []string
	at, expires      []int64 // as of version
}

// Load reads what the rules of the engines look at, once for all of them.
func Load(ctx context.Context, s Store, cat *catalog.Catalog, days Days, engines ...*scorecards.Engine,
) (*History, error) {
	times, err := days.times()
	if err != nil {
		return nil, err
	}
	h := &History{times: times, catalog: cat, entities: map[string]*entity{}}
	q := store.HistoryQuery{From: times[0], Until: times[len(times)-1], Entities: days.Entities, Facts: []string{}}
	for _, e := range engines {
		q.Facts = append(q.Facts, e.TrackedFacts()...)
	}
	slices.Sort(q.Facts)
	q.Facts = slices.Compact(q.Facts)
	if h.recorded, err = s.ReadsRecordedSince(ctx); err != nil {
		return nil, err
	}
	if q.Entities == nil {
		for _, e := range cat.Entities() {
			q.Entities = append(q.Entities, e.Ref)
		}
	}
	var mu sync.Mutex
	reading, ctx := errgroup.WithContext(ctx)
	reading.SetLimit(runtime.GOMAXPROCS(0))
	for some := range slices.Chunk(q.Entities, readAtOnce) {
		reading.Go(func() error {
			q := q
			q.Entities = some
			known, err := read(ctx, s, q)
			mu.Lock()
			defer mu.Unlock()
			maps.Copy(h.entities, known)
			return err
		})
	}
	return h, reading.Wait()
}

// readAtOnce is how many entities are read by one query. Its whole answer is in memory, several hundred bytes for every
// version of a fact.
const readAtOnce = 500

// read returns what was known of some entities.
func read(ctx context.Context, s Store, q store.HistoryQuery) (map[string]*entity, error) {
	entities := make(map[string]*entity, len(q.Entities))
	of := func(ref string) *entity {
		if entities[ref] == nil {
			entities[ref] = &entity{facts: map[string][]*line{}}
		}
		return entities[ref]
	}
	pool := newPool(q.Facts)
	err := s.FactVersions(ctx, q, func(v *store.FactVersions) {
		l := &line{source: pool.text(v.Source), observed: v.Observed, versions: make([]version, len(v.From))}
		for i := range v.From {
			l.versions[i] = version{v.From[i], v.Seq[i], pool.value(v.Types[i], v.Values[i], v.Errors[i]), v.ExpiresAfter[i]}
		}
		e, name := of(v.Entity), pool.text(v.Fact)
		e.facts[name] = append(e.facts[name], l)
	})
	if err != nil {
		return nil, err
	}
	err = s.FactReadings(ctx, q, func(r *store.FactReadings) {
		e := of(r.Entity)
		e.readings = append(e.readings, &reading{r.Source, r.Observed, r.Facts, r.At, r.ExpiresAfter})
	})
	if err != nil {
		return nil, err
	}
	for _, e := range entities {
		e.connect()
	}
	return entities, nil
}

// pool has each text and each value once: there are many more versions than different values, and what the store gives
// shares the memory of whole answers.
type pool struct {
	texts  map[string]string
	values map[content]*value
}

func newPool(names []string) *pool {
	p := &pool{texts: make(map[string]string, len(names)), values: map[content]*value{}}
	for _, name := range names {
		p.texts[name] = name
	}
	return p
}

func (p *pool) text(s string) string {
	known, ok := p.texts[s]
	if !ok {
		known = strings.Clone(s)
		p.texts[known] = known
	}
	return known
}

func (p *pool) value(typ, raw, err string) *value {
	if known, ok := p.values[content{typ, raw, err}]; ok {
		return known
	}
	v := &value{content: content{p.text(typ), strings.Clone(raw), strings.Clone(err)}}
	v.read = scorecards.ValueOf(event.Fact{Type: event.FactType(v.typ), Value: json.RawMessage(v.raw), Error: v.err})
	p.values[v.content] = v
	return v
}

// connect tells each line of its readings, in an order that does not depend on that of the rows.
func (e *entity) connect() {
	slices.SortFunc(e.readings, func(a, b *reading) int {
		return cmp.Or(strings.Compare(a.source, b.source), strings.Compare(a.observed, b.observed),
			slices.Compare(a.facts, b.facts))
	})
	for i, r := range e.readings {
		for _, name := range r.facts {
			for _, l := range e.facts[name] {
				if l.source == r.source && l.observed == r.observed {
					l.readings = append(l.readings, i)
				}
			}
		}
	}
}

// state is what a line says at a time.
type state struct {
	line     *line
	version  *version // nil: nothing yet
	observed int64    // Unix milliseconds
	expires  int64    // Unix milliseconds; 0: never
	recorded bool     // whether observed and expires are known; otherwise observed is when the value was new
}

// cursor is the place in the versions of a line up to which they are taken into account. Times never go back.
type cursor struct {
	next int      // index of the first version that is later
	last *version // of those before, the one that was stored last; nil: none
}

// neverExpires reports whether no version and no reading of a line has an expiry.
func (l *line) neverExpires(e *entity) bool {
	for i := range l.versions {
		if l.versions[i].expires > 0 {
			return false
		}
	}
	return !slices.ContainsFunc(l.readings, func(r int) bool {
		return slices.ContainsFunc(e.readings[r].expires, func(after int64) bool { return after > 0 })
	})
}

// changes reports whether a line has another version at a time than at the last call of at with the cursor.
func (l *line) changes(c *cursor, ms int64) bool {
	return c.next < len(l.versions) && l.versions[c.next].from <= ms
}

// at returns the state of a line at a time, which is not before that of the last call with the same cursor. last has,
// for each reading of the entity, the index of its last time that is not later; -1: none.
func (l *line) at(c *cursor, e *entity, ms int64, last []int) state {
	for ; c.next < len(l.versions) && l.versions[c.next].from <= ms; c.next++ {
		if v := &l.versions[c.next]; c.last == nil || v.seq >= c.last.seq {
			c.last = v
		}
	}
	s := state{line: l, version: c.last}
	if s.version == nil {
		return s
	}
	after := s.version.expires
	s.observed, s.recorded = s.version.from, after >= 0
	for _, r := range l.readings {
		if i := last[r]; i >= 0 && e.readings[r].at[i] >= s.observed {
			s.observed, after, s.recorded = e.readings[r].at[i], e.readings[r].expires[i], true
		}
	}
	if after > 0 {
		s.expires = s.observed + after
	}
	return s
}

// usable reports whether there is a value that has not expired.
func (s state) usable(ms int64) bool {
	return s.version.value.err == "" && (s.expires == 0 || s.expires > ms)
}

// before reports whether s is preferred to another state of the same fact, by the order of the view facts.
func (s state) before(o state, ms int64) bool {
	if a, b := s.usable(ms), o.usable(ms); a != b {
		return a
	}
	v, w := s.version.value, o.version.value
	return cmp.Or(cmp.Compare(o.observed, s.observed), strings.Compare(v.err, w.err),
		strings.Compare(s.line.source, o.line.source), strings.Compare(s.line.observed, o.line.observed),
		strings.Compare(v.typ, w.typ), strings.Compare(v.raw, w.raw)) < 0
}

// stateAt returns the state of the preferred line of a fact. cursors has one for each line.
func (e *entity) stateAt(lines []*line, cursors []cursor, ms int64, last []int) state {
	var best state
	for i, l := range lines {
		if s := l.at(&cursors[i], e, ms, last); s.version != nil && (best.version == nil || s.before(best, ms)) {
			best = s
		}
	}
	return best
}

// lastAt returns, for each reading, the index of its last time that is not later; -1: none.
func (e *entity) lastAt(ms int64) []int {
	last := make([]int, len(e.readings))
	for i, r := range e.readings {
		n, found := slices.BinarySearch(r.at, ms)
		if last[i] = n - 1; found {
			last[i] = n
		}
	}
	return last
}

// fact returns the fact of a state. A time that is not recorded is zero, so that the age is not judged.
func (s state) fact(ref, name string) event.Fact {
	v := s.version.value
	f := event.Fact{Source: s.line.source, Entity: ref, Name: name, Type: event.FactType(v.typ), Error: v.err}
	if v.err == "" {
		f.Value = json.RawMessage(v.raw)
	}
	f.ObservedAt, f.ExpiresAt = s.times()
	return f
}

func (s state) times() (observed, expires time.Time) {
	if s.recorded {
		observed = time.UnixMilli(s.observed).UTC()
	}
	if s.expires > 0 {
		expires = time.UnixMilli(s.expires).UTC()
	}
	return observed, expires
}

// FactsAt returns the facts of an entity that were known at a time of the range, by name.
func (h *History) FactsAt(ref string, at time.Time) map[string]event.Fact {
	known := map[string]event.Fact{}
	e := h.entities[ref]
	if e == nil {
		return known
	}
	ms := at.UnixMilli()
	last := e.lastAt(ms)
	for name, lines := range e.facts {
		if s := e.stateAt(lines, make([]cursor, len(lines)), ms, last); s.version != nil {
			known[name] = s.fact(ref, name)
		}
	}
	return known
}

// Note returns what is not recorded of the range, as sentences; "" if everything is.
func (h *History) Note() string { return notRecorded(h.recorded, h.times[0]) }

// Recorded returns, as a sentence, what is not recorded of the time from a past one on; "" if everything is.
func Recorded(ctx context.Context, s Store, from time.Time) (string, error) {
	since, err := s.ReadsRecordedSince(ctx)
	if err != nil {
		return "", err
	}
	return notRecorded(since, from), nil
}

func notRecorded(since, from time.Time) string {
	const remedy = " the age of a fact is not judged where it is not recorded."
	switch {
	case since.IsZero():
		return "When facts were read again is not recorded yet:" + remedy
	case since.After(from):
		return "When facts were read again is recorded since " + since.Format(time.DateOnly) + ":" + remedy
	}
	return ""
}
