package pathlock_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/dxctl/dxctl/repository/pathlock"
)

// TestReadOpensNoPipe: opening a named pipe would block until somebody writes to it.
func TestReadOpensNoPipe(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, ".dxctl"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, pathlock.File), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := pathlock.Read(os.DirFS(dir)); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Error(err)
	}
}
