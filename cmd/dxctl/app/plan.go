package app

import (
	"context"
	"time"

	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/plan"
	"github.com/dxctl/dxctl/scorecards/replay"
)

// PlanRequest is a set of edited scorecards.
type PlanRequest struct {
	Files []scorecards.File
	// Loaded replaces the scorecards of the configuration; nil: those are taken
	Loaded []scorecards.File
	// Base is what they are compared with; nil: the scorecards of the configuration, in which BaseFiles replace those
	// with the same names. A scorecard that BaseFiles have and Files lack is a removed one.
	Base      *scorecards.Set
	BaseFiles []scorecards.File
	BaseName  string // as shown to people
	// From and To are the first and the last past day; zero: the present only
	From, To time.Time
}

// Plan compares how the catalog is graded by edited scorecards with how it is graded now. The catalog must have been
// synced. Nothing is stored. Mistakes in the files are an error of type [scorecards.Problems].
func (a *App) Plan(ctx context.Context, r PlanRequest) (*plan.Plan, error) {
	declared := a.cfg.Scorecards.Declared
	present := a.set
	if r.Loaded != nil {
		present = scorecards.LoadFiles(r.Loaded, declared...)
	}
	edited, kept := present.Without(r.BaseFiles).With(r.Files, declared...)
	if err := edited.Err(); err != nil {
		return nil, err
	}
	base := present
	switch {
	case r.Base != nil:
		base = *r.Base
	case len(r.BaseFiles) > 0:
		base, _ = present.With(r.BaseFiles, declared...)
	}
	engine := func(set scorecards.Set) (*scorecards.Engine, error) {
		e, err := scorecards.New(set, a.now)
		if err != nil {
			return nil, err
		}
		return e.WithWaivers(a.waivers.Load), nil
	}
	before, err := engine(base)
	if err != nil {
		return nil, err
	}
	after, err := engine(edited)
	if err != nil {
		return nil, err
	}
	now := a.now().UTC().Truncate(time.Second)
	cat := a.catalog.Load()
	factsOf, err := scorecards.Known(ctx, a.Store.Reader(), cat, a.metrics, now)
	if err != nil {
		return nil, err
	}
	p := plan.Compare(cat, before, after, factsOf, now)
	p.Base = r.BaseName
	for _, f := range r.Files {
		p.Files = append(p.Files, f.Name)
	}
	p.Kept = append(p.Kept, kept...)
	inForce, err := a.Store.RulesHistory(ctx)
	if err != nil {
		return nil, err
	}
	p.AddDigests(before, after, inForce)
	p.Notes = append(p.Notes, after.Warnings(cat.Entities())...)
	for _, b := range base.Broken {
		p.Notes = append(p.Notes, b.File+" has mistakes and grades nothing at present; `dxctl rules test` lists them.")
	}
	if r.From.IsZero() {
		return p, nil
	}
	return p, p.AddPast(ctx, a.Store, cat, before, after, replay.Days{From: r.From, To: minTime(r.To, now)})
}

func minTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
