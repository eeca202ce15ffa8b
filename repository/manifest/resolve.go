package manifest

import (
	"reflect"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/dxctl/dxctl/repository/container"
	"github.com/dxctl/dxctl/repository/fact"
	"github.com/dxctl/dxctl/repository/yamlfile"
)

// resolve relates the objects of a group: which budget selects which pods, and so on. unreadable are the manifests that
// could have had a budget or a monitor.
func (g *group) resolve(unreadable []fact.Problem) []Workload {
	var all []Workload
	for _, p := range g.workloads {
		w := p.Workload
		w.Replicas = g.replicas(p)
		w.Containers = p.containers()
		w.DisruptionBudget = absentUnless(g.budget(p), w.At, unreadable)
		w.Scraped = absentUnless(g.scraped(p), w.At, unreadable)
		all = append(all, w)
	}
	return all
}

func absentUnless(found string, at fact.Location, unreadable []fact.Problem) fact.Value[string] {
	if found == "" && len(unreadable) > 0 {
		return fact.Unknown[string](unreadable[0].At, "another manifest cannot be read: %s", unreadable[0])
	}
	return fact.Known(found, at)
}

func (g *group) replicas(p pods) fact.Value[int] {
	if !p.counted {
		return fact.Known(0, p.At)
	}
	for _, s := range g.scalers {
		if target := s.Spec.ScaleTargetRef; target.Kind == p.Kind && target.Name == p.Name &&
			together(s.Metadata.Namespace, p.Namespace) {
			if s.Spec.MinReplicas == nil {
				return fact.Known(1, s.at)
			}
			return fact.Known(int(*s.Spec.MinReplicas), s.at)
		}
	}
	if p.replicas == nil {
		return fact.Known(1, p.At) // the default of the API
	}
	return fact.Known(int(*p.replicas), p.At)
}

// together reports whether two objects can be in one namespace. A namespace that is not written is chosen when the
// manifest is applied.
func together(a, b string) bool { return a == "" || b == "" || a == b }

// matches reports whether a selector selects labels. Of a budget or a monitor, an empty selector selects everything.
func matches(selector *metav1.LabelSelector, set map[string]string) bool {
	if selector == nil {
		return false
	}
	s, err := metav1.LabelSelectorAsSelector(selector)
	return err == nil && s.Matches(labels.Set(set))
}

func (g *group) budget(p pods) string {
	for _, b := range g.budgets {
		if together(b.Namespace, p.Namespace) && matches(b.Spec.Selector, p.Labels) {
			return b.Name
		}
	}
	return ""
}

const scrapeAnnotation = "prometheus.io/scrape"

func (g *group) scraped(p pods) string {
	if p.Annotations[scrapeAnnotation] == "true" {
		return "annotation " + scrapeAnnotation
	}
	reaches := func(m monitor, namespace string) bool {
		return m.Spec.NamespaceSelector.Any || slices.Contains(m.Spec.NamespaceSelector.MatchNames, namespace) ||
			len(m.Spec.NamespaceSelector.MatchNames) == 0 && together(m.Metadata.Namespace, namespace)
	}
	for _, m := range g.monitors {
		if m.Kind == "PodMonitor" && reaches(m, p.Namespace) && matches(&m.Spec.Selector, p.Labels) {
			return "PodMonitor " + m.Metadata.Name
		}
	}
	for _, s := range g.services {
		if len(s.Spec.Selector) == 0 || !together(s.Namespace, p.Namespace) ||
			!labels.SelectorFromSet(s.Spec.Selector).Matches(labels.Set(p.Labels)) {
			continue
		}
		if s.Annotations[scrapeAnnotation] == "true" {
			return "annotation " + scrapeAnnotation + " of the Service " + s.Name
		}
		for _, m := range g.monitors {
			if m.Kind == "ServiceMonitor" && reaches(m, s.Namespace) && matches(&m.Spec.Selector, s.Labels) {
				return "ServiceMonitor " + m.Metadata.Name
			}
		}
	}
	return ""
}

func (p pods) containers() []Container {
	var all []Container
	items := yamlfile.Items(p.node)
	for i, spec := range p.spec.Containers {
		c := Container{
			Name:      spec.Name,
			At:        p.At,
			Requests:  quantities(spec.Resources.Requests),
			Limits:    quantities(spec.Resources.Limits),
			Readiness: spec.ReadinessProbe != nil,
			Liveness:  spec.LivenessProbe != nil,
			Startup:   spec.StartupProbe != nil,
			Security:  securityOf(spec.SecurityContext, p.spec.SecurityContext),
		}
		if i < len(items) {
			c.At.Line = items[i].Line
		}
		if c.Readiness && c.Liveness {
			c.SameProbe = reflect.DeepEqual(spec.ReadinessProbe.ProbeHandler, spec.LivenessProbe.ProbeHandler)
		}
		c.Image = imageOf(spec.Image, c.At)
		for _, e := range spec.Env {
			value := fact.Known(e.Value, c.At)
			if e.ValueFrom != nil {
				value = fact.Unknown[string](c.At, "%s is set from elsewhere", e.Name)
			}
			c.Env = append(c.Env, EnvVar{e.Name, value})
		}
		for _, from := range spec.EnvFrom {
			switch {
			case from.ConfigMapRef != nil:
				c.EnvFrom = append(c.EnvFrom, from.ConfigMapRef.Name)
			case from.SecretRef != nil:
				c.EnvFrom = append(c.EnvFrom, from.SecretRef.Name)
			}
		}
		all = append(all, c)
	}
	return all
}

// Variable returns the value of an environment variable of the container; "" if it is not set. It is unknown if it can
// come from a ConfigMap or a Secret.
func (c *Container) Variable(name string) fact.Value[string] {
	for _, v := range c.Env {
		if v.Name == name {
			return v.Value
		}
	}
	if len(c.EnvFrom) > 0 {
		return fact.Unknown[string](c.At, "%s may be set by %s, which is not read", name, c.EnvFrom[0])
	}
	return fact.Known("", c.At)
}

func imageOf(text string, at fact.Location) fact.Value[container.Image] {
	switch {
	case text == "":
		return fact.Unknown[container.Image](at, "the container has no image; another manifest or a tool sets it")
	case container.IsPlaceholder(text):
		return fact.Unknown[container.Image](at, "the image is the placeholder %q", text)
	}
	return fact.Known(container.ParseImage(text), at)
}

func quantities(list corev1.ResourceList) map[string]string {
	all := map[string]string{}
	for name, quantity := range list {
		all[string(name)] = quantity.String()
	}
	return all
}

func securityOf(own *corev1.SecurityContext, pod *corev1.PodSecurityContext) Security {
	var s Security
	if pod != nil {
		s.RunAsNonRoot, s.RunAsUser = pod.RunAsNonRoot, pod.RunAsUser
	}
	if own == nil {
		return s
	}
	s.AllowPrivilegeEscalation = own.AllowPrivilegeEscalation
	s.Privileged = own.Privileged
	s.ReadOnlyRootFilesystem = own.ReadOnlyRootFilesystem
	if own.RunAsNonRoot != nil {
		s.RunAsNonRoot = own.RunAsNonRoot
	}
	if own.RunAsUser != nil {
		s.RunAsUser = own.RunAsUser
	}
	if own.Capabilities != nil {
		for _, c := range own.Capabilities.Drop {
			s.Drop = append(s.Drop, string(c))
		}
		for _, c := range own.Capabilities.Add {
			s.Add = append(s.Add, string(c))
		}
	}
	return s
}
