package main

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"

	"github.com/dxctl/dxctl/catalog/identifier"
	"github.com/dxctl/dxctl/collectors/delivery"
	"github.com/dxctl/dxctl/collectors/inbox"
	"github.com/dxctl/dxctl/collectors/webhook"
	"github.com/dxctl/dxctl/config"
	"github.com/dxctl/dxctl/event"
)

// receiving accepts webhook deliveries and events while dxctl serves: an HTTP handler that answers as soon as a
// delivery is on disk, and a worker that applies deliveries to the store.
type receiving struct {
	http.Handler
	inbox   *inbox.Inbox
	applier *webhook.Applier
}

// inboxDir returns the directory of queued deliveries.
func inboxDir(cfg config.Config) string {
	return filepath.Join(cfg.Path(cfg.Collect.Dir), "inbox")
}

// openReceiving opens the inbox. It returns nil if no source receives deliveries.
func (p *app) openReceiving() (*receiving, error) {
	sources := p.cfg.Sources.Receivers()
	if len(sources) == 0 {
		return nil, nil
	}
	receivers, err := webhook.NewReceivers(sources, webhook.Options{Service: p.serviceCalled, Logger: p.log})
	if err != nil {
		return nil, err
	}
	dir := inboxDir(p.cfg)
	queue, err := inbox.Open(
		dir,
		webhook.Format(),
		inbox.Config{},
		inbox.Options{Logger: p.log, Registerer: p.registry, Now: p.now},
	)
	if err != nil {
		return nil, fmt.Errorf("opening the inbox of deliveries in %s: %w", dir, err)
	}
	return &receiving{
		Handler: webhook.NewHandler(
			receivers,
			queue,
			webhook.HandlerOptions{Logger: p.log, Registerer: p.registry, Now: p.now, SpoolDir: dir},
		),
		inbox: queue,
		applier: webhook.NewApplier(
			receivers,
			noted{p},
			p.store,
			webhook.ApplierOptions{Logger: p.log, Probe: p.probeStore, Collect: p.collectSoon},
		),
	}, nil
}

// probeStore checks that the store accepts writes. It overwrites the same checkpoint each time.
func (p *app) probeStore(ctx context.Context) error {
	return p.store.SaveCheckpoint(ctx, "inbox", "", "probe", []byte(`{}`))
}

// causes returns the problems of the inbox that need a person: deliveries that were set aside, and damage.
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
	return fmt.Sprintf("%d deliveries could not be applied and were set aside in inbox/%s, each with its reason; to "+
		"retry them, "+
		"rename the file to %s and restart `dxctl serve`; to discard them, remove the file",
		n, inbox.RejectedFile, inbox.RetryFile)
}

func damaged(n uint64) string {
	return fmt.Sprintf("%d parts of the inbox are damaged and were set aside in inbox/*%s: their deliveries are lost "+
		"unless the senders send "+
		"them again; remove the files after you have looked at them", n, inbox.DamagedSuffix)
}

// noted appends to the store and marks that there are new records to grade.
type noted struct{ p *app }

func (n noted) Append(ctx context.Context, events ...event.Event) error {
	defer n.p.fresh.Store(true) // after the append: a grading that started earlier does not see the events
	return n.p.store.Append(ctx, events...)
}

// run applies deliveries to the store until ctx is done.
func (r *receiving) run(ctx context.Context) error {
	return r.inbox.Run(ctx, r.applier)
}

// serviceCalled returns the ref of the service that a sender names by a ref or by a name in the catalog.
func (p *app) serviceCalled(name string) (string, bool) {
	ref, err := identifier.ParseRef(name, "component", "")
	if err != nil {
		return "", false
	}
	e, ok := p.catalog.Load().Entity(ref.String())
	return e.Ref, ok
}

// collectSoon schedules a collect of a scope whose delivery is not complete enough to store.
func (p *app) collectSoon(t delivery.Target) {
	runner, err := p.sourcesRunner()
	if err != nil {
		return // keepCollecting has reported it
	}
	runner.Trigger(t.Source, t.Scope)
}
