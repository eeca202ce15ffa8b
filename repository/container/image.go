package container

import (
	"regexp"
	"strings"
)

// Pin is how firmly the content of an image is fixed.
type Pin string

// The kinds of pins, the firm ones first.
const (
	PinNothing Pin = "scratch" // the empty image
	PinDigest  Pin = "digest"
	PinTag     Pin = "tag"    // can be moved
	PinLatest  Pin = "latest" // the tag latest, or none
)

// Image is a reference to an image.
type Image struct {
	Text   string // as it is written, arguments resolved
	Name   string // without tag and digest: "ghcr.io/acme/base"
	Tag    string
	Digest string // "sha256:…"
	Pin    Pin
}

// ParseImage reads a reference to an image. A colon in front of a slash belongs to a port.
func ParseImage(text string) Image {
	i := Image{Text: text}
	name, digest, _ := strings.Cut(text, "@")
	i.Name, i.Digest = name, digest
	if colon := strings.LastIndex(name, ":"); colon > strings.LastIndex(name, "/") {
		i.Name, i.Tag = name[:colon], name[colon+1:]
	}
	switch {
	case text == "scratch":
		i.Pin = PinNothing
	case digest != "":
		i.Pin = PinDigest
	case i.Tag == "" || i.Tag == "latest":
		i.Pin = PinLatest
	default:
		i.Pin = PinTag
	}
	return i
}

var (
	// reference finds what a runtime takes for an image: lower case, except for a tag.
	reference = regexp.MustCompile(`^([a-z0-9-]+(\.[a-z0-9-]+)*(:\d+)?/|\[[0-9a-f:.]+\](:\d+)?/)?` +
		`[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*(:\w[\w.-]{0,127})?(@[a-z0-9+._-]+:[0-9a-f]+)?$`)
	// replaced finds the words and the tags with which people say what is to be put in their place. Tags such as RELEASE
	// are real.
	replaced = regexp.MustCompile(`__\w+__|(^|[/:._-])(change|replace)[-_]?me($|[/:@._-])|(^|[/:._-])placeholder($|[/:@])|(^|/)your[-_]|` +
		`:([A-Z]+_)*(TAG|VERSION|SHA|COMMIT|DIGEST|BUILD|REVISION|REPLACE|CHANGE|ME|PLACEHOLDER|ID|NUMBER|HASH)$`)
)

// IsPlaceholder reports whether a text is no reference to an image, but one that a tool or a person replaces by one:
// "$IMAGE", "{IMAGE}", "<image>", "REPLACE_ME", "ghcr.io/YOUR_NAME/pay:1", "pay:__TAG__", "ko://github.com/acme/pay".
func IsPlaceholder(text string) bool {
	return !reference.MatchString(text) || replaced.MatchString(text)
}

// rootImages are official images whose default user is root.
var rootImages = map[string]bool{
	"scratch": true, "alpine": true, "debian": true, "ubuntu": true, "busybox": true, "fedora": true, "centos": true,
	"rockylinux": true, "almalinux": true, "amazonlinux": true, "oraclelinux": true, "archlinux": true, "golang": true,
	"node": true, "python": true, "ruby": true, "rust": true, "openjdk": true, "eclipse-temurin": true, "maven": true,
	"gradle": true, "php": true, "perl": true, "nginx": true, "httpd": true, "caddy": true, "postgres": true,
	"mysql": true, "mariadb": true, "redis": true, "mongo": true, "erlang": true, "elixir": true, "haskell": true,
	"swift": true, "gcc": true, "buildpack-deps": true, "traefik": true, "tomcat": true, "docker": true,
	"amazoncorretto": true,
}

// defaultUser returns the user of an image without a USER in the Dockerfile, for images that are known to this package.
func (i Image) defaultUser() (string, bool) {
	name := strings.TrimPrefix(strings.TrimPrefix(i.Name, "docker.io/"), "library/")
	switch {
	case rootImages[name]:
		return "root", true
	case strings.HasPrefix(name, "gcr.io/distroless/"):
		if strings.Contains(i.Tag, "nonroot") {
			return "65532", true
		}
		return "root", i.Tag != "" || i.Digest == "" // a digest alone does not tell which variant it is
	case name == "nginxinc/nginx-unprivileged":
		return "101", true
	case strings.HasPrefix(name, "cgr.dev/chainguard/") && !strings.HasSuffix(i.Tag, "-dev"):
		return "65532", true
	}
	return "", false
}

// User is the user of a container.
type User struct {
	Name    string // name or number, without the group
	Root    bool   // it is the user with number 0
	Numeric bool   // Kubernetes can verify runAsNonRoot only for a number
}

var number = regexp.MustCompile(`^\d+$`)

// ParseUser reads the argument of USER: a name or a number, with an optional group.
func ParseUser(text string) User {
	name, _, _ := strings.Cut(strings.TrimSpace(text), ":")
	u := User{Name: name, Numeric: number.MatchString(name)}
	u.Root = name == "" || name == "root" || u.Numeric && strings.Trim(name, "0") == "" ||
		strings.EqualFold(name, "ContainerAdministrator")
	return u
}

// builtin are the build arguments that BuildKit defines in every build, by the machine that builds.
var builtin = map[string]bool{
	"TARGETPLATFORM": true, "TARGETOS": true, "TARGETARCH": true, "TARGETVARIANT": true,
	"BUILDPLATFORM": true, "BUILDOS": true, "BUILDARCH": true, "BUILDVARIANT": true,
}

var variable = regexp.MustCompile(`\$(?:(\w+)|\{(\w+)(?:(:?[-+?])([^{}$]*)|([^}]*))\})`)

// expand replaces $NAME, ${NAME}, ${NAME:-default} and ${NAME:+other}. missing is a variable without a value, or an
// operator that is not supported; the text is not to be used then.
func expand(text string, scope map[string]string) (expanded, missing string) {
	expanded = variable.ReplaceAllStringFunc(text, func(found string) string {
		m := variable.FindStringSubmatch(found)
		name, operator, word := m[1]+m[2], m[3], m[4]
		value, set := scope[name]
		if strings.HasPrefix(operator, ":") {
			set = set && value != ""
		}
		switch {
		case m[5] != "":
			missing = found
		case strings.HasSuffix(operator, "+"):
			if set {
				return word
			}
			return ""
		case set:
			return value
		case strings.HasSuffix(operator, "-"):
			return word
		default:
			missing = name
			if builtin[name] {
				missing = name + ", which the building machine defines,"
			}
		}
		return found
	})
	if missing == "" && len(expanded) > 4096 {
		missing = "a variable that is longer than 4096 characters"
	}
	return expanded, missing
}
