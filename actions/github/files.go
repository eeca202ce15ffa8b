package github

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/actions/archive"
	"github.com/dxctl/dxctl/actions/checkout"
)

const (
	// maxArchive bounds the archive of a repository, in bytes as it is sent.
	maxArchive = 128 << 20
	// maxMissing bounds the files that an archive leaves out: each takes a request.
	maxMissing = 200
)

// Files writes the files of a commit below dir, an empty directory, in one read: from the archive of the commit. The
// tree of what was written has to be the one of the commit. An archive lacks files that .gitattributes excludes; they
// are read one by one, so that a file that is there is never taken for one that is not.
func (h *Host) Files(ctx context.Context, head Head, dir string) error {
	if err := h.files(ctx, head, dir); err != nil {
		return fmt.Errorf("reading the files of %s at %.12s: %w", head.Repository, head.Commit, err)
	}
	return nil
}

func (h *Host) files(ctx context.Context, head Head, dir string) error {
	packed, err := h.client.Archive(ctx, head.Repository, head.Commit, maxArchive)
	if err != nil {
		return err
	}
	if _, err := archive.Extract(ctx, bytes.NewReader(packed), dir, archive.Limits{}); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // each write is checked
	there, err := objects(root)
	if err != nil {
		return err
	}
	if treeID(there) == head.Tree {
		return nil
	}
	return h.complete(ctx, head, root, there)
}

// objects returns what a directory has. A file that is too large to be read has no id.
func objects(root *os.Root) ([]object, error) {
	var all []object
	err := fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		o := object{Path: name, Mode: modeFile}
		switch {
		case d.Type() == fs.ModeSymlink:
			target, err := root.Readlink(filepath.FromSlash(name))
			o.Mode, o.ID = modeLink, BlobID([]byte(target))
			all = append(all, o)
			return err
		case info.Mode()&0o111 != 0:
			o.Mode = modeExecutable
		}
		if info.Size() <= checkout.MaxFile {
			content, err := root.ReadFile(filepath.FromSlash(name))
			if err != nil {
				return err
			}
			o.ID = BlobID(content)
		}
		all = append(all, o)
		return nil
	})
	return all, err
}

// complete reads what the archive lacks, or has in another form than the tree of the commit.
func (h *Host) complete(ctx context.Context, head Head, root *os.Root, there []object) error {
	var listing struct {
		Truncated bool     `json:"truncated"`
		Tree      []object `json:"tree"`
	}
	at := "repos/" + head.Repository + "/git/"
	if err := h.get(ctx, at+"trees/"+head.Tree+"?recursive=1", &listing); err != nil {
		return fmt.Errorf("listing the files: %w", err)
	}
	if listing.Truncated {
		return fmt.Errorf("the repository has more files than GitHub lists; use `dxctl fix` in a checkout of it")
	}
	for _, o := range listing.Tree {
		if o.Type == "commit" && checkout.Valid(o.Path) == nil {
			if err := markSubmodule(root, o.Path); err != nil {
				return fmt.Errorf("marking the submodule %s: %w", o.Path, err)
			}
		}
	}
	has := map[string]object{}
	for _, o := range there {
		has[o.Path] = o
	}
	missing := slices.DeleteFunc(listing.Tree, func(o object) bool {
		written, found := has[o.Path]
		large := found && written.ID == ""
		return o.Type != "blob" || large || written.ID == o.ID && written.Mode == o.Mode || checkout.Valid(o.Path) != nil
	})
	if len(missing) > maxMissing {
		return fmt.Errorf("the archive of the repository lacks %d of its files, which .gitattributes excludes; use `dxctl fix` "+
			"in a checkout of it", len(missing))
	}
	for _, o := range missing {
		if err := h.blobFile(ctx, at, root, o); err != nil {
			return fmt.Errorf("reading %s: %w", o.Path, err)
		}
	}
	return nil
}

// markSubmodule makes a directory what git makes of a submodule: one with a .git of its own, below which nothing is
// changed. An archive has it as an empty directory, and a file that is added there would replace the submodule.
func markSubmodule(root *os.Root, name string) error {
	name = filepath.FromSlash(name)
	if err := root.MkdirAll(name, 0o700); err != nil {
		return err
	}
	return root.WriteFile(filepath.Join(name, ".git"), []byte("gitdir: none, it was not fetched\n"), 0o600)
}

// blobFile writes a file of a tree.
func (h *Host) blobFile(ctx context.Context, at string, root *os.Root, o object) error {
	var blob struct {
		Content  string `json:"content"`
		Encoding string `json:"encoding"`
	}
	if err := h.get(ctx, at+"blobs/"+o.ID, &blob); err != nil {
		return err
	}
	content, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(blob.Content, "\n", ""))
	if err != nil || blob.Encoding != "base64" || BlobID(content) != o.ID {
		return fmt.Errorf("the answer is not the content %.12s", o.ID)
	}
	name := filepath.FromSlash(o.Path)
	if err := root.RemoveAll(name); err != nil {
		return err
	}
	if err := root.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	if o.Mode == modeLink {
		return root.Symlink(string(content), name)
	}
	permissions := os.FileMode(0o600)
	if o.Mode == modeExecutable {
		permissions = 0o700
	}
	return root.WriteFile(name, content, permissions)
}
