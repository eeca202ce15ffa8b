package webhook

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// argoBrought is what a sync brought: revisions and where they are from.
type argoBrought struct {
	Revision  string          `json:"revision"`
	Revisions []string        `json:"revisions"`
	Source    json.RawMessage `json:"source"`
	Sources   json.RawMessage `json:"sources"`
}

func (b argoBrought) first() string {
	if b.Revision == "" && len(b.Revisions) > 0 {
		return b.Revisions[0]
	}
	return b.Revision
}

// absent reports whether a source is not there, as the several ways of writing that have it.
func absent(raw json.RawMessage) bool {
	switch string(bytes.TrimSpace(raw)) {
	case "", "null", "{}", "[]", `{"repoURL":""}`:
		return true
	}
	return false
}

// key is the same for two syncs exactly when they bring the same.
func (b argoBrought) key() string {
	var key bytes.Buffer
	for _, raw := range []json.RawMessage{b.Source, b.Sources} {
		if !absent(raw) {
			_ = json.Compact(&key, raw) // it is JSON: it was read as a part of some
		}
		key.WriteByte(0)
	}
	revisions := b.Revisions
	if len(revisions) == 0 {
		revisions = []string{b.Revision}
	}
	return key.String() + fmt.Sprintf("%q", revisions)
}

// argoSource is one source of an application.
type argoSource struct {
	TargetRevision string `json:"targetRevision"`
	Chart          string `json:"chart"`
	Ref            string `json:"ref"` // its files are values for the other sources
	Helm           struct {
		Parameters []struct {
			Name  string `json:"name"`
			Value string `json:"value"`
		} `json:"parameters"`
	} `json:"helm"`
	Kustomize struct {
		Images []string `json:"images"`
	} `json:"kustomize"`
}

// pairs returns the sources with the revision of each, those that only lend values last.
func (b argoBrought) pairs() (sources []argoSource, revisions []string) {
	var several []argoSource
	if json.Unmarshal(b.Sources, &several) != nil || len(several) == 0 {
		var one argoSource
		if json.Unmarshal(b.Source, &one) != nil {
			one = argoSource{}
		}
		return []argoSource{one}, []string{b.first()}
	}
	for _, lending := range []bool{false, true} {
		for i, s := range several {
			if (s.Ref != "" && s.Chart == "") == lending && i < len(b.Revisions) {
				sources, revisions = append(sources, s), append(revisions, b.Revisions[i])
			}
		}
	}
	return sources, revisions
}

var argoCommit = regexp.MustCompile(`^(?:[0-9a-f]{40}|[0-9a-f]{64})$`)

// version says what was brought in the words of an event: a commit and its ref, a chart's version, the tag of an image.
func (b argoBrought) version() (sha, ref, version string) {
	sources, revisions := b.pairs()
	chartRef := ""
	for i, r := range revisions {
		switch lower := strings.ToLower(r); {
		case r == "":
		case argoCommit.MatchString(lower):
			if sha == "" {
				sha, ref = lower, sources[i].TargetRevision
			}
		case version == "":
			version, chartRef = r, sources[i].TargetRevision
		}
	}
	if sha == "" {
		ref = chartRef
	}
	if image := argoImage(sources); image != "" {
		version = image
	}
	return sha, ref, version
}

// argoImage is the tag of the image where the sources override exactly one: it is the version of what runs, rather than
// that of its manifests.
func argoImage(sources []argoSource) string {
	var found []string
	for _, s := range sources {
		for _, p := range s.Helm.Parameters {
			if p.Name == "image.tag" && p.Value != "" {
				found = append(found, p.Value)
			}
		}
		for _, image := range s.Kustomize.Images {
			image, _, _ = strings.Cut(image, "@")
			if i := strings.LastIndexByte(image, ':'); i > strings.LastIndexByte(image, '/') && i+1 < len(image) {
				found = append(found, image[i+1:])
			}
		}
	}
	if len(found) != 1 {
		return ""
	}
	return found[0]
}
