//go:build kubernetesbed

package kubernetes

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/collectors/kubernetes/cluster"
	"go.yaml.in/yaml/v3"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/dxctl/dxctl/event"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

var definitions = schema.GroupVersionResource{
	Group:    "apiextensions.k8s.io",
	Version:  "v1",
	Resource: "customresourcedefinitions",
}

// startRollouts installs the definitions and starts the controller of Argo Rollouts.
func (b *bed) startRollouts(t *testing.T) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(os.Getenv("ROLLOUTS_CRDS"), "*-crd.yaml"))
	if err != nil || len(files) < 5 {
		t.Fatalf(
			"ROLLOUTS_CRDS=%q has %d definitions (%v): run make test-kubernetes",
			os.Getenv("ROLLOUTS_CRDS"),
			len(files),
			err,
		)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var o object
		if err := yaml.Unmarshal(text, &o); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		b.create(definitions, "", "test", deepJSON(t, o))
	}
	eventually(t, time.Minute, "the definitions", func() error {
		_, err := b.admin.Resource(cluster.ArgoRollouts).List(background(), metav1.ListOptions{})
		return err
	})
	// Its servers would listen on every address of the machine: a port that does not exist keeps them closed.
	start(
		t,
		programOf(t, "ROLLOUTS_CONTROLLER"),
		b.path("rollouts.log"),
		"--kubeconfig="+b.path("kubeconfig"),
		"--leader-elect=false",
		"--metricsPort=-1",
		"--healthzPort=-1",
		"--namespace=",
		"--loglevel=warn",
	)
}

// rolloutOf is the manifest of a Rollout that waits for a person half way.
func rolloutOf(version string) object {
	o := workloadOf("argoproj.io/v1alpha1", "Rollout", version)
	o["spec"].(object)["strategy"] = object{
		"canary": object{"steps": []any{object{"setWeight": int64(50)}, object{"pause": object{}}}},
	}
	return o
}

// patchStatus does what the plugin of kubectl does to promote and to abort.
func (p *place) patchStatus(manager, patch string) {
	p.t.Helper()
	if _, err := p.admin.Resource(p.resource).
		Namespace(p.namespace).
		Patch(background(), "payment", types.MergePatchType, []byte(patch),
			metav1.PatchOptions{FieldManager: manager}, "status"); err != nil &&
		!apierrors.IsConflict(err) {
		p.t.Fatal(err)
	}
}

func withoutRollouts(t *testing.T, b *bed) {
	p := b.scenario(t, "norollouts", readerToken, cluster.ArgoRollouts)
	p.resource = cluster.Deployments
	p.deploy("helm", workloadOf("apps/v1", "Deployment", "1"))
	p.reached(1)
	scopes, err := p.c.Scopes(background(), p.m)
	if err != nil || fmt.Sprint(scopes) != "[payment rollouts in norollouts]" {
		t.Fatalf("%v, %v", scopes, err)
	}
	if err := p.c.Collect(background(), "payment", p.m); err != nil || storedRollout(p.m, 1).Status != event.Succeeded {
		t.Errorf("what is there: %v, %+v", err, collecttest.Stored[event.Deployment](p.m))
	}
	if err := p.c.Collect(background(), "rollouts in norollouts", p.m); err == nil {
		t.Error("that Argo Rollouts is missing is not told")
	}
}

func argo(t *testing.T, b *bed) {
	b.startRollouts(t)
	p := b.scenario(t, "argo", readerToken, cluster.ArgoRollouts)
	p.watch()
	p.deploy("helm", rolloutOf("1"))
	complete(t, p.becomes(1, event.Succeeded), "helm")
	aSecond()
	p.setImage("kubectl-set", "2")
	p.becomes(2, event.Waiting)
	p.patchStatus("kubectl-argo-rollouts", `{"status":{"pauseConditions":null}}`)
	complete(t, p.becomes(2, event.Succeeded), "kubectl-set")
	aSecond()
	p.setImage("kubectl-set", "3")
	p.becomes(3, event.Waiting)
	p.patchStatus("kubectl-argo-rollouts", `{"status":{"abort":true}}`)
	if e := p.becomes(3, event.Failed); e.FinishedAt.IsZero() || e.FinishedAt.Before(e.StartedAt) {
		t.Errorf("aborted: %+v", e)
	}
	aSecond()
	p.undo("kubectl-argo-rollouts", 1)
	p.becomes(4, event.Waiting)
	p.patchStatus("kubectl-argo-rollouts", `{"status":{"pauseConditions":null}}`)
	e := p.becomes(4, event.Succeeded)
	complete(t, e, "kubectl-argo-rollouts")
	if e.RollbackOf != storedRollout(p.m, 3).ID || e.Version != "1" {
		t.Errorf("the rollback: %+v", e)
	}
	if e := storedRollout(p.m, 3); e.Status != event.Failed {
		t.Errorf("what was aborted: %+v", e)
	}
}
