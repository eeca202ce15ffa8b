package workload

import (
	"reflect"
	"strings"
	"testing"
)

func TestVersions(t *testing.T) {
	sha := strings.Repeat("ab", 20)
	for _, tc := range []struct {
		name         string
		build        build
		sha, version string
	}{
		{"nothing", build{}, "", ""},
		{"a tag", build{image: "reg.example.com:5000/a/b:1.2.3", label: "1.0"}, "", "1.2.3"},
		{"a port is no tag", build{image: "reg.example.com:5000/a/b", label: "1.0"}, "", "1.0"},
		{"a tag that moves", build{image: "b:latest", label: "1.0"}, "", "1.0"},
		{"a tag that moves, with a digest", build{image: "b:latest@sha256:12"}, "", "sha256:12"},
		{"a tag that moves alone", build{image: "b:latest"}, "", "latest"},
		{"a tag and a digest", build{image: "b:1.2@sha256:12"}, "", "1.2"},
		{"a tag that is a commit", build{image: "b:" + sha}, sha, sha},
		{"an annotation", build{image: "b:1.2", commit: strings.ToUpper(sha)}, sha, "1.2"},
		{"a short commit in the annotation", build{image: "b:1.2", commit: "abc1234"}, "abc1234", "1.2"},
		{"an annotation that is no commit", build{image: "b:1.2", commit: "main"}, "", "1.2"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if sha, version := tc.build.version(); sha != tc.sha || version != tc.version {
				t.Errorf("sha %q version %q", sha, version)
			}
		})
	}
}

// podTemplate is a pod template that runs a version.
func podTemplate(version string, annotations map[string]any) map[string]any {
	metadata := map[string]any{"creationTimestamp": nil, "labels": map[string]any{"app": "payment"}}
	if annotations != nil {
		metadata["annotations"] = annotations
	}
	return map[string]any{"metadata": metadata, "spec": map[string]any{"containers": []any{
		map[string]any{"name": "proxy", "image": "envoy:1.30"},
		map[string]any{"name": "payment", "image": "reg.example.com:5000/payment:" + version},
	}}}
}

func TestTemplates(t *testing.T) {
	r := NewReader([]string{"app.kubernetes.io/name"}, "example.com/commit", nil)
	base := r.readTemplate(podTemplate("1.2", nil), "payment")
	if base.image != "reg.example.com:5000/payment:1.2" {
		t.Errorf("the container that is named like the workload: %q", base.image)
	}
	if got := r.readTemplate(podTemplate("1.2", nil), "other"); got.image != "envoy:1.30" {
		t.Errorf("the first container: %q", got.image)
	}
	chosen := r.readTemplate(
		podTemplate("1.2", map[string]any{"kubectl.kubernetes.io/default-container": "payment", "example.com/commit": "abcdef0"}),
		"other",
	)
	if chosen.image != base.image || chosen.commit != "abcdef0" {
		t.Errorf("the container that kubectl takes: %+v", chosen)
	}
	restarted := podTemplate("1.2", map[string]any{restartedAt: "2026-11-20T12:03:00Z"})
	restarted["metadata"].(map[string]any)["labels"] = map[string]any{"app": "payment", "pod-template-hash": "x"}
	restarted["$patch"] = "replace"
	before := reflect.ValueOf(restarted).Len()
	if got := r.readTemplate(restarted, "payment"); got.digest != base.digest || len(restarted) != before {
		t.Errorf("a restart changes the digest, or the object")
	}
	for name, other := range map[string]map[string]any{"a version": podTemplate("1.3", nil), "an annotation": podTemplate("1.2", map[string]any{"checksum/config": "2"})} {
		if got := r.readTemplate(other, "payment"); got.digest == base.digest {
			t.Errorf("%s does not change the digest", name)
		}
	}
	if got := r.readTemplate("odd", "payment"); got != (build{}) {
		t.Errorf("%+v", got)
	}
}
