package contents

import (
	"path"
	"regexp"
	"strings"
)

// fileFacts are the facts repository.files.<name>, with patterns of the paths, in lower case, that make them true.
// Where GitHub looks in several directories for a file, the pattern has all of them.
var fileFacts = []struct {
	name    string
	pattern *regexp.Regexp
}{
	{"readme", regexp.MustCompile(`^(\.github/|docs/)?readme(\.[a-z]+)?$`)},
	{"codeowners", regexp.MustCompile(`^(\.github/|docs/|\.gitlab/)?codeowners$`)},
	{
		"ci_workflow",
		regexp.MustCompile(
			`^(\.github/workflows/[^/]+\.ya?ml|\.circleci/config\.ya?ml|jenkinsfile|\.gitlab-ci\.ya?ml|azure-pipelines\.ya?ml|\.travis\.ya?ml|\.drone\.ya?ml|\.buildkite/[^/]+\.ya?ml|bitbucket-pipelines\.ya?ml)$`,
		),
	},
	{"dockerfile", regexp.MustCompile(`(^|/)((docker|container)file(\.[a-z0-9_-]+)?|[a-z0-9_-]+\.dockerfile)$`)},
	{"catalog_info", regexp.MustCompile(`^catalog-info\.ya?ml$`)},
	{"license", regexp.MustCompile(`^(licen[cs]e|copying|unlicense)([.-][a-z0-9.-]+)?$`)},
	{
		"dependency_updates",
		regexp.MustCompile(`^(\.github/dependabot\.ya?ml|(\.github/|\.gitlab/)?renovate\.json5?|\.renovaterc(\.json5?)?)$`),
	},
	{
		"tests",
		regexp.MustCompile(
			`(^|/)(tests?|__tests__|spec|src/test)/.|_test\.(go|py|exs|dart)$|_spec\.rb$|(^|/)test_[^/]*\.py$|\.(test|spec)\.[cm]?[jt]sx?$|tests?\.(java|kt|cs|scala|swift)$`,
		),
	},
}

// filesOf returns which of the facts are true. In a truncated list, a file that is missing is unknown.
func filesOf(tree []treeFile, truncated bool) map[string]bool {
	found := map[string]bool{}
	if !truncated {
		for _, f := range fileFacts {
			found[f.name] = false
		}
	}
	for _, file := range tree {
		if file.Type != "blob" || vendored(file.Path) {
			continue
		}
		name := strings.ToLower(file.Path)
		for _, f := range fileFacts {
			if !found[f.name] && f.pattern.MatchString(name) {
				found[f.name] = true
			}
		}
	}
	return found
}

// vendored reports whether the file is a copy of somebody else's.
func vendored(file string) bool {
	for dir := range strings.SplitSeq(path.Dir(file), "/") {
		switch dir {
		case "vendor", "node_modules", "third_party", "testdata":
			return true
		}
	}
	return false
}
