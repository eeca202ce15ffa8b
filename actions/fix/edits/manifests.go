package edits

import (
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/dxctl/dxctl/actions/splice"
	"github.com/dxctl/dxctl/repository/manifest"
	"github.com/dxctl/dxctl/repository/named"
	"github.com/dxctl/dxctl/repository/yamlfile"
)

// pod is the template of the pods of a workload where it is written.
type pod struct {
	workload manifest.Workload
	file     string
	f        *splice.File
	object   *yaml.Node
	template *yaml.Node // has metadata and spec; the object itself for a Pod
	spec     *yaml.Node
}

// eachPod edits the manifests of the workloads of production that keep running, each where it is written: for an
// overlay, in the files that it starts from.
func (e *editor) eachPod(change func(p *pod) error) {
	for _, w := range named.Production(e.Facts) {
		files := []string{w.At.Path}
		if w.Overlay != "" {
			files = e.resources(w.Overlay, 0)
		}
		found := false
		for _, name := range files {
			if found {
				break
			}
			e.yaml(name, func(f *splice.File) error {
				p := find(f, &w)
				if p == nil {
					return nil
				}
				found = true
				p.file = name
				return change(p)
			})
		}
		if !found {
			e.ask(w.At.Path, w.At.Line, "edit %s %s by hand: the file in which it is written was not found, or cannot be "+
				"edited", w.Kind, w.Name)
		}
	}
}

// find returns the pods of a workload in a file; nil if it is not there. An overlay may add to the name.
func find(f *splice.File, w *manifest.Workload) *pod {
	var objects []*yaml.Node
	for _, doc := range f.Docs {
		if list := splice.Field(doc, "items"); yamlfile.Text(splice.Field(doc, "kind")) == "List" && list != nil {
			objects = append(objects, items(list)...)
		} else {
			objects = append(objects, doc)
		}
	}
	for _, o := range objects {
		name := yamlfile.Text(splice.Field(o, "metadata", "name"))
		same := name == w.Name || w.Overlay != "" && name != "" && strings.Contains(w.Name, name)
		if yamlfile.Text(splice.Field(o, "kind")) != w.Kind || !same {
			continue
		}
		template := splice.Field(o, "spec", "template")
		switch w.Kind {
		case "Pod":
			template = o
		case "CronJob":
			template = splice.Field(o, "spec", "jobTemplate", "spec", "template")
		}
		spec := splice.Field(template, "spec")
		if spec == nil || spec.Kind != yaml.MappingNode || splice.Field(spec, "containers") == nil {
			return nil
		}
		return &pod{workload: *w, f: f, object: o, template: template, spec: spec}
	}
	return nil
}

// resources returns the files of an overlay and of what it starts from.
func (e *editor) resources(dir string, depth int) []string {
	if depth > 10 {
		return nil
	}
	var files []string
	for _, name := range []string{"kustomization.yaml", "kustomization.yml", "Kustomization"} {
		content, ok := e.content(path.Join(dir, name))
		if !ok {
			continue
		}
		root, err := yamlfile.One(lines(content))
		if err != nil {
			return files
		}
		for _, key := range []string{"resources", "bases", "components"} {
			for _, resource := range yamlfile.Texts(yamlfile.Get(root, key)) {
				at := path.Join(dir, resource)
				if strings.HasPrefix(at, "../") || strings.Contains(resource, "://") {
					continue
				}
				if ext := path.Ext(at); ext == ".yaml" || ext == ".yml" {
					files = append(files, at)
				} else {
					files = append(files, e.resources(at, depth+1)...)
				}
			}
		}
	}
	return files
}

// containers returns the containers as they are written.
func (p *pod) containers() []*yaml.Node {
	return slices.DeleteFunc(slices.Clone(items(splice.Field(p.spec, "containers"))), func(n *yaml.Node) bool {
		return n.Kind != yaml.MappingNode
	})
}

// after returns the first of the fields that a mapping has, after which another one reads well.
func after(m *yaml.Node, names ...string) string {
	for _, name := range names {
		if splice.Field(m, name) != nil {
			return name
		}
	}
	return ""
}

// merge adds the fields that a mapping lacks. A field that is there stays as it is.
func merge(f *splice.File, parent *yaml.Node, key, behind string, fields splice.Map) error {
	m := splice.Field(parent, key)
	if m == nil || m.Kind == yaml.ScalarNode && m.Value == "" && m.Style == 0 {
		if m != nil {
			return f.ReplaceValue(parent, key, fields)
		}
		return f.Insert(parent, behind, key, fields)
	}
	for _, field := range fields {
		inner, nested := field.Value.(splice.Map)
		switch there := splice.Field(m, field.Key); {
		case there == nil:
			if err := f.Insert(m, "", field.Key, field.Value); err != nil {
				return err
			}
		case nested:
			if err := merge(f, m, field.Key, "", inner); err != nil {
				return err
			}
		}
	}
	return nil
}

// setResources sets requests and the limit of memory to those of the golden path.
func setResources(e *editor) {
	cpu, memory, limit := e.text("cpu", ""), e.text("memory", ""), e.text("memory_limit", "")
	if e.Foreign {
		cpu = "" // numbers for programs in another language say nothing
	}
	e.eachPod(func(p *pod) error {
		for _, c := range p.containers() {
			limits, requests := splice.Field(c, "resources", "limits"), splice.Field(c, "resources", "requests")
			var lacks []string
			var wanted splice.Map
			var ask splice.Map
			for _, r := range []struct{ name, value string }{{"cpu", cpu}, {"memory", memory}} {
				if splice.Field(requests, r.name) == nil && splice.Field(limits, r.name) == nil {
					lacks = append(lacks, r.name)
					ask = append(ask, splice.Pair{Key: r.name, Value: r.value})
				}
			}
			if len(ask) > 0 {
				wanted = append(wanted, splice.Pair{Key: "requests", Value: ask})
			}
			enough := true
			if splice.Field(limits, "memory") == nil {
				lacks = append(lacks, "a limit of memory")
				// What somebody measured: a limit below it ends the container, one at it may.
				own := yamlfile.Text(splice.Field(requests, "memory"))
				enough = own == "" || below(own, limit)
				wanted = append(wanted, splice.Pair{Key: "limits", Value: splice.Map{{Key: "memory", Value: limit}}})
			}
			if len(lacks) == 0 {
				continue
			}
			if cpu == "" || memory == "" || limit == "" || !named.Own(&p.workload) {
				e.ask(p.file, c.Line, "set %s of the container %s to what it uses; the golden path has no numbers for it",
					strings.Join(lacks, ", "), yamlfile.Text(splice.Field(c, "name")))
				continue
			}
			if !enough {
				e.ask(p.file, c.Line, "set %s of the container %s to what it uses: it requests as much memory as the limit of "+
					"the golden path, %s, or more", strings.Join(lacks, ", "), yamlfile.Text(splice.Field(c, "name")), limit)
				continue
			}
			if err := merge(p.f, c, "resources", after(c, "env", "ports", "image"), wanted); err != nil {
				return err
			}
		}
		return nil
	})
}

// below reports whether an amount of Kubernetes is smaller than another one.
func below(amount, other string) bool {
	a, err := resource.ParseQuantity(amount)
	if err != nil {
		return false
	}
	b, err := resource.ParseQuantity(other)
	return err == nil && a.Cmp(b) < 0
}

// port returns the only port of a container by its name, else by its number; nil if it has none or several: which one
// serves is not known then.
func port(c *yaml.Node) any {
	all := items(splice.Field(c, "ports"))
	if len(all) != 1 {
		return nil
	}
	for _, one := range all {
		if protocol := yamlfile.Text(splice.Field(one, "protocol")); protocol != "" && protocol != "TCP" {
			continue
		}
		if name := yamlfile.Text(splice.Field(one, "name")); name != "" {
			return name
		}
		if n, ok := yamlfile.Int(splice.Field(one, "containerPort")); ok {
			return n
		}
	}
	return nil
}

// probePaths are paths that programs serve for probes, by what they are for. A path counts only if the code has it.
var probePaths = map[string][]string{
	"readinessProbe": {"/readyz", "/ready", "/health/ready", "/-/ready", "/q/health/ready", "/actuator/health/readiness"},
	"livenessProbe": {
		"/livez", "/live", "/health/live", "/-/healthy", "/q/health/live", "/actuator/health/liveness", "/healthz",
	},
}

// startFailures is how often a startup probe may fail, every ten seconds: ten minutes. Programs that migrate data or
// warm up take minutes; one that never starts is noticed by its readiness long before.
const startFailures = 60

// setProbes adds a probe for a path that the code serves. A liveness probe comes with a startup probe: without one it
// restarts a program that needs long to start, again and again. No probe only opens the port: a program that opens it
// late, or for which somebody left the probe out, would be restarted.
func setProbes(e *editor) {
	e.eachPod(func(p *pod) error {
		if !named.Own(&p.workload) {
			return nil
		}
		all := p.containers()
		has := func(kind string) bool {
			return slices.ContainsFunc(all, func(c *yaml.Node) bool { return splice.Field(c, kind) != nil })
		}
		if len(all) != 1 {
			if !has("readinessProbe") || !has("livenessProbe") {
				e.ask(p.file, p.object.Line, "add probes to the container of %s %s that serves", p.workload.Kind, p.workload.Name)
			}
			return nil
		}
		c := all[0]
		open := port(c)
		if other := e.otherProgram(p, c); other != "" {
			if !has("readinessProbe") || !has("livenessProbe") {
				e.ask(p.file, c.Line, "add probes to the container of %s %s: %s", p.workload.Kind, p.workload.Name, other)
			}
			return nil
		}
		for _, kind := range []string{"readinessProbe", "livenessProbe"} {
			if has(kind) {
				continue
			}
			served := e.served(kind)
			if open == nil || served == "" {
				e.ask(p.file, c.Line, "add a %s: the code has none of the usual paths, or the container not one port",
					strings.TrimSuffix(kind, "Probe")+" probe")
				continue
			}
			get := splice.Map{{Key: "path", Value: served}, {Key: "port", Value: open}}
			if secure := e.encrypted(c); secure != "" {
				e.ask(p.file, c.Line, "add a %s for %s if it is served without TLS: %s",
					strings.TrimSuffix(kind, "Probe")+" probe", served, secure)
				continue
			}
			probe := splice.Map{{Key: "httpGet", Value: get}, {Key: "periodSeconds", Value: 10}}
			if kind == "livenessProbe" && !has("startupProbe") {
				starting := append(slices.Clone(probe), splice.Pair{Key: "failureThreshold", Value: startFailures})
				behind := after(c, "readinessProbe", "resources", "env", "ports", "image")
				if err := p.f.Insert(c, behind, "startupProbe", starting); err != nil {
					return err
				}
			}
			if kind == "livenessProbe" {
				probe = append(probe, splice.Pair{Key: "failureThreshold", Value: 6})
			}
			behind := after(c, "readinessProbe", "resources", "env", "ports", "image")
			if err := p.f.Insert(c, behind, kind, probe); err != nil {
				return err
			}
		}
		return nil
	})
}

// served returns the path of a kind of probe that the code of the service has: the golden path's, else a usual one.
func (e *editor) served(kind string) string {
	own := e.text(strings.TrimSuffix(kind, "Probe"), "")
	for _, candidate := range append([]string{own}, probePaths[kind]...) {
		if candidate != "" && e.mentions(candidate) && e.mentions(`"`+candidate+`"`, `'`+candidate+`'`, "`"+candidate+"`", " "+candidate+`"`) {
			return candidate
		}
	}
	return ""
}

// mentions reports whether the code of the service has one of the texts.
func (e *editor) mentions(texts ...string) bool {
	return e.Mentions != nil && slices.ContainsFunc(texts, e.Mentions)
}

// pinImages adds the digest to images of production that the golden path has one of.
func pinImages(e *editor) {
	for _, w := range named.Production(e.Facts) {
		if w.Overlay != "" {
			e.ask(w.At.Path, 0, "let the pipeline write the digest of the image into the overlay (kustomize edit set image)")
			return
		}
	}
	e.eachPod(func(p *pod) error {
		for _, c := range p.containers() {
			image := splice.Field(c, "image")
			text := yamlfile.Text(image)
			i := slices.IndexFunc(p.workload.Containers, func(one manifest.Container) bool {
				return one.Name == yamlfile.Text(splice.Field(c, "name"))
			})
			if i < 0 || strings.Contains(text, "@") || oneBuild.MatchString(p.workload.Containers[i].Image.Value.Tag) {
				continue
			}
			digest := e.Images[strings.TrimPrefix(strings.TrimPrefix(text, "docker.io/"), "library/")]
			if digest == "" {
				e.ask(p.file, image.Line, "deploy the image %s by the digest of its build, or by a tag that is never written "+
					"twice", text)
				continue
			}
			if err := p.f.Replace(image, text+"@"+digest); err != nil {
				return err
			}
		}
		return nil
	})
}
