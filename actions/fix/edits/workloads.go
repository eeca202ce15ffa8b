package edits

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/dxctl/dxctl/actions/splice"
	"github.com/dxctl/dxctl/repository/container"
	"github.com/dxctl/dxctl/repository/manifest"
	"github.com/dxctl/dxctl/repository/named"
	"github.com/dxctl/dxctl/repository/yamlfile"
)

// oneBuild finds tags that name one version or build, as the fact does.
var oneBuild = regexp.MustCompile(`(^|[^\d.])\d+\.\d+\.\d+([^\d]|$)|(^|[^0-9a-f])[0-9a-f]{7,64}([^0-9a-f]|$)|\d{8}|[._-]\d{2,}$`)

// restrictContainers takes the privileges of containers that do not run as root and open no low port, of images that
// have nothing but a program: they cannot need them. Their file system is read-only if the user can write nowhere in
// it; what they write to /tmp goes to a volume.
func restrictContainers(e *editor) {
	e.eachPod(func(p *pod) error {
		for _, c := range p.containers() {
			i := slices.IndexFunc(p.workload.Containers, func(one manifest.Container) bool {
				return one.Name == yamlfile.Text(splice.Field(c, "name"))
			})
			if i < 0 || strict(&p.workload.Containers[i].Security) {
				continue
			}
			s := p.workload.Containers[i].Security
			if reason := e.needsPrivileges(c, &s); reason != "" {
				e.ask(p.file, c.Line, "take the privileges of the container %s that it does not need: %s",
					p.workload.Containers[i].Name, reason)
				continue
			}
			wanted := splice.Map{
				{Key: "allowPrivilegeEscalation", Value: false},
				{Key: "capabilities", Value: splice.Map{{Key: "drop", Value: splice.List{"ALL"}}}},
			}
			unset := false
			switch reason := e.writable(); {
			case s.ReadOnlyRootFilesystem != nil:
			case reason != "":
				e.ask(p.file, c.Line, "find out which files the container %s writes, mount volumes there, and set "+
					"readOnlyRootFilesystem: true: %s", p.workload.Containers[i].Name, reason)
			default:
				unset = true
				wanted = slices.Insert(wanted, 1, splice.Pair{Key: "readOnlyRootFilesystem", Value: true})
			}
			if err := merge(p.f, c, "securityContext", after(c, "resources", "env", "ports", "image"), wanted); err != nil {
				return err
			}
			if unset {
				if err := temporary(p, c); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func strict(s *manifest.Security) bool {
	return s.AllowPrivilegeEscalation != nil && !*s.AllowPrivilegeEscalation && s.ReadOnlyRootFilesystem != nil &&
		*s.ReadOnlyRootFilesystem && s.DropsAll() && (s.Privileged == nil || !*s.Privileged)
}

// needsPrivileges returns why a container may need what would be taken; "" if it does not.
func (e *editor) needsPrivileges(c *yaml.Node, s *manifest.Security) string {
	isTrue := func(b *bool) bool { return b != nil && *b }
	switch {
	case isTrue(s.Privileged):
		return "it is privileged on purpose"
	case isTrue(s.AllowPrivilegeEscalation), len(s.Add) > 0, len(s.Drop) > 0 && !s.DropsAll():
		return "somebody chose its privileges"
	case s.ReadOnlyRootFilesystem != nil && !*s.ReadOnlyRootFilesystem:
		return "somebody allowed it to write its file system"
	}
	image := container.ParseImage(yamlfile.Text(splice.Field(c, "image"))).Name
	built := named.Built(e.Facts)
	name := strings.ToLower(path.Base(image))
	if len(built) != 1 || name != strings.ToLower(e.Entity.Name) {
		return "it is not known which Dockerfile its image is built from, and which files it writes"
	}
	user := built[0].User()
	content, _ := e.content(built[0].Path)
	switch other := isTrue(s.RunAsNonRoot) || s.RunAsUser != nil && *s.RunAsUser != 0; {
	case !other && (!user.Known || user.Value.Root):
		return "it runs as root, or its user is not known"
	case !minimal.MatchString(imageName(&built[0])):
		return "its image has more than the program, and what it starts and writes is not known"
	case writes.Match(content):
		return "its image has directories that it writes"
	}
	for _, one := range items(splice.Field(c, "ports")) {
		if n, ok := yamlfile.Int(splice.Field(one, "containerPort")); !ok || n < 1024 {
			return "it listens on a port below 1024"
		}
	}
	return ""
}

// writes finds what a Dockerfile prepares so that the program can write its files.
var writes = regexp.MustCompile(`(?im)\bchown\b|\bchmod\b|^\s*VOLUME\b|mkdir`)

// userThenDir finds a WORKDIR behind a USER in the last stage of a Dockerfile: BuildKit lets the user own it.
var userThenDir = regexp.MustCompile(`(?ims)^\s*USER\b.*^\s*WORKDIR\b`)

var from = regexp.MustCompile(`(?im)^\s*FROM\b`)

// writable returns why the user of the only image may write files outside of /tmp; "" if it cannot.
func (e *editor) writable() string {
	built := named.Built(e.Facts)[0]
	content, _ := e.content(built.Path)
	stages := from.FindAllIndex(content, -1)
	switch base := imageName(&built); {
	case base != "scratch":
		return "its base image has a home directory that the user may write"
	case len(stages) == 0 || userThenDir.Match(content[stages[len(stages)-1][0]:]):
		return "its working directory may belong to the user"
	}
	return ""
}

// temporary mounts a volume at /tmp, where programs write that cannot write anywhere else.
func temporary(p *pod, c *yaml.Node) error {
	for _, mount := range items(splice.Field(c, "volumeMounts")) {
		if yamlfile.Text(splice.Field(mount, "mountPath")) == "/tmp" {
			return nil
		}
	}
	name := "tmp"
	var volumes []string
	for _, v := range items(splice.Field(p.spec, "volumes")) {
		volumes = append(volumes, yamlfile.Text(splice.Field(v, "name")))
	}
	for n := 2; slices.Contains(volumes, name); n++ {
		name = "tmp-" + strconv.Itoa(n)
	}
	if list := splice.Field(c, "volumeMounts"); list != nil {
		if err := p.f.Append(list, splice.Map{{Key: "name", Value: name}, {Key: "mountPath", Value: "/tmp"}}); err != nil {
			return err
		}
	} else if err := p.f.Insert(c, after(c, "securityContext", "resources", "image"), "volumeMounts",
		splice.List{splice.Map{{Key: "name", Value: name}, {Key: "mountPath", Value: "/tmp"}}}); err != nil {
		return err
	}
	volume := splice.Map{{Key: "name", Value: name}, {Key: "emptyDir", Value: splice.Map{}}}
	if list := splice.Field(p.spec, "volumes"); list != nil {
		return p.f.Append(list, volume)
	}
	return p.f.Insert(p.spec, "containers", "volumes", splice.List{volume})
}

// addBudget runs a second replica of Deployments that keep no data, and adds a disruption budget.
func addBudget(e *editor) {
	e.eachPod(func(p *pod) error {
		w := &p.workload
		if !slices.Contains([]string{"Deployment", "StatefulSet", "Rollout"}, w.Kind) {
			return nil
		}
		if w.Replicas.Known && w.Replicas.Value < 2 {
			if err := e.secondReplica(p); err != nil {
				return err
			}
		}
		if w.DisruptionBudget.Known && w.DisruptionBudget.Value == "" {
			e.budget(p)
		}
		return nil
	})
}

func (e *editor) secondReplica(p *pod) error {
	w := &p.workload
	data := w.Kind == "StatefulSet"
	for _, v := range items(splice.Field(p.spec, "volumes")) {
		data = data || splice.Field(v, "persistentVolumeClaim") != nil || splice.Field(v, "hostPath") != nil
	}
	spec := splice.Field(p.object, "spec")
	replicas := splice.Field(spec, "replicas")
	n, ok := yamlfile.Int(replicas)
	switch {
	case data || yamlfile.Text(splice.Field(spec, "strategy", "type")) == "Recreate":
		e.ask(p.file, p.object.Line, "run two replicas of %s %s: it keeps data, so whether two can share it is not known",
			w.Kind, w.Name)
	case replicas == nil:
		return p.f.Insert(spec, after(spec, "selector", "minReadySeconds"), "replicas", 2)
	case ok && n == 1 && (w.Overlay == "" || w.Overlay == path.Dir(p.file)):
		return p.f.Replace(replicas, "2")
	default:
		e.ask(p.file, p.object.Line, "run two replicas of %s %s: an autoscaler or an overlay decides how many run",
			w.Kind, w.Name)
	}
	return nil
}

// budget writes a disruption budget next to the workload.
func (e *editor) budget(p *pod) {
	labels := splice.Field(p.object, "spec", "selector", "matchLabels")
	if labels == nil || len(labels.Content) == 0 {
		e.ask(p.file, p.object.Line, "add a PodDisruptionBudget for %s %s, whose selector has no labels",
			p.workload.Kind, p.workload.Name)
		return
	}
	dir := path.Dir(p.file)
	base := "pdb.yaml"
	for n := 1; e.exists(path.Join(dir, base)); n++ {
		base = fmt.Sprintf("pdb-%s.yaml", p.workload.Name)
		if n > 1 {
			base = fmt.Sprintf("pdb-%s-%d.yaml", p.workload.Name, n)
		}
	}
	name := yamlfile.Text(splice.Field(p.object, "metadata", "name"))
	selector := map[string]string{}
	for i := 0; i+1 < len(labels.Content); i += 2 {
		selector[labels.Content[i].Value] = labels.Content[i+1].Value
	}
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata:\n  name: %s\n", splice.Scalar(name))
	if namespace := yamlfile.Text(splice.Field(p.object, "metadata", "namespace")); namespace != "" {
		fmt.Fprintf(&b, "  namespace: %s\n", splice.Scalar(namespace))
	}
	b.WriteString("spec:\n  maxUnavailable: 1\n  selector:\n    matchLabels:\n")
	for _, key := range slices.Sorted(maps.Keys(selector)) {
		fmt.Fprintf(&b, "      %s: %s\n", splice.Scalar(key), splice.Scalar(selector[key]))
	}
	for _, kustomization := range []string{"kustomization.yaml", "kustomization.yml"} {
		at := path.Join(dir, kustomization)
		if !e.exists(at) {
			continue
		}
		asked := len(e.result.Asks)
		e.yaml(at, func(f *splice.File) error {
			if len(f.Docs) == 0 {
				return nil
			}
			if list := splice.Field(f.Docs[0], "resources"); list != nil {
				return f.Append(list, base)
			}
			return f.Insert(f.Docs[0], "", "resources", splice.List{base})
		})
		if len(e.result.Asks) > asked {
			return
		}
	}
	e.put(path.Join(dir, base), []byte(strings.ReplaceAll(b.String(), "\n", p.f.Newline())))
}

func (e *editor) exists(name string) bool {
	_, ok := e.content(name)
	return ok
}
