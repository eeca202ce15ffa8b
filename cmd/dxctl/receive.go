package main

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/collectors/delivery"
	"github.com/dxctl/dxctl/collectors/inbox"
	"github.com/dxctl/dxctl/collectors/webhook"
	"github.com/dxctl/dxctl/config"
	"github.com/dxctl/dxctl/event"
)

// receiving is what takes pushed events while dxctl serves: an HTTP handler that answers as soon as a delivery is on
// disk, and a worker that brings deliveries into the store.
type receiving struct {
	http.Handler
	inbox   *inbox.Inbox
	applier *webhook.Applier
}

// inboxDir is where deliveries wait.
func inboxDir(cfg config.Config) string {
	return filepath.Join(cfg.Path(cfg.Collect.Dir), "inbox")
}

// openReceiving opens the inbox, or returns nil when no source pushes.
func (p *platform) openReceiving() (*receiving, error) {
	sources := p.cfg.Sources.Receivers()
	if len(sources) == 0 {
		return nil, nil
	}
	receivers, err := webhook.NewReceivers(sources, webhook.Options{Service: p.serviceCalled, Logger: p.log})
	if err != nil {
		return nil, err
	}
	folder := inboxDir(p.cfg)
	queue, err := inbox.Open(folder, webhook.Format(), inbox.Config{}, inbox.Options{Logger: p.log, Registerer: p.registry, Now: p.now})
	if err != nil {
		return nil, fmt.Errorf("opening the inbox of pushed events in %s: %w", folder, err)
	}
	return &receiving{
		Handler: webhook.NewHandler(receivers, queue, webhook.HandlerOptions{Logger: p.log, Registerer: p.registry, Now: p.now, SpoolDir: folder}),
		inbox:   queue,
		applier: webhook.NewApplier(receivers, noted{p}, webhook.StoreLookup{Querier: p.store}, webhook.ApplierOptions{Logger: p.log, Probe: p.probeStore, Collect: p.collectSoon}),
	}, nil
}

// probeStore writes to the store, in place of what it wrote before.
func (p *platform) probeStore(ctx context.Context) error {
	return p.store.SaveCheckpoint(ctx, "inbox", "", "probe", []byte(`{}`))
}

// causes returns what of the inbox asks for a person: deliveries that were set aside, and damage.
func (r *receiving) causes(context.Context) []string {
	var causes []string
	stats := r.inbox.Stats()
	if stats.Rejected > 0 {
		causes = append(causes, setAside(stats.Rejected))
	}
	if stats.Damaged > 0 {
		causes = append(causes, damaged(stats.Damaged))
	}
	return causes
}

func setAside(n uint64) string {
	return fmt.Sprintf("%d pushed deliveries could not be applied and were set aside in inbox/%s, each with its reason; to try them again "+
		"rename the file to %s and restart `dxctl serve`, or remove it", n, inbox.RejectedFile, inbox.RetryFile)
}

func damaged(n uint64) string {
	return fmt.Sprintf("%d parts of the inbox are damaged and were set aside in inbox/*%s: what they held is lost unless its senders send it "+
		"again; remove the files once you have looked at them", n, inbox.DamagedSuffix)
}

// noted is the store, with a note that there is something to grade.
type noted struct{ p *platform }

func (n noted) Append(ctx context.Context, events ...event.Event) error {
	defer n.p.fresh.Store(true) // afterwards: a grading that began before would not see them
	return n.p.store.Append(ctx, events...)
}

// run brings deliveries into the store until ctx ends.
func (r *receiving) run(ctx context.Context) error {
	return r.inbox.Run(ctx, r.applier)
}

// serviceCalled finds a service by the name that a sender uses for it: a ref, or a name in the catalog.
func (p *platform) serviceCalled(name string) (string, bool) {
	ref, err := catalog.ParseRef(name, "component", "")
	if err != nil {
		return "", false
	}
	e, ok := p.catalog.Load().Entity(ref.String())
	return e.Ref, ok
}

// collectSoon asks for a scope to be collected, because something was pushed that does not say enough.
func (p *platform) collectSoon(t delivery.Target) {
	runner, err := p.sourcesRunner()
	if err != nil {
		return // keepCollecting has said so
	}
	runner.Soon(t.Source, t.Scope)
}
