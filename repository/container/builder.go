package container

import (
	"path"
	"regexp"
	"strings"

	"github.com/dxctl/dxctl/repository/fact"
	"github.com/dxctl/dxctl/repository/tree"
	"github.com/dxctl/dxctl/repository/yamlfile"
)

// Builder is a setting of a tool that builds an image without a Dockerfile. Which user the image has, and what it
// starts from, is decided by the tool and not read here.
type Builder struct {
	Tool string // "Jib", "the .NET SDK"
	At   fact.Location
}

// Artifact is an image that Skaffold builds. It replaces the image of that name in manifests when it deploys them.
type Artifact struct {
	Name string // as manifests have it: "ghcr.io/acme/pay" or "pay"
	At   fact.Location
}

// builders find the settings in the files of build tools. The files are those that are read for their languages, too.
var builders = []struct {
	file    *regexp.Regexp
	tool    string
	setting *regexp.Regexp
}{
	{
		regexp.MustCompile(`\.(cs|fs|vb)proj$|^Directory\.Build\.(props|targets)$`), "the .NET SDK",
		regexp.MustCompile(`<(ContainerRepository|ContainerImageName|ContainerBaseImage|ContainerFamily|ContainerImageTags?)>[^<]|` +
			`<EnableSdkContainerSupport>\s*true|<PublishProfile>\s*DefaultContainer`),
	},
	{regexp.MustCompile(`^pom\.xml$`), "Jib", regexp.MustCompile(`<artifactId>\s*jib-maven-plugin\s*<`)},
	{regexp.MustCompile(`^pom\.xml$`), "Cloud Native Buildpacks", regexp.MustCompile(`<goal>\s*build-image(-no-fork)?\s*<`)},
	{regexp.MustCompile(`^build\.gradle(\.kts)?$`), "Jib", regexp.MustCompile(`com\.google\.cloud\.tools\.jib\b`)},
	{regexp.MustCompile(`^build\.gradle(\.kts)?$`), "Cloud Native Buildpacks", regexp.MustCompile(`\bbootBuildImage\b`)},
	{regexp.MustCompile(`^\.ko\.ya?ml$`), "ko", regexp.MustCompile(``)},
}

var skaffoldFile = regexp.MustCompile(`^skaffold\.ya?ml$`)

// IsBuilderFile reports whether a file may have settings of a tool that builds images, by its name.
func IsBuilderFile(name string) bool {
	base := path.Base(name)
	for _, b := range builders {
		if b.file.MatchString(base) {
			return true
		}
	}
	return skaffoldFile.MatchString(base)
}

// maxBuilderFiles bounds how many files are read.
const maxBuilderFiles = 200

// readBuilders reads what builds images without a Dockerfile, and the images that Skaffold builds. A file that cannot
// be read has no settings that are known: what it is for is read elsewhere, where it is reported.
func (s *Set) readBuilders(t *tree.Tree) {
	read := 0
	for _, f := range t.Files {
		if f.Link || !IsBuilderFile(f.Path) || !t.Own(f.Path) {
			continue
		}
		if read++; read > maxBuilderFiles {
			return
		}
		text, err := t.Text(f)
		if err != nil {
			continue
		}
		base := path.Base(f.Path)
		if skaffoldFile.MatchString(base) {
			_ = fact.Contain(func() error { s.skaffold(f.Path, text); return nil }) // it may be a template
			continue
		}
		for _, b := range builders {
			if at := b.setting.FindStringIndex(text); b.file.MatchString(base) && at != nil {
				line := 1 + strings.Count(text[:at[0]], "\n")
				s.Builders = append(s.Builders, Builder{b.tool, fact.Location{Path: f.Path, Line: line}})
				break
			}
		}
	}
}

// skaffoldTools are the keys of an artifact's builder that needs no Dockerfile.
var skaffoldTools = map[string]string{
	"buildpacks": "Cloud Native Buildpacks", "jib": "Jib", "ko": "ko", "bazel": "Bazel", "custom": "a script of Skaffold",
}

func (s *Set) skaffold(file, text string) {
	docs, err := yamlfile.Parse(text)
	if err != nil {
		return
	}
	for _, doc := range docs {
		for _, a := range yamlfile.Items(yamlfile.Get(doc.Root, "build", "artifacts")) {
			at := fact.Location{Path: file, Line: yamlfile.Line(a)}
			if name := yamlfile.Text(yamlfile.Get(a, "image")); name != "" {
				s.Artifacts = append(s.Artifacts, Artifact{ParseImage(name).Name, at})
			}
			for _, p := range yamlfile.Pairs(a) {
				if tool := skaffoldTools[p.Key]; tool != "" {
					s.Builders = append(s.Builders, Builder{tool, at})
				}
			}
		}
	}
}
