package backstage

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
)

// stream is the name of the checkpoint, and of the progress.
const stream = "entities"

// state is what is kept of the last complete pass.
type state struct {
	Asked  string               `json:"asked"`           // the parameters of the first page; another question begins anew
	Pages  map[string]knownPage `json:"pages"`           // by cursor; the first page's is empty
	Failed *rest.Quarantine     `json:"failed,omitzero"` // places of the listing that Backstage does not show
}

// knownPage is a page as it was read the last time.
type knownPage struct {
	ETag   string   `json:"etag"`
	Next   string   `json:"next,omitempty"`
	Total  uint64   `json:"total"`
	Refs   []string `json:"refs"`
	Broken int      `json:"broken,omitempty"` // entities that could not be read
	// Odd are those entities: why each cannot be read, by its ref, or by its beginning where it has none.
	Odd map[string]string `json:"odd,omitempty"`
}

// pass is one reading of the catalog.
type pass struct {
	c      *Collector
	w      source.Writer
	before state
	after  state
	stored map[string]string // revision by ref, as of the beginning
	seen   map[string]bool
	broken int
	odd    map[string]rest.Held // entities that cannot be read
	total  uint64
	read   bool // a page was not as it was
	place  int  // entities that were listed until here
	last   string
	holes  map[string]bool // places that were passed over
}

// Collect updates the catalog.
func (c *Collector) Collect(ctx context.Context, scope string, w source.Writer) error {
	if scope != Scope {
		return fmt.Errorf("a Backstage catalog has the one scope %q, not %q", Scope, scope)
	}
	p := &pass{c: c, w: w, seen: map[string]bool{}, odd: map[string]rest.Held{}, holes: map[string]bool{}}
	asked := c.query("", pageSize).Encode()
	if _, err := w.Load(ctx, stream, &p.before); err != nil {
		return err
	}
	failed := p.before.Failed.Begin()
	if p.before.Asked != asked {
		p.before = state{}
	}
	p.after = state{Asked: asked, Pages: map[string]knownPage{}, Failed: failed}
	var err error
	if p.stored, err = w.Descriptors(ctx); err != nil {
		return err
	}
	if err := p.pages(ctx); err != nil {
		return err
	}
	return p.finish(ctx)
}

// pages reads from the first page to the last and stores what is new of each. Where a page fails it is read in smaller
// ones, and an entity that fails by itself is passed over.
func (p *pass) pages(ctx context.Context) error {
	at := place{size: pageSize}
	var failure error // of the page in full size
	for {
		if _, again := p.after.Pages[at.cursor]; again && at.offset == 0 {
			return errors.New("reading the catalog: Backstage's pages lead back to one that was read already; the next run " +
				"begins anew")
		}
		page, err := p.page(p.patience(ctx, at), at)
		switch {
		case p.passable(err) && at.size > 1:
			if at.size == pageSize {
				failure = err
			}
			at.size = smaller[at.size]
			continue
		case p.passable(err):
			if at, err = p.passOver(ctx, failure); err != nil || p.total > 0 && uint64(at.offset) >= p.total {
				return err
			}
			continue
		case err != nil:
			return err
		}
		if at.offset == 0 && at.size == pageSize {
			p.after.Pages[at.cursor] = page
		}
		p.count(page)
		if at.cursor, at.offset = page.Next, 0; at.cursor == "" {
			return nil
		}
	}
}

// place is where the next page begins, at a cursor or at an offset, and how many entities are asked for.
type place struct {
	cursor       string
	offset, size int
}

// smaller are the sizes of pages where the larger one fails.
var smaller = map[int]int{pageSize: 100, 100: 10, 10: 1}

// fewAttempts is how often a page is asked for that is smaller than usual, or when places failed the last time.
const fewAttempts = 2

func (p *pass) patience(ctx context.Context, at place) context.Context {
	if at.size < pageSize || p.before.Failed.Len() > 0 {
		return rest.WithMaxAttempts(ctx, fewAttempts)
	}
	return ctx
}

// passable reports whether the failure may be of some entities only. That the first page is refused is a matter of
// rights or of the address.
func (p *pass) passable(err error) bool {
	var refused *rest.StatusError
	return rest.Unusable(err) && (len(p.seen) > 0 || !errors.As(err, &refused))
}

// passOver goes on behind an entity that fails by itself. Where the very first one does, the next has to be readable:
// otherwise it is Backstage that fails.
func (p *pass) passOver(ctx context.Context, failure error) (place, error) {
	position := p.place + len(p.holes)
	if len(p.seen) == 0 {
		if _, err := p.c.page(rest.WithMaxAttempts(ctx, fewAttempts), "", "", position+1, 1); err != nil {
			return place{}, failure
		}
	}
	hole := "the entity behind " + cmp.Or(p.last, "the beginning")
	if p.holes[hole] {
		hole = fmt.Sprintf("%s (place %d)", hole, position)
	}
	if err := p.after.Failed.Hold(hole, p.c.Now(), failure); err != nil {
		return place{}, err
	}
	p.holes[hole] = true
	return place{offset: position + 1, size: pageSize}, nil
}

// count notes what a page showed.
func (p *pass) count(page knownPage) {
	if page.Total > 0 {
		p.total = page.Total
	}
	p.broken += page.Broken
	p.place += len(page.Refs) + page.Broken
	for _, ref := range page.Refs {
		p.seen[ref] = true
		p.last = ref
	}
	for name, why := range page.Odd {
		p.seen[name] = true // it is there: what was stored of it stays
		p.odd[name] = rest.Held{Failures: 1, Error: why}
	}
	p.w.Progress(stream, uint64(len(p.seen)), p.total)
}

// page reads one page. It is asked for on condition only while everything that it held is stored.
func (p *pass) page(ctx context.Context, at place) (knownPage, error) {
	was := p.before.Pages[at.cursor]
	unstored := slices.ContainsFunc(was.Refs, func(ref string) bool { _, ok := p.stored[ref]; return !ok })
	if unstored || at.offset > 0 || at.size != pageSize || was.Broken != len(was.Odd) {
		was.ETag = ""
	}
	a, err := p.c.page(ctx, at.cursor, was.ETag, at.offset, at.size)
	if err != nil || a.notModified {
		return was, err
	}
	p.read = true
	page := knownPage{ETag: a.etag, Next: a.next, Total: a.total}
	var events []event.Event
	for i, raw := range a.items {
		d, err := p.c.descriptor(raw, p.c.Now())
		if err != nil {
			page.odd(refOf(raw), err)
			p.c.Log.Warn(
				"entity is not readable; skipped",
				"source",
				p.c.cfg.Source,
				"entity",
				glimpse(raw),
				"position",
				i,
				"error",
				err,
			)
			continue
		}
		page.Refs = append(page.Refs, d.Location)
		if p.stored[d.Location] != d.Revision {
			events = append(events, d)
			p.stored[d.Location] = d.Revision
		}
	}
	if at.offset > 0 && len(page.Refs) > 0 &&
		!slices.ContainsFunc(page.Refs, func(ref string) bool { return !p.seen[ref] }) {
		return page, errors.New("reading the catalog: Backstage fails at an entity and does not start behind it (it is " +
			"older than 1.26); update Backstage, or find the entity with the catalog's own pages")
	}
	if len(events) > 0 {
		if err := p.w.Append(ctx, events...); err != nil {
			return page, err
		}
	}
	return page, nil
}

// odd notes an entity that cannot be read. Two of one name are distinguished.
func (k *knownPage) odd(name string, why error) {
	if k.Odd == nil {
		k.Odd = map[string]string{}
	}
	unique := name
	for n := 2; k.Odd[unique] != ""; n++ {
		unique = fmt.Sprintf("%s (%d)", name, n)
	}
	k.Odd[unique] = why.Error()
	k.Broken++
}

// glimpse is the beginning of an entity, enough to find it by.
func glimpse(raw json.RawMessage) string {
	const shown = 120
	text := strings.ToValidUTF8(string(raw[:min(len(raw), shown)]), "\ufffd")
	if len(raw) > shown {
		text += "…"
	}
	return text
}

// finish removes what is gone, writes the ledger and moves the checkpoint. A pass that saw less than Backstage says it
// has removes nothing: pages may have shifted while they were read, and the next pass sees what this one did not.
// Neither does one that saw so little that it is not believed: a token that lost its permissions is shown an empty
// catalog.
func (p *pass) finish(ctx context.Context) error {
	now := p.c.Now().UTC()
	p.after.Failed.Forget(func(hole string) bool { return p.holes[hole] })
	complete := uint64(len(p.seen)) >= p.total && len(p.holes) == 0
	var gone []event.Event
	for _, ref := range slices.Sorted(maps.Keys(p.stored)) {
		if complete && !p.seen[ref] {
			gone = append(
				gone,
				event.Descriptor{Source: p.c.cfg.Source, Provider: Provider, Scope: Scope, Location: ref, ObservedAt: now},
			)
		}
	}
	refused := p.w.Removing("entities", len(gone), len(p.stored))
	if refused != nil {
		gone, complete = nil, false
	}
	stored := len(p.stored) - len(gone)
	entry := p.c.Ledger(Scope, event.KindDescriptor, time.Time{})
	entry.Expected, entry.Stored, entry.URL = p.total, uint64(stored), p.c.BaseURL()+"catalog"
	skipped := errors.Join(p.oddOnes(), p.after.Failed.Err("place"))
	switch {
	case refused != nil:
		entry.Note = refused.Error()
	case skipped != nil:
		entry.Note = skipped.Error()
	}
	if err := p.w.Append(ctx, append(gone, entry)...); err != nil {
		return err
	}
	failing := p.before.Failed.Len() > 0 || p.after.Failed.Len() > 0
	if (complete && (p.read || len(gone) > 0)) || failing && refused == nil {
		if err := p.w.Save(ctx, stream, p.after); err != nil {
			return err
		}
	}
	return errors.Join(refused, skipped)
}

// oddOnes is the error about the entities that cannot be read; nil when all can.
func (p *pass) oddOnes() error {
	if len(p.odd) == 0 {
		return nil
	}
	return &rest.SkippedError{What: "entity", Objects: p.odd}
}
