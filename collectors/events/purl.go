package events

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/dxctl/dxctl/collectors/delivery"
)

// artifact is what an artifact's identifier says about what was deployed.
type artifact struct {
	version string
	sha     string // the commit, where the identifier has one
}

// readArtifact reads a package URL, or an image's reference (registry:5000/team/name:tag@sha256:digest).
func readArtifact(id string) (artifact, error) {
	id = strings.TrimSpace(id)
	if id == "" {
		return artifact{}, nil
	}
	scheme, rest, found := strings.Cut(id, ":")
	if found && strings.EqualFold(scheme, "pkg") {
		return readPackageURL(rest)
	}
	if strings.Contains(id, "://") || strings.ContainsAny(id, " ?#") {
		return artifact{}, fmt.Errorf(
			"%q is neither a package URL (pkg:type/name@version) nor an image's reference",
			delivery.Excerpt(id),
		)
	}
	return newArtifact(imageVersion(id)), nil
}

func newArtifact(version string) artifact {
	a := artifact{version: version}
	if lower := strings.ToLower(version); delivery.Commit.MatchString(lower) {
		a.sha = lower
	}
	return a
}

// imageVersion is the tag of an image's reference, else its digest. A colon before the last slash begins a port.
func imageVersion(image string) string {
	name, digest, _ := strings.Cut(image, "@")
	if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, '/') {
		return name[i+1:]
	}
	return digest
}

var purlType = regexp.MustCompile(`^[A-Za-z.+-][A-Za-z0-9.+-]*$`)

// readPackageURL reads what stands behind "pkg:", in the order of the specification
// (https://github.com/package-url/purl-spec): from the right the subpath behind #, the qualifiers behind ?, then from
// the left the type, then from the right the version behind the last @. The version of an OCI image is its digest; the
// tag is a qualifier, which may be moved to another image.
func readPackageURL(text string) (artifact, error) {
	text, _ = cutLast(text, "#")
	text, query := cutLast(text, "?")
	kind, name, found := strings.Cut(strings.TrimLeft(text, "/"), "/")
	if !found || !purlType.MatchString(kind) {
		return artifact{}, errors.New("the package URL has no type: write pkg:type/name@version")
	}
	name = strings.Trim(name, "/")
	version := ""
	// An @ at the beginning of a segment begins a scope of npm that should have been written %40.
	if i := strings.LastIndexByte(name, '@'); i > 0 && name[i-1] != '/' {
		name, version = name[:i], name[i+1:]
	}
	if name = strings.Trim(name, "/"); name == "" || name == "@" {
		return artifact{}, errors.New("the package URL has no name: write pkg:type/name@version")
	}
	plain, err := url.PathUnescape(version)
	if err != nil {
		return artifact{}, fmt.Errorf(
			"the version %q of the package URL is not percent-encoded: %w",
			delivery.Excerpt(version),
			err,
		)
	}
	a := newArtifact(plain)
	if a.sha == "" {
		a.sha = purlCommit(query)
	}
	return a, nil
}

// purlCommit is the commit in the qualifier vcs_url: git+https://host/owner/name@commit.
func purlCommit(query string) string {
	for pair := range strings.SplitSeq(query, "&") {
		key, value, _ := strings.Cut(pair, "=")
		if !strings.EqualFold(key, "vcs_url") {
			continue
		}
		address, err := url.PathUnescape(value)
		if err != nil {
			return ""
		}
		address, _ = cutLast(address, "#")
		if _, commit := cutLast(address, "@"); delivery.Commit.MatchString(strings.ToLower(commit)) {
			return strings.ToLower(commit)
		}
	}
	return ""
}

// cutLast cuts a text at the last separator.
func cutLast(s, separator string) (before, after string) {
	if i := strings.LastIndex(s, separator); i >= 0 {
		return s[:i], s[i+len(separator):]
	}
	return s, ""
}
