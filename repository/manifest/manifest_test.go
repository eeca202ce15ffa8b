package manifest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/dxctl/dxctl/repository/tree"
)

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: prod}
spec:
  replicas: 3
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api, tier: web}}
    spec:
      securityContext: {runAsNonRoot: true}
      initContainers: [{name: init, image: busybox}]
      containers:
        - name: api
          image: ghcr.io/acme/api:1.2
          resources:
            requests: {cpu: 100m, memory: 64Mi}
            limits: {memory: 128Mi}
          readinessProbe: {httpGet: {path: /ready, port: 8080}}
          livenessProbe: {httpGet: {path: /live, port: 8080}}
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: {drop: [all]}
          env:
            - {name: OTEL_SERVICE_NAME, value: api}
            - {name: POD, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
          envFrom: [{configMapRef: {name: settings}}]
        - name: side
          image: ${IMAGE}
`

const budget = `apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: api-pdb}
spec: {minAvailable: 1, selector: {matchExpressions: [{key: app, operator: In, values: [api]}]}}
`

func read(t testing.TB, files map[string]string) Set {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	tr, err := tree.List(context.Background(), fsys, tree.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return Read(tr)
}

func TestWorkload(t *testing.T) {
	s := read(t, map[string]string{
		"deploy/app.yaml": "# comment\n---\n" + deployment + "---\n" + budget,
		"deploy/hpa.yml": "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: x}\n" +
			"spec: {minReplicas: 2, maxReplicas: 9, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: api}}\n",
		"deploy/service.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: api, labels: {s: api}}\nspec: {selector: {app: api}}\n",
		"deploy/monitor.yaml": "apiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\nmetadata: {name: m}\n" +
			"spec: {selector: {matchLabels: {s: api}}, endpoints: [{port: http}]}\n",
	})
	if len(s.Workloads) != 1 || len(s.Unreadable)+len(s.Unrendered) != 0 {
		t.Fatalf("%+v", s)
	}
	w := s.Workloads[0]
	got := fmt.Sprint(w.Kind, " ", w.Namespace, "/", w.Name, " ", w.At, " replicas ", w.Replicas, " budget ", w.DisruptionBudget.Value,
		" scraped by ", w.Scraped.Value)
	want := "Deployment prod/api deploy/app.yaml:3 replicas 2 (deploy/hpa.yml:1) budget api-pdb scraped by ServiceMonitor m"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	c := w.Containers[0]
	got = fmt.Sprint(c.Name, " ", c.At.Line, " ", c.Image.Value.Tag, " ", c.Requests, c.Limits, c.Readiness, c.Liveness, c.SameProbe,
		*c.Security.AllowPrivilegeEscalation, *c.Security.RunAsNonRoot, c.Security.DropsAll(), " ", c.Env[0].Value.Value, " ", c.Env[1].Value.Known, c.EnvFrom)
	want = "api 15 1.2 map[cpu:100m memory:64Mi] map[memory:128Mi] true true false false true true api false [settings]"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if c.Variable("OTEL_SERVICE_NAME").Value != "api" || c.Variable("X").Known || !w.Containers[1].Variable("X").Known {
		t.Error(c.Variable("OTEL_SERVICE_NAME"), c.Variable("X"), w.Containers[1].Variable("X"))
	}
	if side := w.Containers[1]; side.Image.Known || len(side.Requests) != 0 || side.Readiness || side.At.Line != 30 {
		t.Errorf("%+v", side)
	}
}

func TestAbsent(t *testing.T) {
	s := read(t, map[string]string{"a.yaml": deployment, "b.yaml": strings.ReplaceAll(budget, "[api]", "[other]")})
	if w := s.Workloads[0]; !w.DisruptionBudget.Known || w.DisruptionBudget.Value != "" || w.Replicas.Value != 3 || w.Scraped.Value != "" {
		t.Errorf("%+v", w)
	}
	s = read(t, map[string]string{"a.yaml": deployment, "b.yaml": "x: y\n---\n" + strings.Replace(budget, "minAvailable", "minAvailible", 1)})
	if w := s.Workloads[0]; w.DisruptionBudget.Known || len(s.Unreadable) != 1 || s.Unreadable[0].At.Line != 3 {
		t.Errorf("%+v", s)
	}
}

// TestUnknown has manifests of which nothing is known, each next to a good one.
func TestUnknown(t *testing.T) {
	laughs := "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for i := range 7 {
		laughs += fmt.Sprintf("%c: &%c [%s*%c]\n", 'b'+i, 'b'+i, strings.Repeat(fmt.Sprintf("*%c,", 'a'+i), 9), 'a'+i)
	}
	for _, tc := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"misspelled field", map[string]string{"x.yaml": strings.Replace(deployment, "replicas", "replicsa", 1)}, `x.yaml:1: Deployment: unknown field "spec.replicsa"`},
		{"wrong type", map[string]string{"x.yaml": strings.Replace(deployment, "replicas: 3", "replicas: lots", 1)}, "x.yaml:1: Deployment:"},
		{"placeholder", map[string]string{"x.yaml": strings.Replace(deployment, "replicas: 3", "replicas: ${N}", 1)}, "x.yaml:1: Deployment:"},
		{"no YAML", map[string]string{"x.yaml": "apiVersion: v1\nkind: [\n"}, "x.yaml:"},
		{"a template", map[string]string{"x.yaml": "apiVersion: v1\n{{- if .X }}\nkind: Pod\n{{ end }}\n"}, "x.yaml:2: it is a template, which is not rendered"},
		{"a chart", map[string]string{"c/Chart.yaml": "name: x", "c/templates/x.yaml": deployment}, "c/Chart.yaml: a Helm chart is not rendered; commit or push the rendered manifest"},
		{"many laughs", map[string]string{"x.yaml": "apiVersion: v1\n" + laughs}, "x.yaml: its YAML has more than 500000 nodes, aliases expanded"},
		{"alias to itself", map[string]string{"x.yaml": "apiVersion: v1\nkind: Pod\nspec: &a {x: *a}\n"}, "x.yaml: a YAML alias refers to a part that contains it"},
		{"a template that is YAML", map[string]string{"x.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: x, labels: {{ x }}}\n"}, "x.yaml:1: it is a template"},
		{"no name", map[string]string{"x.yaml": "apiVersion: v1\nkind: Pod\n"}, "x.yaml:1: Pod: it has no name"},
		{"too large", map[string]string{"x.yaml": deployment + "# " + strings.Repeat("x", 1<<20)}, "x.yaml: x.yaml is larger than 1 MB"},
		{"binary", map[string]string{"x.yaml": "apiVersion: v1\x00"}, "x.yaml: x.yaml is binary"},
		{"a budget of a version that is no longer served", map[string]string{"x.yaml": "apiVersion: v1\nkind: Pod\nmetadata: []\n"}, "x.yaml:1: Pod:"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.files["good.yaml"] = deployment
			s := read(t, tc.files)
			if len(s.Workloads) != 1 {
				t.Errorf("%d workloads", len(s.Workloads))
			}
			problems := slices.Concat(s.Unreadable, s.Unrendered)
			if len(problems) != 1 || !strings.HasPrefix(problems[0].String(), tc.want) {
				t.Errorf("%q, want %q", problems, tc.want)
			}
		})
	}
	s := read(t, map[string]string{
		"vendor/x.yaml": deployment, "a/testdata/x.yaml": deployment, "examples/x.yaml": deployment, ".github/x.yaml": deployment,
		"values.yaml": "kind: x\n", "crd.yaml": "apiVersion: x/v1\nkind: Strange\nspec: {a: [}", "x.yaml": "apiVersion: x/v1\nkind: Strange\nspec: 1\n",
	})
	if len(s.Workloads) != 0 || len(s.Unreadable) != 1 {
		t.Errorf("%+v", s)
	}
}

func TestOverlays(t *testing.T) {
	files := map[string]string{
		"base/kustomization.yaml": "resources: [app.yaml]\ncommonLabels: {team: x}\n",
		"base/app.yaml":           deployment,
		"overlays/prod/kustomization.yml": `
bases: [../../base]
resources: [pdb.yaml]
images: [{name: ghcr.io/acme/api, newTag: "9.9"}]
replicas: [{name: api, count: 5}]
patchesStrategicMerge:
  - patch.yaml
  - |
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: api, namespace: prod}
    spec: {template: {metadata: {annotations: {prometheus.io/scrape: "true"}}}}
configMapGenerator: [{name: settings, files: [x=settings.txt], envs: [a.env]}]
`,
		"overlays/prod/pdb.yaml":     budget,
		"overlays/prod/settings.txt": "{{ x }}",
		"overlays/prod/a.env":        "A=1",
		"overlays/prod/patch.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api, namespace: prod}\n" +
			"spec: {template: {spec: {containers: [{name: side, resources: {limits: {memory: 1Gi}}}]}}}\n",
		"overlays/dev/Kustomization": "resources: [../../base]\nnamePrefix: dev-\ncomponents: [../../part]\n",
		"part/kustomization.yaml":    "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnamespace: dev\n",
	}
	s := read(t, files)
	if len(s.Workloads) != 2 || len(s.Unrendered)+len(s.Unreadable) != 0 {
		t.Fatalf("%+v", s)
	}
	var got []string
	for _, w := range s.Workloads {
		slices.SortFunc(w.Containers, func(a, b Container) int { return strings.Compare(a.Name, b.Name) }) // a patch moves its own to the front
		got = append(got, fmt.Sprint(w.Overlay, " ", w.At, " ", w.Namespace, "/", w.Name, " ", w.Replicas.Value, " ", w.Containers[0].Image.Value.Tag,
			" ", w.DisruptionBudget.Value, " ", w.Containers[1].Limits["memory"], " ", w.Scraped.Value, " ", w.Labels["team"]))
	}
	want := []string{
		"overlays/dev overlays/dev/Kustomization dev/dev-api 3 1.2    x",
		"overlays/prod overlays/prod/kustomization.yml prod/api 5 9.9 api-pdb 1Gi annotation prometheus.io/scrape x",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestHostileOverlays has what Kustomize itself would download, clone, run or follow.
func TestHostileOverlays(t *testing.T) {
	for content, want := range map[string]string{
		"resources: ['https://example.com/x.yaml']":                                        "is remote",
		"resources: ['HTTPS://example.com/x.yaml']":                                        "is remote",
		"resources: ['github.com/acme/base?ref=v1']":                                       "is remote",
		"resources: ['github.com/acme/base']":                                              "is remote",
		"resources: ['GitHub.com/acme/base']":                                              "is remote",
		"resources: ['git@github.com:acme/base']":                                          "is remote",
		"resources: ['git::https://x/y']":                                                  "is remote",
		"resources: ['x.git//y']":                                                          "is remote",
		"bases: ['ssh://x/y']":                                                             "is remote",
		"components: ['file:///etc']":                                                      "is remote",
		"crds: ['http://x/y']":                                                             "is remote",
		"configurations: ['http://x/y']":                                                   "is remote",
		"patches: [{path: 'http://x/y'}]":                                                  "is remote",
		"patchesStrategicMerge: ['http://x/y']":                                            "is remote",
		"patchesJson6902: [{path: 'http://x/y', target: {kind: A, name: b, version: v1}}]": "is remote",
		"replacements: [{path: 'http://x/y'}]":                                             "is remote",
		"configMapGenerator: [{name: x, files: ['a=http://x/y']}]":                         "is remote",
		"configMapGenerator: [{name: x, env: 'http://x/y'}]":                               "is remote",
		"secretGenerator: [{name: x, envs: ['http://x/y']}]":                               "is remote",
		"resources: [../../../etc/passwd]":                                                 "is outside the repository",
		"resources: [/etc/passwd]":                                                         "is an absolute path",
		"resources: [missing.yaml]":                                                        "is neither a file nor a kustomization",
		"configMapGenerator: [{name: x, files: [missing]}]":                                "is not a file of the repository",
		"resources: [.]":                                                                   "is based on itself",
		"helmCharts: [{name: x, repo: 'https://x'}]":                                       "Helm chart",
		"helmChartInflationGenerator: [{chartName: x}]":                                    "Helm chart",
		"generators: [app.yaml]":                                                           "plugins",
		"transformers: [app.yaml]":                                                         "plugins",
		"validators: [app.yaml]":                                                           "plugins",
		"openapi: {path: app.yaml}":                                                        "OpenAPI",
		"vars: [{name: X, objref: {kind: A, name: b, apiVersion: v1}}]":                    "uses vars",
		"resuorces: [app.yaml]":                                                            "not a valid kustomization",
		"resources: {a: b}":                                                                "not a valid kustomization",
		"resources: [broken.yaml]":                                                         "kustomize does not render it",
		"a: &a {b: *a}":                                                                    "contains it",
	} {
		s := read(t, map[string]string{"k/kustomization.yaml": content, "k/app.yaml": deployment, "k/broken.yaml": "kind: [", "good.yaml": deployment})
		if len(s.Unrendered) != 1 || !strings.Contains(s.Unrendered[0].Reason, want) {
			t.Errorf("%s: %v, want %q", content, s.Unrendered, want)
		}
		if len(s.Workloads) == 0 {
			t.Errorf("%s: the good manifest is lost", content)
		}
	}
	// Patches times objects are bounded.
	many := map[string]string{
		"k/kustomization.yaml": "resources: [app.yaml]\npatches:\n" + strings.Repeat("- patch: '[{\"op\": \"remove\", \"path\": \"/x\"}]'\n  target: {kind: X}\n", 500),
		"k/app.yaml":           strings.Repeat(deployment+"---\n", 400), "good.yaml": deployment,
	}
	if s := read(t, many); len(s.Workloads) != 1 || len(s.Unrendered) != 1 || !strings.Contains(s.Unrendered[0].Reason, "too many objects") {
		t.Errorf("%v", s.Unrendered)
	}
	// A patch is never taken for a manifest, whatever is wrong with the kustomization.
	for _, content := range []string{
		"resources: ['https://x/y']\npatches: [{path: patch.yaml}]", "strange: 1\npatchesStrategicMerge: [patch.yaml]", "patches: [", "\xff",
		"helmCharts: [{name: x}]\npatches: [{path: ./patch.yaml}]",
	} {
		s := read(t, map[string]string{"k/kustomization.yaml": content, "k/patch.yaml": deployment, "good.yaml": deployment})
		if len(s.Unrendered) != 1 || len(s.Workloads) != 1 || s.Workloads[0].At.Path != "good.yaml" {
			t.Errorf("%s: %+v", content, s)
		}
	}
	// Two bases per level double the work.
	files := map[string]string{"l20/kustomization.yaml": "resources: [app.yaml]", "l20/app.yaml": deployment}
	for i := range 20 {
		for _, side := range []string{"a", "b"} {
			files[fmt.Sprintf("l%d/%s/kustomization.yaml", i, side)] = fmt.Sprintf("namePrefix: %s\nresources: [../../l%d%s]\n", side, i+1, map[bool]string{true: ""}[i == 19])
		}
		files[fmt.Sprintf("l%d/kustomization.yaml", i)] = "resources: [a, b]\n"
	}
	s := read(t, files)
	if len(s.Unrendered) != 1 || !strings.Contains(s.Unrendered[0].Reason, "more than 300") {
		t.Errorf("%v", s.Unrendered)
	}
}

func FuzzReadManifest(f *testing.F) {
	f.Add(deployment, "resources: [app.yaml]\n")
	f.Add(budget, "patches: [{path: app.yaml}]\n")
	f.Add("kind: List\napiVersion: v1\nitems: [{apiVersion: v1, kind: Pod}]", "resources: ['https://x/y']\n")
	f.Add("apiVersion: &a v1\nkind: *a", "namePrefix: x\nresources: [app.yaml]\nimages: [{name: a, newTag: b}]\n")
	f.Fuzz(func(t *testing.T, app, kustomization string) {
		read(t, map[string]string{"app.yaml": app, "o/kustomization.yaml": kustomization, "o/app.yaml": app})
	})
}

// TestNoWorkload has manifests that look like workloads and run nowhere: patches, samples, and earlier releases.
func TestNoWorkload(t *testing.T) {
	patch := "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\nspec: {template: {spec: {containers: " +
		"[{name: api, env: [{name: A, value: b}]}]}}}\n"
	sidecar := strings.Replace(patch, "name: api, env", "name: proxy, image: proxy:1, env", 1)
	s := read(t, map[string]string{
		"config/default/env_patch.yaml": patch, "config/default/proxy_patch.yaml": sidecar, "config/default/proxy.yaml": sidecar,
		"config/default/kustomization.yaml": "resources: [api.yaml]\n", "config/default/api.yaml": deployment,
		"configsamples/api.yaml": deployment, "deploy/api-samples/api.yaml": deployment,
		"releases/api-1.2.3.yaml": deployment, "releases/v1.2.3/api.yaml": deployment,
	})
	if len(s.Workloads) != 1 || s.Workloads[0].Overlay != "config/default" || len(s.Unreadable)+len(s.Unrendered) != 0 {
		t.Errorf("%+v", s)
	}
	s = read(t, map[string]string{"releases/production/api.yaml": deployment, "releases/api.yaml": deployment, "api.yaml": sidecar})
	if len(s.Workloads) != 3 {
		t.Errorf("%+v", s)
	}
}
