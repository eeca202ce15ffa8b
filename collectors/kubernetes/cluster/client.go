package cluster

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"time"

	"k8s.io/client-go/dynamic"
	clientrest "k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/dxctl/dxctl/collectors/rest"
)

// connect returns the client of the cluster. The dynamic one serves every kind of object: the typed clientset would
// add the code of each API that Kubernetes has, for five listings.
func (c *Cluster) connect() (dynamic.Interface, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.client != nil {
		return c.client, nil
	}
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = c.cfg.Kubeconfig
	overrides := &clientcmd.ConfigOverrides{CurrentContext: c.cfg.Context}
	cfg, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, overrides).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig: %w; set kubeconfig and context of the source, or run in a pod "+
			"with a service account", err)
	}
	cfg.UserAgent = cmp.Or(c.cfg.UserAgent, "dxctl")
	cfg.WarningHandler = clientrest.NoWarnings{}
	host := cfg.Host
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper { return &guard{c.cfg.Observe, host, next} })
	client, err := dynamic.NewForConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("making a client for %s: %w", host, err)
	}
	c.client = client
	return client, nil
}

// guard is between client-go and the network. It sees every request with its credentials, also one that follows a
// redirect: the credentials go to the configured server only, and nothing but reading is sent.
type guard struct {
	observe func(rest.Request)
	host    string // as the kubeconfig has it, with or without scheme
	next    http.RoundTripper
}

func (g *guard) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method != http.MethodGet {
		return nil, &rest.RefusedError{Target: req.URL.Host, Why: "a " + req.Method + " request would change something, " +
			"and dxctl only reads"}
	}
	want := strings.TrimPrefix(strings.TrimPrefix(g.host, "https://"), "http://")
	want, _, _ = strings.Cut(want, "/")
	if !strings.EqualFold(req.URL.Host, want) {
		return nil, &rest.RefusedError{
			Target: req.URL.Host,
			Why:    "the kubeconfig names the server " + want + "; if it has moved, change the kubeconfig",
		}
	}
	start := time.Now() // durations are measured on the monotonic clock, not on the injected one
	resp, err := g.next.RoundTrip(req)
	if err == nil {
		if err = sift(req.Context(), resp); err != nil {
			resp = nil // a RoundTripper gives one of both
		}
	}
	status := 0
	if resp != nil {
		status = resp.StatusCode
	}
	if req.Context().Err() == nil {
		g.observe(rest.Request{Status: status, Duration: time.Since(start)})
	}
	return resp, err
}
