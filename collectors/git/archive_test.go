package git_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/git"
	"github.com/dxctl/dxctl/collectors/source"
)

// TestArchiveOfARepository packs the files of the latest commit, and leaves nothing behind.
func TestArchiveOfARepository(t *testing.T) {
	w := &world{t: t, repo: newRepo(t), directory: t.TempDir()}
	w.repo.commit("README.md")
	head := w.repo.commit("src/main.go")
	cfg, opt := w.config()
	c, err := git.New(cfg, opt)
	if err != nil {
		t.Fatal(err)
	}
	var _ source.Reviser = c
	first, err := c.Revision(t.Context(), "acme/shop", source.Revision{})
	if err != nil || first.Commit != head {
		t.Errorf("%+v %v, want %s", first, err, head)
	}
	history := filepath.Join(w.directory, "history")
	for name, age := range map[string]time.Duration{"archive-killed": 2 * time.Hour, "archive-used": time.Minute} {
		name = filepath.Join(history, name)
		then := time.Now().Add(-age)
		if err := errors.Join(os.MkdirAll(filepath.Join(name, "objects"), 0o700), os.Chtimes(name, then, then)); err != nil {
			t.Fatal(err)
		}
	}
	packed, err := c.Archive(t.Context(), "acme/shop", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	commit := ""
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch h.Typeflag {
		case tar.TypeXGlobalHeader:
			commit = h.PAXRecords["comment"]
		case tar.TypeReg:
			names = append(names, h.Name)
		}
	}
	if slices.Sort(names); !slices.Equal(names, []string{"files/README.md", "files/src/main.go"}) || commit != head {
		t.Errorf("the archive of %s has %v", commit, names)
	}
	left, err := os.ReadDir(history)
	if err != nil || len(left) != 1 || left[0].Name() != "archive-used" {
		t.Errorf("%v are left, %v", left, err)
	}
	if _, err := c.Archive(t.Context(), "acme/shop", 10); err == nil || !strings.Contains(err.Error(), "more than 10 bytes") {
		t.Errorf("the error is %v", err)
	}
	if _, err := c.Archive(t.Context(), "acme/other", 10); err == nil || !strings.Contains(err.Error(), "not configured") {
		t.Errorf("the error is %v", err)
	}
	if !c.HasRepository("github", "acme/shop") || c.HasRepository("gitlab", "acme/shop") {
		t.Error("the repository belongs to another provider")
	}
	empty := newRepo(t)
	w.repo = empty
	cfg, opt = w.config()
	if c, err = git.New(cfg, opt); err != nil {
		t.Fatal(err)
	}
	if revision, err := c.Revision(t.Context(), "acme/shop", source.Revision{}); err != nil || revision.Commit != "" {
		t.Errorf("an empty repository: %+v %v", revision, err)
	}
}
