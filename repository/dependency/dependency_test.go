package dependency

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/dxctl/dxctl/repository/tree"
)

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

func TestLocks(t *testing.T) {
	const npm = `{"dependencies": {"a": "1"}}`
	for _, tc := range []struct {
		name  string
		files map[string]string
		want  string // needs a lock file, and which it has
	}{
		{"go.mod", map[string]string{"go.mod": "module x\nrequire a v1\n", "go.sum": ""}, "true go.sum"},
		{"go.mod without requirements", map[string]string{"go.mod": "module x\n\ngo 1.26\n"}, "false "},
		{"go.mod without go.sum", map[string]string{"go.mod": "module x\nrequire (\n\ta v1.0.0\n)\n"}, "true "},
		{"the go.sum of another module", map[string]string{"a/go.mod": "module x\nrequire a v1\n", "go.sum": ""}, "true "},
		{"package.json", map[string]string{"package.json": npm, "pnpm-lock.yaml": ""}, "true pnpm-lock.yaml"},
		{"workspace", map[string]string{"apps/a/package.json": npm, "yarn.lock": ""}, "true yarn.lock"},
		{"no dependencies", map[string]string{"package.json": `{"name": "x", "dependencies": {}}`}, "false "},
		{"broken", map[string]string{"package.json": `{`}, "unknown: package.json is not valid JSON: unexpected end of JSON input"},
		{"requirements pinned", map[string]string{"requirements.txt": "# x\na==1.0 ; python_version > '3'\nb[x]==2 \\\n  --hash=sha256:x\n-r other.txt\n"}, "false "},
		{"requirements open", map[string]string{"requirements-dev.txt": "a>=1\n"}, "true "},
		{"requirements of any patch", map[string]string{"requirements.txt": "a==1.*\n"}, "true "},
		{"pip-compile", map[string]string{"a/requirements.in": "a\n", "a/requirements.txt": "", "go.sum": ""}, "true a/requirements.txt"},
		{"pyproject", map[string]string{"pyproject.toml": "[project]\ndependencies = [\n 'a']\n", "uv.lock": ""}, "true uv.lock"},
		{"pyproject of tools", map[string]string{"pyproject.toml": "[tool.black]\nline-length = 100\n"}, "false "},
		{"poetry", map[string]string{"pyproject.toml": "[tool.poetry.dependencies]\npython = '3'\na = '1'\n"}, "true "},
		{"cargo", map[string]string{"Cargo.toml": "[dependencies]\na = '1'\n"}, "true "},
		{"bundler", map[string]string{"Gemfile": "gem 'a'\n", "Gemfile.lock": ""}, "true Gemfile.lock"},
		{"maven", map[string]string{"pom.xml": ""}, "false "},
		{"gradle", map[string]string{"build.gradle.kts": ""}, "false "},
		{"a deeply nested JSON", map[string]string{"package.json": strings.Repeat(`{"a":`, 100_000)}, "unknown: package.json is not valid JSON: invalid character '{' exceeded max depth"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := read(t, tc.files)
			if len(s.Manifests) == 0 {
				t.Fatalf("%+v", s.Manifests)
			}
			m := s.Manifests[0]
			got := fmt.Sprint(m.NeedsLock.Value, " ", m.Lock.Value)
			if !m.NeedsLock.Known {
				got = m.NeedsLock.String()
			}
			if unknown := strings.HasPrefix(tc.want, "unknown"); got != tc.want && (!unknown || !strings.HasPrefix(got, tc.want)) {
				t.Errorf("%s, want %s", got, tc.want)
			}
		})
	}
}

func TestUpdated(t *testing.T) {
	manifests := map[string]string{
		"go.mod": "", "web/package.json": "{}", "web/app/package.json": "{}", "package-lock.json": "", "api/Dockerfile": "",
		".github/workflows/ci.yml": "", ".github/workflows/release.yml": "", "examples/x/go.mod": "",
	}
	for _, tc := range []struct{ name, file, text, want string }{
		{"nothing", "x", "", "none"},
		{"Dependabot", ".github/dependabot.yml", "updates:\n- {package-ecosystem: gomod, directory: /}\n- {package-ecosystem: github-actions, directory: /}\n", "github-actions go.mod"},
		{"lists", ".github/dependabot.yaml", "updates:\n- {package-ecosystem: npm, directories: [/web/**]}\n- {package-ecosystem: docker, directories: ['**/*']}\n", "docker web/app/package.json web/package.json"},
		{"a directory that is not that of the manifest", ".github/dependabot.yml", "updates:\n- {package-ecosystem: docker, directory: /}\n", "none"},
		{"workspace", ".github/dependabot.yml", "updates:\n- {package-ecosystem: npm, directory: /}\n", "web/app/package.json web/package.json"},
		{"security only", ".github/dependabot.yml", "updates:\n- {package-ecosystem: gomod, directory: /, open-pull-requests-limit: 0}\n", "none"},
		{"broken", ".github/dependabot.yml", "updates: [", "unknown"},
		{"Renovate", "renovate.json", `{"extends": ["config:recommended"]}`, "all"},
		{"JSON5", ".github/renovate.json5", "{\n // x\n extends: ['config:base',],\n enabledManagers: ['gomod'],\n}", "go.mod"},
		{"not one", "renovate.json", `{"gomod": {"enabled": false}, "ignorePaths": ["web/**"]}`, "docker github-actions"},
		{"off", ".renovaterc", `{"enabled": false}`, "none"},
		{"package.json", "package.json", `{"renovate": {"enabledManagers": ["dockerfile"]}}`, "docker"},
		{"package.json without it", "package.json", `{}`, "none"},
		{"broken Renovate", "renovate.json", `{`, "unknown"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			files := map[string]string{tc.file: tc.text}
			for name, text := range manifests {
				files[name] = text
			}
			s := read(t, files)
			var got []string
			all, unknown := true, true
			for _, m := range s.Manifests {
				if m.Path == "package.json" {
					continue
				}
				v := s.Updated(m)
				unknown = unknown && !v.Known
				if all = all && v.Value; !v.Value {
					continue
				}
				name := m.Path
				if m.Ecosystem == "docker" || m.Ecosystem == "github-actions" {
					name = string(m.Ecosystem)
				}
				got = append(got, name)
			}
			text := "none"
			switch {
			case unknown:
				text = "unknown"
			case all:
				text = "all"
			case len(got) > 0:
				text = strings.Join(sorted(got), " ")
			}
			if text != tc.want {
				t.Errorf("%s, want %s", text, tc.want)
			}
		})
	}
}

// TestModules has a build of several modules, of which Dependabot is told the root.
func TestModules(t *testing.T) {
	for ecosystem, want := range map[string]bool{"maven": true, "gradle": false} {
		s := read(t, map[string]string{"core/pom.xml": "", ".github/dependabot.yml": "updates:\n- {package-ecosystem: " + ecosystem + ", directory: /}\n"})
		if got := s.Updated(s.Manifests[0]); got.Value != want || !got.Known {
			t.Errorf("%s: %v", ecosystem, got)
		}
	}
}

func TestParseJSON5(t *testing.T) {
	got, err := ParseJSON5("\ufeff// c\n{a: 1, 'b': [true, null, .5, 0x10,], /* c */ \"c\": 'it\\'s \\u00e9 \\ud83d\\ude00 \\x41 a\\\nb', $d: {}, e: +1}\n// end")
	want := map[string]any{"a": 1.0, "b": []any{true, nil, .5, 16.0}, "c": "it's é 😀 A ab", "$d": map[string]any{}, "e": 1.0}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%#v, %v", got, err)
	}
	for text, want := range map[string]string{
		"": "a value is expected", "{": "a key and a colon", "[1 2]": "a comma or ]", "{a:1 b:2}": "a comma or }", "{} x": "more after",
		"'a": "not closed", "'a\nb'": "not closed", "\n\nxyz": `line 3: "xyz" is not a value`, `"\u12"`: "not closed", `"\u12xx"`: "not an escaped",
		strings.Repeat("[", 100_000): "nested deeper", "{:1}": "", "/*": "a value is expected", `"\`: "not closed",
	} {
		if _, err := ParseJSON5(text); want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%.20q: %v, want %q", text, err, want)
		}
	}
}

func FuzzReadDependencies(f *testing.F) {
	for _, seed := range []string{
		`{"dependencies": {"a": 1}}`, "updates: [{package-ecosystem: npm, directories: ['/**/*']}]", "[project]\ndependencies = []",
		"{a: [1,], // x\n 'b': '\\u12'}", "a==1 --hash=x\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s := read(t, map[string]string{
			"package.json": text, "renovate.json5": text, ".github/dependabot.yml": text, "requirements.txt": text, "pyproject.toml": text,
			"go.mod": text, "Cargo.toml": text,
		})
		for _, m := range s.Manifests {
			s.Updated(m)
		}
	})
}

func sorted(texts []string) []string {
	slices.Sort(texts)
	return texts
}

// TestOf looks up names with and without wildcards.
func TestOf(t *testing.T) {
	for name, want := range map[string]Ecosystem{
		"go.mod": "gomod", "a/requirements-dev.txt": "pip", "requirements.in": "pip", "requirements.md": "", "a/b.csproj": "nuget",
		"Dockerfile.web": "docker", "web.Dockerfile": "docker", "web.Dockerfile.dockerignore": "", "a/Dockerfile.tt": "", "Dockerfile.j2": "", "docker/dockerfile": "docker",
		"docker/debian-base.dockerfile": "docker", "requirements-dev.in": "pip", "Dockerfile": "docker",
		"docker-compose.test.yaml": "docker-compose", "compose.yml": "docker-compose", "composer.json": "composer",
		".github/workflows/ci.yml": "github-actions", ".github/workflows/README.md": "", "a/main.go": "", "csproj": "",
	} {
		if got := Of(name); got != want {
			t.Errorf("%s is of %q, not %q", name, got, want)
		}
	}
}
