package checkout_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/actions/checkout"
)

// TestBelowTheRoot opens a directory of a repository, by its name and through a symbolic link: changes that are not
// committed are seen there, too, and a file with them is not written.
func TestBelowTheRoot(t *testing.T) {
	dir := repository(t, map[string]string{
		".gitattributes": "*.crlf eol=crlf\n", "svc/clean": "old\n", "svc/deep/edited": "old\n", "edited": "old\n",
		"svc/lines.crlf": "one\ntwo\n",
	})
	write(t, filepath.Join(dir, "svc/deep/edited"), "mine\n")
	write(t, filepath.Join(dir, "svc/untracked"), "mine\n")
	write(t, filepath.Join(dir, "svc/lines.crlf"), "one\r\ntwo\r\n")
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(filepath.Join(dir, "svc"), link); err != nil {
		t.Fatal(err)
	}
	for _, opened := range []string{filepath.Join(dir, "svc"), link} {
		c := open(t, opened)
		dirty, err := c.Uncommitted(t.Context(), "clean", "deep/edited", "untracked", "lines.crlf", "edited")
		if err != nil || len(dirty) != 2 || dirty["deep/edited"] == "" || dirty["untracked"] == "" {
			t.Errorf("%s: %v, %v", opened, dirty, err)
		}
		written, err := c.Write(t.Context(), []checkout.Change{
			{Path: "clean", Before: []byte("old\n"), After: []byte("new\n")},
			{Path: "deep/edited", Before: []byte("mine\n"), After: []byte("new\n")},
		})
		var refused *checkout.RefusedError
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), "deep/edited") || len(written) > 0 {
			t.Errorf("%s: written %v, %v", opened, written, err)
		}
		if c.IsGit() {
			t.Error("the directory is taken for the root of a repository")
		}
	}
	if got := read(t, dir, "svc/deep/edited"); got != "mine\n" {
		t.Errorf("the edit is lost: %q", got)
	}
	c := open(t, filepath.Join(dir, "svc"))
	if _, err := c.Write(t.Context(), []checkout.Change{
		{Path: "clean", Before: []byte("old\n"), After: []byte("new\n")}, {Path: "added", After: []byte("new\n")},
	}); err != nil || read(t, dir, "svc/clean") != "new\n" || read(t, dir, "svc/added") != "new\n" {
		t.Errorf("%v", err)
	}
}
