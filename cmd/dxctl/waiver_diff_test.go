package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/repository/waiver"
)

// TestTheDifferenceOfAWaiverCanBeApplied: git applies what a request prints at the root of the repository, also where
// dx.yaml is in a directory of it, and makes the same file of it.
func TestTheDifferenceOfAWaiverCanBeApplied(t *testing.T) {
	root := t.TempDir()
	git := func(input string, args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "git", append([]string{"-c", "user.name=Ada", "-c", "user.email=a@b.example"}, args...)...)
		cmd.Dir, cmd.Stdin = root, strings.NewReader(input)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	git("", "init", "--quiet")
	dir := filepath.Join(root, "platform", "grün")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "waivers", "shop.yaml")
	for i, rule := range []string{"license", "lock-files"} {
		w := &waiver.Waiver{
			Rule: rule, Service: "component:default/shop", Reason: "planned", Note: "é: 'x' # y\nsecond line", By: "ana",
			Since: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), Until: time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC),
			Origin: waiver.FromScorecards,
		}
		diff, err := writeWaiver(dir, "waivers/shop.yaml", prefixInRepository(t.Context(), dir), w)
		if err != nil {
			t.Fatal(err)
		}
		written, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			err = os.Remove(file)
		} else {
			git("", "checkout", "--quiet", ".")
		}
		if err != nil {
			t.Fatal(err)
		}
		git(diff, "apply", "-")
		applied, err := os.ReadFile(file)
		if err != nil || string(applied) != string(written) {
			t.Errorf("%s: %v\n%s\nwant\n%s", rule, err, applied, written)
		}
		git("", "add", "-A")
		git("", "commit", "--quiet", "-m", rule)
	}
	if got := prefixInRepository(t.Context(), root); got != "" {
		t.Errorf("the root has the prefix %q", got)
	}
}
