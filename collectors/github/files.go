package github

import (
	"path"
	"regexp"
	"strings"
)

// treeFile is an entry of a git tree.
type treeFile struct {
	Path string `json:"path"`
	Type string `json:"type"` // blob, tree, commit
	SHA  string `json:"sha"`
	Size int64  `json:"size"` // of a blob, in bytes
}

// fileFacts are the facts repository.files.<name> and the files that make them true, as patterns over the path in lower
// case. Where GitHub looks in several directories for a file, so do we.
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

// filesOf finds out which of the files are there. Of a truncated listing only what is there is known.
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

// vendored reports whether the file is somebody else's, kept in the repository.
func vendored(file string) bool {
	for dir := range strings.SplitSeq(path.Dir(file), "/") {
		switch dir {
		case "vendor", "node_modules", "third_party", "testdata":
			return true
		}
	}
	return false
}
