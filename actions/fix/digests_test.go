package fix_test

import (
	"io"
	"log"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	local "github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/dxctl/dxctl/actions/fix"
	"github.com/dxctl/dxctl/actions/fix/registry"
)

// TestDigests pins base images to what their registry answers, if it may be asked; else, and for images that it does
// not have, a person is told.
func TestDigests(t *testing.T) {
	server := httptest.NewServer(local.New(local.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	base := strings.TrimPrefix(server.URL, "http://") + "/team/base"
	image, err := random.Image(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	ref, err := name.NewTag(base + ":1.0")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, image); err != nil {
		t.Fatal(err)
	}
	sum, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	text := "# builds\nFROM " + base + ":1.0 AS build\nFROM " + base + ":2.0\nUSER 5\nCMD [\"a\"]\n"
	dir := checkoutOf(t, map[string]string{"catalog-info.yaml": component("pay"), "Dockerfile": text})
	client := &registry.Client{}
	planned := func(with bool) *fix.Plan {
		return plan(t, dir, goldenPath(t, nil), func(o *fix.Options) {
			o.Rules = []string{"base-image-pinned"}
			if with {
				o.Digest = client.Digest
			}
		})
	}
	if p := planned(false); p.Changes() || !strings.Contains(asked(p), base+":1.0 (`docker buildx imagetools inspect "+base+":1.0") {
		t.Errorf("nobody may be asked, and the plan is %s, %s", p.Diff(), asked(p))
	}
	p := planned(true)
	want := strings.Replace(text, base+":1.0", base+":1.0@"+sum.String(), 1)
	if len(p.Files) != 1 || string(p.Files[0].After) != want {
		t.Errorf("the plan is\n%s\nwant\n%s", p.Diff(), want)
	}
	if !strings.Contains(asked(p), "there is no such image or tag") {
		t.Errorf("asked is %s", asked(p))
	}
	if _, err := p.Write(t.Context()); err != nil {
		t.Fatal(err)
	}
	if again := planned(true); again.Changes() {
		t.Errorf("a second run changes\n%s", again.Diff())
	}
}
