// Package cluster lists and watches a Kubernetes cluster. It only reads.
//
// One informer of client-go runs for each resource and namespace (a Listing). Their caches hold package workload's
// reading of the objects in place of the objects. Caches joins the informers of a cluster, and a Snapshot is what they
// show at one moment. A listing can be incomplete in three ways, which are kept apart: the server refuses or does not
// answer (unread), it contains items that cannot be decoded (odd), or it lacks so much that its caller does not believe
// it (doubted). Nothing that is missing from such a listing is taken to be gone.
package cluster

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/dxctl/dxctl/collectors/kubernetes/workload"
	"github.com/dxctl/dxctl/collectors/rest"
	"k8s.io/client-go/dynamic"
)

// Config has how a cluster is reached and what is read of it.
type Config struct {
	Kubeconfig   string   // path; empty: $KUBECONFIG, ~/.kube/config, or the service account of the pod
	Context      string   // of the kubeconfig; empty: its current one
	UserAgent    string   // empty: dxctl
	Namespaces   []string // only these; empty: all but those of Kubernetes itself
	Selector     string   // only workloads with these labels; empty: all
	ArgoRollouts bool     // read also Rollouts of argoproj.io

	Reader   workload.Reader              // reads the objects
	Client   dynamic.Interface            // in place of the cluster that the kubeconfig names; nil: that one
	Patience time.Duration                // how long a first listing may take, and each request for one
	Observe  func(rest.Request)           // is called after each request
	Failing  func(name string, err error) // is called with a listing's name when it fails after a success
	Now      func() time.Time
}

// Cluster reads one cluster. It is safe for use from several goroutines.
type Cluster struct {
	cfg Config

	mu     sync.Mutex
	client dynamic.Interface
}

// New returns a Cluster. The kubeconfig is read when the cluster is first used.
func New(cfg Config) *Cluster { return &Cluster{cfg: cfg, client: cfg.Client} }

// List returns what the cluster shows now, by one pass of the informers.
func (c *Cluster) List(ctx context.Context) (*Snapshot, error) {
	k, err := c.Caches()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	wait := k.Run(ctx)
	defer wait()
	defer cancel()
	if err := k.Fill(ctx); err != nil {
		return nil, err
	}
	return k.Snapshot(0), nil
}

// wanted reports whether a workload of the caches is read.
func (c *Cluster) wanted(w *workload.Workload) bool {
	return len(c.cfg.Namespaces) > 0 || !slices.Contains(system, w.Namespace)
}

// Present returns the scope of each workload that a listing shows, by its key.
func (c *Cluster) Present(l *Listing) map[string]string {
	present := map[string]string{}
	for _, o := range l.GetStore().List() {
		if w, ok := o.(*workload.Workload); ok && c.wanted(w) {
			present[(&workload.View{Workload: w}).Key()] = w.Scope()
		}
	}
	return present
}
