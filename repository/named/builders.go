package named

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/repository/container"
	"github.com/dxctl/dxctl/repository/fact"
)

// buildCommands find the commands of pipelines that build an image without a Dockerfile.
var buildCommands = []struct {
	tool    string
	command *regexp.Regexp
}{
	{"the .NET SDK", regexp.MustCompile(`(?i)\bdotnet\s+(publish|build|msbuild)\b[^\n]*(PublishContainer|DefaultContainer)`)},
	{"Jib", regexp.MustCompile(`\bjib:(build|dockerBuild|buildTar)\b|\bgradlew?\b[^\n]*\bjib(DockerBuild|BuildTar)?\b`)},
	{"Cloud Native Buildpacks", regexp.MustCompile(`\bspring-boot:build-image\b|\bbootBuildImage\b|\bpack build\b`)},
	{"ko", ko},
}

// command is a part of a pipeline that runs commands.
type command struct {
	at   fact.Location
	text string
}

// commands returns what the pipelines of all CI systems run, as far as it is in the repository.
func (r *reader) commands() []command {
	var all []command
	for i := range r.Workflows.Workflows {
		for _, j := range r.Workflows.Workflows[i].Jobs {
			for _, s := range j.Steps {
				all = append(all, command{s.At, s.Run})
			}
		}
	}
	for i := range r.Workflows.Actions {
		for _, s := range r.Workflows.Actions[i].Steps {
			all = append(all, command{s.At, s.Run})
		}
	}
	if g := r.GitLab.Value; g != nil {
		for _, j := range g.Jobs {
			all = append(all, command{j.At, j.Script})
		}
	}
	if c := r.CircleCI.Value; c != nil {
		for _, j := range c.Jobs {
			all = append(all, command{j.At, j.Script})
		}
	}
	for i := range r.Jenkins {
		for _, s := range r.Jenkins[i].Steps {
			all = append(all, command{s.At, s.Script})
		}
	}
	return all
}

// builtOtherwise returns which tool builds an image without a Dockerfile, and where: "pom.xml:7: Jib builds a
// container"; "" if none is known to. A command of a pipeline is about a directory of the repository if it names it.
func (r *reader) builtOtherwise() string {
	if len(r.Containers.Builders) > 0 {
		b := r.Containers.Builders[0]
		return b.At.String() + ": " + b.Tool + " builds a container"
	}
	for _, c := range r.commands() {
		text := strings.ReplaceAll(c.text, "\\\n", " ")
		if r.Dir != "." && !strings.Contains(text, path.Base(r.Dir)) {
			continue
		}
		for _, b := range buildCommands {
			if b.command.MatchString(text) {
				return c.at.String() + ": " + b.tool + " builds a container"
			}
		}
	}
	return ""
}

// mutableImages is the fact of the images whose content can change. One that Skaffold builds is replaced when it is
// deployed, whatever the manifest has.
var mutableImages = entry{Definition{
	Name:        "repository.workloads.mutable_images",
	Type:        event.ListFact,
	Places:      true,
	Label:       "the images whose content can change",
	Description: "Images of containers without a digest and without a tag that looks like one version or build.",
}, func(r *reader) value {
	var p places
	doubt := r.doubt(r.Manifests.Unrendered, r.Manifests.Unreadable)
	for _, w := range r.workloads() {
		for i := range w.Containers {
			c := &w.Containers[i]
			image, known := c.Image.Get()
			reason := ""
			switch {
			case !known:
				reason = c.At.String() + ": " + c.Image.Reason
			case image.Pin == container.PinDigest || oneBuild.MatchString(image.Tag):
			case r.artifact(image).Name != "":
				reason = r.artifact(image).At.String() + ": Skaffold replaces the image " + image.Name + " of " +
					c.At.String() + " when it deploys, and its tag is not known here"
			default:
				p.add(c.At, "the image %s of container %s of %s %s can change", image.Text, c.Name, w.Kind, w.Name)
			}
			if doubt == "" {
				doubt = reason
			}
		}
	}
	return p.value(doubt)
}}

// artifact returns the artifact of Skaffold that an image is built as. Its Name is empty if there is none.
func (r *reader) artifact(i container.Image) container.Artifact {
	at := slices.IndexFunc(r.Containers.Artifacts, func(a container.Artifact) bool { return a.Name == i.Name })
	if at < 0 {
		return container.Artifact{}
	}
	return r.Containers.Artifacts[at]
}
