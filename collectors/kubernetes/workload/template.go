package workload

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"regexp"
	"strings"
)

// template is what is used of a pod template. Fields that hold something else than expected are left empty.
type template struct {
	Metadata struct {
		Labels      map[string]string `json:"labels"`
		Annotations map[string]string `json:"annotations"`
	} `json:"metadata"`
	Spec struct {
		Containers []struct {
			Name  string `json:"name"`
			Image string `json:"image"`
		} `json:"containers"`
	} `json:"spec"`
}

// build is the version that a template runs.
type build struct {
	image   string // of the main container
	label   string // app.kubernetes.io/version
	commit  string // what the configured annotation holds
	digest  string // of the template, without what a restart changes; empty: there is none
	service string // value of the first of the configured labels
}

const (
	restartedAt  = "kubectl.kubernetes.io/restartedAt"
	versionLabel = "app.kubernetes.io/version"
)

// readTemplate reads a pod template as JSON holds it: a map. The owner is the name of the workload.
func (r Reader) readTemplate(raw any, owner string) build {
	m, ok := raw.(map[string]any)
	if !ok || len(m) == 0 {
		return build{}
	}
	text, err := json.Marshal(m)
	if err != nil {
		return build{}
	}
	var t template
	if json.Unmarshal(text, &t) != nil {
		return build{digest: digest(m)}
	}
	b := build{label: t.Metadata.Labels[versionLabel], digest: digest(m), service: r.service(t.Metadata.Labels)}
	b.commit = r.commit(t.Metadata.Annotations, t.Metadata.Labels)
	main := t.Metadata.Annotations["kubectl.kubernetes.io/default-container"]
	for i, container := range t.Spec.Containers {
		if i == 0 || container.Name == main || main == "" && container.Name == owner {
			b.image = container.Image
			if i > 0 || container.Name == main {
				break
			}
		}
	}
	return b
}

// service is the value of the first of the labels that name the service.
func (r Reader) service(labels map[string]string) string {
	for _, l := range r.serviceLabels {
		if labels[l] != "" {
			return labels[l]
		}
	}
	return ""
}

// commit is what the configured annotation holds, in the first of the maps that has it.
func (r Reader) commit(maps ...map[string]string) string {
	if r.commitAnnotation != "" {
		for _, m := range maps {
			if v := strings.TrimSpace(m[r.commitAnnotation]); v != "" {
				return v
			}
		}
	}
	return ""
}

// digest is the same for two templates exactly when they differ in nothing but a restart, and in labels that
// controllers add.
func digest(t map[string]any) string {
	text, err := json.Marshal(slim(t, restartedAt)) // maps are written in the order of their keys
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:12])
}

// slim is a template without what controllers add, and without some annotations.
func slim(t map[string]any, annotations ...string) map[string]any {
	m, ok := t["metadata"].(map[string]any)
	if !ok {
		return t
	}
	metadata := maps.Clone(m)
	delete(metadata, "creationTimestamp") // always null
	without(metadata, "annotations", annotations...)
	without(metadata, "labels", "pod-template-hash", "rollouts-pod-template-hash", "controller-revision-hash")
	whole := maps.Clone(t)
	delete(whole, "$patch") // of a ControllerRevision
	whole["metadata"] = metadata
	return whole
}

// without replaces the map under a key by one without some of its keys; an empty one is left out.
func without(m map[string]any, key string, names ...string) {
	old, ok := m[key].(map[string]any)
	if !ok {
		return
	}
	kept := maps.Clone(old)
	for _, n := range names {
		delete(kept, n)
	}
	if m[key] = kept; len(kept) == 0 {
		delete(m, key)
	}
}

// or fills what is not known from another place.
func (b build) or(other build) build {
	b.label, b.commit, b.image = cmp.Or(b.label, other.label), cmp.Or(b.commit, other.commit), cmp.Or(b.image, other.image)
	b.service = cmp.Or(b.service, other.service)
	return b
}

var (
	commit   = regexp.MustCompile(`^(?:[0-9a-f]{40}|[0-9a-f]{64})$`)
	anyShort = regexp.MustCompile(`^[0-9a-f]{7,64}$`)
	floating = map[string]bool{
		"latest":  true,
		"stable":  true,
		"main":    true,
		"master":  true,
		"develop": true,
		"dev":     true,
		"edge":    true,
	}
)

// version is what runs, in the words of an event: the image's tag where it names a version, else the label, else the
// digest, else a tag that moves.
func (b build) version() (sha, version string) {
	tag, imageDigest := imageParts(b.image)
	switch {
	case tag != "" && !floating[strings.ToLower(tag)]:
		version = tag
	case b.label != "":
		version = b.label
	case imageDigest != "":
		version = imageDigest
	default:
		version = tag
	}
	if said := strings.ToLower(b.commit); anyShort.MatchString(said) {
		sha = said
	} else if commit.MatchString(strings.ToLower(tag)) { // images are often named by the commit that they are of
		sha = strings.ToLower(tag)
	}
	return sha, version
}

// imageParts reads registry:5000/name:tag@sha256:digest.
func imageParts(image string) (tag, digest string) {
	image, digest, _ = strings.Cut(image, "@")
	if i := strings.LastIndexByte(image, ':'); i > strings.LastIndexByte(image, '/') {
		tag = image[i+1:]
	}
	return tag, digest
}
