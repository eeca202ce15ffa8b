package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/kubernetes/cluster"
	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
)

// account writes the ledger, and stores again what the store has lost.
func (p *pass) account(ctx context.Context) error {
	changed := false
	stored, open, err := p.w.Count(ctx, event.KindDeployment, time.Time{}, time.Time{})
	if err != nil {
		return err
	}
	since := p.Now().Sub(p.s.Refill)
	if shown := p.shown(); stored < p.s.Total && len(shown) > 0 && (since >= daily || since < 0) {
		if err := p.w.Append(ctx, shown...); err != nil {
			return err
		}
		if stored, open, err = p.w.Count(ctx, event.KindDeployment, time.Time{}, time.Time{}); err != nil {
			return err
		}
		p.s.Refill, changed = p.Now().UTC(), true
	}
	if stored > p.s.Total {
		p.s.Total, changed = stored, true
	}
	if changed {
		if err := p.w.Save(ctx, rolloutsStream, p.s); err != nil {
			return err
		}
	}
	if p.careful {
		return nil // the entry in the ledger is better than what this pass could write; the next one has a checkpoint
	}
	var notes []string
	if p.s.Lost > 0 {
		notes = append(notes, fmt.Sprintf("the cluster forgot %d rollouts before they were read; they cannot be read "+
			"again. Collect more often, or raise the workload's revisionHistoryLimit", p.s.Lost))
	}
	if p.s.Before > 0 {
		notes = append(notes, fmt.Sprintf("it had forgotten %d before the first read", p.s.Before))
	}
	if !p.s.Floor.IsZero() {
		notes = append(notes, "those since "+p.s.Floor.Format(time.DateOnly))
	}
	for _, err := range p.bad {
		notes = append(notes, err.Error())
	}
	l := p.Ledger(p.scope, event.KindDeployment, time.Time{})
	l.Expected, l.Stored, l.Open = p.s.Total+p.s.Lost+uint64(len(p.bad)), stored, open
	l.Note = strings.Join(notes, "; ")
	return p.w.Append(ctx, l)
}

// shown returns the events of the rollouts that the cluster remembers.
func (p *pass) shown() []event.Event {
	var shown []event.Event
	for _, t := range p.s.Workloads {
		for _, e := range t.Rollouts {
			if e != nil {
				shown = append(shown, *e)
			}
		}
	}
	return shown
}

// errReadAgain marks a listing that failed before and does not now.
var errReadAgain = errors.New("it can be read again")

// accountUnread writes the ledger of what cannot be read. How many rollouts that are is not known: it is a gap of one
// until it can be read again.
func (c *Collector) accountUnread(ctx context.Context, name string, why error, w source.Writer) error {
	l := c.Ledger(name, event.KindDeployment, time.Time{})
	if errors.Is(why, errReadAgain) {
		return w.Append(ctx, l)
	}
	l.Expected, l.Note = 1, why.Error()
	var odd *cluster.MisfitError
	if errors.As(why, &odd) {
		l.Expected = uint64(len(odd.Items))
	}
	return errors.Join(why, w.Append(ctx, l))
}
