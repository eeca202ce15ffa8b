// Package kubernetes collects from a Kubernetes cluster: the rollouts of Deployments, StatefulSets and Argo Rollouts,
// as deployments, for teams that deploy with kubectl, Helm or a script. It only lists and watches.
//
// # Scope and identity
//
// A scope is what people mean by the service: the value of the first of the labels service_labels that the workload or
// its pods carry (backstage.io/kubernetes-id, else app.kubernetes.io/name). That is also what the annotation
// backstage.io/kubernetes-id of a Component contains, so the catalog binds it. A workload without such a label is a
// scope of its own, namespace/kind/name, which the annotation can name as well. A cluster is a source, so scopes need
// not name it.
//
// The ID of a rollout is namespace/kind/name@uid/revision: shop/deployment/payment@1a2b3c4d/7, with the first eight
// digits of the workload's uid, because a workload that is created again counts from 1. The revision is the number
// that Kubernetes gives: the annotation deployment.kubernetes.io/revision (rollout.argoproj.io/revision) of a
// ReplicaSet, the revision of a ControllerRevision. Going back to an old template gives it a new number, so a rollback
// is a rollout of its own. Scaling gives none.
package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dxctl/dxctl/collectors/kubernetes/cluster"
	"github.com/dxctl/dxctl/collectors/kubernetes/workload"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/source"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/dynamic"
)

// Provider is the kind of this source, as events and catalog bindings name it.
const Provider = "kubernetes"

var profile = source.Profile{
	Provider: Provider,
	Product:  "Kubernetes",
	Epoch:    time.Date(2015, 1, 1, 0, 0, 0, 0, time.UTC),
}

// Config is one cluster.
type Config struct {
	Source string `yaml:"name"` // how events, metrics and the ledger call it
	// path; empty: $KUBECONFIG, ~/.kube/config, or the service account of the pod
	Kubeconfig string `yaml:"kubeconfig"`
	Context    string `yaml:"context"` // of the kubeconfig; empty: its current one
	// only these; empty: all but those of Kubernetes itself (kube-*)
	Namespaces []string `yaml:"namespaces"`
	// only workloads with these labels, as kubectl's --selector takes it
	Selector string `yaml:"selector"`
	// what the cluster is; empty: the namespace is the environment
	Environment  string                     `yaml:"environment"`
	Environments []workload.EnvironmentRule `yaml:"environments"` // exceptions from it; the first that matches decides
	// labels that name the service; default backstage.io/kubernetes-id, app.kubernetes.io/name
	ServiceLabels []string `yaml:"service_labels"`
	// annotation (or label) of workload or pods that holds the commit
	CommitAnnotation string    `yaml:"commit_annotation"`
	ArgoRollouts     bool      `yaml:"argo_rollouts"` // read also Rollouts of argoproj.io
	Since            time.Time `yaml:"-"`             // rollouts that began before are left out; zero: none
}

var defaultServiceLabels = []string{"backstage.io/kubernetes-id", "app.kubernetes.io/name"}

// Validate reports every mistake, joined. It does not look at the cluster, nor at the kubeconfig.
func (c Config) Validate() error {
	var errs []error
	for what, names := range map[string][]string{"namespaces": c.Namespaces, "service_labels": c.ServiceLabels} {
		for i, n := range names {
			if n == "" || strings.ContainsAny(n, " \t\n*") {
				errs = append(errs, fmt.Errorf("%s[%d] %q: give a name as Kubernetes has it", what, i, n))
			}
		}
	}
	if _, err := labels.Parse(c.Selector); err != nil {
		errs = append(errs, fmt.Errorf("selector %q: %w; write it as for kubectl --selector", c.Selector, err))
	}
	for i, r := range c.Environments {
		if err := r.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("environments[%d]: %w", i, err))
		}
	}
	return errors.Join(errs...)
}

// Options are what a Collector needs from outside; each may be left out.
type Options struct {
	source.Options
	Client   dynamic.Interface // instead of the cluster that the configuration names
	Patience time.Duration     // how long a first listing of the cluster may take; default a minute
	Settle   time.Duration     // how long changes are gathered before they are stored; default a second
}

// Collector reads one cluster. It is safe for use from several goroutines.
type Collector struct {
	*source.Base
	cfg          Config
	opt          Options
	cluster      *cluster.Cluster
	environments workload.Environments
	observer     atomic.Pointer[rest.Observer]
	taking       sync.Map // by scope, the mutex of the pass over it

	mu   sync.Mutex
	live *cluster.Caches   // of a watch that runs
	seen *cluster.Snapshot // the latest listing
}

// New returns a collector; it fails when the configuration is not valid. The kubeconfig is read when the cluster is
// first used.
func New(cfg Config, opt Options) (*Collector, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if len(cfg.ServiceLabels) == 0 {
		cfg.ServiceLabels = defaultServiceLabels
	}
	if opt.Patience <= 0 {
		opt.Patience = time.Minute
	}
	if opt.Settle <= 0 {
		opt.Settle = time.Second
	}
	c := &Collector{Base: opt.Base(profile, cfg.Source), cfg: cfg, opt: opt}
	c.cluster = cluster.New(cluster.Config{
		Kubeconfig:   cfg.Kubeconfig,
		Context:      cfg.Context,
		UserAgent:    opt.UserAgent,
		Namespaces:   cfg.Namespaces,
		Selector:     cfg.Selector,
		ArgoRollouts: cfg.ArgoRollouts,
		Reader:       workload.NewReader(cfg.ServiceLabels, cfg.CommitAnnotation, c.Unrecognized),
		Client:       opt.Client,
		Patience:     opt.Patience,
		Observe:      c.observe,
		Failing:      c.failing,
		Now:          c.Now,
	})
	c.environments = workload.NewEnvironments(cfg.Environment, cfg.Environments)
	return c, nil
}

// Observe sets the observer of requests.
func (c *Collector) Observe(o rest.Observer) { c.observer.Store(&o) }

// observe passes a request to the observer.
func (c *Collector) observe(r rest.Request) {
	if o := c.observer.Load(); o != nil && o.Request != nil {
		o.Request(r)
	}
}

// failing logs that a listing began to fail.
func (c *Collector) failing(name string, err error) {
	c.Log.Warn("listing or watching failed; retrying", "source", c.cfg.Source, "resource", name, "error", err)
}

// Volatile is true: the services of a cluster come and go with their workloads.
func (c *Collector) Volatile() bool { return true }

// Check reports whether the cluster can be reached and everything that is read may be listed.
func (c *Collector) Check(ctx context.Context) error {
	s, err := c.list(ctx)
	if err != nil {
		return err
	}
	return errors.Join(cluster.JoinErrors(s.Unread), cluster.JoinErrors(s.Odd))
}

// list returns what the cluster shows now: from the caches of a watch that runs, else by one pass of the informers.
func (c *Collector) list(ctx context.Context) (*cluster.Snapshot, error) {
	c.mu.Lock()
	live := c.live
	c.mu.Unlock()
	if live == nil {
		return c.cluster.List(ctx)
	}
	s := live.Snapshot(c.opt.Patience) // the caches are as old as the last time that the cluster could be read
	if len(s.Unread) == len(live.Listings()) {
		return nil, cluster.JoinErrors(s.Unread)
	}
	return s, nil
}
