package app

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
)

// receiving accepts webhook deliveries and events while the dashboard is served: an HTTP handler that answers as soon
// as a delivery is on disk, and a worker that applies deliveries to the store.
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
func (a *App) openReceiving() (*receiving, error) {
	sources := a.cfg.Sources.Receivers()
	if len(sources) == 0 {
		return nil, nil
	}
	receivers, err := webhook.NewReceivers(sources,
		webhook.Options{Service: a.serviceCalled, Machine: a.machine, Logger: a.log})
	if err != nil {
		return nil, err
	}
	dir := inboxDir(a.cfg)
	queue, err := inbox.Open(
		dir,
		webhook.Format(),
		inbox.Config{},
		inbox.Options{Logger: a.log, Registerer: a.registry, Now: a.now},
	)
	if err != nil {
		return nil, fmt.Errorf("opening the inbox of deliveries in %s: %w", dir, err)
	}
	return &receiving{
		Handler: webhook.NewHandler(
			receivers,
			queue,
			webhook.HandlerOptions{Logger: a.log, Registerer: a.registry, Now: a.now, SpoolDir: dir},
		),
		inbox: queue,
		applier: webhook.NewApplier(
			receivers,
			noted{a.Store, a},
			a.Store,
			webhook.ApplierOptions{Logger: a.log, Probe: a.probeStore, Collect: a.collectSoon},
		),
	}, nil
}

// probeStore checks that the store accepts writes. It overwrites the same checkpoint each time.
func (a *App) probeStore(ctx context.Context) error {
	return a.Store.SaveCheckpoint(ctx, "inbox", "", "probe", []byte(`{}`))
}

// causes returns the problems of the inbox that need a person: deliveries that were set aside, and damage.
func (r *receiving) causes() []string {
	if r == nil {
		return nil
	}
	stats := r.inbox.Stats()
	return setAside(stats.Rejected, stats.Damaged)
}

// SetAside describes the deliveries in the inbox that were set aside, and its damaged parts: one text for each. It
// reads the files of the inbox, which need not be open.
func SetAside(cfg config.Config) ([]string, error) {
	rejected, parts, err := inbox.SetAside(inboxDir(cfg))
	return setAside(rejected, parts), err
}

func setAside(rejected, parts uint64) []string {
	var texts []string
	if rejected > 0 {
		texts = append(texts, fmt.Sprintf("%d deliveries could not be applied and were set aside in inbox/%s, each with "+
			"its reason; to retry them, rename the file to %s and restart `dxctl serve`; to discard them, remove the file",
			rejected, inbox.RejectedFile, inbox.RetryFile))
	}
	if parts > 0 {
		texts = append(texts, fmt.Sprintf("%d parts of the inbox are damaged and were set aside in inbox/*%s: their "+
			"deliveries are lost unless the senders send them again; remove the files after you have looked at them",
			parts, inbox.DamagedSuffix))
	}
	return texts
}

// run applies deliveries to the store until ctx is done.
func (r *receiving) run(ctx context.Context) error {
	return r.inbox.Run(ctx, r.applier)
}

// serviceCalled returns the ref of the service that a sender names by a ref or by a name in the catalog.
func (a *App) serviceCalled(name string) (string, bool) {
	ref, err := identifier.ParseRef(name, "component", "")
	if err != nil {
		return "", false
	}
	e, ok := a.catalog.Load().Entity(ref.String())
	return e.Ref, ok
}

// collectSoon schedules a collect of a scope whose delivery is not complete enough to store.
func (a *App) collectSoon(t delivery.Target) {
	runner, err := a.sourcesRunner()
	if err != nil {
		return // keepCollecting has reported it
	}
	runner.Trigger(t.Source, t.Scope)
}
