package workflow

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/dxctl/dxctl/repository/fact"
)

// Purpose is something that a step does for a rule.
type Purpose string

// The purposes that are recognized.
const (
	PurposeTest       Purpose = "test"       // runs tests
	PurposeSBOM       Purpose = "sbom"       // writes a software bill of materials
	PurposeProvenance Purpose = "provenance" // attests where a build comes from
	PurposeAnalysis   Purpose = "analysis"   // analyzes the code for vulnerabilities
	PurposeRelease    Purpose = "release"    // gives a version to its users: a package, an image, a release of the host
)

// testTask is a name of a task that runs tests: a word of it is "test", "unit", "check", "ci" or "verify".
const testTask = `(\w*[-/._:])*(\w*unit\w*|(\w*[^\Wa])?tests?\w*|checks?|ci|verify)([-/._:]\w*)*`

// testCommand finds commands that run tests in a script. It has the common commands of each ecosystem: a repository
// that calls its tests otherwise is unknown to it, not without tests.
var testCommand = regexp.MustCompile(`^(` + strings.Join([]string{
	`go test`, `gotestsum`, `ginkgo`, `(make|just|task|mage|mise run)( -\S+( \d+)?| \w+=\S*)* ` + testTask,
	`(npm|pnpm|yarn|bun)( run| -r| --recursive| workspaces run)* [\w:-]*(test|check|ci:)[\w:-]*`, `npm t`,
	`(npm|pnpm|yarn|bun) run( -\S+)* (ci|verify)`, `(npx |pnpm |yarn |bunx )?backstage-cli (repo|package) test`,
	`(npx |pnpm |yarn |bunx )?(vitest|jest|mocha|ava|playwright test|cypress run|nx [\w-]* ?test|turbo (run )?test)`,
	`deno test`, `pytest`, `tox`, `nox`, `unittest`, `python3? -m (pytest|unittest|tox|nox)`, `python3? manage\.py test`, `hatch (run )?test`,
	`cargo (nextest|test|hack test)`, `cargo xtask (test|ci)`, `(\./)?mvnw? [^\n]*\b(test|verify|install|package|deploy)\b`,
	`mvn [^\n]*\b(test|verify|install|package|deploy)\b`, `(\./)?gradlew? [^\n]*\b([\w:]*[tT]est|[\w:]*check|build)\b`,
	`dotnet test`, `(bundle exec |bin/)?(rspec|rake( [\w:]*(test|spec))?|rails test)`, `(vendor/bin/|\./vendor/bin/)?(phpunit|pest)`,
	`composer [\w:-]*test`, `mix test`, `sbt [^\n]*test`, `lein test`, `swift test`, `xcodebuild [^\n]*test`, `ctest`, `bazel(isk)? test`,
	`flutter test`, `dart test`, `stack test`, `cabal test`, `zig build test`, `meson test`, `bats`, `\./[\w./-]*test[\w-]*(\.sh)?`,
	`(bash|sh) [\w./-]*test[\w-]*\.sh`, `(\./)?(hack|scripts?|ci|build|\.ci|bin)/[\w./-]*(test|check|ci|verify)[\w-]*(\.sh)?`,
}, "|") + `)($|[\s):"'\\])`)

var (
	commandEnd = regexp.MustCompile(`\n|;|&&|\|\|?`)
	// commandPrefix has what may come before the command itself.
	commandPrefix = regexp.MustCompile(`^(\s+|\w+=("[^"]*"|'[^']*'|\S*)\s|[({!"']|(if|then|else|do|sudo|time|env|exec|nice|command)\s|` +
		`(xvfb-run|catchsegv|timeout|retry|nix develop|nix-shell|devbox run|mise (x|exec)|doppler run|op run)( -\S+| \d+\w?| --)*\s|` +
		`(uv|poetry|pipenv|pdm|rye|hatch|pixi|conda) run( --?(group|extra|with|python|p|package|project)[= ]\S+| -\S+)*\s|` +
		`(uvx|uv tool run|pipx run)( --?(with|from|python|p|spec)[= ]\S+| -\S+)*\s|(coverage|python3?) (run )?-m\s|` +
		`docker([ -]compose)? (run|exec)( -\S+( \S+=\S*)?)* \S+\s|(bash|sh) -\w*c\s)`)
)

// otherSession finds sessions of tox and nox that do something else than to test.
var otherSession = regexp.MustCompile(`^(tox|nox)\b[^\n]*\s(-e|-s|--sessions?|--env)[ =]?(py[\d.]*-)?(doc|lint|mypy|typ|pyright|build|` +
	`release|pre-?commit|format|fmt|style|flake8|black|ruff|pylint|isort|manifest|package|pkg|changelog|publish|bump)[\w-]*(\s|$)`)

// RunsTests reports whether a script has a command that is known to run tests.
func RunsTests(script string) bool {
	script = strings.ReplaceAll(script, "\\\n", " ")
	for _, command := range commandEnd.Split(script, -1) {
		for {
			prefix := commandPrefix.FindString(command)
			if prefix == "" {
				break
			}
			command = command[len(prefix):]
		}
		if testCommand.MatchString(command) && !otherSession.MatchString(command) {
			return true
		}
	}
	return false
}

var (
	sbomScript = regexp.MustCompile(`\b(syft|cyclonedx[\w-]*|sbom-tool|cdxgen|bom generate|spdx-sbom-generator|npm sbom|docker sbom)\b|` +
		`\bgh release (create|upload)\b[^\n]*([\w-]*sbom[\w.-]*|\bbom\.(json|xml)|\.cdx\.(json|xml)|\.spdx)`)
	sbomFormat       = regexp.MustCompile(`\btrivy\b[^\n]*\b(cyclonedx|spdx)|--sbom(=true|\s|$)`)
	provenanceScript = regexp.MustCompile(`\bcosign attest|--provenance\b|\bslsa-[\w-]+|--attest\b[^\n]*provenance|\bwitness run\b`)
)

// releaseScript finds commands that publish. "docker push" also pushes images of branches, so it is none.
var releaseScript = regexp.MustCompile(`\b(gh release (create|upload)|goreleaser (release|--)|semantic-release|twine upload|` +
	`cargo (release|publish)|gem push|changeset publish|lerna publish|mix hex\.publish|dotnet nuget push|uv publish|` +
	`poetry publish|flit publish|hatch publish)\b|\b(npm|pnpm|yarn( npm)?|bun) publish\b|\bmvnw? [^\n]*\bdeploy\b|` +
	`\bgradlew? [^\n]*\bpublish\w*`)

// dryRun finds what does not publish after all.
var dryRun = regexp.MustCompile(`--dry-run|--snapshot|--skip=publish`)

// purposeOfAction has what an action is for, by its name in lower case.
var purposeOfAction = map[string]Purpose{
	"anchore/sbom-action":                          PurposeSBOM,
	"cyclonedx/gh-gomod-generate-sbom":             PurposeSBOM,
	"cyclonedx/gh-node-module-generatebom":         PurposeSBOM,
	"cyclonedx/gh-python-generate-sbom":            PurposeSBOM,
	"cyclonedx/gh-dotnet-generate-sbom":            PurposeSBOM,
	"advanced-security/sbom-generator-action":      PurposeSBOM,
	"actions/attest-sbom":                          PurposeSBOM,
	"actions/attest-build-provenance":              PurposeProvenance,
	"actions/attest":                               PurposeProvenance,
	"pypa/gh-action-pypi-publish":                  PurposeProvenance, // attests unless told otherwise
	"github/codeql-action/analyze":                 PurposeAnalysis,
	"returntocorp/semgrep-action":                  PurposeAnalysis,
	"semgrep/semgrep-action":                       PurposeAnalysis,
	"securego/gosec":                               PurposeAnalysis,
	"sonarsource/sonarcloud-github-action":         PurposeAnalysis,
	"sonarsource/sonarqube-scan-action":            PurposeAnalysis,
	"snyk/actions/node":                            PurposeAnalysis,
	"aquasecurity/trivy-action":                    PurposeAnalysis,
	"cypress-io/github-action":                     PurposeTest,
	"reactivecircus/android-emulator-runner":       PurposeTest,
	"robherley/go-test-action":                     PurposeTest,
	"n8maninger/action-golang-test":                PurposeTest,
	"slsa-framework/slsa-github-generator":         PurposeProvenance,
	"philips-labs/slsa-provenance-action":          PurposeProvenance,
	"microsoft/sbom-action":                        PurposeSBOM,
	"aquasecurity/tfsec-action":                    PurposeAnalysis,
	"zizmorcore/zizmor-action":                     PurposeAnalysis,
	"trufflesecurity/trufflehog":                   PurposeAnalysis,
	"gitleaks/gitleaks-action":                     PurposeAnalysis,
	"ossf/scorecard-action":                        PurposeAnalysis,
	"kubernetes-sigs/release-actions/setup-bom":    PurposeSBOM,
	"kubernetes-sigs/bom":                          PurposeSBOM,
	"microsoft/security-devops-action":             PurposeAnalysis,
	"golang/govulncheck-action":                    PurposeAnalysis,
	"google/osv-scanner-action/osv-scanner-action": PurposeAnalysis,
	"rustsec/audit-check":                          PurposeAnalysis,
	"actions-rs/audit-check":                       PurposeAnalysis,
	"anchore/scan-action":                          PurposeAnalysis,
	"docker/scout-action":                          PurposeAnalysis,
	"cyclonedx/gh-php-composer-generate-sbom":      PurposeSBOM,
	"cyclonedx/gh-dotnet-generate-bom":             PurposeSBOM,
	"actions/dependency-review-action":             PurposeAnalysis,
	"goreleaser/goreleaser-action":                 PurposeRelease,
	"softprops/action-gh-release":                  PurposeRelease,
	"actions/create-release":                       PurposeRelease,
	"actions/upload-release-asset":                 PurposeRelease,
	"ncipollo/release-action":                      PurposeRelease,
	"cycjimmy/semantic-release-action":             PurposeRelease,
	"svenstaro/upload-release-action":              PurposeRelease,
	"marvinpinto/action-automatic-releases":        PurposeRelease,
	"jreleaser/release-action":                     PurposeRelease,
	"changesets/action":                            PurposeRelease,
	"rubygems/release-gem":                         PurposeRelease,
	"katyo/publish-crates":                         PurposeRelease,
	"helm/chart-releaser-action":                   PurposeRelease,
	"js-devtools/npm-publish":                      PurposeRelease,
}

// scripts remembers what scripts are for: several facts ask for each step, and every plan asks again.
var scripts scriptPurposes

type scriptPurposes struct {
	mutex sync.Mutex
	known map[string][]Purpose
}

// The bounds of what is remembered.
const (
	maxScripts = 2_000
	maxScript  = 8 << 10 // bytes; a longer one is read each time
)

// purposes returns what a script is for. It is shared, and must not be changed.
func (s *scriptPurposes) purposes(run string) []Purpose {
	if run == "" {
		return nil
	}
	s.mutex.Lock()
	found, ok := s.known[run]
	s.mutex.Unlock()
	if ok {
		return found
	}
	found = purposesOf(run)
	if len(run) > maxScript {
		return found
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.known == nil || len(s.known) >= maxScripts {
		s.known = map[string][]Purpose{}
	}
	s.known[strings.Clone(run)] = found
	return found
}

func purposesOf(run string) (found []Purpose) {
	add := func(p Purpose, is bool) {
		if is {
			found = append(found, p)
		}
	}
	add(PurposeTest, RunsTests(run))
	script := strings.ReplaceAll(run, "\\\n", " ")
	add(PurposeSBOM, sbomScript.MatchString(script) || sbomFormat.MatchString(script))
	add(PurposeProvenance, provenanceScript.MatchString(run))
	add(PurposeRelease, releaseScript.MatchString(run) && !dryRun.MatchString(run))
	return found
}

// Purposes returns what a step is for, as far as it is recognized.
func (s *Step) Purposes() []Purpose {
	found := slices.Clone(scripts.purposes(s.Run))
	add := func(p Purpose, is bool) {
		if is {
			found = append(found, p)
		}
	}
	if s.Uses == nil {
		return found
	}
	name := strings.ToLower(s.Uses.Action)
	purpose := purposeOfAction[name]
	add(purpose, purpose != "" && (purpose != PurposeRelease || !dryRun.MatchString(s.With["args"])))
	switch {
	case name == "pypa/gh-action-pypi-publish":
		add(PurposeRelease, true)
	case name == "docker/build-push-action":
		add(PurposeSBOM, enabled(s.With["sbom"]))
		add(PurposeProvenance, enabled(s.With["provenance"]))
	case name == "aquasecurity/trivy-action":
		add(PurposeSBOM, s.With["format"] == "cyclonedx" || strings.HasPrefix(s.With["format"], "spdx"))
	case strings.HasPrefix(name, "slsa-framework/"):
		add(PurposeProvenance, purpose == "")
	case name == "gradle/gradle-build-action", name == "burrunan/gradle-cache-action":
		add(PurposeTest, RunsTests("gradle "+s.With["arguments"]))
	}
	return found
}

func enabled(input string) bool { return input != "" && input != "false" }

// slsaGenerator has reusable workflows that build and attest.
const slsaGenerator = "slsa-framework/slsa-github-generator/"

// Found returns where the steps of the workflow do something, also in a reusable workflow that is known to do it.
func (w *Workflow) Found(p Purpose) []fact.Location {
	var at []fact.Location
	for i := range w.Jobs {
		j := &w.Jobs[i]
		if p == PurposeProvenance && j.Uses != nil && strings.HasPrefix(j.Uses.Action, slsaGenerator) {
			at = append(at, j.Uses.At)
		}
		for k := range j.Steps {
			for _, found := range j.Steps[k].Purposes() {
				if found == p {
					at = append(at, j.Steps[k].At)
				}
			}
		}
	}
	return at
}

// UntrustedCheckouts returns the steps that check out the code of a pull request in a workflow that runs with the
// secrets of the repository: whoever opens the pull request runs code with them.
func (w *Workflow) UntrustedCheckouts() []fact.Location {
	if w.On("pull_request_target") == nil && w.On("workflow_run") == nil && w.On("issue_comment") == nil {
		return nil
	}
	var at []fact.Location
	for _, j := range w.Jobs {
		if trusted.MatchString(j.If) || w.afterLabel(j.If) {
			continue
		}
		for _, s := range j.Steps {
			if trusted.MatchString(s.If) || w.afterLabel(s.If) {
				continue
			}
			checksOut := s.Uses != nil && s.Uses.Action == "actions/checkout" &&
				(headRef.MatchString(s.With["ref"]) || headRef.MatchString(s.With["repository"]))
			if checksOut || checkoutScript.MatchString(s.Run) {
				at = append(at, s.At)
			}
		}
	}
	return at
}

var (
	labelCondition = regexp.MustCompile(`\bgithub\.event\.label\.name\s*==\s*'[^']+'`)
	eventCondition = regexp.MustCompile(`\bgithub\.event_name\s*==\s*'(\w+)'`)
)

// afterLabel reports whether a condition holds only after somebody with rights in the repository has set a label on the
// pull request, as it is at that moment: each alternative asks for the label, or for another event. Commits that are
// pushed later do not start the workflow.
func (w *Workflow) afterLabel(condition string) bool {
	on := w.On("pull_request_target")
	if on == nil || !slices.Equal(on.Types, []string{"labeled"}) || w.On("workflow_run") != nil ||
		w.On("issue_comment") != nil || strings.Contains(condition, "!(") {
		return false
	}
	for _, alternative := range strings.Split(condition, "||") {
		event := eventCondition.FindStringSubmatch(alternative)
		if !labelCondition.MatchString(alternative) && (event == nil || event[1] == "pull_request_target") {
			return false
		}
	}
	return true
}

// trusted finds conditions that only the code of trusted people meets: of the repository itself, of one author, or of
// a member. That of the actor is none, because an actor can push to the pull request of another one. An alternative
// ("||") can be met by others.
var trusted = regexp.MustCompile(`(?i)^[^|]*(pull_request\.user\.login\s*==\s*'[^']+'|head\.repo\.full_name\s*==\s*github\.repository\b|` +
	`github\.repository\s*==\s*github\.event\.pull_request\.head\.repo\.full_name|head\.repo\.fork\s*==\s*false|!\s*github\.event\.pull_request\.head\.repo\.fork|` +
	`workflow_run\.head_repository\.full_name\s*==\s*github\.repository\b|author_association\s*==\s*'(OWNER|MEMBER|COLLABORATOR)')[^|]*$`)

var (
	headRef = regexp.MustCompile(`(?i)github\.head_ref|pull_request\.head\.|workflow_run\.head_|refs/pull/|` +
		`pull_request\.merge_commit_sha|event\.number|issue\.number`)
	checkoutScript = regexp.MustCompile(`\bgh pr checkout\b|\bgit (fetch|pull|checkout)\b[^\n]*(refs/)?pull/[^\n]*/(head|merge)`)
)
