//go:build pathsbed

package pathcheck_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/scorecards/paths"
)

// TestBuiltImage builds the image of a created Go service from its Dockerfile, and runs what is in it as its user. No
// base image is downloaded: buildah makes one of the Go and the busybox of this machine, and the Dockerfile names it by
// its digest. Steps run in a chroot, which needs no container runtime.
func TestBuiltImage(t *testing.T) {
	if os.Getuid() != 0 {
		t.Fatal("steps of a Dockerfile run in a chroot, which only root may enter: run `make test-images` as root")
	}
	for program, install := range map[string]string{"buildah": "buildah", "busybox": "busybox-static"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("%s is missing: apt-get install %s", program, install)
		}
	}
	store := t.TempDir()
	buildah := func(dir string, args ...string) string {
		t.Helper()
		command := append([]string{
			"buildah", "--root", filepath.Join(store, "root"), "--runroot", filepath.Join(store, "run"),
			"--storage-driver", "vfs",
		}, args...)
		return strings.TrimSpace(run(t, dir, nil, command...))
	}

	base := t.TempDir()
	goroot := strings.TrimSpace(run(t, base, nil, "go", "env", "GOROOT"))
	run(t, base, nil, "sh", "-ec", `mkdir -p bin etc/ssl/certs usr/local/go root tmp go
cp "$(command -v busybox)" bin/busybox
for name in sh mkdir cp ls cat env; do ln -s busybox "bin/$name"; done
cp /etc/ssl/certs/ca-certificates.crt etc/ssl/certs/
tar -C "$0" -cf - bin pkg src lib go.env VERSION | tar -C usr/local/go -xf -`, goroot)
	from := buildah(base, "from", "scratch")
	buildah(base, "copy", "--quiet", from, ".", "/")
	buildah(base, "config", "--env", "PATH=/usr/local/go/bin:/bin", "--env", "GOTOOLCHAIN=local",
		"--env", "GOPROXY="+strings.TrimSpace(run(t, base, nil, "go", "env", "GOPROXY")), from)
	buildah(base, "commit", "--quiet", from, "localhost/golang:1.26")
	digest := buildah(base, "images", "--format", "{{.Digest}}", "localhost/golang:1.26")

	image := "localhost/golang:1.26@" + digest
	dir := createWith(t, "go-service", "none", "none", paths.Defaults{BaseImages: map[string]string{"go": image}})
	buildah(dir, "build", "--isolation", "chroot", "--pull-never", "--layers=false", "--build-arg", "VERSION=1.2.3",
		"--tag", "localhost/payment-service:1.2.3", ".")
	config := buildah(dir, "inspect", "--type", "image", "--format",
		"{{.OCIv1.Config.User}} {{.OCIv1.Config.Entrypoint}} {{.OCIv1.Config.ExposedPorts}}",
		"localhost/payment-service:1.2.3")
	if config != "10001:10001 [/service] map[8080/tcp:{}]" {
		t.Errorf("the image has %s", config)
	}
	made := buildah(dir, "from", "--pull-never", "localhost/payment-service:1.2.3")
	root := buildah(dir, "mount", made)
	defer buildah(dir, "umount", made)
	serves(t, dir, []string{"DRAIN_DELAY=100ms"}, "chroot", "--userspec=10001:10001", root, "/service")
}
