package named

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/repository"
	"github.com/dxctl/dxctl/repository/fact"
	"github.com/dxctl/dxctl/repository/pathlock"
	"github.com/dxctl/dxctl/repository/tree"
	"github.com/dxctl/dxctl/repository/waiver"
)

func read(t *testing.T, files map[string]string, limits tree.Limits) *repository.Facts {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	f, err := repository.Read(context.Background(), fsys, repository.Options{Limits: limits})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// show returns a fact as "value", or as "? reason".
func show(f event.Fact) string {
	if f.Error != "" {
		return "? " + f.Error
	}
	var list []string
	if json.Unmarshal(f.Value, &list) == nil && list != nil {
		return "[" + strings.Join(list, " | ") + "]"
	}
	var text string
	if json.Unmarshal(f.Value, &text) == nil {
		return text
	}
	return string(f.Value)
}

func of(t *testing.T, f *repository.Facts, name string) event.Fact {
	t.Helper()
	facts := Of(f, Options{Resolve: func(owner string) fact.Value[bool] {
		if owner == "@gone" {
			return fact.Known(false, fact.Location{})
		}
		return fact.Unknown[bool](fact.Location{}, "the host was not asked whether %s exists", owner)
	}})
	i := slices.IndexFunc(facts, func(f event.Fact) bool { return f.Name == name })
	if i < 0 {
		t.Fatalf("no fact %s", name)
	}
	return facts[i]
}

type sources = map[string]string // of files, by path

const waived = "apiVersion: dxctl.dev/v1\nkind: Waivers\nwaivers:\n  - {rule: r, path: ., reason: planned, note: n, by: b, until: 2027-01-31}\n"

// locked is a lock file with two managed files, one of another mode, and one that is declined.
var (
	locked = "apiVersion: dxctl.dev/v1\nkind: GoldenPathLock\npath: {name: go-service, version: 1.2.0, source: builtin, digest: " +
		pathlock.Hash(nil) + "}\nfiles:\n  a.txt: {mode: managed, hash: " + pathlock.Hash([]byte("a")) + "}\n  b.txt: {mode: managed, hash: " +
		pathlock.Hash([]byte("b\n")) + "}\n  c.txt: {mode: merge, hash: " + pathlock.Hash(nil) + "}\n  d.txt: {mode: managed, hash: " +
		pathlock.Hash(nil) + "}\ndeclined: [{file: d.txt, reason: n, by: b, until: 2027-01-31}]\n"
	onlyDeclines = "apiVersion: dxctl.dev/v1\nkind: GoldenPathLock\ndeclined:\n  - {rule: r, reason: n, by: b, until: 2027-01-31}\n" +
		"  - {all: true, reason: m, by: b, until: 2027-03-01}\n"
)

const (
	deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: %d\n  selector: {matchLabels: {app: web}}\n" +
		"  template:\n    metadata: {labels: {app: web}%s}\n    spec:\n      containers:\n        - {name: web, image: '%s'%s}\n"
	budget  = "---\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: web}\nspec: {minAvailable: 1, selector: {matchLabels: {app: web}}}\n"
	complet = ", resources: {requests: {cpu: 1}, limits: {memory: 1Gi}}, readinessProbe: {httpGet: {path: /ready, port: 80}}, livenessProbe: {httpGet: {path: /live, port: 80}}, " +
		"securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}, env: [{name: OTEL_SERVICE_NAME, value: web}]"
	bare  = ", securityContext: {privileged: true}"
	probe = ", readinessProbe: {httpGet: {path: /x, port: 80}}, livenessProbe: {httpGet: {path: /x, port: 80}}"
)

func TestFacts(t *testing.T) {
	broken := "\xff"
	good := sources{"k8s/web.yaml": fmt.Sprintf(deployment, 2, ", annotations: {prometheus.io/scrape: 'true'}", "acme/web:1.2.3", complet) + budget}
	bad := sources{"k8s/web.yaml": fmt.Sprintf(deployment, 1, "", "acme/web:latest", bare)}
	chart := sources{"chart/Chart.yaml": "name: web\n"}
	chartReason := "? chart/Chart.yaml: a Helm chart is not rendered; commit or push the rendered manifest"
	workflow := func(text string) sources { return sources{".github/workflows/a.yml": text} }
	badWorkflow := sources{".github/workflows/a.yml": "on: [\n"}
	// partly is a file system of which the listing is not complete.
	partly := sources{"a/b/c/d/e": ""}
	partial := "? directory a/b is deeper than 1 levels"
	tested := map[string]bool{}
	for name, cases := range map[string][]struct {
		files sources
		want  string
	}{
		"repository.files.readme":             {{sources{"README.md": "x"}, "true"}, {sources{"README.md": broken}, "true"}, {sources{"a": ""}, "false"}, {partly, partial}},
		"repository.files.codeowners":         {{sources{".github/CODEOWNERS": "* @a"}, "true"}, {sources{"a": ""}, "false"}, {partly, partial}},
		"repository.files.ci_workflow":        {{sources{"Jenkinsfile": ""}, "true"}, {sources{"a": ""}, "false"}, {partly, partial}},
		"repository.files.dockerfile":         {{sources{"Dockerfile": "broken"}, "true"}, {sources{"tests/Dockerfile": ""}, "false"}, {partly, partial}},
		"repository.files.catalog_info":       {{sources{"catalog-info.yaml": "kind: x"}, "true"}, {sources{"a": ""}, "false"}, {partly, partial}},
		"repository.files.license":            {{sources{"LICENSE": "x"}, "true"}, {sources{"a": ""}, "false"}, {partly, partial}},
		"repository.files.dependency_updates": {{sources{".github/dependabot.yml": "a: ["}, "true"}, {sources{"renovate.json": "{}"}, "true"}, {sources{"package.json": "{}"}, "false"}, {sources{"package.json": "{"}, "? package.json: line 1"}, {partly, partial}},
		"repository.files.tests":              {{sources{"a_test.go": ""}, "true"}, {sources{"vendor/a_test.go": ""}, "false"}, {sources{"Cargo.toml": "", "a.rs": "x"}, "? tests of Rust"}, {partly, partial}},
		"repository.files.security_policy":    {{sources{"SECURITY.md": "x"}, "true"}, {sources{"a": ""}, "false"}, {partly, partial}},
		"repository.files.agents":             {{sources{"AGENTS.md": "x"}, "true"}, {sources{"CLAUDE.md": "x", "sub/AGENTS.md": ""}, "false"}, {partly, partial}},
		"repository.files.pull_request_template": {
			{sources{".github/PULL_REQUEST_TEMPLATE/a.md": "x"}, "true"}, {sources{"a": ""}, "false"}, {partly, partial},
		},
		"repository.files.contributing": {{sources{"CONTRIBUTING.rst": "x"}, "true"}, {sources{"a": ""}, "false"}, {partly, partial}},

		"repository.codeowners.default_owners": {
			{sources{"CODEOWNERS": "* @a @b\n/x @c\n"}, "[@a | @b]"}, {sources{"a": ""}, "[]"}, {sources{"CODEOWNERS": broken}, "? CODEOWNERS is not UTF-8 text"},
		},
		"repository.codeowners.owners":        {{sources{"CODEOWNERS": "* @b @a\n/x @a\n"}, "[@a | @b]"}, {sources{"a": ""}, "[]"}, {partly, partial}},
		"repository.codeowners.invalid_lines": {{sources{"CODEOWNERS": "* x\n"}, "[CODEOWNERS:1: x is not an owner; write"}, {sources{"a": ""}, "[]"}, {partly, partial}},
		"repository.codeowners.uncovered": {
			{sources{"CODEOWNERS": "/a @a\n", "a/x": "", "b": ""}, "[CODEOWNERS: no rule of CODEOWNERS names an owner | b: no rule"},
			{sources{"CODEOWNERS": "* @a\n"}, "[]"}, {sources{"b": ""}, "? there is no CODEOWNERS file"}, {partly, partial},
		},
		"repository.codeowners.dead_patterns": {
			{sources{"CODEOWNERS": "* @a\n/b @b\n"}, "[CODEOWNERS:2: the pattern /b matches no file]"}, {sources{"CODEOWNERS": "* @a\n"}, "[]"}, {sources{"b": ""}, "? there is no"},
		},
		"repository.codeowners.unresolved_owners": {
			{sources{"CODEOWNERS": "* @gone @a\n"}, "[@gone]"}, {sources{"CODEOWNERS": "* @a\n"}, "? the host was not asked whether @a exists"}, {sources{"CODEOWNERS": "*\n"}, "[]"}, {sources{"b": ""}, "? there is no CODEOWNERS file"},
		},
		"repository.descriptor.problems": {
			{sources{"catalog-info.yaml": "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: a b\n"}, "[catalog-info.yaml:"},
			{sources{"catalog-info.yaml": "a: [\n"}, "[catalog-info.yaml:"},
			{sources{"catalog-info.yaml": "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: a}\nspec: {type: service, lifecycle: production, owner: b, own: c}\n"}, "[]"},
			{sources{"catalog-info.yaml": "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: a}\nspec: {type: service, lifecycle: production, owner: b}\n"}, "[]"},
			{sources{"b": ""}, "? there is no catalog-info.yaml"},
		},

		"repository.dependencies.ecosystems": {{sources{"go.mod": "", "a/package.json": ""}, "[gomod | npm]"}, {sources{"a": ""}, "[]"}, {partly, partial}},
		"repository.dependencies.without_updates": {
			{sources{"go.mod": "require a/b v1.0.0\n", "a/package.json": "{}"}, "[go.mod: neither Dependabot nor Renovate is configured for gomod here]"},
			{sources{"go.mod": "require a/b v1.0.0\n", ".github/dependabot.yml": "updates: [{package-ecosystem: gomod, directory: /}]"}, "[]"},
			{sources{"go.mod": "require a/b v1.0.0\n", ".github/dependabot.yml": "a: ["}, "? .github/dependabot.yml: line 1"},
			{sources{"package.json": "{", "renovate.json": "{}"}, "[]"}, {partly, partial},
			{sources{"Dockerfile": "FROM a", "Dockerfile.dev": "FROM a", "compose.yaml": "", ".devcontainer/devcontainer.json": ""}, "[Dockerfile: neither Dependabot nor Renovate is configured for docker here]"},
		},
		"repository.dependencies.without_lock_file": {
			{sources{"package.json": `{"dependencies": {"a": "1"}}`}, "[package.json: no lock file of npm is committed]"},
			{sources{"package.json": `{"dependencies": {"a": "1"}}`, "yarn.lock": ""}, "[]"}, {sources{"package.json": "{"}, "? package.json is not valid JSON"},
		},

		"repository.workflows.count": {{workflow("jobs: {}"), "1"}, {badWorkflow, "1"}, {sources{"a": ""}, "0"}, {partly, partial}},
		"repository.workflows.broad_permissions": {
			{workflow("on: push\npermissions: write-all\njobs: {a: {permissions: write-all}}"), "[.github/workflows/a.yml:2: the workflow may write everything | .github/workflows/a.yml:3: the job a may write everything]"},
			{workflow("permissions: {contents: write}\njobs: {a: {}, b: {}}"), "[.github/workflows/a.yml:1: all jobs of the workflow may write contents; give it to the job that needs it]"},
			{workflow("permissions: {contents: write}\njobs: {a: {}}"), "[]"},
			{workflow("permissions: read-all\njobs: {a: {permissions: {contents: write}}, b: {}}"), "[]"},
			{badWorkflow, "? .github/workflows/a.yml: line 1"},
		},
		"repository.workflows.undeclared_permissions": {
			{workflow("jobs: {a: {}}"), "[.github/workflows/a.yml: it declares no permissions"}, {workflow("jobs: {a: {permissions: {}}}"), "[]"}, {badWorkflow, "? .github"},
		},
		"repository.workflows.unpinned_actions": {
			{workflow("jobs:\n  a:\n    steps:\n      - uses: a/b@v1\n      - uses: ./x\n      - uses: docker://a:1\n"), "[.github/workflows/a.yml:4: a/b@v1 is not pinned to a commit | .github/workflows/a.yml:6: docker://a:1 is not"},
			{workflow("jobs: {a: {uses: slsa-framework/slsa-github-generator/.github/workflows/x.yml@v2.0.0}}"), "[]"},
			{sources{"x/action.yml": "runs: {using: composite, steps: [{uses: a/b@v1}]}"}, "[x/action.yml:1: a/b@v1 is not pinned to a commit]"},
			{workflow("jobs: {a: {steps: [{uses: a/b@" + strings.Repeat("0", 40) + "}]}}"), "[]"}, {badWorkflow, "? .github"},
		},
		"repository.workflows.injections": {
			{workflow("jobs: {a: {steps: [{run: 'echo ${{ github.head_ref }}'}]}}"), "[.github/workflows/a.yml:1: the script contains ${{ github.head_ref }}, which anybody can choose]"},
			{workflow("jobs: {a: {steps: [{run: 'echo ${{ github.sha }}'}]}}"), "[]"}, {badWorkflow, "? .github"},
		},
		"repository.workflows.untrusted_checkouts": {
			{workflow("on: pull_request_target\njobs: {a: {steps: [{uses: actions/checkout@v4, with: {ref: '${{ github.head_ref }}'}}]}}"), "[.github/workflows/a.yml:2: it checks out"},
			{workflow("on: pull_request\njobs: {}"), "[]"}, {badWorkflow, "? .github"},
			{workflow("on: {pull_request: {}, pull_request_target: {types: [labeled]}}\njobs: {a: {if: \"github.event_name == 'push' || (github.event_name == 'pull_request_target' && github.event.label.name == 'ok-to-test')\", steps: [{uses: actions/checkout@v4, with: {ref: '${{ github.event.pull_request.head.sha }}'}}]}}"), "[]"},
			{workflow("on: {pull_request_target: {types: [labeled, synchronize]}}\njobs: {a: {if: \"github.event.label.name == 'ok-to-test'\", steps: [{uses: actions/checkout@v4, with: {ref: '${{ github.head_ref }}'}}]}}"), "[.github/workflows/a.yml:2: it checks out"},
			{workflow("on: {pull_request_target: {types: [labeled]}}\njobs: {a: {if: \"github.event.label.name == 'ok-to-test' || true\", steps: [{uses: actions/checkout@v4, with: {ref: '${{ github.head_ref }}'}}]}}"), "[.github/workflows/a.yml:2: it checks out"},
			{workflow("on: pull_request_target\njobs: {a: {if: \"github.event.pull_request.user.login == 'dependabot[bot]'\", steps: [{uses: actions/checkout@v4, with: {ref: '${{ github.head_ref }}'}}]}}"), "[]"},
			{workflow("on: pull_request_target\njobs: {a: {if: \"github.actor == 'dependabot[bot]'\", steps: [{uses: actions/checkout@v4, with: {ref: '${{ github.head_ref }}'}}]}}"), "[.github/workflows/a.yml:2: it checks out"},
			{workflow("on: pull_request_target\njobs: {a: {steps: [{if: github.event.pull_request.head.repo.full_name == github.repository || true, uses: actions/checkout@v4, with: {ref: '${{ github.head_ref }}'}}]}}"), "[.github/workflows/a.yml:2: it checks out"},
		},
		"repository.workflows.without_timeout": {
			{workflow("jobs: {a: {steps: []}, b: {timeout-minutes: 5}, c: {uses: ./x}}"), "[.github/workflows/a.yml:1: the job a has no timeout-minutes]"},
			{workflow("jobs: {b: {timeout-minutes: '${{ inputs.x }}'}}"), "[]"}, {badWorkflow, "? .github"},
		},
		"repository.workflows.without_concurrency": {
			{workflow("on: pull_request\njobs: {a: {}}"), "[.github/workflows/a.yml:1: the workflow has no concurrency group"},
			{workflow("on: push\njobs: {a: {environment: prod}}"), "[.github/workflows/a.yml:2: the job a deploys to prod without a concurrency group]"},
			{workflow("on: pull_request\nconcurrency: x\njobs: {a: {}}"), "[]"}, {workflow("on: push\njobs: {a: {}}"), "[]"}, {badWorkflow, "? .github"},
		},
		"repository.ci.systems": {{sources{".gitlab-ci.yml": "", "Jenkinsfile": "", ".github/workflows/a.yml": ""}, "[github-actions | gitlab-ci | jenkins]"}, {sources{"a": ""}, "[]"}, {partly, partial}},
		"repository.ci.tests_on_pull_requests": {
			{workflow("on: pull_request\njobs: {a: {steps: [{run: go test ./...}]}}"), "true"},
			{sources{".github/workflows/a.yml": "on: push\njobs: {a: {uses: ./.github/workflows/b.yml}}", ".github/workflows/b.yml": "on: workflow_call\njobs: {a: {steps: [{uses: ./x}]}}", "x/action.yml": "runs: {using: composite, steps: [{run: pytest}]}"}, "true"},
			{sources{".gitlab-ci.yml": "a: {script: [npm test]}"}, "true"}, {sources{".circleci/config.yml": "jobs: {build: {steps: [{run: go test ./...}]}}"}, "true"},
			{sources{"a": ""}, "false"}, {workflow("on: {push: {branches: [main]}}\njobs: {a: {steps: [{run: go test ./...}]}}"), "false"},
			{workflow("on: pull_request\njobs: {a: {steps: [{uses: actions/labeler@v5}]}}"), "false"},
			{workflow("on: pull_request\njobs: {a: {uses: x/y/.github/workflows/z.yml@v1}}"), "? .github/workflows/a.yml:2 calls x/y/.github/workflows/z.yml@v1, which is not in the repository"},
			{workflow("on: pull_request\njobs: {a: {steps: [{run: ./do}]}}"), "? no command is recognized as one that runs tests; the first one that could is at .github/workflows/a.yml:2"},
			{sources{"Jenkinsfile": ""}, "? no step of Jenkinsfile is recognized as one that runs tests"}, {badWorkflow, "? .github"},
			{sources{"Jenkinsfile": "pipeline {\n  stages {\n    stage('Test') {\n      when { changeRequest() }\n      steps { sh 'mvn -B verify' }\n"}, "true"},
			{sources{"Jenkinsfile": "@Library('acme') _\nnode {\n  sh(script: 'make test', returnStdout: true)\n}"}, "? Jenkinsfile:3: tests run there; whether the job is built for pull requests is known to Jenkins"},
			{sources{"Jenkinsfile": "@Library('acme') _\nacmePipeline()"}, "? Jenkinsfile:1: it calls what is not in the file"},
			{sources{"Jenkinsfile": "// sh 'make test'\n/* changeRequest() */\nnode { echo \"sh 'make test'\" }"}, "? no step of Jenkinsfile"},
		},
		"repository.release.count": {
			{workflow("name: Release\non: workflow_dispatch\njobs: {a: {steps: [{run: node extra/release/publish-images.mjs}]}}"), "1"},
			{workflow("name: Docs\non: workflow_dispatch\njobs: {a: {steps: [{run: node extra/release/publish-images.mjs}]}}"), "0"},
			{workflow("on: {push: {tags: [v*]}}\njobs: {a: {steps: [{run: goreleaser release}]}}"), "1"},
			{workflow("on: release\njobs: {a: {steps: [{uses: docker/build-push-action@v6, with: {push: true}}]}}"), "1"},
			{workflow("on: {push: {tags: [v*]}}\njobs: {a: {steps: [{uses: docker/build-push-action@v6, with: {outputs: 'type=image,push=true'}}]}}"), "1"},
			{sources{
				".github/workflows/a.yml": "on: release\njobs: {a: {uses: ./.github/workflows/b.yml}}",
				".github/workflows/b.yml": "on: workflow_call\njobs: {a: {steps: [{run: docker push acme/pay}]}}",
			}, "1"},
			{workflow("on: push\njobs: {a: {steps: [{uses: docker/build-push-action@v6, with: {push: true}}, {run: goreleaser release --snapshot}]}}"), "0"}, {badWorkflow, "? .github"},
		},
		"repository.release.without_sbom": {
			{sources{
				".github/workflows/a.yml": "on: {push: {tags: [v*]}}\njobs: {a: {steps: [{run: gh release create v1}]}}",
				".github/workflows/b.yml": "on: {release: {types: [published]}}\njobs:\n  a:\n    steps:\n      - run: |\n          gh release upload v1 \\\n            target/bom.json\n",
			}, "[]"},
			{workflow("on: {push: {tags: [v*]}}\njobs: {a: {steps: [{run: tools/make_release 1}]}}"), "? .github/workflows/a.yml:2: the script that releases is not read"},
			{workflow("on: {push: {tags: [v*]}}\njobs: {a: {steps: [{uses: docker/bake-action@v6, with: {set: '*.output=type=registry'}}]}}"), "[.github/workflows/a.yml: it releases without"},
			{workflow("on: push\njobs: {a: {steps: [{run: npm publish}]}}"), "[.github/workflows/a.yml: it releases without a software bill of materials]"},
			{sources{".goreleaser.yml": "builds: []\nsboms:\n  - artifacts: archive\n", ".github/workflows/a.yml": "jobs: {a: {steps: [{run: goreleaser release}]}}"}, "[]"},
			{workflow("jobs: {a: {steps: [{run: npm publish}, {uses: anchore/sbom-action@v0}]}}"), "[]"}, {badWorkflow, "? .github"},
		},
		"repository.release.without_provenance": {
			{workflow("jobs: {a: {steps: [{run: npm publish}]}}"), "[.github/workflows/a.yml: it releases without an attestation of its build]"},
			{workflow("jobs: {a: {steps: [{run: npm publish --provenance}]}}"), "[]"}, {workflow("jobs: {a: {steps: [{run: npm publish}]}, b: {uses: x/y/z.yml@v1}}"), "? .github/workflows/a.yml:1 calls"},
		},

		"repository.security_policy.private_contact": {
			{sources{"SECURITY.md": "mail security@example.com"}, "true"}, {sources{"SECURITY.md": "open an issue"}, "false"}, {sources{"a": ""}, "false"}, {sources{"SECURITY.md": broken}, "? SECURITY.md"},
		},
		"repository.license":        {{sources{"LICENSE": "Business Source License 1.1\n\nLicensor: Acme. All rights reserved.\n"}, "BUSL-1.1"}, {sources{"LICENSE": "All rights reserved."}, "proprietary"}, {sources{"LICENSE": "Do as you like."}, "unrecognized"}, {sources{"a": ""}, ""}, {sources{"LICENSE": broken}, "? LICENSE"}},
		"repository.readme.missing": {{sources{"README.md": "# X\n[Install](https://a.example/install) it.\n", "CONTRIBUTING.md": "```sh\nmake test\n```\n"}, "[contact | description]"}, {sources{"README.md": "# X\n## Usage\n", "CONTRIBUTING.md": broken}, "[contact | description]"}, {sources{"README.md": "# X\n\n```sh\ngo test ./...\n```\n"}, "[contact | description]"}, {sources{"a": ""}, "[contact | description | run | test]"}, {sources{"README.md": "# X\n" + strings.Repeat("word ", 20) + "\n## Running\n## Tests\n## Contact\n"}, "[]"}, {sources{"README.md": broken}, "? README.md"}},
		"repository.agents.missing": {
			{sources{"AGENTS.md": "# Build\n\nRun `make test`.\n"}, "[style]"}, {sources{"AGENTS.md": "# Build\n# Tests\n# Style\n"}, "[]"},
			{sources{"a": ""}, "[build | style | test]"}, {sources{"AGENTS.md": broken}, "? AGENTS.md"},
		},
		"repository.agents.vendor_files_apart": {
			{sources{"CLAUDE.md": "Use tabs.", "CONVENTIONS.md": "x"}, "[CLAUDE.md: its instructions are not in AGENTS.md"}, {sources{"AGENTS.md": "x", "CLAUDE.md": "@AGENTS.md\n"}, "[]"}, {partly, partial},
		},
		"repository.development.command": {{sources{"src/Shop.AppHost/Shop.AppHost.csproj": ""}, "dotnet run --project src/Shop.AppHost/Shop.AppHost.csproj"}, {sources{"compose.yaml": ""}, "docker compose up"}, {sources{"Makefile": "dev:\n\tx\n"}, "make dev"}, {sources{"a": ""}, ""}, {sources{"package.json": "{"}, "? package.json:"}},

		"repository.containers.count": {{sources{"Dockerfile": "FROM a", "Dockerfile.base": "FROM a", "packaging/debian/Dockerfile": "FROM a", "docker/debian/Dockerfile": "FROM a", "docker/test-images/x/Dockerfile": "FROM a"}, "2"}, {sources{"Dockerfile": "FROM a", "Dockerfile.dev": "FROM a", "b/Dockerfile": "x"}, "2"}, {sources{"a": ""}, "0"}, {partly, partial},
			{sources{"src/Api/Api.csproj": "<Project Sdk=\"Microsoft.NET.Sdk.Web\">\n<PropertyGroup>\n<ContainerRepository>acme/api</ContainerRepository>"}, "? src/Api/Api.csproj:3: the .NET SDK builds a container, and what it starts from and its user are in no Dockerfile"},
			{workflow("jobs: {a: {steps: [{run: 'dotnet publish src/Api -c Release /t:PublishContainer'}]}}"), "? .github/workflows/a.yml:1: the .NET SDK builds a container"},
			{sources{".gitlab-ci.yml": "a: {script: [./gradlew bootBuildImage]}"}, "? .gitlab-ci.yml:1: Cloud Native Buildpacks builds a container"},
			{sources{"Jenkinsfile": "node {\n  sh \"mvn -B jib:build -Dtag=${env.TAG}\"\n}"}, "? Jenkinsfile:2: Jib builds a container"},
			{sources{"pom.xml": "<project>\n<plugin><artifactId>jib-maven-plugin</artifactId></plugin></project>"}, "? pom.xml:2: Jib builds a container"},
			{sources{"skaffold.yaml": "build: {artifacts: [{image: pay, buildpacks: {builder: x}}]}"}, "? skaffold.yaml:1: Cloud Native Buildpacks builds a container"},
			{sources{"skaffold.yaml": "build: {artifacts: [{image: pay}]}", "Dockerfile": "FROM a", ".ko.yaml": ""}, "1"},
			{sources{"docker/local-postgres/Dockerfile": "FROM a", "docker/pubsub-emulator/Dockerfile": "FROM a", "Dockerfile.slim.build": "FROM a", "local-delivery/Dockerfile": "FROM a", "build/Dockerfile": "FROM a"}, "2"},
			{sources{"Api.csproj": "<EnableSdkContainerSupport>false</EnableSdkContainerSupport>"}, "0"}},
		"repository.containers.root_users": {
			{sources{"Dockerfile": "FROM alpine\nCMD x\n", "k8s/a.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec:\n  selector: {matchLabels: {a: b}}\n  template:\n    metadata: {labels: {a: b}}\n    spec:\n      securityContext: {runAsUser: 1000}\n      containers: [{name: a, image: a:1}]\n"}, "[]"},
			{sources{"Dockerfile": "FROM alpine\nCMD x\n", "k8s/a.yaml": strings.Replace("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec:\n  selector: {matchLabels: {a: b}}\n  template:\n    metadata: {labels: {a: b}}\n    spec:\n      securityContext: {runAsUser: 1000}\n      containers: [{name: a, image: a:1}]\n", "1000", "0", 1)}, "[Dockerfile:1: the container runs as root]"},
			{sources{"Dockerfile": "FROM alpine\nCMD x\n", "b/Dockerfile": "FROM x\nUSER 0\n"}, "[Dockerfile:1: the container runs as root | b/Dockerfile:2: the container runs as root (user 0)]"},
			{sources{"Dockerfile": "FROM alpine\nUSER app\n"}, "[]"}, {sources{"Dockerfile": "FROM scratch\nCOPY a b\n"}, "[]"}, {sources{"Dockerfile": "FROM alpine\nRUN apk add su-exec\n"}, "[]"}, {sources{"Dockerfile": "x"}, "? Dockerfile: it is not"},
		},
		"repository.containers.ambiguous_users": {
			{sources{"Dockerfile": "FROM acme/base:1\nCMD x\n"}, "[Dockerfile:1: there is no USER, so the image acme/base:1 decides, which is not read]"},
			{sources{"Dockerfile": "FROM alpine\nRUN apk add su-exec\n"}, "[Dockerfile:2: it starts as root, and its entry point"}, {sources{"Dockerfile": "FROM x\nUSER app\n"}, "[]"}, {sources{"Dockerfile": "x"}, "? Dockerfile"},
		},
		"repository.containers.latest_bases": {
			{sources{"Dockerfile": "ARG V=\"latest\"\nFROM alpine:${V}\n"}, "[Dockerfile:2: the base image alpine:latest has no version]"},
			{sources{"Dockerfile": "FROM alpine\n"}, "[Dockerfile:1: the base image alpine has no version]"}, {sources{"Dockerfile": "FROM alpine:3\n"}, "[]"}, {sources{"Dockerfile": "ARG A\nFROM $A\n"}, "? Dockerfile:2: the base image is unknown"},
		},
		"repository.containers.bases_without_digest": {
			{sources{"Dockerfile": "FROM alpine:3\n"}, "[Dockerfile:1: the base image alpine:3 has no digest]"}, {sources{"Dockerfile": "FROM a@sha256:" + strings.Repeat("0", 64) + "\n"}, "[]"}, {sources{"Dockerfile": "x"}, "? Dockerfile"},
		},

		"repository.workloads.count": {{good, "1"}, {sources{"a": ""}, "0"}, {sources{"Dockerfile": "FROM a"}, "? Dockerfile builds a container, and no manifest in this repository runs it"}, {chart, chartReason}, {sources{"k8s/dev/w.yaml": bad["k8s/web.yaml"], "k8s/prod/w.yaml": good["k8s/web.yaml"]}, "1"},
			{sources{"dev/w.yaml": bad["k8s/web.yaml"], "local/kind/w.yaml": bad["k8s/web.yaml"]}, "0"}, {sources{"deploy/dev/w.yaml": bad["k8s/web.yaml"]}, "1"},
			{sources{"dev-env/w.yaml": bad["k8s/web.yaml"], "features/w.yaml": bad["k8s/web.yaml"], "features/a.feature": ""}, "0"}, {sources{"features/w.yaml": bad["k8s/web.yaml"]}, "1"}},
		"repository.workloads.without_resources": {{bad, "[k8s/web.yaml:11: container web of Deployment web has no request for cpu, no request for memory, no limit of memory]"}, {good, "[]"}, {chart, chartReason}},
		"repository.workloads.without_probes":    {{bad, "[k8s/web.yaml:1: Deployment web has no readiness and no liveness probe]"}, {good, "[]"}, {chart, chartReason}},
		"repository.workloads.equal_probes": {
			{sources{"k8s/web.yaml": fmt.Sprintf(deployment, 1, "", "a", probe)}, "[k8s/web.yaml:11: the readiness and liveness probes of container web of Deployment web ask the same]"}, {good, "[]"}, {chart, chartReason},
		},
		"repository.workloads.single_replica":            {{bad, "[k8s/web.yaml:1: Deployment web has 1 replicas]"}, {good, "[]"}, {chart, chartReason}},
		"repository.workloads.without_disruption_budget": {{bad, "[k8s/web.yaml:1: no PodDisruptionBudget selects the pods of Deployment web]"}, {good, "[]"}, {chart, chartReason}},
		"repository.workloads.weak_security_context": {
			{bad, "[k8s/web.yaml:11: container web of Deployment web is privileged, may gain privileges, may write its root file system, keeps capabilities]"}, {good, "[]"}, {chart, chartReason},
		},
		"repository.workloads.mutable_images": {{bad, "[k8s/web.yaml:11: the image acme/web:latest of container web of Deployment web can change]"}, {good, "[]"}, {sources{"k8s/web.yaml": fmt.Sprintf(deployment, 1, "", "$IMAGE", "")}, "? k8s/web.yaml:11: the image is the placeholder"},
			{sources{"k8s/web.yaml": fmt.Sprintf(deployment, 1, "", "{IMAGE}", "")}, "? k8s/web.yaml:11: the image is the placeholder"},
			{sources{"k8s/web.yaml": strings.Replace(fmt.Sprintf(deployment, 1, "", "x", ""), "'x'", "{$IMAGE}", 1)}, "? k8s/web.yaml:1: Deployment: json: cannot unmarshal object into Go struct field Container.spec.template.spec.containers.image"},
			{sources{"k8s/web.yaml": fmt.Sprintf(deployment, 1, "", "ghcr.io/YOUR_ORG/web:latest", "")}, "? k8s/web.yaml:11: the image is the placeholder"},
			{sources{"k8s/web.yaml": fmt.Sprintf(deployment, 1, "", "acme/web", ""), "skaffold.yaml": "build:\n  artifacts:\n  - image: acme/web\n"}, "? skaffold.yaml:3: Skaffold replaces the image acme/web of k8s/web.yaml:11 when it deploys"},
			{sources{"k8s/web.yaml": fmt.Sprintf(deployment, 1, "", "acme/web", ""), "skaffold.yaml": "build:\n  artifacts:\n  - image: acme/pay\n"}, "[k8s/web.yaml:11: the image acme/web of container web of Deployment web can change]"}},
		"repository.workloads.unscraped": {{bad, "[k8s/web.yaml:1: nothing in the repository makes Prometheus scrape Deployment web]"}, {good, "[]"}, {chart, chartReason}},
		"repository.workloads.without_traces": {
			{bad, "[k8s/web.yaml:1: Deployment web has no variable for the export of traces]"}, {good, "[]"},
			{sources{"k8s/web.yaml": fmt.Sprintf(deployment, 1, "", "docker.io/library/redis:7", "")}, "[]"},
			{sources{"k8s/web.yaml": fmt.Sprintf(deployment, 1, "", "a", ", envFrom: [{configMapRef: {name: x}}]")}, "? k8s/web.yaml:11: variables come from x, which is not read"},
		},
		"repository.workloads.trace_names": {
			{good, "[web]"}, {bad, "[]"}, {chart, chartReason},
			{sources{"k8s/web.yaml": fmt.Sprintf(deployment, 1, "", "a", ", env: [{name: OTEL_RESOURCE_ATTRIBUTES, value: 'team=x, service.name=pay,a=b'}]")}, "[pay]"},
			{sources{"k8s/web.yaml": fmt.Sprintf(deployment, 1, ", annotations: {resource.opentelemetry.io/service.name: pay}", "a", ", env: [{name: DD_SERVICE, value: web}]")}, "[pay | web]"},
			{sources{"k8s/web.yaml": fmt.Sprintf(deployment, 1, "", "a", ", env: [{name: OTEL_SERVICE_NAME, value: $(NAME)}, {name: DD_SERVICE, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]")}, "[]"},
			{sources{"k8s/web.yaml": fmt.Sprintf(deployment, 1, "", "docker.io/library/redis:7", ", env: [{name: OTEL_SERVICE_NAME, value: cache}]")}, "[]"},
		},

		"repository.alerts.count": {{sources{"alerts.yml": "groups: [{rules: [{alert: A}]}]"}, "1"}, {sources{"a": ""}, "0"}, {chart, chartReason}},
		"repository.alerts.without_runbook": {
			{sources{"alerts.yml": "groups:\n- rules:\n  - alert: A\n  - alert: B\n    annotations: {runbook_url: 'https://x'}\n"}, "[alerts.yml:3: the alert A has no runbook_url]"},
			{sources{"a": ""}, "[]"}, {chart, chartReason},
		},
		"repository.alerts.runbook_links": {{sources{"alerts.yml": "groups:\n- rules:\n  - alert: B\n    annotations: {runbook_url: 'https://x'}\n"}, "[https://x]"}, {sources{"a": ""}, "[]"}, {chart, chartReason}},
		"repository.slos.count":           {{sources{"slo.yaml": "apiVersion: openslo/v1\nkind: SLO\nmetadata: {name: x}\n"}, "1"}, {sources{"a": ""}, "0"}, {chart, chartReason}},
		"repository.logging.structured": {
			{sources{"go.mod": "require go.uber.org/zap v1.0.0\n"}, "true"}, {sources{"a.go": "import (\n\t\"log/slog\"\n)\n"}, "true"}, {sources{"a/Cargo.toml": "[dependencies.tracing-subscriber]\n"}, "true"},
			{sources{"src/main/resources/logback.xml": "<pattern>%d %m</pattern>"}, "false"}, {sources{"src/main/resources/logback.xml": "LogstashEncoder <pattern>"}, "true"}, {sources{"a": ""}, "? no file shows"},
		},

		"repository.waivers": {
			{sources{waiver.RepositoryFile: waived}, `[{"rule":"r","path":".","reason":"planned","note":"n","by":"b",`}, {sources{"a": ""}, "[]"}, {partly, partial},
			{sources{waiver.RepositoryFile: "["}, "? .dxctl/waivers.yaml:1: did not find"}, {sources{waiver.RepositoryFile: strings.ReplaceAll(waived, "path: .", "path: other")}, "[]"},
		},
		"repository.waivers_invalid": {
			{sources{waiver.RepositoryFile: strings.ReplaceAll(waived, "n,", "'',")}, "[.dxctl/waivers.yaml:4: the waiver has no note"}, {sources{waiver.RepositoryFile: waived}, "[]"}, {partly, partial},
		},

		"repository.golden_path.followed": {
			{sources{pathlock.File: locked}, "true"}, {sources{"a": ""}, "false"}, {partly, partial},
			{sources{pathlock.File: onlyDeclines}, "false"}, {sources{"b/" + pathlock.File: locked}, "false"},
			{sources{pathlock.File: "["}, "? .dxctl/golden-path.lock:1: did not find"},
		},
		"repository.golden_path.name":    {{sources{pathlock.File: locked}, "go-service"}, {sources{"a": ""}, ""}, {partly, partial}},
		"repository.golden_path.version": {{sources{pathlock.File: locked}, "1.2.0"}, {sources{"a": ""}, ""}, {partly, partial}},
		"repository.golden_path.drift": {
			{sources{pathlock.File: locked, "a.txt": "a", "b.txt": "mine", "c.txt": "mine"}, "[b.txt: it was changed since the golden path wrote it]"},
			{sources{pathlock.File: locked, "a.txt": "a", "b.txt": "b\r\n"}, "[]"},
			{sources{pathlock.File: locked, "b.txt": "b\n"}, "[a.txt: it was deleted since the golden path wrote it]"},
			{sources{"a": ""}, "[]"}, {partly, partial},
		},
		"repository.golden_path.declined": {
			{sources{pathlock.File: onlyDeclines}, `[{"all":true,"reason":"m","by":"b","until":"2027-03-01"} | {"rule":"r","reason":"n","by":"b","until":"2027-01-31"}]`},
			{sources{pathlock.File: locked}, `[{"file":"d.txt",`}, {sources{"a": ""}, "[]"}, {partly, partial},
		},

		"repository.content.binaries": {{sources{"a": "\x7fELF\x00", "b.png": "\x89PNG\x00"}, "[a: an executable program or library]"}, {sources{"b": "x"}, "[]"}, {partly, partial}},
		"repository.content.secrets":  {{sources{"dev/localhost.pem": "x\nAKI" + "AQ7ZK3MWVN2XT5RJD\n"}, "[]"}, {sources{"a": "x\nAKI" + "AQ7ZK3MWVN2XT5RJD\n"}, "[a:2: it has the form of a secret: AWS access key]"}, {sources{"b": "x"}, "[]"}, {partly, partial}},
		"repository.language":         {{sources{"a.go": "x"}, "Go"}, {sources{"a": ""}, ""}, {partly, partial}},
		"repository.frameworks":       {{sources{"go.mod": "require github.com/gin-gonic/gin v1\n"}, "[Gin]"}, {sources{"a": ""}, "[]"}, {partly, partial}},
	} {
		tested[name] = true
		kinds := map[string]bool{}
		for _, tc := range cases {
			limits := tree.Limits{}
			if _, deep := tc.files["a/b/c/d/e"]; deep {
				limits.Depth = 1
			}
			got := of(t, read(t, tc.files, limits), name)
			if text := show(got); !strings.HasPrefix(text, tc.want) || tc.want == "" && text != "" {
				t.Errorf("%s of %v:\ngot  %s\nwant %s", name, tc.files, text, tc.want)
			}
			switch {
			case got.Error != "":
				kinds["unknown"] = true
			case slices.Contains([]string{"[]", "false", "0", ""}, show(got)):
				kinds["none"] = true
			default:
				kinds["found"] = true
			}
		}
		if len(kinds) != 3 {
			t.Errorf("%s: only cases of %v", name, kinds)
		}
	}
	for _, d := range Definitions() {
		if !tested[d.Name] {
			t.Errorf("%s is not tested", d.Name)
		}
		if d.Description == "" || (d.Type == event.BoolFact) != (d.True != "" && d.False != "") || d.Type != event.BoolFact && d.Label == "" {
			t.Errorf("%+v", d)
		}
	}
}

// TestPlaces has more places than a fact may have, and texts that a repository chooses.
func TestPlaces(t *testing.T) {
	files := map[string]string{"CODEOWNERS": "/none @a\n"}
	for i := range 60 {
		files[fmt.Sprintf("f%02d", i)] = ""
	}
	var list []string
	if err := json.Unmarshal(of(t, read(t, files, tree.Limits{}), "repository.codeowners.uncovered").Value, &list); err != nil {
		t.Fatal(err)
	}
	if len(list) != MaxPlaces+1 || list[MaxPlaces] != "… and 11 more" || list[1] != "f00: no rule of CODEOWNERS names an owner" {
		t.Errorf("%d %q", len(list), list)
	}
	long := read(t, map[string]string{".github/workflows/a.yml": "jobs:\n  \"a\\nb: " + strings.Repeat("é", 300) + "\": {}\n"}, tree.Limits{})
	place := show(of(t, long, "repository.workflows.without_timeout"))
	if strings.ContainsAny(place, "\n\r") || len(place) > maxText+100 {
		t.Error(place)
	}
	for element, want := range map[string]string{
		"a/b.yml:12: text: more": "a/b.yml:12|text: more|true", "a b: x": "a b|x|true", "… and 3 more": "|… and 3 more|false", "x": "|x|false", "C:/x:3: y": "C:/x:3|y|true",
	} {
		at, text, ok := ParsePlace(element)
		if got := fmt.Sprintf("%s|%s|%v", at, text, ok); got != want {
			t.Errorf("%s: %s, want %s", element, got, want)
		}
	}
}

func FuzzOf(f *testing.F) {
	f.Add("CODEOWNERS", "* @a")
	f.Add(".github/workflows/a.yml", "on: pull_request\njobs: {a: {uses: ./.github/workflows/a.yml}}")
	f.Add("x/action.yml", "runs: {using: composite, steps: [{uses: ./x}]}")
	f.Add("Dockerfile", "FROM a")
	f.Fuzz(func(t *testing.T, name, text string) {
		fsys := fstest.MapFS{name: {Data: []byte(text)}, "go.mod": {Data: []byte(text)}}
		facts, err := repository.Read(context.Background(), fsys, repository.Options{})
		if err != nil {
			return
		}
		for _, set := range [][]event.Fact{Of(facts, Options{}), Of(facts.Of("a"), Options{})} {
			for _, one := range set {
				one.Source, one.Entity = "checkout", "component:default/x"
				if err := one.Validate(); err != nil {
					t.Error(err)
				}
			}
		}
	})
}

// What an organization gives its repositories is in another repository, which a checkout does not have.
func TestNotInherited(t *testing.T) {
	const reason = "the defaults were not read"
	inherited := []string{
		"repository.files.security_policy", "repository.files.pull_request_template", "repository.files.contributing",
		"repository.security_policy.private_contact",
	}
	facts := map[string]string{}
	for _, f := range Of(read(t, sources{"README.md": "x"}, tree.Limits{}), Options{NotInherited: reason}) {
		facts[f.Name] = show(f)
	}
	for _, name := range inherited {
		if facts[name] != "? "+reason {
			t.Errorf("%s is %s", name, facts[name])
		}
	}
	if got := facts["repository.files.license"]; got != "false" { // a license is never inherited
		t.Errorf("the license is %s", got)
	}
	own := sources{"SECURITY.md": "Mail to security@acme.example", "CONTRIBUTING.md": "x", ".github/pull_request_template.md": "x"}
	for _, f := range Of(read(t, own, tree.Limits{}), Options{NotInherited: reason}) {
		if slices.Contains(inherited, f.Name) && show(f) != "true" {
			t.Errorf("%s is %s", f.Name, show(f))
		}
	}
}

// TestDeclines: the fact says until when a rule is declined; what has ended does not count.
func TestDeclines(t *testing.T) {
	elements := []string{
		`{"rule":"license","reason":"n","by":"b","until":"2027-01-31"}`, `{"all":true,"reason":"m","by":"b","until":"2026-12-31"}`,
		`{"rule":"license","until":"soon"}`, "…",
	}
	for _, c := range []struct{ rule, on, want string }{
		{"license", "2027-01-31", "declined until 2027-01-31: n"}, {"license", "2027-02-01", ""},
		{"agents-md", "2026-12-31", "declined until 2026-12-31: m"}, {"agents-md", "2027-01-01", ""},
	} {
		day, err := time.Parse(time.DateOnly, c.on)
		if err != nil {
			t.Fatal(err)
		}
		if got := Declines(elements, c.rule, day); got != c.want {
			t.Errorf("%s on %s: %q, want %q", c.rule, c.on, got, c.want)
		}
	}
}
