package edits

import (
	"maps"
	"path"
	"regexp"
	"strings"

	"github.com/dxctl/dxctl/repository/workflow"
)

// needs are the rights that actions need beyond reading the contents of the repository. An action that is not listed
// may need any.
var needs = map[string]map[string]string{
	"actions/checkout": {}, "actions/setup-go": {}, "actions/setup-node": {}, "actions/setup-python": {},
	"actions/setup-java": {}, "actions/setup-dotnet": {}, "actions/cache": {}, "actions/cache/restore": {},
	"actions/cache/save": {}, "actions/upload-artifact": {}, "actions/download-artifact": {},
	"actions/upload-artifact/merge": {}, "actions/create-github-app-token": {}, "tibdex/github-app-token": {},
	"docker/login-action": {}, "docker/build-push-action": {}, "docker/bake-action": {}, // by their inputs
	"sigstore/cosign-installer": {}, "step-security/harden-runner": {}, "golang/govulncheck-action": {},
	"astral-sh/ruff-action": {}, "re-actors/alls-green": {}, "helm/chart-testing-action": {},
	"davidanson/markdownlint-cli2-action": {}, "peaceiris/actions-hugo": {}, "aquasecurity/trivy-action": {},
	"graalvm/setup-graalvm": {}, "google-github-actions/setup-gcloud": {}, "lycheeverse/lychee-action": {},
	"google-github-actions/get-gke-credentials": {}, "hadolint/hadolint-action": {}, "jdx/mise-action": {},
	"ludeeus/action-shellcheck": {}, "bufbuild/buf-setup-action": {}, "aws-actions/amazon-ecr-login": {},
	"jlumbroso/free-disk-space": {}, "cachix/install-nix-action": {}, "medyagh/setup-minikube": {},
	"dorny/paths-filter": {"pull-requests": "read"}, "tj-actions/changed-files": {"pull-requests": "read"},
	"dependabot/fetch-metadata":        {"pull-requests": "read"},
	"actions/dependency-review-action": {}, "golangci/golangci-lint-action": {}, "ruby/setup-ruby": {},
	"dtolnay/rust-toolchain": {}, "actions-rs/toolchain": {}, "swatinem/rust-cache": {}, "gradle/actions/setup-gradle": {},
	"gradle/gradle-build-action": {}, "gradle/wrapper-validation-action": {}, "gradle/actions/wrapper-validation": {},
	"pnpm/action-setup": {}, "oven-sh/setup-bun": {}, "denoland/setup-deno": {}, "astral-sh/setup-uv": {},
	"shivammathur/setup-php": {}, "erlef/setup-beam": {}, "docker/setup-buildx-action": {},
	"docker/setup-qemu-action": {}, "docker/metadata-action": {}, "arduino/setup-task": {}, "extractions/setup-just": {},
	"hashicorp/setup-terraform": {}, "azure/setup-helm": {}, "azure/setup-kubectl": {}, "helm/kind-action": {},
	"codecov/codecov-action": {}, "taiki-e/install-action": {}, "rhysd/actionlint": {}, "crate-ci/typos": {},
	"anchore/sbom-action/download-syft": {}, "pre-commit/action": {}, "goto-bus-stop/setup-zig": {},
	"mlugg/setup-zig": {}, "subosito/flutter-action": {},
	"github/codeql-action/init":         {"security-events": "write", "actions": "read", "packages": "read"},
	"github/codeql-action/autobuild":    {"security-events": "write", "actions": "read", "packages": "read"},
	"github/codeql-action/analyze":      {"security-events": "write", "actions": "read", "packages": "read"},
	"github/codeql-action/upload-sarif": {"security-events": "write", "actions": "read"},
	"ossf/scorecard-action": {
		"security-events": "write", "id-token": "write",
		"actions": "read", "checks": "read", "issues": "read", "pull-requests": "read",
	},
	"actions/deploy-pages": {"pages": "write", "id-token": "write"}, "actions/upload-pages-artifact": {},
	"actions/configure-pages":                  {"pages": "read"},
	"actions/stale":                            {"issues": "write", "pull-requests": "write", "actions": "write"},
	"actions/labeler":                          {"issues": "write", "pull-requests": "write"},
	"actions/first-interaction":                {"issues": "write", "pull-requests": "write"},
	"zizmorcore/zizmor-action":                 {"security-events": "write", "actions": "read"},
	"dessant/lock-threads":                     {"issues": "write", "pull-requests": "write", "discussions": "write"},
	"release-drafter/release-drafter":          {"contents": "write", "pull-requests": "write"},
	"peter-evans/create-or-update-comment":     {"issues": "write", "pull-requests": "write"},
	"peter-evans/create-issue-from-file":       {"issues": "write"},
	"marocchino/sticky-pull-request-comment":   {"issues": "write", "pull-requests": "write"},
	"bufbuild/buf-action":                      {"pull-requests": "write"},
	"enricomi/publish-unit-test-result-action": {"checks": "write", "issues": "read", "pull-requests": "write"},
	"dorny/test-reporter":                      {"checks": "write", "actions": "read"},
	"actions/delete-package-versions":          {"packages": "write"},
	"stefanzweifel/git-auto-commit-action":     {"contents": "write"},
	"endbug/add-and-commit":                    {"contents": "write"},
	"ad-m/github-push-action":                  {"contents": "write"},
	"helm/chart-releaser-action":               {"contents": "write"},
	"svenstaro/upload-release-action":          {"contents": "write"},
	"hashicorp/vault-action":                   {"id-token": "write"},
	"softprops/action-gh-release":              {"contents": "write"}, "ncipollo/release-action": {"contents": "write"},
	"goreleaser/goreleaser-action": {"contents": "write"},
	"actions/create-release":       {"contents": "write"}, "actions/upload-release-asset": {"contents": "write"},
	"peter-evans/create-pull-request":       {"contents": "write", "pull-requests": "write"},
	"amannn/action-semantic-pull-request":   {"pull-requests": "read"},
	"peaceiris/actions-gh-pages":            {"contents": "write"},
	"jamesives/github-pages-deploy-action":  {"contents": "write"},
	"googleapis/release-please-action":      {"contents": "write", "issues": "write", "pull-requests": "write"},
	"pypa/gh-action-pypi-publish":           {"id-token": "write"},
	"actions/attest-build-provenance":       {"id-token": "write", "attestations": "write"},
	"actions/attest":                        {"id-token": "write", "attestations": "write"},
	"aws-actions/configure-aws-credentials": {"id-token": "write"}, "google-github-actions/auth": {"id-token": "write"},
	"azure/login": {"id-token": "write"},
}

// deciding are inputs by which actions need other rights than usually.
var deciding = []string{
	"comment-summary-in-pr", "add-job-summary-as-pr-comment", "dependency-graph", "arguments", "use_oidc",
	"discussion_category_name", "discussionCategory", "enablement", "github-pat", "native-image-pr-reports",
	"native-image-job-reports", "only-new-issues",
}

// ofStep returns the rights that the action of a step needs, known by its name and its inputs. reason is why they are
// not known.
func (e *editor) ofStep(s *workflow.Step) (rights map[string]string, reason string) {
	name := strings.ToLower(s.Uses.Action)
	rights, known := needs[name]
	switch {
	case !known:
		return nil, "the action " + s.Uses.Action + " may use the token"
	case name == "docker/login-action":
		return login(s)
	case name == "docker/build-push-action" || name == "docker/bake-action":
		for input, value := range s.With {
			// The token for its own context is the default, and reads only.
			if input != "tags" && input != "github-token" && buildToken.MatchString(value) {
				return nil, "the build gets the token in " + input
			}
		}
	case name == "goreleaser/goreleaser-action":
		return e.ofReleaser(s)
	case name == "actions/stale":
		if branches := s.With["delete-branch"]; branches != "" && branches != "false" {
			return with(rights, "contents", "write"), ""
		}
	case name == "actions/download-artifact":
		// Artifacts of other runs are read through the API.
		for _, input := range []string{"run-id", "repository", "github-token"} {
			if s.With[input] != "" {
				return with(rights, "actions", "read"), ""
			}
		}
	}
	return rights, ""
}

// with returns rights and one more.
func with(rights map[string]string, scope, access string) map[string]string {
	all := maps.Clone(rights)
	all[scope] = access
	return all
}

// chosenByRun finds secrets whose name only the run decides: any may be the token.
const chosenByRun = `\bsecrets\s*\[\s*[^'\s]`

// buildToken finds inputs by which a build gets the token, or what the caller of an action passed.
var buildToken = regexp.MustCompile(`(?i)github[._]token|GH_TOKEN|inputs\.\w*token|` + chosenByRun)

// login returns the rights with which the token logs in to a registry. Other passwords need none.
func login(s *workflow.Step) (map[string]string, string) {
	registry, password := strings.ToLower(s.With["registry"]), s.With["password"]
	switch {
	case decidedByRun.MatchString(password):
		return nil, "it is not known whether the token logs in to the registry"
	case !buildToken.MatchString(password):
		return map[string]string{}, ""
	case strings.Contains(registry, "ghcr.io") || strings.Contains(registry, "pkg.github.com") ||
		strings.Contains(registry, "${{"):
		return map[string]string{"packages": "write"}, ""
	}
	return nil, "the token logs in to the registry " + registry
}

// decidedByRun finds passwords of which only the run decides whether they are the token.
var decidedByRun = regexp.MustCompile(`\b(inputs|env|matrix|needs)\s*[.\[]|` + chosenByRun)

// releaserRights are what parts of the configuration of GoReleaser need beyond writing a release.
var releaserRights = []struct {
	part          *regexp.Regexp
	scope, access string
}{
	{regexp.MustCompile(`(?m)^\w*signs:|cosign|sigstore`), "id-token", "write"},
	{regexp.MustCompile(`ghcr\.io`), "packages", "write"},
	{regexp.MustCompile(`(?m)^milestones:`), "issues", "write"},
}

// releaserOther finds what uses the token in ways that are not known: commands after the release, discussions, pull
// requests to other branches, and parts of the configuration that are in other files.
var releaserOther = regexp.MustCompile(`(?m)^\s*(?:- )?` +
	`(after|publishers|discussion_category_name|pull_request|includes):`)

// releaserFiles are the usual names of the configuration of GoReleaser, in its working directory.
var releaserFiles = []string{
	".goreleaser.yaml", ".goreleaser.yml", "goreleaser.yaml", "goreleaser.yml", ".config/goreleaser.yaml",
	".config/goreleaser.yml",
}

// releaserConfig finds the option of GoReleaser that names its configuration.
var releaserConfig = regexp.MustCompile(`(?:^|\s)(?:-f|--config)(?:\s+|=)?(\S*)`)

// ofReleaser returns the rights that GoReleaser needs for what its configuration has.
func (e *editor) ofReleaser(s *workflow.Step) (map[string]string, string) {
	dir, args := s.With["workdir"], s.With["args"]
	if strings.Contains(dir+args, "${{") {
		return nil, "the run decides which configuration GoReleaser reads"
	}
	names := releaserFiles
	if option := releaserConfig.FindStringSubmatch(args); option != nil {
		names = []string{strings.Trim(option[1], `"'`)}
	}
	rights := map[string]string{"contents": "write"}
	read := false
	for _, name := range names {
		name = path.Join(dir, name)
		content, ok := e.content(name)
		if !ok {
			continue
		}
		read = true
		for _, r := range releaserRights {
			if r.part.Match(content) {
				rights[r.scope] = r.access
			}
		}
		if part := releaserOther.FindSubmatch(content); part != nil {
			return nil, "GoReleaser has " + string(part[1]) + " in " + name
		}
	}
	if !read {
		return nil, "the configuration of GoReleaser is not read"
	}
	return rights, ""
}
