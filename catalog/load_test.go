package catalog

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/files"
	"github.com/dxctl/dxctl/people"
)

// write lays out files below a new directory: name → content.
func write(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// component is a descriptor of a service with further lines of metadata and spec.
func component(name, metadata, spec string) string {
	return "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: " + name + "\n" + metadata +
		"spec:\n  type: service\n  lifecycle: production\n  owner: team-a\n" + spec
}

func warningsText(ws []files.Warning) string {
	lines := make([]string, 0, len(ws))
	for _, w := range ws {
		lines = append(lines, w.String())
	}
	return strings.Join(lines, "\n")
}

func refs(entities []descriptor.Entity) []string {
	var out []string
	for _, e := range entities {
		out = append(out, e.Ref)
	}
	return out
}

func TestLoadExample(t *testing.T) {
	c, warnings, err := Load(Config{Files: []string{"testdata/payment-service.yaml"}, Strict: true}, people.Config{}, ".")
	if err != nil || len(warnings) != 0 {
		t.Fatalf("err %v, warnings %v; want neither", err, warnings)
	}
	e, ok := c.Entity("component:default/payment-service")
	if !ok {
		t.Fatalf("not found among %v", refs(c.Entities()))
	}
	want := descriptor.Entity{
		Ref:         "component:default/payment-service",
		Kind:        "Component",
		Namespace:   "default",
		Name:        "payment-service",
		Description: "Handles payment processing",
		Type:        "service",
		Lifecycle:   "production",
		Owner:       "group:default/team-payments",
		System:      "system:default/checkout",
		DependsOn:   []string{"component:default/user-service", "resource:default/payments-db"},
		Annotations: map[string]string{
			"github.com/project-slug":  "myorg/payment-service",
			"pagerduty.com/service-id": "PXXXXXX",
		},
		File: "testdata/payment-service.yaml",
		Line: 1,
	}
	if diff := cmp.Diff(want, e); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if ref, ok := c.ServiceFor("github", "MyOrg/Payment-Service"); !ok || ref != want.Ref {
		t.Errorf("ServiceFor(github) = %q, %v", ref, ok)
	}
	if ref, ok := c.ServiceFor("pagerduty", "PXXXXXX"); !ok || ref != want.Ref {
		t.Errorf("ServiceFor(pagerduty) = %q, %v", ref, ok)
	}
	if got := c.OwnedBy("team-payments"); !slices.Equal(got, []string{want.Ref}) {
		t.Errorf("OwnedBy = %v", got)
	}
}

func TestLoadDescriptors(t *testing.T) {
	tests := []struct {
		name     string
		files    map[string]string
		load     []string // default: *.yaml
		refs     []string
		warnings []string // each is a part of the warning at the same place
		errors   []string // parts of the joined error
	}{
		{name: "no file matches", load: []string{"nothing/*.yaml"}, warnings: []string{"no file matches nothing/*.yaml"}},
		{name: "literal file missing", load: []string{"missing.yaml"}, errors: []string{"missing.yaml: the file cannot be " +
			"read: no such file"}},
		{name: "empty file", files: map[string]string{"a.yaml": ""}},
		{name: "only comments and marks", files: map[string]string{"a.yaml": "# hello\n---\n---\n...\n"}},
		{
			name: "several documents, byte order mark and CRLF",
			files: map[string]string{
				"a.yaml": "\ufeff---\r\n" + strings.ReplaceAll(component("a", "", ""), "\n", "\r\n") + "---\r\n" + component(
					"b",
					"",
					"",
				),
			},
			refs: []string{"component:default/a", "component:default/b"},
		},
		{
			name:   "a broken document does not lose the others",
			files:  map[string]string{"a.yaml": component("a", "", "") + "---\nkind: [\n---\n" + component("c", "", "")},
			refs:   []string{"component:default/a", "component:default/c"},
			errors: []string{"a.yaml:10: the descriptor cannot be read"},
		},
		{
			name:  "a mark within a block scalar ends the document, an indented one does not",
			files: map[string]string{"a.yaml": component("a", "  description: |\n    one\n    --- two\n", "")},
			refs:  []string{"component:default/a"},
		},
		{
			name:   "a list is no descriptor",
			files:  map[string]string{"a.yaml": "- a\n- b\n"},
			errors: []string{"a.yaml:1: the document is not a mapping"},
		},
		{
			name:     "another sort of YAML",
			files:    map[string]string{"a.yaml": "\nfoo: bar\n"},
			warnings: []string{"a.yaml:2: the document has neither apiVersion nor kind"},
		},
		{
			name:   "no kind",
			files:  map[string]string{"a.yaml": "apiVersion: backstage.io/v1alpha1\nmetadata: {name: x}\n"},
			errors: []string{"a.yaml:1: the descriptor has no kind"},
		},
		{
			name:   "no name",
			files:  map[string]string{"a.yaml": "apiVersion: backstage.io/v1alpha1\nkind: User\nspec: {memberOf: []}\n"},
			errors: []string{"a.yaml:1: the User has no metadata.name"},
		},
		{
			name: "a kind of Backstage that dxctl does not use",
			files: map[string]string{
				"a.yaml": "apiVersion: scaffolder.backstage.io/v1beta3\nkind: Template\nmetadata: {name: x}\nspec: {steps: [1]}\n",
			},
		},
		{
			name: "a Deployment of Kubernetes", files: map[string]string{"a.yaml": "apiVersion: apps/v1\nkind: " +
				"Deployment\nmetadata: {name: x}\n"},
			warnings: []string{"a.yaml:2: Deployment of apps/v1 is not a kind"},
		},
		{
			name:  "unknown fields",
			files: map[string]string{"a.yaml": component("a", "  color: red\n", "  team: x\n") + "extra: 1\n"},
			refs:  []string{"component:default/a"},
			warnings: []string{
				"a.yaml:11: field extra is not known",
				"a.yaml:5: field metadata.color is not known",
				"a.yaml:10: field spec.team is not known",
			},
		},
		{
			name: "wrong types", files: map[string]string{"a.yaml": component("a", "  tags: blue\n", "")},
			refs: []string{"component:default/a"}, warnings: []string{"a.yaml:5: metadata.tags is a text and not a list of " +
				"texts; the field is ignored"},
		},
		{
			name: "names that Backstage refuses",
			files: map[string]string{
				"a.yaml": component("a b", "  namespace: Team_A\n  tags: [Blue]\n  labels: {-x/y: z}\n", ""),
			},
			refs: []string{"component:team_a/a b"},
			warnings: []string{
				`a.yaml:4: name "a b"`,
				`a.yaml:5: namespace "Team_A"`,
				`a.yaml:6: tag "Blue"`,
				`a.yaml:7: key "-x/y" of labels`,
			},
		},
		{
			name:  "described twice",
			files: map[string]string{"a.yaml": component("a", "", ""), "b.yaml": "\n" + component("A", "", "")},
			refs:  []string{"component:default/a"},
			warnings: []string{"b.yaml:2: component:default/a is described twice; the " +
				"description at a.yaml:1 is used"},
		},
		{
			name: "orphans are left out",
			files: map[string]string{
				"a.yaml": component("a", "  annotations: {backstage.io/orphan: 'true'}\n", ""),
				"b.yaml": component("b", "", ""),
			},
			refs: []string{"component:default/b"},
		},
		{
			name:     "a ref that cannot be read",
			files:    map[string]string{"a.yaml": component("a", "", "  dependsOn:\n    - component:ok\n    - a:b:c\n")},
			refs:     []string{"component:default/a"},
			warnings: []string{`a.yaml:11: spec.dependsOn: entity ref "a:b:c"`},
		},
		{
			name: "JSON with tabs and surrogates", load: []string{"a.json"},
			files: map[string]string{"a.json": "{\n\t\"apiVersion\": \"backstage.io/v1alpha1\",\n\t\"kind\": " +
				"\"Component\",\n\t\"metadata\": {\"name\": \"a\", \"title\": \"\\ud83d\\ude00\\/x\"},\n\t\"spec\": {\"type\": " +
				"\"service\", \"lifecycle\": \"x\", \"owner\": \"y\"}\n}\n"},
			refs: []string{"component:default/a"},
		},
		{
			name:   "not UTF-8",
			files:  map[string]string{"a.yaml": "kind: x\nname: \xff\n"},
			errors: []string{"a.yaml:2: the descriptor cannot be read: it is not UTF-8"},
		},
		{
			name: "all kinds", files: map[string]string{"a.yaml": strings.Join([]string{
				component("a", "", ""),
				kind("API", "b", "type: openapi, lifecycle: production, owner: x, definition: {$text: "+
					"./x.json}"),
				kind("System", "c", "owner: x, domain: d"),
				kind("Domain", "d", "owner: x"),
				kind("Group", "e", "type: team, children: [f], members: [u], profile: {displayName: E}"),
				kind("User", "u", "memberOf: [e]"),
				kind("Resource", "r", "type: database, owner: x, dependencyOf: [component:a]"),
			}, "---\n")},
			refs: []string{
				"api:default/b",
				"component:default/a",
				"domain:default/d",
				"group:default/e",
				"resource:default/r",
				"system:default/c",
				"user:default/u",
			},
		},
		{
			name: "double star and braces", load: []string{"{x,y}/**/c.{yaml,yml}"},
			files: map[string]string{
				"x/c.yaml":                component("a", "", ""),
				"x/1/2/c.yml":             component("b", "", ""),
				"y/c.yaml":                component("c", "", ""),
				"z/c.yaml":                component("d", "", ""),
				"x/.git/c.yaml":           component("e", "", ""),
				"x/1/node_modules/c.yaml": component("f", "", ""),
				"x/other.yaml":            component("g", "", ""),
			},
			refs: []string{"component:default/a", "component:default/b", "component:default/c"},
		},
		{
			name: "a character class and an escape", load: []string{"[xy]/c.yaml", "\\{z\\}/*.yaml", "x/.git/*.yaml"},
			files: map[string]string{
				"x/c.yaml": component("a", "", ""), "y/c.yaml": component("b", "", ""), "{z}/c.yaml": component("c", "", ""),
				"w/c.yaml": component("d", "", ""), "x/.git/c.yaml": component("e", "", ""),
			},
			refs: []string{"component:default/a", "component:default/b", "component:default/c", "component:default/e"},
		},
		{
			name:  "a file named twice is read once",
			load:  []string{"a.yaml", "*.yaml"},
			files: map[string]string{"a.yaml": component("a", "", "")},
			refs:  []string{"component:default/a"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := write(t, tt.files)
			load := tt.load
			if load == nil {
				load = []string{"*.yaml"}
			}
			c, warnings, err := Load(Config{Files: load, Strict: true}, people.Config{}, dir)
			if got := refs(c.Entities()); !slices.Equal(got, tt.refs) {
				t.Errorf("entities %v, want %v", got, tt.refs)
			}
			checkWarnings(t, warnings, tt.warnings)
			checkErrors(t, err, tt.errors)
		})
	}
}

func kind(kind, name, spec string) string {
	return "apiVersion: backstage.io/v1alpha1\nkind: " + kind + "\nmetadata: {name: " + name + "}\nspec: {" + spec + "}\n"
}

func checkWarnings(t *testing.T, got []files.Warning, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d warnings, want %d:\n%s", len(got), len(want), warningsText(got))
	}
	for i, part := range want {
		if !strings.Contains(got[i].String(), part) {
			t.Errorf("warning %d is %q, want it to hold %q", i, got[i], part)
		}
	}
}

func checkErrors(t *testing.T, err error, want []string) {
	t.Helper()
	if len(want) == 0 {
		if err != nil {
			t.Errorf("error %v, want none", err)
		}
		return
	}
	if err == nil {
		t.Fatalf("no error, want %q", want)
	}
	if lines := strings.Split(err.Error(), "\n"); len(lines) != len(want) {
		t.Errorf("%d errors, want %d:\n%v", len(lines), len(want), err)
	}
	for _, part := range want {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not hold %q", err, part)
		}
	}
}

func TestLocations(t *testing.T) {
	location := func(spec string) string {
		return "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: {name: all}\nspec: {" + spec + "}\n"
	}
	tests := []struct {
		name     string
		files    map[string]string
		refs     []string
		warnings []string
		errors   []string
	}{
		{
			name: "targets are relative to the file that names them",
			files: map[string]string{
				"root.yaml":     location("targets: [./sub/more.yaml]"),
				"sub/more.yaml": location("type: file, target: 'c:d.yaml'"),
				"sub/c:d.yaml":  component("a", "", ""),
			},
			refs: []string{"component:default/a"},
		},
		{
			name: "globs and file: addresses",
			files: map[string]string{
				"root.yaml":  location("targets: ['./s/**/c.yaml', 'file:./b.yaml']"),
				"s/1/c.yaml": component("a", "", ""),
				"b.yaml":     component("b", "", ""),
			},
			refs: []string{"component:default/a", "component:default/b"},
		},
		{
			name: "a cycle",
			files: map[string]string{
				"root.yaml": location("target: ./b.yaml"),
				"b.yaml":    location("target: ./root.yaml") + "---\n" + component("a", "", ""),
			},
			refs:     []string{"component:default/a"},
			warnings: []string{"b.yaml:1: target ./root.yaml is not read again"},
		},
		{
			name: "above the base", files: map[string]string{"root.yaml": location("target: ../../x.yaml")},
			warnings: []string{"root.yaml:1: target ../../x.yaml is not read: it lies outside"},
		},
		{
			name:     "an address",
			files:    map[string]string{"root.yaml": location("type: url, target: 'https://github.com/a/b/blob/main/c.yaml'")},
			warnings: []string{"dxctl reads local files only"},
		},
		{
			name:   "missing",
			files:  map[string]string{"root.yaml": location("target: ./x.yaml")},
			errors: []string{"root.yaml:1: target ./x.yaml cannot be read"},
		},
		{
			name:  "missing but optional",
			files: map[string]string{"root.yaml": location("target: ./x.yaml, presence: optional")},
		},
		{
			name:   "no target",
			files:  map[string]string{"root.yaml": location("type: file")},
			errors: []string{"root.yaml:1: the Location has no spec.target"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, warnings, err := Load(Config{Files: []string{"root.yaml"}, Strict: true}, people.Config{}, write(t, tt.files))
			if got := refs(c.Entities()); !slices.Equal(got, tt.refs) {
				t.Errorf("entities %v, want %v", got, tt.refs)
			}
			checkWarnings(t, warnings, tt.warnings)
			checkErrors(t, err, tt.errors)
		})
	}
}

func TestLocationThroughSymlinkOutside(t *testing.T) {
	outside := write(t, map[string]string{"secret.yaml": component("secret", "", "")})
	dir := write(t, map[string]string{"root.yaml": "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: " +
		"{name: l}\nspec: {target: ./link.yaml}\n"})
	if err := os.Symlink(filepath.Join(outside, "secret.yaml"), filepath.Join(dir, "link.yaml")); err != nil {
		t.Fatal(err)
	}
	c, warnings, err := Load(Config{Files: []string{"root.yaml"}, Strict: true}, people.Config{}, dir)
	checkErrors(t, err, nil)
	checkWarnings(t, warnings, []string{"it lies outside"})
	if len(c.Entities()) != 0 {
		t.Errorf("entities %v, want none", refs(c.Entities()))
	}
}

func TestServicesAndCreatedAt(t *testing.T) {
	dir := write(t, map[string]string{"a.yaml": strings.Join([]string{
		component("svc", "  annotations: {dxctl.dev/created-at: 2026-03-31}\n", ""),
		component("exact", "  annotations: {dxctl.dev/created-at: '2026-03-31T09:00:00+02:00'}\n", ""),
		component("odd", "  annotations:\n    dxctl.dev/created-at: soon\n", ""),
		strings.Replace(component("lib", "", ""), "type: service", "type: library", 1),
		strings.Replace(component("site", "", ""), "type: service", "type: website", 1),
	}, "---\n")})
	c, warnings, err := Load(Config{Files: []string{"a.yaml"}, Strict: true}, people.Config{}, dir)
	checkErrors(t, err, nil)
	checkWarnings(t, warnings, []string{`a.yaml:26: annotation dxctl.dev/created-at: "soon" is not a date`})
	if got, want := refs(c.Services()), []string{
		"component:default/exact",
		"component:default/odd",
		"component:default/site",
		"component:default/svc",
	}; !slices.Equal(got, want) {
		t.Errorf("services %v, want %v", got, want)
	}
	for ref, want := range map[string]time.Time{
		"svc": time.Date(2026, 3, 31, 0, 0, 0, 0, time.UTC), "exact": time.Date(2026, 3, 31, 7, 0, 0, 0, time.UTC), "odd": {},
	} {
		if e, _ := c.Entity(ref); !e.CreatedAt.Equal(want) {
			t.Errorf("%s was created at %v, want %v", ref, e.CreatedAt, want)
		}
	}
}

// BenchmarkLoad reads a thousand services, each in a document of one file.
func BenchmarkLoad(b *testing.B) {
	var all strings.Builder
	for i := range 1000 {
		name := "service-" + strconv.Itoa(i)
		all.WriteString(component(name, "  annotations: {github.com/project-slug: o/"+name+"}\n", "  system: shop\n"))
		all.WriteString("---\n")
	}
	dir := write(b, map[string]string{"all.yaml": all.String()})
	for b.Loop() {
		c, _, err := Load(Config{Files: []string{"all.yaml"}, Strict: true}, people.Config{}, dir)
		if err != nil || len(c.Services()) != 1000 {
			b.Fatal(err)
		}
	}
}

// Nothing that cannot be read keeps the rest from being read.
func TestOneBadObjectDoesNotBlockItsNeighbors(t *testing.T) {
	dir := write(t, map[string]string{
		"a.yaml":        component("a", "", "") + "---\nkind: [\n---\n" + component("c", "", ""),
		"b.yaml":        "kind: x\nname: \xff\n",
		"closed/d.yaml": component("d", "", ""),
		"e.yaml":        component("e", "", ""),
		"l.yaml":        "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: {name: l}\nspec: {targets: [./gone.yaml, ./e.yaml]}\n",
		"people.csv":    "person,start_date\nana,2026-01-02\nbo,soon\ncy,2026-01-03\n",
		"broken.csv":    "team\nx\n",
		"rules.yaml":    "bots: {logins: [x], patterns: ['*', 'y-*']}\nsame: 7\n",
	})
	if err := os.Chmod(filepath.Join(dir, "closed"), 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(filepath.Join(dir, "closed"), 0o755) })
	c, warnings, err := Load(
		Config{Files: []string{"missing.yaml", ".", "**/*.yaml"}},
		people.Config{Files: []string{"*.csv", "none.csv"}, Rules: "rules.yaml"},
		dir,
	)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"component:default/a", "component:default/c", "component:default/e"}
	lost := []string{
		"missing.yaml: the file cannot be read: no such file",
		".: the file cannot be read: it is a directory",
		"a.yaml:10: the descriptor cannot be read",
		"b.yaml:2: the descriptor cannot be read: it is not UTF-8",
		"l.yaml:1: target ./gone.yaml cannot be read",
		"broken.csv:1: the header \"team\" has no column person",
		"people.csv:3: start_date \"soon\" is not a date",
		"none.csv: the file cannot be read",
		"rules.yaml:1: pattern \"*\"",
		"rules.yaml:2: same is a number and not a list",
	}
	if os.Geteuid() == 0 {
		want = slices.Insert(want, 2, "component:default/d") // nothing is closed to root
	} else {
		lost = append(lost, "closed: the directory cannot be read: permission denied")
	}
	if got := refs(c.Entities()); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	var ids []string
	for _, p := range c.People().All() {
		ids = append(ids, p.ID+" "+p.StartedOn().Format(time.DateOnly))
	}
	if !slices.Equal(ids, []string{"ana 2026-01-02", "cy 2026-01-03"}) {
		t.Errorf("people %v", ids)
	}
	if !c.People().Whose("github", "x").Bot || c.People().BotPattern("github", "y-1") == "" {
		t.Error("the valid rules are not obeyed")
	}
	var told []string
	for _, w := range c.Lost() {
		told = append(told, w.String())
	}
	if len(told) != len(lost) || len(warnings) < len(told) {
		t.Errorf("%d lost, want %d", len(told), len(lost))
	}
	for _, part := range lost {
		if !strings.Contains(strings.Join(told, "\n"), part) {
			t.Errorf("%q is not said:\n%s", part, strings.Join(told, "\n"))
		}
	}
}
