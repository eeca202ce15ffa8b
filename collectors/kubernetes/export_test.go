package kubernetes

import (
	"encoding/pem"
	"fmt"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Crowd serves a cluster of n Deployments, each a service of its own at its first revision, and returns a kubeconfig
// for it.
func Crowd(tb testing.TB, n int) (kubeconfigPath string) {
	s := newAPIServer(tb)
	for i := range n {
		name := fmt.Sprintf("payment%04d", i)
		d := renamed(deployment(1, "1.2", progressing("NewReplicaSetAvailable", "True", 1, 2)), name)
		d.SetLabels(map[string]string{"app.kubernetes.io/name": name})
		d.Object["status"].(object)["conditions"].([]any)[0].(object)["message"] = fmt.Sprintf(
			`ReplicaSet "%s-1" has successfully progressed.`,
			name,
		)
		r := renamed(replicaSet(1, 1, 0, "1.2", nil, ""), name+"-1")
		r.Object["metadata"].(object)["ownerReferences"].([]any)[0].(object)["uid"] = string(d.GetUID())
		s.objects["deployments"] = append(s.objects["deployments"], d)
		s.objects["replicasets"] = append(s.objects["replicasets"], r)
	}
	return kubeconfig(tb, s.URL, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
}

func renamed(u *unstructured.Unstructured, name string) *unstructured.Unstructured {
	return set(set(u, name, "metadata", "name"), name, "metadata", "uid")
}
