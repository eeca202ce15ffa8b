package repositories

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// maxFiles bounds the files that a fingerprint looks at.
const maxFiles = 100_000

// gitFiles are the files of git that change with a commit or a checkout.
var gitFiles = []string{"HEAD", "index", "logs/HEAD", "packed-refs"}

// errMany ends a walk over a directory of too many files.
var errMany = errors.New("too many files")

// fingerprint identifies the files of a directory by their names, sizes and times; "" for a directory of too many. It
// follows no symbolic link but dir itself, and looks into no directory of git.
func fingerprint(ctx context.Context, dir string) (string, error) {
	named := dir
	dir, err := filepath.EvalSymlinks(dir) // a walk does not follow a link where it begins
	if err != nil {
		return "", fmt.Errorf("looking for changes in %s: %w", named, err)
	}
	h := sha256.New()
	add := func(name string, info fs.FileInfo) {
		fmt.Fprintf(h, "%q %d %d %o\n", name, info.Size(), info.ModTime().UnixNano(), info.Mode())
	}
	seen := 0
	err = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist): // it was removed meanwhile
			return nil
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case d.IsDir() && d.Name() == ".git":
			return fs.SkipDir
		case d.IsDir():
			return nil
		}
		if seen++; seen > maxFiles {
			return errMany
		}
		info, err := d.Info()
		if err == nil {
			add(name, info)
		}
		return nil
	})
	if errors.Is(err, errMany) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("looking for changes in %s: %w", dir, err)
	}
	for _, name := range gitFiles {
		if info, err := os.Lstat(filepath.Join(dir, ".git", filepath.FromSlash(name))); err == nil {
			add(name, info)
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
