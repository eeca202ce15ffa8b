package argocd

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
)

const (
	syncsStream = "syncs"
	daily       = 24 * time.Hour
)

// state is the checkpoint of an application. It is saved after what it speaks of has been stored.
type state struct {
	Mark    string    `json:"mark"`              // of the application as it was last read
	Created time.Time `json:"created,omitzero"`  // of the application: another one may get its name
	LastID  int64     `json:"last_id"`           // highest number of the history that was read; -1: none
	LastKey string    `json:"last_key,omitzero"` // what that entry deployed
	LastAt  time.Time `json:"last_at,omitzero"`  // when the latest sync that was read began
	Before  int64     `json:"before,omitzero"`   // entries that the history had forgotten before it was first read
	Total   uint64    `json:"total,omitzero"`    // syncs that the store has had
	Refill  time.Time `json:"refill,omitzero"`   // when what the store lacks was last looked for
	Lost    uint64    `json:"lost,omitzero"`     // entries that it has forgotten since, between two reads
	LostIn  string    `json:"lost_in,omitzero"`  // when that last happened, in words
	Floor   time.Time `json:"floor,omitzero"`    // syncs before it are left out
	Rules   string    `json:"rules,omitzero"`    // digest of the environment rules that were applied
	Open    *open     `json:"open,omitzero"`     // the sync that was running
	Bad     int       `json:"bad,omitzero"`      // records that could not be read

	// What was found of the entries that are listed, by comparing them with others that may leave the history first.
	Healed []string          `json:"healed,omitempty"` // ids of the self-heals
	Undid  map[string]string `json:"undid,omitempty"`  // ids of the rollbacks, and what each undid
}

// open is a sync that was stored while it ran, to be able to say how it ended when nobody else does.
type open struct {
	Sync      event.Deployment `json:"sync"`
	Selective bool             `json:"selective,omitzero"`
}

// Scopes lists the applications. The one request tells also which of them have to be read. With a *rest.SkippedError it
// lists those that can be collected.
func (c *Collector) Scopes(ctx context.Context, _ source.StateStore) ([]string, error) {
	all, odd, err := c.list(ctx)
	if err != nil {
		return nil, err
	}
	listed, twice := make(map[string]summary, len(all)), map[string]bool{}
	for _, s := range all {
		scope := s.Metadata.scope(c.cfg.QualifiedNames)
		if other, taken := listed[scope]; taken { // whose deployments would they be?
			twice[scope] = true
			odd[scope] = fmt.Errorf("the application %s is in the namespaces %s and %s: set qualified_names: true for the "+
				"source, and write argocd/app-name as namespace/name",
				scope, other.Metadata.Namespace, s.Metadata.Namespace)
			continue
		}
		listed[scope] = s
	}
	maps.DeleteFunc(listed, func(scope string, _ summary) bool { return twice[scope] })
	c.mu.Lock()
	c.listed = listed
	c.mu.Unlock()
	c.warnUnused(all)
	return slices.Sorted(maps.Keys(listed)), rest.Skipped("application", odd, c.Now())
}

// warnUnused tells of the patterns of applications that no application has.
func (c *Collector) warnUnused(all []summary) {
	for i, g := range c.only {
		used := slices.ContainsFunc(all, func(s summary) bool {
			return g.matches(s.Metadata.Name) || g.matches(s.Metadata.Namespace+"/"+s.Metadata.Name)
		})
		if used {
			continue
		}
		if c.Once("unused " + c.cfg.Applications[i]) {
			c.Log.Warn("no application matches an entry of applications; check the name, and that the token may see the "+
				"application",
				"source", c.cfg.Source, "application", c.cfg.Applications[i])
		}
	}
}

// Collect updates an application: it is read when the latest listing shows that something has happened.
func (c *Collector) Collect(ctx context.Context, scope string, w source.Writer) error {
	s := state{LastID: -1}
	found, err := w.Load(ctx, syncsStream, &s)
	if err != nil {
		return err
	}
	c.mu.Lock()
	seen, listed := c.listed[scope]
	c.mu.Unlock()
	if !listed {
		seen.Metadata = named(scope, c.cfg.QualifiedNames)
	}
	p := &pass{
		Collector: c,
		mapper:    mapper{c.cfg.Source, scope, page(c.BaseURL(), seen.Metadata), c.Unrecognized},
		w:         w,
		s:         &s,
	}
	stored, _, err := w.Count(ctx, event.KindDeployment, time.Time{}, time.Time{})
	if err != nil {
		return err
	}
	p.lost = !found && stored > 0
	again := p.settings(found)
	if since := c.Now().Sub(s.Refill); stored < s.Total && (since >= daily || since < 0) {
		again, s.Refill = true, c.Now().UTC()
	}
	if !listed || again || s.Mark != seen.mark() {
		a, err := c.application(ctx, seen.Metadata)
		if gone(err) && listed && !c.stillListed(ctx, scope) {
			return nil // it was deleted since it was listed
		}
		if err != nil {
			return err
		}
		if len(c.cfg.Projects) > 0 && !slices.Contains(c.cfg.Projects, a.Spec.Project) {
			return nil // a server that does not know the filter lists the applications of every project
		}
		if err := p.store(ctx, a, again); err != nil {
			return err
		}
	}
	if err := p.account(ctx); err != nil {
		return err
	}
	if s.Bad > 0 {
		return rest.Skipped(
			"record",
			map[string]error{"history or operation of " + scope: fmt.Errorf("%d of its records are invalid", s.Bad)},
			c.Now(),
		)
	}
	return nil
}

// stillListed reports whether an application that Argo CD does not show is on its list anyway.
func (c *Collector) stillListed(ctx context.Context, scope string) bool {
	all, _, err := c.list(ctx)
	return err != nil ||
		slices.ContainsFunc(all, func(s summary) bool { return s.Metadata.scope(c.cfg.QualifiedNames) == scope })
}

// named is the metadata of an application that is known by its scope only.
func named(scope string, qualified bool) metadata {
	if namespace, name, found := strings.Cut(scope, "/"); found && qualified {
		return metadata{Name: name, Namespace: namespace}
	}
	return metadata{Name: scope}
}

// page is where a person can look at an application.
func page(base string, m metadata) string {
	if m.Namespace == "" {
		return base + "applications/" + url.PathEscape(m.Name)
	}
	return base + "applications/" + url.PathEscape(m.Namespace) + "/" + url.PathEscape(m.Name)
}

// pass is one Collect of one application.
type pass struct {
	*Collector
	mapper
	w    source.Writer
	s    *state
	lost bool // there are syncs in the store of which the checkpoint is gone, or not to be used
}

// settings takes over what the configuration says now, and reports whether everything has to be stored again for it.
func (p *pass) settings(found bool) (again bool) {
	since := p.cfg.Since
	if s := p.w.Since(); !s.IsZero() && (since.IsZero() || s.Before(since)) {
		since = s
	}
	switch {
	case !found:
		p.s.Floor, again = since, true
	case !p.s.Floor.IsZero() && (since.IsZero() || since.Before(p.s.Floor)):
		p.s.Floor, again = since, true
	}
	if p.s.Rules != p.rulesOf {
		p.s.Rules, again = p.rulesOf, true
	}
	return again
}

// store stores what an application shows that was not stored before, or with again all of it.
func (p *pass) store(ctx context.Context, a application, again bool) error {
	p.url = page(p.BaseURL(), a.Metadata)
	if n := len(a.history); n > 0 && a.history[n-1].ID < p.s.LastID ||
		!p.s.Created.IsZero() && !a.Metadata.Created.IsZero() && !p.s.Created.Equal(a.Metadata.Created.Time) {
		// the application was made anew: its history counts from 0 again
		p.s.LastID, p.s.LastKey, p.s.Before, p.s.Healed, p.s.Undid = -1, "", 0, nil, nil
	}
	if err := p.gap(ctx, a); err != nil {
		return err
	}
	p.judge(a)
	events, running := p.events(a, again)
	ended, err := p.ended(ctx, a)
	if err != nil {
		return err
	}
	events = append(ended, events...)
	if len(events) > 0 {
		if err := p.w.Append(ctx, events...); err != nil {
			return err
		}
	}
	p.note(a, running)
	p.w.Progress(syncsStream, uint64(len(events)), 0)
	return p.w.Save(ctx, syncsStream, *p.s)
}

// gap notes what the history has forgotten: it keeps the latest entries only (10, if the application does not say
// otherwise). What a notification reported in the meantime is not missing.
func (p *pass) gap(ctx context.Context, a application) error {
	if len(a.history) == 0 {
		return nil
	}
	first := a.history[0]
	if p.s.LastID < 0 {
		p.s.Before = first.ID
		return nil
	}
	hole := first.ID - p.s.LastID - 1
	if hole <= 0 {
		return nil
	}
	from, to := p.s.LastAt, source.Latest(first.StartedAt.Time, time.Time{})
	if to.IsZero() {
		to = first.Deployed.Time
	}
	pushed, _, err := p.w.Count(ctx, event.KindDeployment, from.Add(time.Second), to)
	if err != nil {
		return err
	}
	if missing := uint64(hole); pushed < missing {
		p.s.Lost += missing - pushed
		p.s.LostIn = fmt.Sprintf(
			"numbers %d to %d, between %s and %s",
			p.s.LastID+1,
			first.ID-1,
			from.Format(time.RFC3339),
			to.Format(time.RFC3339),
		)
	}
	return nil
}

// ended returns the event that closes a sync that was running when the application was last read and of which it shows
// nothing anymore: another operation has taken its place. Where a notification has told how it ended, there is none.
func (p *pass) ended(ctx context.Context, a application) ([]event.Event, error) {
	o := p.s.Open
	if o == nil || a.operation != nil && operationID(a.operation.StartedAt.Time) == o.Sync.ID ||
		slices.ContainsFunc(a.history, func(e entry) bool { return e.id() == o.Sync.ID }) {
		return nil, nil
	}
	still, err := p.w.Open(ctx, event.KindDeployment, o.Sync.CreatedAt.Add(-time.Second))
	if err != nil {
		return nil, err
	}
	if _, is := still[o.Sync.ID]; !is {
		return nil, nil
	}
	e := o.Sync
	e.Status = event.Failed // a success would stand in the history
	if complete := len(a.history) > 0 && a.history[0].ID <= p.s.LastID+1; o.Selective || !complete {
		e.Status = event.Skipped // it ended, and nothing says how
	}
	return []event.Event{e}, nil
}

// note takes into the checkpoint what has been stored.
func (p *pass) note(a application, running *open) {
	p.s.Mark, p.s.Open, p.s.Bad = a.mark(), running, a.bad
	if !a.Metadata.Created.IsZero() {
		p.s.Created = a.Metadata.Created.Time
	}
	if n := len(a.history); n > 0 {
		last := a.history[n-1]
		p.s.LastID, p.s.LastKey = last.ID, last.key()
		p.s.LastAt = source.Latest(p.s.LastAt, source.Latest(last.StartedAt.Time, last.Deployed.Time))
	}
	if a.operation != nil {
		p.s.LastAt = source.Latest(p.s.LastAt, a.operation.StartedAt.Time)
	}
}

// account writes the ledger.
func (p *pass) account(ctx context.Context) error {
	stored, unfinished, err := p.w.Count(ctx, event.KindDeployment, time.Time{}, time.Time{})
	if err != nil {
		return err
	}
	if stored > p.s.Total {
		p.s.Total = stored
		if err := p.w.Save(ctx, syncsStream, *p.s); err != nil {
			return err
		}
	}
	if p.lost {
		return nil // what the ledger says knows more than this pass; the next one has a checkpoint
	}
	e := p.Ledger(p.scope, event.KindDeployment, p.s.Created)
	if e.WindowStart.After(e.WindowEnd) {
		e.WindowStart = p.Epoch
	}
	var notes []string
	if p.s.Lost > 0 {
		notes = append(notes, fmt.Sprintf("%d syncs had left the history before they were read, the last of them with the "+
			"%s; they cannot be read again. "+
			"Collect more often, raise the application's revisionHistoryLimit, or let Argo CD notify", p.s.Lost, p.s.LostIn))
	}
	if p.s.Before > 0 {
		notes = append(notes, fmt.Sprintf("Argo CD had forgotten the first %d syncs before the first read", p.s.Before))
	}
	if p.s.Bad > 0 {
		notes = append(notes, fmt.Sprintf("%d records of the latest answer could not be read", p.s.Bad))
	}
	if !p.s.Floor.IsZero() {
		notes = append(notes, "those since "+p.s.Floor.Format(time.DateOnly))
	}
	e.Expected, e.Stored, e.Open = p.s.Total+p.s.Lost+uint64(p.s.Bad), stored, unfinished
	e.URL, e.Note = p.url, strings.Join(notes, "; ")
	return p.w.Append(ctx, e)
}
