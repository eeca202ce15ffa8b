package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// keepPrivate removes the rights of other users of the machine to a data directory, whatever they were: survey answers
// are in it. Where the directory is another user's, as a volume of Kubernetes is, its subdirectories are closed
// instead. It returns an error if neither is possible.
func keepPrivate(path string) error {
	err := closeToOthers(path)
	if err == nil || !errors.Is(err, fs.ErrPermission) {
		return err
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return directoryError(path, err)
	}
	for _, e := range entries {
		if e.Name() == "lost+found" || !e.IsDir() { // dxctl's own files are made for this user only
			continue
		}
		if err := closeToOthers(filepath.Join(path, e.Name())); err != nil {
			return fmt.Errorf("opening the data directory %s: other users of this machine can read it, and this user may "+
				"not change that (%w); run chmod -R go-rwx on it as its owner, or choose another directory", path, err)
		}
	}
	return nil
}

func closeToOthers(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return directoryError(path, err)
	}
	if mode := info.Mode(); mode.Perm()&0o077 != 0 {
		if err := os.Chmod(path, mode&^0o077); err != nil {
			return directoryError(path, err)
		}
	}
	return nil
}
