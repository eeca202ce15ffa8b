package manifest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	strictjson "sigs.k8s.io/json"

	"github.com/dxctl/dxctl/repository/fact"
	"github.com/dxctl/dxctl/repository/yamlfile"
)

// maxObjects bounds the objects of a group.
const maxObjects = 2_000

// group has the objects that are applied together: those of an overlay, or all plain manifests.
type group struct {
	workloads []pods
	budgets   []policyv1.PodDisruptionBudget
	scalers   []scaler
	services  []corev1.Service
	monitors  []monitor
	count     int
}

// pods is a workload as it is decoded.
type pods struct {
	Workload
	replicas *int32
	counted  bool // the kind has a number of replicas
	spec     corev1.PodSpec
	node     *yaml.Node // of the list of containers; nil for a rendered object
}

// monitor is a ServiceMonitor or a PodMonitor of the Prometheus Operator.
type monitor struct {
	Kind     string            `json:"kind"`
	Metadata metav1.ObjectMeta `json:"metadata"`
	Spec     struct {
		Selector          metav1.LabelSelector `json:"selector"`
		NamespaceSelector struct {
			Any        bool     `json:"any"`
			MatchNames []string `json:"matchNames"`
		} `json:"namespaceSelector"`
	} `json:"spec"`
}

// scaler is what all versions of HorizontalPodAutoscaler have.
type scaler struct {
	Metadata metav1.ObjectMeta `json:"metadata"`
	Spec     struct {
		ScaleTargetRef autoscalingv2.CrossVersionObjectReference `json:"scaleTargetRef"`
		MinReplicas    *int32                                    `json:"minReplicas"`
	} `json:"spec"`
	at fact.Location
}

// rollout is what is read of a Rollout of Argo.
type rollout struct {
	Metadata metav1.ObjectMeta `json:"metadata"`
	Spec     struct {
		Replicas *int32                 `json:"replicas"`
		Template corev1.PodTemplateSpec `json:"template"`
	} `json:"spec"`
}

// add decodes an object of a file and adds it to the group if it matters.
func (g *group) add(file string, node *yaml.Node) error {
	kind := yamlfile.Text(yamlfile.Get(node, "kind"))
	at := fact.Location{Path: file, Line: yamlfile.Line(node)}
	if kind == "List" {
		for _, item := range yamlfile.Items(yamlfile.Get(node, "items")) {
			if err := g.add(file, item); err != nil {
				return err
			}
		}
		return nil
	}
	if !recognized[kind] {
		return nil
	}
	var value any
	if err := node.Decode(&value); err != nil {
		return fmt.Errorf("%s: %s", kind, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	data, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("%s: %w", kind, err)
	}
	return g.addJSON(kind, data, at, node)
}

// recognized are the kinds that are decoded.
var recognized = map[string]bool{
	"Deployment": true, "StatefulSet": true, "DaemonSet": true, "ReplicaSet": true, "Job": true, "CronJob": true,
	"Pod": true, "Rollout": true, "PodDisruptionBudget": true, "HorizontalPodAutoscaler": true, "Service": true,
	"ServiceMonitor": true, "PodMonitor": true,
}

// addJSON decodes an object, strictly if its type is one of Kubernetes.
func (g *group) addJSON(kind string, data []byte, at fact.Location, node *yaml.Node) error {
	if g.count++; g.count > maxObjects {
		return fmt.Errorf("there are more than %d objects", maxObjects)
	}
	api := struct {
		APIVersion string `json:"apiVersion"`
	}{}
	if err := json.Unmarshal(data, &api); err != nil {
		return fmt.Errorf("%s: %w", kind, err)
	}
	var err error
	switch apiGroup, _, _ := strings.Cut(api.APIVersion, "/"); apiGroup + "/" + kind {
	case "apps/Deployment", "extensions/Deployment":
		err = decode(data, func(o *appsv1.Deployment) error {
			return g.run(kind, o.ObjectMeta, o.Spec.Replicas, true, o.Spec.Template, at, specOf(node, "spec", "template"))
		})
	case "apps/StatefulSet":
		err = decode(data, func(o *appsv1.StatefulSet) error {
			return g.run(kind, o.ObjectMeta, o.Spec.Replicas, true, o.Spec.Template, at, specOf(node, "spec", "template"))
		})
	case "apps/ReplicaSet":
		err = decode(data, func(o *appsv1.ReplicaSet) error {
			return g.run(kind, o.ObjectMeta, o.Spec.Replicas, true, o.Spec.Template, at, specOf(node, "spec", "template"))
		})
	case "apps/DaemonSet", "extensions/DaemonSet":
		err = decode(data, func(o *appsv1.DaemonSet) error {
			return g.run(kind, o.ObjectMeta, nil, false, o.Spec.Template, at, specOf(node, "spec", "template"))
		})
	case "batch/Job":
		err = decode(data, func(o *batchv1.Job) error {
			return g.run(kind, o.ObjectMeta, nil, false, o.Spec.Template, at, specOf(node, "spec", "template"))
		})
	case "batch/CronJob":
		err = decode(data, func(o *batchv1.CronJob) error {
			return g.run(kind, o.ObjectMeta, nil, false, o.Spec.JobTemplate.Spec.Template, at,
				specOf(node, "spec", "jobTemplate", "spec", "template"))
		})
	case "v1/Pod":
		err = decode(data, func(o *corev1.Pod) error {
			template := corev1.PodTemplateSpec{ObjectMeta: o.ObjectMeta, Spec: o.Spec}
			return g.run(kind, o.ObjectMeta, nil, false, template, at, specOf(node))
		})
	case "argoproj.io/Rollout":
		err = decodeForeign(data, func(o *rollout) error {
			return g.run(kind, o.Metadata, o.Spec.Replicas, true, o.Spec.Template, at, specOf(node, "spec", "template"))
		})
	case "policy/PodDisruptionBudget":
		err = decode(data, func(o *policyv1.PodDisruptionBudget) error {
			g.budgets = append(g.budgets, *o)
			return nil
		})
	case "autoscaling/HorizontalPodAutoscaler":
		err = decodeForeign(data, func(o *scaler) error {
			o.at = at
			g.scalers = append(g.scalers, *o)
			return nil
		})
	case "v1/Service":
		err = decode(data, func(o *corev1.Service) error {
			g.services = append(g.services, *o)
			return nil
		})
	case "monitoring.coreos.com/ServiceMonitor", "monitoring.coreos.com/PodMonitor":
		err = decodeForeign(data, func(o *monitor) error {
			g.monitors = append(g.monitors, *o)
			return nil
		})
	}
	if err != nil {
		return fmt.Errorf("%s: %w", kind, err)
	}
	return nil
}

// decode decodes an object of Kubernetes. An unknown, a repeated or a misspelled field is an error, as for kubectl.
func decode[T any](data []byte, use func(*T) error) error {
	var object T
	strict, err := strictjson.UnmarshalStrict(data, &object)
	if err == nil {
		err = errors.Join(strict...)
	}
	if err != nil {
		return err
	}
	return use(&object)
}

// decodeForeign decodes an object of which only a part is known here.
func decodeForeign[T any](data []byte, use func(*T) error) error {
	var object T
	if err := strictjson.UnmarshalCaseSensitivePreserveInts(data, &object); err != nil {
		return err
	}
	return use(&object)
}

func specOf(node *yaml.Node, path ...string) *yaml.Node {
	return yamlfile.Get(yamlfile.Get(node, path...), "spec", "containers")
}

func (g *group) run(kind string, meta metav1.ObjectMeta, replicas *int32, counted bool, template corev1.PodTemplateSpec,
	at fact.Location, containers *yaml.Node,
) error {
	name := meta.Name
	if name == "" {
		name = meta.GenerateName
	}
	if name == "" {
		return errors.New("it has no name")
	}
	runs := func(c corev1.Container) bool { return c.Image != "" }
	if !slices.ContainsFunc(template.Spec.Containers, runs) {
		return nil // a patch of a workload that is written elsewhere: without an image, Kubernetes refuses it
	}
	g.workloads = append(g.workloads, pods{
		Workload: Workload{
			Kind:        kind,
			Name:        name,
			Namespace:   meta.Namespace,
			At:          at,
			Labels:      template.Labels,
			Annotations: template.Annotations,
		},
		replicas: replicas,
		counted:  counted,
		spec:     template.Spec,
		node:     containers,
	})
	return nil
}
