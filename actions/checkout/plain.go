package checkout

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Plain returns an error if name, a file or directory that may be missing, is in the directory root and a part of its
// way from there is a symbolic link or no directory: whoever wrote the checkout could lead a program elsewhere with it.
// Names outside of root are those of the user, and always plain.
func Plain(root, name string) error {
	root, err := filepath.Abs(root)
	if err != nil {
		return fmt.Errorf("looking at %s: %w", name, err)
	}
	absolute, err := filepath.Abs(name)
	if err != nil {
		return fmt.Errorf("looking at %s: %w", name, err)
	}
	rel, err := filepath.Rel(root, absolute)
	if err != nil {
		return fmt.Errorf("looking at %s: %w", name, err)
	}
	if !filepath.IsLocal(rel) {
		return nil
	}
	part := root
	all := strings.Split(rel, string(filepath.Separator))
	for i, element := range all {
		part = filepath.Join(part, element)
		info, err := os.Lstat(part)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("looking at %s: %w", name, err)
		}
		switch {
		case info.Mode()&fs.ModeSymlink != 0:
			return fmt.Errorf("%s is a symbolic link of the checkout; name a place without links", part)
		case i < len(all)-1 && !info.IsDir():
			return fmt.Errorf("%s is no directory", part)
		case !info.IsDir() && !info.Mode().IsRegular():
			return fmt.Errorf("%s is no regular file", part)
		}
	}
	return nil
}
