package tree

import (
	"path"
	"slices"
	"strings"
)

// vendored and example have the names of directories whose files are not the repository's own product.
var (
	vendored = []string{
		"vendor", "third_party", "third-party", "thirdparty", "bower_components", "Godeps", "Pods", ".yarn",
	}
	example = []string{
		"testdata", "test", "tests", "testing", "__tests__", "e2e", "spec", "fixtures", "__fixtures__", "testfixtures",
		"example", "examples", "sample", "samples", "docs", "doc", "documentation", "tutorial", "tutorials",
		"hack", "benchmark", "benchmarks", "molecule", "fake", "fakes", "mock", "mocks", "snippets",
		"dev-env", "dev_env", "devenv", "dev-environment",
	}
)

// Vendored reports whether a path is inside a directory of copied foreign code.
func Vendored(name string) bool { return below(name, vendored) }

// Example reports whether a path is inside a directory of tests, examples or documentation: what is found there is not
// what the service runs.
//
// The directories of packages in a source tree of the JVM are no examples, whatever they are called:
// src/main/java/org/acme/samples.
func Example(name string) bool {
	if i := strings.Index("/"+name, "/src/main/"); i >= 0 {
		name = name[:i] + "x" // the directories above it decide
	}
	if below(name, example) {
		return true
	}
	// Few names have these letters, which is faster to find out than what the words of all directories are.
	return (strings.Contains(name, "ample") || strings.Contains(name, "fixture")) && exemplary(name)
}

// exemplary reports whether a directory is named as one of examples, such as push-examples and configsamples.
func exemplary(name string) bool {
	for {
		dir, rest, found := strings.Cut(name, "/")
		if !found {
			return false
		}
		for word := range strings.FieldsFuncSeq(dir, func(r rune) bool { return r == '-' || r == '_' || r == '.' }) {
			if slices.Contains([]string{"example", "examples", "sample", "samples", "fixture", "fixtures"}, word) ||
				strings.HasSuffix(word, "samples") || strings.HasSuffix(word, "examples") {
				return true
			}
		}
		name = rest
	}
}

// templates are the ends of names of files from which programs make others.
var templates = []string{
	".j2", ".jinja", ".jinja2", ".tmpl", ".gotmpl", ".tpl", ".template", ".erb", ".tt", ".eex", ".ejs", ".hbs",
	".mustache", ".liquid", ".njk", ".ftl", ".in",
}

// Template reports whether a file is, by its name, a template from which a program makes another one: Dockerfile.tt.
func Template(name string) bool { return slices.Contains(templates, strings.ToLower(path.Ext(name))) }

// Own reports whether a file of the tree is the repository's own product: it is in no directory of copied code, and in
// none of tests, examples or documentation. A directory "features" is one of tests if it has files of Gherkin;
// otherwise it is often one of code.
func (t *Tree) Own(name string) bool {
	return !Vendored(name) && !Example(name) && !t.inFeatures(name)
}

func (t *Tree) inFeatures(name string) bool {
	if len(t.features) == 0 {
		return false
	}
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if t.features[dir] {
			return true
		}
	}
	return false
}

// gherkin returns the directories "features" that have files of Gherkin, the language of Cucumber and behave.
func gherkin(files []File) map[string]bool {
	dirs := map[string]bool{}
	for _, f := range files {
		if !strings.HasSuffix(f.Path, ".feature") {
			continue
		}
		for dir := f.Dir(); dir != "."; dir = path.Dir(dir) {
			if path.Base(dir) == "features" {
				dirs[dir] = true
			}
		}
	}
	return dirs
}

func below(name string, dirs []string) bool {
	for {
		dir, rest, found := strings.Cut(name, "/")
		if !found {
			return false
		}
		if slices.Contains(dirs, dir) {
			return true
		}
		name = rest
	}
}

// Under reports whether a path is a directory or lies in it; everything is under ".".
func Under(name, dir string) bool {
	return dir == "." || name == dir || strings.HasPrefix(name, dir) && name[len(dir)] == '/'
}
