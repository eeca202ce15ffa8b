package edits

import (
	"bytes"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"github.com/dxctl/dxctl/repository/container"
	"github.com/dxctl/dxctl/repository/named"
)

// dockerfile is a Dockerfile that is edited by lines.
type dockerfile struct {
	lines   []string // with their ends
	newline string
	stages  []instructions.Stage
	parsed  *container.Dockerfile
}

// eachDockerfile edits the Dockerfiles of what the service runs, parsed as they are now.
func (e *editor) eachDockerfile(change func(d *dockerfile) bool) {
	for _, built := range named.Built(e.Facts) {
		content, ok := e.content(built.Path)
		if !ok {
			continue
		}
		text := lines(content)
		d := &dockerfile{lines: strings.SplitAfter(string(content), "\n"), newline: "\n"}
		if strings.Contains(string(content), "\r\n") {
			d.newline = "\r\n"
		}
		result, err := parser.Parse(strings.NewReader(text))
		if err == nil {
			d.stages, _, err = instructions.Parse(result.AST, nil)
		}
		if err == nil {
			d.parsed, err = container.Parse(built.Path, text)
		}
		if err != nil || len(d.stages) == 0 {
			e.ask(built.Path, 0, "the Dockerfile cannot be edited, because it cannot be parsed")
			continue
		}
		if change(d) {
			if after := []byte(strings.Join(d.lines, "")); !bytes.Equal(after, content) {
				e.put(built.Path, after)
			}
		}
	}
}

// minimal finds images that have nothing but what a program needs: it cannot have been written for another user.
var minimal = regexp.MustCompile(`^(scratch|gcr\.io/distroless/(static|base|cc|base-nossl)(-debian\d+)?|cgr\.dev/chainguard/static)$`)

// leaveRoot lets an image that has nothing but a program run as another user. Of any other image it is not known which
// files the program writes and who owns them.
func leaveRoot(e *editor) {
	user := e.text("user", "65532:65532")
	e.eachDockerfile(func(d *dockerfile) bool {
		final := d.stages[len(d.stages)-1]
		current := d.parsed.User()
		if !d.parsed.Starts() || current.Known && !current.Value.Root {
			return false
		}
		line := 0
		if len(final.Location) > 0 {
			line = final.Location[0].Start.Line
		}
		ask := func(reason string) bool {
			e.ask(d.parsed.Path, line, "choose the user of the container and add USER with its number: %s", reason)
			return false
		}
		if _, drops := d.parsed.Drops(); drops {
			return ask("its entry point changes the user")
		}
		if !minimal.MatchString(imageName(d.parsed)) {
			return ask("its image has more than the program, and which files it writes is not known")
		}
		at := 0
		for _, command := range final.Commands {
			switch c := command.(type) {
			case *instructions.VolumeCommand, *instructions.RunCommand:
				return ask("it has a VOLUME or a RUN, whose files may belong to root")
			case *instructions.UserCommand:
				return ask("somebody chose root")
			case *instructions.ExposeCommand:
				for _, port := range c.Ports {
					if low(port) {
						return ask("it listens on the port " + port + ", which only root may open on some systems")
					}
				}
			case *instructions.EntrypointCommand, *instructions.CmdCommand:
				if ranges := command.Location(); at == 0 && len(ranges) > 0 {
					at = ranges[0].Start.Line
				}
			}
		}
		if at == 0 || at > len(d.lines) {
			return ask("it has neither an ENTRYPOINT nor a CMD")
		}
		if where := e.lowPort(final); where != "" {
			return ask("it may listen on a port below 1024, which only root may open on some systems: " + where)
		}
		for at > 1 && strings.HasPrefix(strings.TrimSpace(d.lines[at-2]), "#") {
			at-- // comments belong to what follows
		}
		d.lines[at-1] = "USER " + user + d.newline + d.lines[at-1]
		return true
	})
}

func imageName(d *container.Dockerfile) string {
	s := d.Final()
	for s.Base >= 0 {
		s = &d.Stages[s.Base]
	}
	return s.Image.Value.Name
}

// low reports whether a port needs a privilege, or is not known.
func low(port string) bool {
	number, _, _ := strings.Cut(port, "/")
	n, err := strconv.Atoi(number)
	return err != nil || n < 1024
}

// digestOf returns the digest of an image with a tag: that of the golden path, else what its registry answers, if it
// may be asked; "" if nobody knows it.
func (e *editor) digestOf(image string) (string, error) {
	digest := e.Images[strings.TrimPrefix(strings.TrimPrefix(image, "docker.io/"), "library/")]
	if digest != "" || e.Digest == nil {
		return digest, nil
	}
	return e.Digest(image)
}

// versionFiles say which version of a language a repository needs.
var versionFiles = []string{
	"go.mod", "package.json", ".nvmrc", ".node-version", ".python-version", "pyproject.toml", "runtime.txt",
	".tool-versions", "mise.toml", "global.json",
}

// versionLine finds the lines of these files that have it.
var versionLine = regexp.MustCompile(`(?m)^\s*(?:go|toolchain|"node"|node|nodejs|golang|python|requires-python)\b.*$|` +
	`^\s*(?:python-)?v?[\d.]+\s*$`)

// tagVersion finds the version of a tag that leaves its patch open.
var tagVersion = regexp.MustCompile(`^v?(\d+(?:\.\d+)?)(?:-|$)`)

// needsPatch returns which version with a patch the code needs of an image whose tag leaves that open; "" if it needs
// none. A digest is that of one patch.
func (e *editor) needsPatch(image container.Image) string {
	m := tagVersion.FindStringSubmatch(image.Tag)
	if m == nil {
		return ""
	}
	version := regexp.MustCompile(`(?:^|[^\d.])(` + regexp.QuoteMeta(m[1]) + `(?:\.\d+){1,2})(?:$|[^\d.])`)
	for _, base := range versionFiles {
		name := path.Join(e.Dir, base)
		content, ok := e.content(name)
		if !ok {
			continue
		}
		for _, text := range versionLine.FindAllString(lines(content), -1) {
			found := version.FindStringSubmatch(text)
			if found != nil && strings.Trim(strings.TrimPrefix(found[1], m[1]), ".0") != "" {
				return found[1] + " (" + name + ")"
			}
		}
	}
	return ""
}

// pinBases adds the digest to base images that the golden path or their registry has one of.
func pinBases(e *editor) {
	e.eachDockerfile(func(d *dockerfile) bool {
		changed := false
		for i, stage := range d.parsed.Stages {
			image := stage.Image.Value
			if stage.Base >= 0 || !stage.Image.Known || image.Pin != container.PinTag && image.Pin != container.PinLatest {
				continue
			}
			written := d.stages[i].BaseName
			at := stage.At.Line
			needs := e.needsPatch(image)
			if needs != "" && e.Digest == nil {
				e.ask(d.parsed.Path, at, "write the digest of the present %s behind an @: the repository needs %s, and the "+
					"digest that the golden path has may be of an older one", image.Text, needs)
				continue
			}
			if image.Pin == container.PinLatest {
				e.ask(d.parsed.Path, at, "choose a version of the base image %s: what latest is changes", image.Name)
				continue
			}
			find := e.digestOf
			if needs != "" {
				find = e.Digest
			}
			digest, err := find(image.Text)
			switch {
			case err != nil:
				e.ask(d.parsed.Path, at, "pin the base image %s to a digest: %v", image.Text, err)
			case digest == "":
				e.ask(d.parsed.Path, at, "find out the digest of the base image %s and write it behind an @: no list of the "+
					"golden path has it", image.Text+digestCommand(image.Text))
			case written != image.Text || at < 1 || at > len(d.lines) || strings.Count(d.lines[at-1], written) != 1:
				e.ask(d.parsed.Path, at, "write the digest %s behind the tag of %s; it comes from an argument", digest, image.Text)
			default:
				d.lines[at-1] = strings.Replace(d.lines[at-1], written, written+"@"+digest, 1)
				changed = true
			}
		}
		return changed
	})
}
