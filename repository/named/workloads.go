package named

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/repository/manifest"
)

// workloadPlaces is an entry of a fact with places in manifests. find returns why it is unknown for a workload, or "".
func workloadPlaces(name, label, description string, find func(w *manifest.Workload, p *places) (doubt string)) entry {
	return entry{Definition{
		Name:        "repository.workloads." + name,
		Type:        event.ListFact,
		Places:      true,
		Label:       label,
		Description: description,
	}, func(r *reader) value {
		var p places
		doubt := r.doubt(r.Manifests.Unrendered, r.Manifests.Unreadable)
		for _, w := range r.workloads() {
			if reason := find(&w, &p); doubt == "" {
				doubt = reason
			}
		}
		return p.value(doubt)
	}}
}

// containerOf is workloadPlaces for each container.
func containerOf(
	find func(c *manifest.Container, name string, p *places) string,
) func(*manifest.Workload, *places) string {
	return func(w *manifest.Workload, p *places) (doubt string) {
		for i := range w.Containers {
			c := &w.Containers[i]
			name := "container " + c.Name + " of " + w.Kind + " " + w.Name
			if reason := find(c, name, p); doubt == "" {
				doubt = reason
			}
		}
		return doubt
	}
}

var workloads = []entry{
	{Definition{
		Name:  "repository.workloads.count",
		Type:  event.NumberFact,
		Label: "the number of Kubernetes workloads",
		Description: "Deployments and other objects that run pods, in the manifests and overlays of production; unknown if " +
			"a chart is not rendered, or if a container is built and no manifest is in the repository.",
	}, func(r *reader) value {
		doubt := r.doubt(r.Manifests.Unrendered, r.Manifests.Unreadable)
		if built := r.containers(); doubt == "" && len(built) > 0 {
			doubt = built[0].Path + " builds a container, and no manifest in this repository runs it"
		} else if by := r.builtOtherwise(); doubt == "" && by != "" {
			doubt = by + ", and no manifest in this repository runs it"
		}
		return count(len(r.workloads()), doubt)
	}},
	workloadPlaces("without_resources", "the containers without resources",
		"Containers without a request for cpu or memory, or without a limit of memory.", containerOf(withoutResources)),
	workloadPlaces("without_probes", "the workloads without probes",
		"Workloads that run all the time and have no container with a readiness probe, or none with a liveness probe.",
		withoutProbes),
	workloadPlaces("equal_probes", "the containers whose probes are the same",
		"Containers whose readiness and liveness probes ask the same, so that one that is busy is killed.",
		containerOf(func(c *manifest.Container, name string, p *places) string {
			if c.SameProbe {
				p.add(c.At, "the readiness and liveness probes of %s ask the same", name)
			}
			return ""
		})),
	workloadPlaces("single_replica", "the workloads with a single replica",
		"Deployments, StatefulSets and Rollouts of which less than two pods run.",
		func(w *manifest.Workload, p *places) string {
			if counted(w) && w.Replicas.Known && w.Replicas.Value < 2 {
				p.add(w.At, "%s %s has %d replicas", w.Kind, w.Name, w.Replicas.Value)
			}
			return w.Replicas.Reason
		}),
	workloadPlaces("without_disruption_budget", "the workloads without a disruption budget",
		"Deployments, StatefulSets and Rollouts whose pods no PodDisruptionBudget selects.",
		func(w *manifest.Workload, p *places) string {
			if !counted(w) {
				return ""
			}
			if w.DisruptionBudget.Known && w.DisruptionBudget.Value == "" {
				p.add(w.At, "no PodDisruptionBudget selects the pods of %s %s", w.Kind, w.Name)
			}
			return w.DisruptionBudget.Reason
		}),
	workloadPlaces("weak_security_context", "the containers with a weak security context",
		"Containers that are privileged, may gain privileges, may write their root file system, or keep capabilities.",
		containerOf(weakSecurity)),
	mutableImages,
	workloadPlaces("unscraped", "the workloads whose metrics are not scraped",
		"Workloads that run all the time and that neither an annotation nor a ServiceMonitor nor a PodMonitor makes "+
			"Prometheus scrape; databases and other programs of others are left out.",
		func(w *manifest.Workload, p *places) string {
			if !steady(w) || foreign(w) {
				return ""
			}
			if w.Scraped.Known && w.Scraped.Value == "" {
				p.add(w.At, "nothing in the repository makes Prometheus scrape %s %s", w.Kind, w.Name)
			}
			return w.Scraped.Reason
		}),
	workloadPlaces("without_traces", "the workloads that export no traces",
		"Workloads that run all the time and have neither a variable of OpenTelemetry or Datadog nor an annotation for "+
			"instrumentation.", withoutTraces),
	{Definition{
		Name:  "repository.workloads.trace_names",
		Type:  event.ListFact,
		Label: "the names under which traces are exported",
		Description: "Names of the service in the variables and labels of OpenTelemetry and Datadog of workloads that run " +
			"all the time; empty if no manifest has one, because the program or an agent chooses the name.",
	}, func(r *reader) value {
		var names []string
		for _, w := range r.workloads() {
			if steady(&w) && !foreign(&w) {
				names = append(names, traceNames(&w)...)
			}
		}
		slices.Sort(names)
		return texts(slices.Compact(names), r.doubt(r.Manifests.Unrendered, r.Manifests.Unreadable))
	}},
}

// traceNames returns the names of the service that a workload gives its traces, except those that are placeholders.
func traceNames(w *manifest.Workload) []string {
	names := []string{w.Labels["tags.datadoghq.com/service"], w.Annotations["resource.opentelemetry.io/service.name"]}
	for i := range w.Containers {
		for _, e := range w.Containers[i].Env {
			switch e.Name {
			case "OTEL_SERVICE_NAME", "DD_SERVICE", "ELASTIC_APM_SERVICE_NAME":
				names = append(names, e.Value.Value)
			case "OTEL_RESOURCE_ATTRIBUTES":
				for attribute := range strings.SplitSeq(e.Value.Value, ",") {
					if name, value, _ := strings.Cut(attribute, "="); strings.TrimSpace(name) == "service.name" {
						names = append(names, strings.TrimSpace(value))
					}
				}
			}
		}
	}
	return slices.DeleteFunc(names, func(name string) bool { return name == "" || strings.ContainsAny(name, "${}") })
}

// middleware are programs of others, which a service uses: their metrics and traces are not its own.
var middleware = regexp.MustCompile(`(^|[/_-])(redis|valkey|memcached|postgres|postgresql|postgis|mysql|mariadb|percona|mongo|mongodb|rabbitmq|kafka|` +
	`zookeeper|nats|elasticsearch|opensearch|cassandra|clickhouse-server|minio|etcd|consul|vault|jaeger|all-in-one|prometheus|alertmanager|` +
	`grafana|loki|tempo|otel-collector|opentelemetry-collector|opentelemetry-collector-contrib|mailhog|mailpit|localstack)$`)

// foreign reports whether all containers of a workload run programs of others.
func foreign(w *manifest.Workload) bool {
	return len(w.Containers) > 0 && !slices.ContainsFunc(w.Containers, func(c manifest.Container) bool {
		return !middleware.MatchString(c.Image.Value.Name)
	})
}

// steady reports whether a workload runs all the time.
func steady(w *manifest.Workload) bool {
	switch w.Kind {
	case "Deployment", "StatefulSet", "DaemonSet", "Rollout", "ReplicaSet":
		return true
	}
	return false
}

// counted reports whether a workload has a number of replicas.
func counted(w *manifest.Workload) bool { return steady(w) && w.Kind != "DaemonSet" }

func withoutResources(c *manifest.Container, name string, p *places) string {
	var missing []string
	for _, resource := range []string{"cpu", "memory"} {
		// A limit without a request is the request, too.
		if c.Requests[resource] == "" && c.Limits[resource] == "" {
			missing = append(missing, "no request for "+resource)
		}
	}
	if c.Limits["memory"] == "" {
		missing = append(missing, "no limit of memory")
	}
	if len(missing) > 0 {
		p.add(c.At, "%s has %s", name, strings.Join(missing, ", "))
	}
	return ""
}

func withoutProbes(w *manifest.Workload, p *places) string {
	if !steady(w) {
		return ""
	}
	var missing []string
	if !slices.ContainsFunc(w.Containers, func(c manifest.Container) bool { return c.Readiness }) {
		missing = append(missing, "readiness")
	}
	if !slices.ContainsFunc(w.Containers, func(c manifest.Container) bool { return c.Liveness }) {
		missing = append(missing, "liveness")
	}
	if len(missing) > 0 {
		p.add(w.At, "%s %s has no %s probe", w.Kind, w.Name, strings.Join(missing, " and no "))
	}
	return ""
}

func weakSecurity(c *manifest.Container, name string, p *places) string {
	s := c.Security
	var weak []string
	isTrue := func(b *bool) bool { return b != nil && *b }
	if isTrue(s.Privileged) {
		weak = append(weak, "is privileged")
	}
	if s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation {
		weak = append(weak, "may gain privileges")
	}
	if !isTrue(s.ReadOnlyRootFilesystem) {
		weak = append(weak, "may write its root file system")
	}
	if !s.DropsAll() {
		weak = append(weak, "keeps capabilities")
	}
	if len(weak) > 0 {
		p.add(c.At, "%s %s", name, strings.Join(weak, ", "))
	}
	return ""
}

// oneBuild finds tags that name one version or build: three numbers, a commit, a date, or a long number.
var oneBuild = regexp.MustCompile(`(^|[^\d.])\d+\.\d+\.\d+([^\d]|$)|(^|[^0-9a-f])[0-9a-f]{7,64}([^0-9a-f]|$)|\d{8}|[._-]\d{2,}$`)

// tracing finds variables that configure the export of traces.
var tracing = regexp.MustCompile(`^(OTEL_EXPORTER_OTLP_(TRACES_)?ENDPOINT|OTEL_TRACES_EXPORTER|OTEL_SERVICE_NAME|DD_AGENT_HOST|` +
	`DD_TRACE_AGENT_URL|DD_TRACE_ENABLED|DD_SERVICE|JAEGER_AGENT_HOST|JAEGER_ENDPOINT|ELASTIC_APM_SERVER_URL|SENTRY_TRACES_SAMPLE_RATE)$`)

func withoutTraces(w *manifest.Workload, p *places) (doubt string) {
	if !steady(w) || foreign(w) {
		return ""
	}
	for key := range w.Annotations {
		if strings.HasPrefix(key, "instrumentation.opentelemetry.io/inject-") {
			return ""
		}
	}
	for key := range w.Labels {
		if strings.HasPrefix(key, "admission.datadoghq.com/") || key == "tags.datadoghq.com/service" {
			return ""
		}
	}
	for i := range w.Containers {
		c := &w.Containers[i]
		for _, e := range c.Env {
			if tracing.MatchString(e.Name) && e.Value.Value != "none" {
				return ""
			}
		}
		if len(c.EnvFrom) > 0 && doubt == "" {
			doubt = c.At.String() + ": variables come from " + c.EnvFrom[0] + ", which is not read"
		}
	}
	if doubt == "" {
		p.add(w.At, "%s %s has no variable for the export of traces", w.Kind, w.Name)
	}
	return doubt
}

var otherEnvironment = regexp.MustCompile(`(?i)^(dev|devel|development|local|test|testing|staging|stage|stg|qa|uat|preview|sandbox|ci|kind|minikube|e2e|demo)$`)

// atDesk finds directories at the top of a service for the machines of developers: no environment is deployed from
// them.
var atDesk = regexp.MustCompile(`(?i)^(dev|devel|development|local|kind|minikube|tilt)$`)

// workloads returns the workloads of production: those of other environments, by the names of their directories and
// files, only if there are no others. Those for the machines of developers are never among them.
func (r *reader) workloads() []manifest.Workload {
	var production []manifest.Workload
	for _, w := range r.Manifests.Workloads {
		parts := strings.Split(w.At.Path, "/")
		base := parts[len(parts)-1]
		parts[len(parts)-1] = strings.TrimSuffix(base, path.Ext(base))
		if !slices.ContainsFunc(parts, otherEnvironment.MatchString) {
			production = append(production, w)
		}
	}
	if len(production) > 0 {
		return production
	}
	return slices.DeleteFunc(slices.Clone(r.Manifests.Workloads), func(w manifest.Workload) bool {
		name := w.At.Path
		if r.Dir != "." {
			name = strings.TrimPrefix(name, r.Dir+"/")
		}
		top, _, below := strings.Cut(name, "/")
		return below && atDesk.MatchString(top)
	})
}
