//go:build kubernetesbed

package kubernetes_test

import (
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/kubernetes"
	"github.com/dxctl/dxctl/collectors/runner"
)

func init() {
	crowdOf := func(t testing.TB, kubeconfig, namespace string, services int, run func(r *runner.Runner) time.Duration) time.Duration {
		t.Helper()
		r, db := runnerOf(t, kubeconfig, "namespaces: ["+namespace+"]")
		took := run(r)
		if deployments, entries := stored(t, db); deployments != uint64(services) || entries != uint64(services) {
			t.Errorf("%d deployments, %d entries of the ledger, want %d", deployments, entries, services)
		}
		return took
	}
	kubernetes.CollectCrowd = func(t testing.TB, kubeconfig, namespace string, services int) time.Duration {
		return crowdOf(t, kubeconfig, namespace, services, func(r *runner.Runner) time.Duration {
			began := time.Now()
			if _, err := r.Run(t.Context(), runner.RunOptions{}); err != nil {
				t.Error(err)
			}
			return time.Since(began)
		})
	}
	kubernetes.ServeCrowd = func(t testing.TB, kubeconfig, namespace string, services int) time.Duration {
		return crowdOf(t, kubeconfig, namespace, services, func(r *runner.Runner) time.Duration { return serve(t, r) })
	}
}
