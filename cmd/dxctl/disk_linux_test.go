package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dxctl/dxctl/cmd/dxctl/exit"
	"github.com/dxctl/dxctl/collectors/github/githubtest"
	"github.com/dxctl/dxctl/store/embedded"
)

// onSmallDisk collects on a disk of its own: with no room, then with a little more each time, then with enough. Each
// line "collect <free KB>: <exit status>" is followed by what the command said.
const onSmallDisk = `
set -eu
mount --make-rprivate /
mount -t tmpfs -o size=96m tmpfs disk
dxctl migrate >/dev/null
for free in 0 200 400 800 1600 3200; do
	cat /dev/zero >disk/filler 2>/dev/null || true
	if [ $free -gt 0 ]; then truncate -s -${free}K disk/filler; fi
	status=0
	said=$(dxctl collect 2>&1) || status=$?
	echo "collect $free: $status"
	echo "$said"
	rm disk/filler
done
dxctl collect
cp -r disk/data data
`

// TestCollectOnAFullDisk fills the disk at several moments of a collect. Every time dxctl says so, and what to do; when
// there is room again it continues from where it was, and in the end stores what it would have stored.
func TestCollectOnAFullDisk(t *testing.T) {
	t.Parallel()
	library, err := embedded.FindLibrary()
	if err != nil {
		t.Fatal(err)
	}
	server := githubtest.New(t)
	now := time.Now().UTC().Truncate(time.Hour)
	for _, name := range []string{"myorg/one", "myorg/two"} {
		server.Repos[name] = busy(now)
	}
	undisturbed, small := collectDir(t, server.API()), collectDir(t, server.API())
	in := func(dir, program string, args ...string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), embedded.LibraryVariable+"="+library)
		return cmd
	}
	if out, err := in(undisturbed, "dxctl", "collect").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	config := filepath.Join(small, "dx.yaml")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	onDisk := strings.Replace(string(text), "embedded:./data", "embedded:./disk/data", 1)
	if err := os.WriteFile(config, []byte(onDisk), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(small, "disk"), 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := in(small, "sh", "-c", onSmallDisk)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS} // so that nobody else sees the disk
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	full := fullDisks(t, string(out))
	if full < 3 {
		t.Errorf("the disk was full in only %d collects, want 3 or more:\n%s", full, out)
	}
	if err := os.WriteFile(config, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, want := fingerprint(t, small, library), fingerprint(t, undisturbed, library); got != want {
		t.Errorf("after %d full disks\n%swant\n%s", full, got, want)
	}
}

// fullDisks checks what each collect said, and returns how many of them met a full disk.
func fullDisks(t *testing.T, said string) int {
	t.Helper()
	full := 0
	for _, part := range strings.Split("\n"+said, "\ncollect ")[1:] {
		head, text, _ := strings.Cut(part, "\n")
		_, status, _ := strings.Cut(head, ": ")
		if code, err := strconv.Atoi(status); err != nil || !slices.Contains([]int{exit.OK, exit.Error, exit.Partial}, code) {
			t.Errorf("collect %s:\n%s", head, text)
		}
		if status == "0" {
			continue
		}
		full++
		for _, want := range []string{"is full", "free some space"} {
			if !strings.Contains(text, want) {
				t.Errorf("collect %s does not say %q:\n%s", head, want, text)
			}
		}
		if strings.Contains(text, "panic") || strings.Contains(text, "goroutine ") {
			t.Errorf("collect %s:\n%s", head, text)
		}
	}
	return full
}
