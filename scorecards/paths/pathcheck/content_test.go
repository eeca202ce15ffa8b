package pathcheck_test

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/rhysd/actionlint"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"

	"github.com/dxctl/dxctl/scorecards/paths"
)

// eachService calls a function with every service that the shipped paths create: with and without each part, as the
// paths have it, and with the defaults of an organization.
func eachService(t *testing.T, check func(t *testing.T, p *paths.Path, a paths.Answers, d paths.Defaults, tree paths.Tree)) {
	t.Helper()
	all, err := paths.Builtin()
	if err != nil || len(all) < 4 {
		t.Fatalf("%d shipped paths, %v", len(all), err)
	}
	for _, p := range all {
		samples, _ := p.Samples()
		samples["service_name"], samples["repository"] = "payment-service", "acme/payment-service"
		for _, database := range p.Supports("database") {
			for _, cache := range p.Supports("cache") {
				for name, defaults := range map[string]paths.Defaults{"plain": {}, "organization": ofOrganization} {
					a := maps.Clone(samples)
					a["database"], a["cache"] = database, cache
					t.Run(fmt.Sprintf("%s/%s/%s/%s", p.Name, database, cache, name), func(t *testing.T) {
						tree, err := p.Render(a, defaults)
						if err != nil {
							t.Fatal(err)
						}
						check(t, p, a, defaults, tree)
					})
				}
			}
		}
	}
}

// kinds are the objects that the shipped manifests may have.
var kinds = map[string]func() any{
	"apps/v1 Deployment":                 func() any { return &appsv1.Deployment{} },
	"v1 Service":                         func() any { return &corev1.Service{} },
	"v1 ServiceAccount":                  func() any { return &corev1.ServiceAccount{} },
	"policy/v1 PodDisruptionBudget":      func() any { return &policyv1.PodDisruptionBudget{} },
	"networking.k8s.io/v1 NetworkPolicy": func() any { return &networkingv1.NetworkPolicy{} },
}

// TestShippedManifestsDecode renders each environment as `kubectl apply --kustomize` does, and decodes every object
// into the type of the API, in which a field that it does not have is an error.
func TestShippedManifestsDecode(t *testing.T) {
	eachService(t, func(t *testing.T, _ *paths.Path, a paths.Answers, _ paths.Defaults, tree paths.Tree) {
		fsys := filesys.MakeFsInMemory()
		for _, f := range tree {
			if strings.HasPrefix(f.Path, "deploy/") {
				if err := fsys.WriteFile("/"+f.Path, f.Content); err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, environment := range []string{"staging", "production"} {
			rendered, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(fsys, "/deploy/overlays/"+environment)
			if err != nil {
				t.Fatal(err)
			}
			deployments := 0
			for _, object := range rendered.Resources() {
				kind := object.GetApiVersion() + " " + object.GetKind()
				text, err := object.AsYAML()
				if err != nil {
					t.Fatal(err)
				}
				if kinds[kind] == nil {
					t.Errorf("%s: no type for %s", environment, kind)
					continue
				}
				into := kinds[kind]()
				if err := yaml.UnmarshalStrict(text, into); err != nil {
					t.Errorf("%s: %s: %v", environment, kind, err)
				}
				if d, ok := into.(*appsv1.Deployment); ok {
					deployments++
					checkDeployment(t, d, a, environment)
				}
			}
			if deployments != 1 {
				t.Errorf("%s: %d deployments", environment, deployments)
			}
		}
	})
}

func checkDeployment(t *testing.T, d *appsv1.Deployment, a paths.Answers, environment string) {
	t.Helper()
	if want := a["service_name"] + "-" + environment; d.Namespace != want {
		t.Errorf("namespace %q, want %q", d.Namespace, want)
	}
	if r := d.Spec.Strategy.RollingUpdate; d.Spec.Strategy.Type != appsv1.RollingUpdateDeploymentStrategyType || r == nil ||
		r.MaxUnavailable.IntValue() != 0 {
		t.Errorf("%s: the strategy is not a rolling update that keeps all replicas: %+v", environment, d.Spec.Strategy)
	}
	c := d.Spec.Template.Spec.Containers[0]
	env := map[string]string{}
	for _, e := range c.Env {
		env[e.Name] = e.Value
	}
	if env["OTEL_SERVICE_NAME"] != a["service_name"] || env["OTEL_RESOURCE_ATTRIBUTES"] != "deployment.environment.name="+environment {
		t.Errorf("%s: the variables of traces are %v", environment, env)
	}
	if c.ReadinessProbe.HTTPGet.Path != "/readyz" || c.LivenessProbe.HTTPGet.Path != "/livez" {
		t.Errorf("%s: the probes are %v and %v", environment, c.ReadinessProbe, c.LivenessProbe)
	}
	_, database := env["DATABASE_URL"]
	_, cache := env["REDIS_URL"]
	if migrates := len(d.Spec.Template.Spec.InitContainers) == 1; database != (a["database"] != paths.None) ||
		migrates != database || cache != (a["cache"] != paths.None) {
		t.Errorf("%s: database %t, migration %t, cache %t for %v", environment, database, migrates, cache, a)
	}
}

// TestShippedWorkflowsAreValid runs actionlint on the workflows.
func TestShippedWorkflowsAreValid(t *testing.T) {
	eachService(t, func(t *testing.T, p *paths.Path, _ paths.Answers, _ paths.Defaults, tree paths.Tree) {
		pins := map[string]bool{}
		for _, a := range p.Actions {
			pins[a.Name+"@"+a.Commit+" # "+a.Tag] = true
		}
		workflows := 0
		for _, f := range tree {
			if path.Dir(f.Path) != ".github/workflows" {
				continue
			}
			workflows++
			linter, err := actionlint.NewLinter(io.Discard, &actionlint.LinterOptions{})
			if err != nil {
				t.Fatal(err)
			}
			found, err := linter.Lint(f.Path, f.Content, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range found {
				t.Error(e)
			}
			for _, m := range uses.FindAllStringSubmatch(string(f.Content), -1) {
				if !pins[m[1]+" # "+m[2]] {
					t.Errorf("%s: %s # %s is not in actions.yaml", f.Path, m[1], m[2])
				}
			}
			if n := strings.Count(string(f.Content), "uses: "); n != len(uses.FindAll(f.Content, -1)) {
				t.Errorf("%s: an action is not pinned by commit with its tag as a comment", f.Path)
			}
		}
		if workflows != 2 {
			t.Errorf("%d workflows", workflows)
		}
	})
}

var uses = regexp.MustCompile(`uses: (\S+@[0-9a-f]{40}) # (v[0-9.]+)\n`)

// TestShippedDockerfilesAreValid parses the Dockerfiles with BuildKit: every image has a digest, and the last stage
// runs as a numeric user that is not root.
func TestShippedDockerfilesAreValid(t *testing.T) {
	eachService(t, func(t *testing.T, _ *paths.Path, _ paths.Answers, _ paths.Defaults, tree paths.Tree) {
		f, ok := tree.File("Dockerfile")
		if !ok {
			t.Fatal("there is no Dockerfile")
		}
		parsed, err := parser.Parse(bytes.NewReader(f.Content))
		if err != nil {
			t.Fatal(err)
		}
		stages, _, err := instructions.Parse(parsed.AST, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range stages {
			if s.BaseName != "scratch" && !regexp.MustCompile(`@sha256:[0-9a-f]{64}$`).MatchString(s.BaseName) {
				t.Errorf("image %s has no digest", s.BaseName)
			}
		}
		user := ""
		for _, c := range stages[len(stages)-1].Commands {
			if u, ok := c.(*instructions.UserCommand); ok {
				user = u.User
			}
		}
		if user != "10001:10001" {
			t.Errorf("the container runs as %q", user)
		}
	})
}

// TestShippedPartsLeaveNothingBehind: a service without a database or a cache mentions neither, and one with it has its
// connection, its tests and a Compose file.
func TestShippedPartsLeaveNothingBehind(t *testing.T) {
	parts := []struct {
		key   string
		words *regexp.Regexp
		files []string // at least one file of each pattern, if the service has the part
	}{
		{"database", regexp.MustCompile(`(?i)postgres|DATABASE_URL|migrat|\bpgx?\b|jdbc|flyway|greetings`),
			[]string{`(?i)database|greetings\.java`, `(?i)migrat\w*\.(go|ts|py|java)|migrations\.java`, `migrations?/.*\.sql$`}},
		{"cache", regexp.MustCompile(`(?i)redis|REDIS_URL`), []string{`(?i)cache|recent\.java`}},
	}
	eachService(t, func(t *testing.T, _ *paths.Path, a paths.Answers, _ paths.Defaults, tree paths.Tree) {
		for _, part := range parts {
			for _, f := range tree {
				if a[part.key] != paths.None || path.Base(f.Path) == "go.sum" {
					continue // go.sum has checksums of what dependencies could need, too
				}
				if m := part.words.FindIndex(f.Content); m != nil {
					t.Errorf("without a %s, %s says %q", part.key, f.Path, f.Content[m[0]:m[1]])
				}
			}
			for _, pattern := range part.files {
				found := slices.ContainsFunc(tree, func(f paths.File) bool { return regexp.MustCompile(pattern).MatchString(f.Path) })
				if found != (a[part.key] != paths.None) {
					t.Errorf("%s is %s, and a file %s is there: %t", part.key, a[part.key], pattern, found)
				}
			}
		}
		_, compose := tree.File("compose.yaml")
		if needed := a["database"] != paths.None || a["cache"] != paths.None; compose != needed {
			t.Errorf("compose.yaml is there: %t, needed: %t", compose, needed)
		}
	})
}

// TestShippedDefaultsAreHonored: what the organization sets is used, everywhere, instead of the path's own.
func TestShippedDefaultsAreHonored(t *testing.T) {
	own := regexp.MustCompile(`ghcr\.io|ubuntu-latest|FROM (golang|node|python|maven|eclipse-temurin):`)
	eachService(t, func(t *testing.T, _ *paths.Path, _ paths.Answers, d paths.Defaults, tree paths.Tree) {
		var all strings.Builder
		for _, f := range tree {
			if path.Ext(f.Path) != ".md" {
				all.Write(f.Content)
			}
		}
		text := all.String()
		if reflect.ValueOf(d).IsZero() {
			for _, word := range []string{"acme.example/apps", d.PackageMirror} {
				if word != "" && strings.Contains(text, word) {
					t.Errorf("%s is in a service without defaults", word)
				}
			}
			return
		}
		if found := own.FindString(text); found != "" {
			t.Errorf("the path's own %q is used", found)
		}
		for _, want := range []string{
			d.Registry + "/payment-service", `runs-on: ["self-hosted","linux"]`, d.PackageMirror, d.CloudIdentity,
			"FROM registry.acme.example/base/",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("%q is not used", want)
			}
		}
	})
}

// TestShippedLinksLeadSomewhere: the files that alerts, objectives and documents of the service link to are there.
func TestShippedLinksLeadSomewhere(t *testing.T) {
	blob := regexp.MustCompile(`https://github\.com/acme/payment-service/(?:blob|tree)/main/([\w./-]+)`)
	relative := regexp.MustCompile(`\]\(([\w./-]+)(?:#[\w-]+)?\)`)
	eachService(t, func(t *testing.T, _ *paths.Path, _ paths.Answers, _ paths.Defaults, tree paths.Tree) {
		exists := func(name string) bool {
			return slices.ContainsFunc(tree, func(f paths.File) bool {
				return f.Path == name || strings.HasPrefix(f.Path, name+"/")
			})
		}
		links := 0
		for _, f := range tree {
			for _, m := range blob.FindAllStringSubmatch(string(f.Content), -1) {
				if links++; !exists(m[1]) {
					t.Errorf("%s links to %s, which is not there", f.Path, m[1])
				}
			}
			if path.Ext(f.Path) != ".md" {
				continue
			}
			for _, m := range relative.FindAllStringSubmatch(string(f.Content), -1) {
				if links++; !exists(path.Join(path.Dir(f.Path), m[1])) {
					t.Errorf("%s links to %s, which is not there", f.Path, m[1])
				}
			}
		}
		if links < 8 {
			t.Errorf("only %d links were found", links)
		}
	})
}

// TestShippedLockFilesNameNoRegistry, so that they work behind a mirror.
func TestShippedLockFilesNameNoRegistry(t *testing.T) {
	funding := regexp.MustCompile(`"url": "https://[^"]*"`) // where authors ask for support
	eachService(t, func(t *testing.T, _ *paths.Path, _ paths.Answers, _ paths.Defaults, tree paths.Tree) {
		for _, f := range tree {
			switch path.Base(f.Path) {
			case "package-lock.json", "requirements.txt", "requirements-dev.txt", "go.sum":
				content := funding.ReplaceAll(f.Content, nil)
				if i := bytes.Index(content, []byte("://")); i >= 0 {
					t.Errorf("%s has an address: %q", f.Path, content[max(0, i-20):min(len(content), i+40)])
				}
			}
		}
	})
}

// TestShippedPathsShareTheirActions: the commits of actions were looked up once, for all paths.
func TestShippedPathsShareTheirActions(t *testing.T) {
	all, err := paths.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all[1:] {
		if !slices.EqualFunc(all[0].Actions, p.Actions, func(a, b paths.Action) bool {
			return a.Name == b.Name && a.Tag == b.Tag && a.Commit == b.Commit
		}) {
			t.Errorf("%s and %s list other actions", all[0].Name, p.Name)
		}
	}
}
