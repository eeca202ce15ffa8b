package checkout_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/dxctl/dxctl/actions/checkout"
)

func TestPlain(t *testing.T) {
	root, outside := t.TempDir(), t.TempDir()
	err := errors.Join(
		os.MkdirAll(filepath.Join(root, "a", "b"), 0o750),
		os.WriteFile(filepath.Join(root, "a", "file"), nil, 0o600),
		os.Symlink(outside, filepath.Join(root, "link")),
		os.Symlink(filepath.Join(outside, "missing"), filepath.Join(root, "a", "dangling")),
		os.Symlink("link", filepath.Join(root, "chain")),
		os.Symlink("b", filepath.Join(root, "a", "inside")),
	)
	if err != nil {
		t.Fatal(err)
	}
	for name, plain := range map[string]bool{
		"a/b": true, "a/b/new/deep": true, "a/file": true, "new": true, "a/file/x": false,
		"link": false, "link/x": false, "a/dangling": false, "chain/x": false, "a/inside": false,
	} {
		if err := checkout.Plain(root, filepath.Join(root, name)); (err == nil) != plain {
			t.Errorf("%s: %v, plain: %v", name, err, plain)
		}
	}
	if err := checkout.Plain(root, filepath.Join(outside, "x")); err != nil {
		t.Errorf("a place outside: %v", err)
	}
	t.Chdir(root)
	if err := checkout.Plain(".", "link/x"); err == nil {
		t.Error("a relative link is taken as plain")
	}
}
