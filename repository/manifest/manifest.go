// Package manifest reads the Kubernetes manifests of a repository: plain YAML, decoded strictly into the types of the
// API, and Kustomize overlays, rendered in memory. Helm charts and other templates are not rendered; what they would
// deploy is unknown.
package manifest

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/dxctl/dxctl/repository/container"
	"github.com/dxctl/dxctl/repository/fact"
	"github.com/dxctl/dxctl/repository/tree"
	"github.com/dxctl/dxctl/repository/yamlfile"
)

// Set is what a repository has of manifests. While Unrendered or Unreadable has entries, workloads may be missing.
type Set struct {
	Workloads []Workload
	// Unrendered has the charts, templates and overlays whose result is not known, with the reason.
	Unrendered []fact.Problem
	// Unreadable has the manifests that the API would refuse, or that cannot be parsed.
	Unreadable []fact.Problem
}

// Workload is an object that runs pods.
type Workload struct {
	Kind, Name, Namespace string
	At                    fact.Location // of the manifest, or of the overlay that renders it
	Overlay               string        // directory of the overlay; "" for a plain manifest
	// Replicas is how many pods run at least: the least of a HorizontalPodAutoscaler for the workload, else the number
	// of the manifest. It is 0 for kinds that have no such number.
	Replicas    fact.Value[int]
	Labels      map[string]string // of the pods
	Annotations map[string]string // of the pods
	Containers  []Container       // without init containers
	// DisruptionBudget is the name of the PodDisruptionBudget that selects the pods; "" if there is none.
	DisruptionBudget fact.Value[string]
	// Scraped names what makes Prometheus scrape the pods: "ServiceMonitor x", "PodMonitor x", or an annotation; "" if
	// nothing in the repository does.
	Scraped fact.Value[string]
}

// Container is a container of a workload.
type Container struct {
	Name     string
	At       fact.Location
	Image    fact.Value[container.Image] // unknown if the manifest has a placeholder
	Requests map[string]string           // "cpu", "memory": quantities as they are written
	Limits   map[string]string

	Readiness, Liveness, Startup bool
	// SameProbe is whether readiness and liveness ask the same, so that a pod that is not ready is killed.
	SameProbe bool

	Security Security
	Env      []EnvVar
	EnvFrom  []string // names of the ConfigMaps and Secrets whose keys become variables
}

// Security is the effective security context of a container: its own, else that of the pod. nil is not set.
type Security struct {
	AllowPrivilegeEscalation *bool
	Privileged               *bool
	ReadOnlyRootFilesystem   *bool
	RunAsNonRoot             *bool
	RunAsUser                *int64
	Drop                     []string // capabilities
	Add                      []string
}

// DropsAll reports whether all capabilities are dropped.
func (s Security) DropsAll() bool {
	for _, capability := range s.Drop {
		if strings.EqualFold(capability, "ALL") {
			return true
		}
	}
	return false
}

// EnvVar is an environment variable of a container.
type EnvVar struct {
	Name  string
	Value fact.Value[string] // unknown if it comes from a ConfigMap, a Secret or the pod
}

// Read reads the manifests of a repository. It leaves out vendored code, tests, examples and documentation, because
// they are not what the service runs.
func Read(t *tree.Tree) Set {
	var s Set
	overlays := findKustomizations(t)
	charts := s.charts(t)
	plain := group{}
	for _, f := range t.Files {
		ext := path.Ext(f.Path)
		if ext != ".yaml" && ext != ".yml" || left(t, f.Path) || overlays.uses(f.Path) || inChart(charts, f.Path) ||
			strings.HasPrefix(f.Path, ".github/") {
			continue
		}
		s.plain(t, f, &plain)
	}
	s.Workloads = append(s.Workloads, plain.resolve(s.Unreadable)...)
	s.render(t, overlays)
	return s
}

func left(t *tree.Tree, name string) bool {
	return !t.Own(name) || strings.Contains(name, "releases/") && released.MatchString(name)
}

// released finds files that are kept of each version that was released.
var released = regexp.MustCompile(`(^|/)releases/([^/]*/)*[^/]*v?\d+\.\d+\.\d+[^/]*(/|\.ya?ml$)`)

// charts lists the Helm charts, except libraries, and returns the directories of all.
func (s *Set) charts(t *tree.Tree) map[string]bool {
	charts := map[string]bool{}
	for _, f := range t.Files {
		if f.Base() != "Chart.yaml" || left(t, f.Path) || inChart(charts, f.Path) {
			continue
		}
		charts[f.Dir()] = true
		s.Unrendered = append(s.Unrendered, fact.Problem{
			At:     fact.Location{Path: f.Path},
			Reason: "a Helm chart is not rendered; commit or push the rendered manifest",
		})
	}
	return charts
}

func inChart(charts map[string]bool, name string) bool {
	for dir := path.Dir(name); ; dir = path.Dir(dir) {
		if charts[dir] {
			return true
		}
		if dir == "." || dir == "/" {
			return false
		}
	}
}

// isManifest finds the two fields that every object has. They may be in flow style or quoted.
var isManifest = regexp.MustCompile(`(?m)^[\s{"'-]*apiVersion["']?\s*:`)

// runsPods finds the kinds of workloads.
var runsPods = regexp.MustCompile(`(?m)^\s*kind:\s*["']?(Deployment|StatefulSet|DaemonSet|ReplicaSet|Job|CronJob|Pod|Rollout)\b`)

var template = regexp.MustCompile(`\{\{|<%|\{%`)

// patches reports whether an object is one for Kustomize that changes a workload, such as those that Kubebuilder writes
// and no kustomization names yet: it has no selector, without which Kubernetes refuses a workload.
func patches(t *tree.Tree, f tree.File, object *yaml.Node) bool {
	kind := yamlfile.Text(yamlfile.Get(object, "kind"))
	if !slices.Contains([]string{"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"}, kind) ||
		!strings.HasPrefix(yamlfile.Text(yamlfile.Get(object, "apiVersion")), "apps/") ||
		yamlfile.Has(yamlfile.Get(object, "spec"), "selector") {
		return false
	}
	for _, name := range []string{"kustomization.yaml", "kustomization.yml", "Kustomization"} {
		if _, ok := t.File(path.Join(f.Dir(), name)); ok {
			return true
		}
	}
	return strings.Contains(f.Base(), "patch")
}

func (s *Set) plain(t *tree.Tree, f tree.File, g *group) {
	at := fact.Location{Path: f.Path}
	unreadable := func(at fact.Location, err error) {
		s.Unreadable = append(s.Unreadable, fact.Problem{At: at, Reason: err.Error()})
	}
	templated := func(at fact.Location) {
		s.Unrendered = append(s.Unrendered, fact.Problem{At: at, Reason: "it is a template, which is not rendered"})
	}
	if f.Link {
		return // the file that it leads to is read in its own place
	}
	text, err := t.Text(f)
	if err != nil {
		// A file that is too large is seldom a manifest of a workload; whether it is one, its beginning shows.
		if strings.Contains(err.Error(), "larger than") {
			start, _, startErr := t.Bytes(f, 256<<10)
			if startErr == nil && (!isManifest.Match(start) || !runsPods.Match(start)) {
				return
			}
		}
		unreadable(at, err)
		return
	}
	if !isManifest.MatchString(text) {
		return
	}
	docs, err := yamlfile.Parse(text)
	if err != nil {
		unreadable(at, err)
		return
	}
	for _, doc := range docs {
		if doc.Err != nil {
			at.Line = doc.Line
			if template.MatchString(text) {
				templated(at)
				return
			}
			unreadable(at, doc.Err)
			continue
		}
		at.Line = doc.Line
		if patches(t, f, doc.Root) {
			continue
		}
		switch err := g.add(f.Path, doc.Root); {
		case err != nil && template.MatchString(text):
			templated(at)
		case err != nil:
			unreadable(at, err)
		}
	}
}
