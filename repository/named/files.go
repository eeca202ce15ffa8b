package named

import (
	"regexp"
	"strings"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/repository"
	"github.com/dxctl/dxctl/repository/environment"
	"github.com/dxctl/dxctl/repository/tree"
)

// file is an entry of a fact repository.files.NAME.
func file(name, noun, description string, value func(r *reader) value) entry {
	return entry{Definition{
		Name:        "repository.files." + name,
		Type:        event.BoolFact,
		True:        "the repository has " + noun,
		False:       "the repository has no " + strings.TrimPrefix(strings.TrimPrefix(noun, "an "), "a "),
		Description: description,
	}, value}
}

var files = []entry{
	file("readme", "a README", "A README of the service, at the top, in .github or in docs.",
		func(r *reader) value { return exists(r, r.Documents.Readme, r.Documents.Readme.Value != nil) }),
	file("codeowners", "a CODEOWNERS file", "CODEOWNERS at the top, in .github, .gitlab or docs.",
		func(r *reader) value { return exists(r, r.Owners, r.Owners.Value != nil) }),
	file("ci_workflow", "a CI workflow", "A workflow file of a CI system.", func(r *reader) value {
		if len(r.Environment.Pipelines) > 0 {
			return known(true)
		}
		return r.absent()
	}),
	file("dockerfile", "a Dockerfile", "A Dockerfile or Containerfile that is not for tests or examples.",
		func(r *reader) value {
			if len(r.Containers.Files)+len(r.Containers.Unreadable) > 0 {
				return known(true)
			}
			return r.absent()
		}),
	file("catalog_info", "its own descriptor", "catalog-info.yaml of the service or at the top.", func(r *reader) value {
		for _, f := range r.Files().Files {
			if repository.IsDescriptor(f) && (tree.Under(f.Path, r.Dir) || f.Dir() == ".") {
				return known(true)
			}
		}
		return r.absent()
	}),
	file("license", "a license", "A license file.",
		func(r *reader) value { return exists(r, r.Documents.License, r.Documents.License.Value != nil) }),
	{Definition{
		Name:        "repository.files.dependency_updates",
		Type:        event.BoolFact,
		True:        "dependency updates are automatic",
		False:       "dependency updates are not set up",
		Description: "A configuration of Dependabot or Renovate.",
	}, dependencyUpdates},
	{Definition{
		Name:        "repository.files.tests",
		Type:        event.BoolFact,
		True:        "the repository has tests",
		False:       "no tests were found in the repository",
		Description: "Files that are tests by their name or directory.",
	}, hasTests},
	file("security_policy", "a security policy", "SECURITY.md of the repository or of its organization.",
		func(r *reader) value { return inherited(r, r.Documents.Security, r.Documents.Security.Value != nil) }),
	file("agents", "an AGENTS.md", "AGENTS.md in the directory of the service or above it.", func(r *reader) value {
		if len(r.instructions()) > 0 {
			return known(true)
		}
		return r.absent()
	}),
	file("pull_request_template", "a pull request template",
		"A template of pull requests or merge requests, of the repository or of its organization.", func(r *reader) value {
			return inherited(r, r.Documents.PullRequestTemplate, r.Documents.PullRequestTemplate.Value != "")
		}),
	file("contributing", "a contributing guide", "CONTRIBUTING.md of the repository or of its organization.",
		func(r *reader) value {
			return inherited(r, r.Documents.Contributing, r.Documents.Contributing.Value != "")
		}),
}

var testFile = regexp.MustCompile(`(?i)(^|/)(tests?|__tests__|spec|src/test)/.|_test\.(go|py|exs|dart|cc|cpp|rs)$|_spec\.rb$|` +
	`(^|/)test_[^/]*\.py$|\.(test|spec)\.[cm]?[jt]sx?$|tests?\.(java|kt|cs|scala|swift|php)$|\.bats$`)

func hasTests(r *reader) value {
	for _, f := range r.Files().Files {
		if tree.Under(f.Path, r.Dir) && !tree.Vendored(f.Path) && testFile.MatchString(f.Path) {
			return known(true)
		}
	}
	// Rust has its unit tests in the files that they test.
	if r.Language.Main.Value == "Rust" {
		return unknown("tests of Rust can be in any source file, and sources are not read")
	}
	return r.absent()
}

var systemNames = map[string]string{"github": "github-actions", "gitlab": "gitlab-ci"}

func systems(pipelines []environment.Pipeline) []string {
	names := make([]string, 0, len(pipelines))
	for _, p := range pipelines {
		name := p.System
		if other := systemNames[name]; other != "" {
			name = other
		}
		names = append(names, name)
	}
	return names
}
