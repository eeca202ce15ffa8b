package workload

import (
	"encoding/json"
	"testing"

	"github.com/dxctl/dxctl/event"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// FuzzObjects reads a workload and a revision of it, whatever they are: nothing panics, and every rollout is a valid
// event.
func FuzzObjects(f *testing.F) {
	f.Add(
		KindDeployment,
		[]byte(`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"annotations":{"deployment.kubernetes.io/revision":"1"},"creationTimestamp":"2026-11-20T12:00:00Z","generation":1,"labels":{"app.kubernetes.io/name":"payment"},"name":"payment","namespace":"shop","uid":"payment-uid"},"spec":{"progressDeadlineSeconds":600,"replicas":2,"template":{"metadata":{"creationTimestamp":null,"labels":{"app":"payment"}},"spec":{"containers":[{"image":"envoy:1.30","name":"proxy"},{"image":"reg.example.com:5000/payment:1.2","name":"payment"}]}}},"status":{"conditions":[{"lastTransitionTime":"2026-11-20T12:02:00Z","lastUpdateTime":"2026-11-20T12:02:00Z","message":"ReplicaSet \"payment-1\" says so.","reason":"NewReplicaSetAvailable","status":"True","type":"Progressing"}],"observedGeneration":1}}`),
		[]byte(`{"apiVersion":"apps/v1","kind":"ReplicaSet","metadata":{"annotations":{"deployment.kubernetes.io/revision":"1","deployment.kubernetes.io/revision-history":"2,x,3"},"creationTimestamp":"2026-11-20T12:00:00Z","generation":1,"name":"payment-1","namespace":"shop","ownerReferences":[{"apiVersion":"apps/v1","controller":true,"kind":"Deployment","name":"payment","uid":"payment-uid"}],"uid":"payment-1-uid"},"spec":{"template":{"metadata":{"creationTimestamp":null,"labels":{"app":"payment","pod-template-hash":"1"}},"spec":{"containers":[{"image":"envoy:1.30","name":"proxy"},{"image":"reg.example.com:5000/payment:1.2","name":"payment"}]}}}}`),
	)
	f.Add(
		KindStatefulSet,
		[]byte(`{"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"creationTimestamp":"2026-11-20T12:00:00Z","generation":1,"name":"payment","namespace":"shop","uid":"payment-uid"},"spec":{"replicas":3,"template":{"metadata":{"creationTimestamp":null,"labels":{"app":"payment"}},"spec":{"containers":[{"image":"envoy:1.30","name":"proxy"},{"image":"reg.example.com:5000/payment:x","name":"payment"}]}}},"status":{"currentRevision":"payment-old","observedGeneration":1,"readyReplicas":2,"updateRevision":"payment-a","updatedReplicas":1}}`),
		[]byte(`{"apiVersion":"apps/v1","data":{"spec":{"template":{"$patch":"replace","metadata":{"creationTimestamp":null,"labels":{"app":"payment"}},"spec":{"containers":[{"image":"envoy:1.30","name":"proxy"},{"image":"reg.example.com:5000/payment:1.2","name":"payment"}]}}}},"kind":"ControllerRevision","metadata":{"creationTimestamp":"2026-11-20T12:00:00Z","generation":1,"managedFields":[{"fieldsType":"FieldsV1","fieldsV1":{"f:revision":{}},"manager":"kube-controller-manager","operation":"Update","time":"2026-11-20T12:03:00Z"}],"name":"payment-a","namespace":"shop","ownerReferences":[{"apiVersion":"apps/v1","controller":true,"kind":"StatefulSet","name":"payment","uid":"payment-uid"}],"uid":"payment-a-uid"},"revision":1}`),
	)
	f.Add(
		KindRollout,
		[]byte(
			`{"metadata":{"name":"payment","namespace":"shop","uid":"payment-uid","annotations":{"rollout.argoproj.io/revision":"1"}},
		"spec":{"strategy":{"canary":{"steps":[{"pause":{}}]}}},"status":{"phase":"Paused","currentStepIndex":0,"conditions":[1,{"type":"Completed"}]}}`,
		),
		[]byte(
			`{"metadata":{"name":"payment-1","namespace":"shop","annotations":{"rollout.argoproj.io/revision":"1"},"creationTimestamp":"9999-01-01T00:00:00Z",
		"ownerReferences":[{"kind":"Rollout","uid":"payment-uid","controller":true,"name":"payment"}]},"spec":{"template":{"metadata":[],"spec":{"containers":{}}}}}`,
		),
	)
	f.Fuzz(func(t *testing.T, kind string, workloadJSON, revisionJSON []byte) {
		switch kind {
		case KindDeployment, KindStatefulSet, KindRollout:
		default:
			return
		}
		a, b := &unstructured.Unstructured{}, &unstructured.Unstructured{}
		if json.Unmarshal(workloadJSON, &a.Object) != nil || json.Unmarshal(revisionJSON, &b.Object) != nil ||
			a.Object == nil ||
			b.Object == nil {
			return
		}
		c := NewReader([]string{"app.kubernetes.io/name"}, "commit", func(string, string) {})
		v := &View{Workload: c.Workload(kind, a)}
		for _, r := range []*Revision{c.ReplicaSet(b), c.ControllerRevision(b)} {
			if r.Owner != "" {
				v.Revisions = append(v.Revisions, r)
			}
		}
		list, _ := v.Rollouts(func(id string) event.Origin {
			return event.Origin{Source: "k8s", Provider: "kubernetes", Scope: v.Scope(), ID: id}
		}, NewEnvironments("", nil).Of(v.Workload))
		for _, r := range list {
			if err := r.Event.Validate(); err != nil {
				t.Error(err)
			}
		}
	})
}
