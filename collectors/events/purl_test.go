package events

import (
	"testing"

	"github.com/dxctl/dxctl/catalog/identifier"
	"github.com/dxctl/dxctl/collectors/delivery"
	"github.com/dxctl/dxctl/collectors/delivery/deliverytest"
	"github.com/dxctl/dxctl/event"
)

// TestArtifact reads package URLs of the specification's own examples and of people who do not follow it.
func TestArtifact(t *testing.T) {
	const sha = "244fd47e07d1004f0aed9c1fa2a1a1a1a1a1a1a1"
	const digest = "sha256:0b31b1c02ff458ad9b7b81cbdf8f028bd54699fa151f221d1e8de6817db93427"
	for _, c := range []struct{ id, version, sha string }{
		{"", "", ""},
		{"pkg:npm/%40acme/shop-web@1.4.2", "1.4.2", ""},
		{"pkg:npm/@acme/shop-web@1.4.2", "1.4.2", ""},
		{"pkg:npm/@acme/shop-web", "", ""},
		{"pkg:npm/shop-web@1.4.2-rc.1%2Bbuild.7", "1.4.2-rc.1+build.7", ""},
		{"PKG:NPM/shop-web@1.0", "1.0", ""},
		{"pkg://npm/shop-web@1.0", "1.0", ""},
		{"pkg:npm/shop-web@1.0/", "1.0", ""},
		{"pkg:oci/shop-web@sha256%3A0b31b1c02ff458ad9b7b81cbdf8f028bd54699fa151f221d1e8de6817db93427?repository_url=reg.example/acme&tag=v1.4.2", digest, ""},
		{"pkg:oci/shop-web@" + digest + "?tag=v1", digest, ""},
		{"pkg:docker/customer/dockerimage@sha256:244fd47e07d1004f0aed9c?repository_url=gcr.io", "sha256:244fd47e07d1004f0aed9c", ""},
		{"pkg:golang/google.golang.org/genproto@abcdedf#googleapis/api/annotations", "abcdedf", ""},
		{"pkg:maven/org.apache.xmlgraphics/batik-anim@1.9.1?packaging=sources", "1.9.1", ""},
		{"pkg:github/acme/shop@" + sha, sha, sha},
		{"pkg:github/acme/shop@244FD47E07D1004F0AED9C1FA2A1A1A1A1A1A1A1", "244FD47E07D1004F0AED9C1FA2A1A1A1A1A1A1A1", sha},
		{"pkg:generic/openssl@1.1.10g?download_url=https://a.example/x@2.zip&checksum=sha256:de4d", "1.1.10g", ""},
		{"pkg:generic/shop@1.0?vcs_url=git%2Bhttps://git.example/acme/shop%40" + sha, "1.0", sha},
		{"pkg:generic/shop@1.0?vcs_url=git+https://git.example/acme/shop@" + sha, "1.0", sha},
		{"pkg:deb/debian/curl@7.50.3-1?arch=i386&distro=jessie", "7.50.3-1", ""},
		{"pkg:generic/shop@a%40b", "a@b", ""},
		{"pkg:generic/shop@1.0?note=a@b#c@d", "1.0", ""},
		{"pkg:generic/shop@größe", "größe", ""},
		{"ghcr.io/acme/shop:v1.2.3", "v1.2.3", ""},
		{"reg.example:5000/acme/shop", "", ""},
		{"reg.example:5000/acme/shop:v1", "v1", ""},
		{"reg.example:5000/acme/shop@" + digest, digest, ""},
		{"reg.example:5000/acme/shop:v1@" + digest, "v1", ""},
		{"shop:" + sha, sha, sha},
	} {
		a, err := readArtifact(c.id)
		if err != nil || a.version != c.version || a.sha != c.sha {
			t.Errorf("%s: version %q, commit %q, %v; want %q and %q", c.id, a.version, a.sha, err, c.version, c.sha)
		}
	}
	for _, id := range []string{"pkg:", "pkg:npm", "pkg:npm/", "pkg:/x@1", "pkg:n pm/x@1", "pkg:npm/@1.0", "pkg:npm/x@%zz", "https://a.example/x@1", "a name"} {
		if a, err := readArtifact(id); err == nil && a.version != "" {
			t.Errorf("%s: version %q", id, a.version)
		}
	}
}

// TestArtifactOfAnEvent: what an identifier says is the deployment's version, and one that cannot be read is listed.
func TestArtifactOfAnEvent(t *testing.T) {
	const deployed = "dev.cdevents.service.deployed.0.2.0"
	at := func(id string) (event.Deployment, delivery.Verdict) {
		updates, v := parseEvent(
			t,
			deliverytest.CloudEvent(
				deployed,
				deliverytest.CDEvent("pay", `{"environment":{"id":"production"},"artifactId":"`+id+`"}`, `null`),
			),
		)
		if v.Outcome != delivery.Accepted {
			t.Fatalf("%+v", v)
		}
		return updates[0].Event.(event.Deployment), v
	}
	if d, v := at("pkg:npm/@acme/shop-web@1.4.2"); d.Version != "1.4.2" || len(v.Misfits) > 0 {
		t.Errorf("%+v %+v", d, v)
	}
	if d, v := at("pkg:npm"); d.Version != "" || len(v.Misfits) != 1 ||
		v.Misfits[0].Field != "subject.content.artifactId" {
		t.Errorf("%+v %+v", d, v)
	}
}

func TestRepositoryNames(t *testing.T) {
	for text, want := range map[string]string{
		"acme/shop": "acme/shop", "https://github.com/acme/shop/tree/main": "acme/shop", "git@github.com:acme/shop.git": "acme/shop",
		"ssh://git@git.example:2222/acme/shop.git": "acme/shop", "https://gitlab.com/a/b/c/-/tree/main": "a/b/c", "shop@home": "shop@home",
	} {
		if got := identifier.RepositoryName(text); got != want {
			t.Errorf("%s names %q, want %q", text, got, want)
		}
	}
}
