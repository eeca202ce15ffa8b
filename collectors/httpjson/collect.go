package httpjson

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/traits"

	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/catalog/identifier"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
)

// Listing is the only scope of a source that lists all entities at one address.
const Listing = "listing"

const (
	stream     = "facts"
	maxItems   = 50_000
	maxBody    = 1 << 20
	timeout    = 10 * time.Second
	attempts   = 4
	inParallel = 4
)

var listOfTexts = reflect.TypeFor[[]string]()

var profile = source.Profile{
	Provider: Provider,
	Product:  "the API",
	Epoch:    time.Date(1970, 1, 2, 0, 0, 0, 0, time.UTC),
}

// Collector reads the facts of one source. It is safe for use from several goroutines.
type Collector struct {
	*source.Base
	*rest.Client
	cfg      Config
	programs programs
	expires  []time.Duration
	entities func() []descriptor.Entity
}

// New returns a collector; it fails when the configuration is not valid.
func New(cfg Config, opt source.Options) (*Collector, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	c := &Collector{Base: opt.Base(profile, cfg.Source), cfg: cfg, entities: opt.Entities}
	if c.entities == nil {
		c.entities = func() []descriptor.Entity { return nil }
	}
	for _, f := range cfg.Facts {
		valid, err := f.expires()
		if err != nil {
			return nil, err
		}
		c.expires = append(c.expires, valid)
	}
	var err error
	if c.programs, err = compile(cfg); err != nil {
		return nil, err
	}
	c.Client, err = rest.New(rest.Config{
		BaseURL:             c.programs.address.base,
		UserAgent:           opt.UserAgent,
		AllowPrivateNetwork: cfg.AllowPrivateNetwork,
		MaxConcurrent:       inParallel,
		MaxBody:             maxBody,
		IdleTimeout:         timeout,
		Timeout:             timeout,
		Attempts:            attempts,
	}, opt.REST())
	return c, err
}

// Volatile is true: entities come and go with the catalog, and nothing is retracted with them.
func (c *Collector) Volatile() bool { return true }

// maxChecked is how many entities Check asks about: the API need not have every one.
const maxChecked = 3

// Check requests the listing, or the facts of some entities until those of one can be had.
func (c *Collector) Check(ctx context.Context) error {
	selected, err := c.selected(ctx)
	if err != nil {
		return err
	}
	if c.programs.items != nil {
		got, err := c.fetch(ctx, descriptor.Entity{}, "")
		if err == nil {
			_, err = c.items(ctx, got)
		}
		return err
	}
	if len(selected) == 0 {
		return errors.New("no scorecard grades anything to ask about; describe a service, or correct entities")
	}
	var first error
	for _, e := range selected[:min(len(selected), maxChecked)] {
		err := c.check(ctx, e)
		if err == nil || !answered(err) {
			return err
		}
		first = cmp.Or(first, err)
	}
	return first
}

// check requests the facts of an entity, and reports the first one that cannot be had.
func (c *Collector) check(ctx context.Context, e descriptor.Entity) error {
	got, err := c.fetch(ctx, e, "")
	if err != nil {
		return fmt.Errorf("%s: %w", e.Ref, err)
	}
	for i, o := range c.observe(ctx, got, e, nil) {
		if o.Error != "" {
			return &answerError{fmt.Errorf("%s of %s is not known: %s", c.cfg.Facts[i].Name, e.Ref, o.Error)}
		}
	}
	return nil
}

// Scopes returns the refs of the entities that the source is asked about, or the listing.
func (c *Collector) Scopes(ctx context.Context, _ source.StateStore) ([]string, error) {
	if c.programs.items != nil {
		return []string{Listing}, nil
	}
	selected, err := c.selected(ctx)
	scopes := make([]string, len(selected))
	for i, e := range selected {
		scopes[i] = e.Ref
	}
	return scopes, err
}

// selected returns the entities that the source is asked about.
func (c *Collector) selected(ctx context.Context) ([]descriptor.Entity, error) {
	all := c.entities()
	if c.programs.entities == nil {
		return all, nil
	}
	var selected []descriptor.Entity
	for _, e := range all {
		fits, err := c.selects(ctx, e)
		if err != nil {
			return nil, err
		}
		if fits {
			selected = append(selected, e)
		}
	}
	return selected, nil
}

// selects reports whether the source is asked about an entity.
func (c *Collector) selects(ctx context.Context, e descriptor.Entity) (bool, error) {
	if c.programs.entities == nil {
		return true, nil
	}
	fits, err := eval(ctx, c.programs.entities, entityValues(e))
	if err != nil {
		return false, fmt.Errorf("entities: %s: %w", e.Ref, err)
	}
	return fits == types.True, nil
}

// state is what is kept of the last answer.
type state struct {
	Asked string                   `json:"asked"` // the address and the expressions; another question begins anew
	ETag  string                   `json:"etag,omitempty"`
	At    time.Time                `json:"at"` // when it was requested
	Facts map[string][]observation `json:"facts"`
}

// observation is the value of a fact, or the reason why there is none.
type observation struct {
	Value json.RawMessage `json:"value,omitempty"`
	Error string          `json:"error,omitempty"`
}

// Collect updates the facts of an entity, or of all of them from the listing.
func (c *Collector) Collect(ctx context.Context, scope string, w source.Writer) error {
	about, err := c.about(ctx, scope)
	if err != nil || len(about) == 0 {
		return err
	}
	var before state
	if _, err := w.Load(ctx, stream, &before); err != nil {
		return err
	}
	now := c.Now().UTC()
	asked := c.asked(scope)
	if before.Asked != asked {
		before = state{}
	}
	age, covers := now.Sub(before.At), c.covers(before, about)
	if age >= 0 && age < c.cfg.every() && covers && !w.Reread() && !source.Rechecks(ctx) {
		return nil
	}
	if !covers { // an answer that has not changed would not show what is missing
		before.ETag = ""
	}
	after := state{Asked: asked, At: now, Facts: map[string][]observation{}}
	got, err := c.fetch(ctx, about[0], before.ETag)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case answered(err): // about this entity alone: it is no failure of the source
		after.Facts = c.failed(before, about, err)
	case err != nil:
		return errors.Join(c.store(ctx, w, about, c.failed(before, about, err), now, before.At), err)
	case got.notModified:
		after.ETag, after.Facts = before.ETag, before.Facts
	default:
		after.ETag = got.etag
		if after.Facts, err = c.read(ctx, got, about); err != nil {
			return errors.Join(c.store(ctx, w, about, c.failed(before, about, err), now, before.At), err)
		}
	}
	if err := c.store(ctx, w, about, after.Facts, now, now); err != nil {
		return err
	}
	return w.Save(ctx, stream, after)
}

// about returns the entities of a scope; none if no scorecard grades it any longer.
func (c *Collector) about(ctx context.Context, scope string) ([]descriptor.Entity, error) {
	if c.programs.items != nil {
		return c.selected(ctx)
	}
	all := c.entities()
	i := slices.IndexFunc(all, func(e descriptor.Entity) bool { return e.Ref == scope })
	if i < 0 {
		return nil, nil
	}
	if fits, err := c.selects(ctx, all[i]); !fits || err != nil {
		return nil, err
	}
	return all[i : i+1], nil
}

// covers reports whether the facts of every entity are known from the last answer.
func (c *Collector) covers(s state, about []descriptor.Entity) bool {
	return !slices.ContainsFunc(about, func(e descriptor.Entity) bool { return s.Facts[e.Ref] == nil })
}

// failed returns the facts after a request that failed: the former values while they are valid, otherwise the reason.
func (c *Collector) failed(before state, about []descriptor.Entity, reason error) map[string][]observation {
	facts := map[string][]observation{}
	for _, e := range about {
		was := before.Facts[e.Ref]
		all := make([]observation, len(c.cfg.Facts))
		for i := range all {
			all[i] = observation{Error: c.shown(reason)}
			kept := i < len(was) && was[i].Error == "" && c.Now().Before(before.At.Add(c.expires[i]))
			if kept && !answered(reason) {
				all[i] = was[i]
			}
		}
		facts[e.Ref] = all
	}
	return facts
}

// read picks the facts of the entities from an answer.
func (c *Collector) read(ctx context.Context, got answer, about []descriptor.Entity,
) (map[string][]observation, error) {
	facts := map[string][]observation{}
	if c.programs.items == nil {
		for _, e := range about {
			facts[e.Ref] = c.observe(ctx, got, e, nil)
		}
		return facts, ctx.Err()
	}
	items, err := c.items(ctx, got)
	if err != nil {
		return nil, err
	}
	all := func(reason string) []observation {
		return slices.Repeat([]observation{{Error: reason}}, len(c.cfg.Facts))
	}
	for _, e := range about {
		found := items[e.Ref]
		switch len(found) {
		case 0:
			facts[e.Ref] = all(fmt.Sprintf("the listing of %s does not contain %s", c.host(), e.Ref))
		case 1:
			facts[e.Ref] = c.observe(ctx, got, e, found[0])
		default:
			facts[e.Ref] = all(fmt.Sprintf("the listing of %s contains %s %d times", c.host(), e.Ref, len(found)))
		}
	}
	return facts, ctx.Err()
}

// items returns the items of a listing by the ref of the entity that each is about. An item that names none is left
// out.
func (c *Collector) items(ctx context.Context, got answer) (map[string][]any, error) {
	list, err := eval(ctx, c.programs.items, map[string]any{"body": got.body, "status": got.status})
	if err != nil {
		return nil, c.unfit(got, "items", err)
	}
	items, ok := list.(traits.Lister)
	size, _ := types.Int(0), false
	if ok {
		size, ok = items.Size().(types.Int)
	}
	if !ok {
		return nil, c.unfit(got, "items", fmt.Errorf("the expression resulted in a %s where a list is expected",
			describe(list)))
	}
	if size > maxItems {
		return nil, c.unfit(got, "items", fmt.Errorf("%d items; at most %d are read", size, maxItems))
	}
	found := map[string][]any{}
	odd := 0
	for i := types.Int(0); i < size; i++ {
		item := items.Get(i)
		name, err := eval(ctx, c.programs.entity, map[string]any{"item": item})
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		text, ok := name.(types.String)
		ref, refErr := identifier.ParseRef(strings.TrimSpace(string(text)), "component", "")
		if err != nil || !ok || refErr != nil {
			odd++
			continue
		}
		found[ref.String()] = append(found[ref.String()], item)
	}
	if odd > 0 {
		c.LeftOut("items that name no entity", odd)
	}
	return found, nil
}

// observe picks the facts of an entity from an answer, in the order of the configuration.
func (c *Collector) observe(ctx context.Context, got answer, e descriptor.Entity, item any) []observation {
	variables := entityValues(e)
	variables["body"], variables["status"] = got.body, got.status
	if item != nil {
		variables["item"] = item
	}
	facts := make([]observation, len(c.cfg.Facts))
	for i, f := range c.cfg.Facts {
		value, err := eval(ctx, c.programs.values[i], variables)
		if err == nil {
			facts[i].Value, err = valueOf(f.Type, value)
		}
		if err == nil && len(facts[i].Value) > event.MaxValue {
			err = fmt.Errorf("the value has %d bytes, more than %d", len(facts[i].Value), event.MaxValue)
		}
		if err != nil {
			facts[i] = observation{Error: c.shown(c.unfit(got, "value", err))}
		}
	}
	return facts
}

// store appends facts. Values were observed at observed, and reasons now.
func (c *Collector) store(ctx context.Context, w source.Writer, about []descriptor.Entity,
	facts map[string][]observation, now, observed time.Time) error {
	var events []event.Event
	for _, e := range about {
		for i, o := range facts[e.Ref] {
			f := event.Fact{Source: c.Source(), Entity: e.Ref, Name: c.cfg.Facts[i].Name, Type: c.cfg.Facts[i].Type,
				ObservedAt: now, Error: o.Error}
			if o.Error == "" {
				f.Value, f.ObservedAt, f.ExpiresAt = o.Value, observed, observed.Add(c.expires[i])
			}
			events = append(events, f)
		}
	}
	if len(events) == 0 {
		return nil
	}
	return w.Append(ctx, events...)
}
