package edits

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/dxctl/dxctl/actions/splice"
	"github.com/dxctl/dxctl/repository"
	"github.com/dxctl/dxctl/repository/container"
	"github.com/dxctl/dxctl/repository/named"
	"github.com/dxctl/dxctl/repository/yamlfile"
)

// otherProgram returns why a container may run another program than the one whose code is in the directory of the
// service, so that what the code serves says nothing about the container; "" if it runs that program.
func (e *editor) otherProgram(p *pod, c *yaml.Node) string {
	image := container.ParseImage(yamlfile.Text(splice.Field(c, "image"))).Name
	same := strings.EqualFold(path.Base(image), e.Entity.Name)
	dirs, workloads := map[string]bool{}, map[string]bool{}
	for _, d := range named.Built(e.Facts) {
		dirs[path.Dir(d.Path)] = true
	}
	for _, w := range named.Production(e.Facts) {
		if named.Own(&w) {
			workloads[w.Kind+" "+w.Name] = true
		}
	}
	switch {
	case len(dirs) > 1:
		return fmt.Sprintf("the code builds %d images, and which of them serves what is not known", len(dirs))
	case len(workloads) > 1 && p.workload.Name != e.Entity.Name:
		return fmt.Sprintf("it is one of %d workloads, and which of them serves what is not known", len(workloads))
	case !same && (len(dirs) == 0 || !strings.Contains(image, "/")):
		return "the image " + image + " is not known to be built from this code"
	}
	return ""
}

// scrapeMetrics adds the annotations that Prometheus reads, if the code serves metrics.
func scrapeMetrics(e *editor) {
	served := e.text("path", "/metrics")
	e.eachPod(func(p *pod) error {
		if !named.Own(&p.workload) || p.workload.Scraped.Value != "" || !p.workload.Scraped.Known {
			return nil
		}
		all := p.containers()
		number := 0
		if len(all) == 1 {
			for _, one := range items(splice.Field(all[0], "ports")) {
				name := yamlfile.Text(splice.Field(one, "name"))
				if n, ok := yamlfile.Int(splice.Field(one, "containerPort")); ok && (number == 0 || name == "metrics") {
					number = n
				}
			}
		}
		other := ""
		if len(all) == 1 {
			other = e.otherProgram(p, all[0])
		}
		switch {
		case other != "":
			e.ask(p.file, p.object.Line, "let Prometheus scrape %s %s if it serves metrics: %s", p.workload.Kind,
				p.workload.Name, other)
			return nil
		case !e.mentions(`"`+served+`"`, "'"+served+"'", "`"+served+"`", " "+served+`"`, "prometheus"):
			e.ask(p.file, p.object.Line, "serve metrics and let Prometheus scrape %s %s: the code has no %s", p.workload.Kind,
				p.workload.Name, served)
			return nil
		case number == 0:
			e.ask(p.file, p.object.Line, "let Prometheus scrape %s %s: which port has the metrics is not known",
				p.workload.Kind, p.workload.Name)
			return nil
		}
		if secure := e.encrypted(all[0]); secure != "" {
			e.ask(p.file, p.object.Line, "let Prometheus scrape %s %s: whether %s is served without TLS is not known, because "+
				"%s", p.workload.Kind, p.workload.Name, served, secure)
			return nil
		}
		annotations := splice.Map{
			{Key: "prometheus.io/scrape", Value: "true"},
			{Key: "prometheus.io/port", Value: strconv.Itoa(number)},
			{Key: "prometheus.io/path", Value: served},
		}
		return annotate(p, annotations)
	})
}

func annotate(p *pod, annotations splice.Map) error {
	meta := splice.Field(p.template, "metadata")
	if meta != nil && meta.Kind == yaml.MappingNode && len(meta.Content) > 0 {
		return merge(p.f, meta, "annotations", "", annotations)
	}
	return p.f.Insert(p.template, "", "metadata", splice.Map{{Key: "annotations", Value: annotations}})
}

// exportTraces names the service for OpenTelemetry as the catalog does, if the code uses OpenTelemetry. A name that no
// descriptor has, such as that of the directory, is not the service's, and of several workloads only the one with the
// name of the service has it.
func exportTraces(e *editor) {
	endpoint := e.text("endpoint", "")
	described := slices.ContainsFunc(e.Facts.Descriptors, func(d repository.Descriptor) bool {
		return strings.EqualFold(d.Entity.Ref, e.Entity.Ref)
	})
	several := map[string]bool{}
	for _, w := range named.Production(e.Facts) {
		if named.Own(&w) {
			several[w.Kind+" "+w.Name] = true
		}
	}
	e.eachPod(func(p *pod) error {
		if !named.Own(&p.workload) {
			return nil
		}
		all := p.containers()
		if len(all) != 1 {
			e.ask(p.file, p.object.Line, "configure traces of the container of %s %s that is the service's own",
				p.workload.Kind, p.workload.Name)
			return nil
		}
		list := splice.Field(all[0], "env")
		for _, variable := range items(list) {
			name, value := yamlfile.Text(splice.Field(variable, "name")), yamlfile.Text(splice.Field(variable, "value"))
			if name == "OTEL_SERVICE_NAME" && value != e.Entity.Name && !strings.HasPrefix(value, e.Entity.Name+"-") {
				e.ask(p.file, variable.Line, "decide whether the traces of %s are renamed to %s, the name in the catalog: "+
					"dashboards may use the old one", value, e.Entity.Name)
				return nil
			}
			if tracing.MatchString(name) {
				return nil // configured in some way
			}
		}
		if !e.mentions("opentelemetry", "go.opentelemetry.io", "@opentelemetry/") {
			e.ask(p.file, p.object.Line, "instrument the service with OpenTelemetry, and configure it in %s %s: the code does "+
				"not use it", p.workload.Kind, p.workload.Name)
			return nil
		}
		switch {
		case !described:
			e.ask(p.file, p.object.Line, "name the service for OpenTelemetry in OTEL_SERVICE_NAME of %s %s: no descriptor "+
				"says what it is called", p.workload.Kind, p.workload.Name)
			return nil
		case len(several) > 1 && p.workload.Name != e.Entity.Name:
			e.ask(p.file, p.object.Line, "give %s %s a name of its own in OTEL_SERVICE_NAME: it is one of %d workloads of the "+
				"service", p.workload.Kind, p.workload.Name, len(several))
			return nil
		case splice.Field(all[0], "envFrom") != nil:
			e.ask(p.file, p.object.Line, "check that OTEL_SERVICE_NAME of %s %s is %s: a ConfigMap or a Secret may set it",
				p.workload.Kind, p.workload.Name, e.Entity.Name)
			return nil
		}
		variables := splice.List{splice.Map{{Key: "name", Value: "OTEL_SERVICE_NAME"}, {Key: "value", Value: e.Entity.Name}}}
		if endpoint != "" {
			variables = append(variables, splice.Map{
				{Key: "name", Value: "OTEL_EXPORTER_OTLP_ENDPOINT"}, {Key: "value", Value: endpoint},
			})
		}
		if list == nil {
			return p.f.Insert(all[0], after(all[0], "ports", "image"), "env", variables)
		}
		for _, variable := range variables {
			if err := p.f.Append(list, variable); err != nil {
				return err
			}
		}
		return nil
	})
}

// tracing finds variables that configure the export of traces, as the fact does.
var tracing = regexp.MustCompile(`^(OTEL_EXPORTER_OTLP_(TRACES_)?ENDPOINT|OTEL_TRACES_EXPORTER|OTEL_SERVICE_NAME|DD_AGENT_HOST|` +
	`DD_TRACE_AGENT_URL|DD_TRACE_ENABLED|DD_SERVICE|JAEGER_AGENT_HOST|JAEGER_ENDPOINT|ELASTIC_APM_SERVER_URL|SENTRY_TRACES_SAMPLE_RATE)$`)
