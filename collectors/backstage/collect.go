package backstage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/event"
)

// stream is the name of the checkpoint, and of the progress.
const stream = "entities"

// state is what is kept of the last complete pass.
type state struct {
	Asked string               `json:"asked"` // the parameters of the first page; another question begins anew
	Pages map[string]knownPage `json:"pages"` // by cursor; the first page's is empty
}

// knownPage is a page as it was read the last time.
type knownPage struct {
	ETag   string   `json:"etag"`
	Next   string   `json:"next,omitempty"`
	Total  uint64   `json:"total"`
	Refs   []string `json:"refs"`
	Broken int      `json:"broken,omitempty"` // entities that could not be read
}

// pass is one reading of the catalog.
type pass struct {
	c      *Collector
	w      Writer
	before state
	after  state
	stored map[string]string // revision by ref, as of the beginning
	seen   map[string]bool
	broken int
	total  uint64
	read   bool // a page was not as it was
}

// Collect brings the catalog up to date.
func (c *Collector) Collect(ctx context.Context, scope string, w Writer) error {
	if scope != Scope {
		return fmt.Errorf("a Backstage catalog has the one scope %q, not %q", Scope, scope)
	}
	p := &pass{c: c, w: w, seen: map[string]bool{}}
	asked := c.query("", pageSize).Encode()
	p.after = state{Asked: asked, Pages: map[string]knownPage{}}
	if _, err := w.Load(ctx, stream, &p.before); err != nil {
		return err
	}
	if p.before.Asked != asked {
		p.before = state{}
	}
	var err error
	if p.stored, err = w.Descriptors(ctx); err != nil {
		return err
	}
	if err := p.pages(ctx); err != nil {
		return err
	}
	return p.finish(ctx)
}

// pages reads from the first page to the last and stores what is new of each.
func (p *pass) pages(ctx context.Context) error {
	for cursor := ""; ; {
		if _, again := p.after.Pages[cursor]; again {
			return errors.New("reading the catalog: Backstage's pages lead back to one that was read already; the next run begins anew")
		}
		page, err := p.page(ctx, cursor)
		if err != nil {
			return err
		}
		p.after.Pages[cursor] = page
		p.total = page.Total
		p.broken += page.Broken
		for _, ref := range page.Refs {
			p.seen[ref] = true
		}
		p.w.Progress(stream, uint64(len(p.seen)), p.total)
		if cursor = page.Next; cursor == "" {
			return nil
		}
	}
}

// page reads one page. It is asked for on condition only while everything that it held is stored.
func (p *pass) page(ctx context.Context, cursor string) (knownPage, error) {
	was := p.before.Pages[cursor]
	if slices.ContainsFunc(was.Refs, func(ref string) bool { _, ok := p.stored[ref]; return !ok }) {
		was.ETag = ""
	}
	a, err := p.c.page(ctx, cursor, was.ETag, pageSize)
	if err != nil || a.notModified {
		return was, err
	}
	p.read = true
	page := knownPage{ETag: a.etag, Next: a.next, Total: a.total}
	var events []event.Event
	for i, raw := range a.items {
		d, err := p.c.descriptor(raw, p.c.now())
		if err != nil {
			page.Broken++
			p.c.log.Warn("an entity of Backstage cannot be read; it is left out", "source", p.c.cfg.Source, "entity", glimpse(raw), "position", i, "error", err)
			continue
		}
		page.Refs = append(page.Refs, d.Location)
		if p.stored[d.Location] != d.Revision {
			events = append(events, d)
			p.stored[d.Location] = d.Revision
		}
	}
	if len(events) > 0 {
		if err := p.w.Append(ctx, events...); err != nil {
			return page, err
		}
	}
	return page, nil
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

// finish removes what is gone, writes the ledger and moves the checkpoint. A pass that saw less than Backstage says it has
// removes nothing: pages may have shifted while they were read, and the next pass sees what this one did not.
func (p *pass) finish(ctx context.Context) error {
	now := p.c.now().UTC()
	complete := uint64(len(p.seen)+p.broken) >= p.total
	var events []event.Event
	if complete {
		for _, ref := range slices.Sorted(maps.Keys(p.stored)) {
			if !p.seen[ref] {
				events = append(events, event.Descriptor{Source: p.c.cfg.Source, Provider: Provider, Scope: Scope, Location: ref, ObservedAt: now})
				delete(p.stored, ref)
			}
		}
	}
	entry := event.LedgerEntry{
		Source: p.c.cfg.Source, Scope: Scope, Of: event.KindDescriptor, WindowStart: everything, WindowEnd: now,
		Expected: p.total, Stored: uint64(len(p.stored)), CheckedAt: now, URL: p.c.base.String() + "/catalog",
	}
	if p.broken > 0 {
		entry.Note = fmt.Sprintf("entities that cannot be read: %d", p.broken)
	}
	if err := p.w.Append(ctx, append(events, entry)...); err != nil {
		return err
	}
	if !complete || (!p.read && len(events) == 0) {
		return nil
	}
	return p.w.Save(ctx, stream, p.after)
}

// everything is the start of a window that leaves nothing out: a catalog has no history.
var everything = time.Date(1970, 1, 2, 0, 0, 0, 0, time.UTC)
