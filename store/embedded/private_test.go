package embedded_test

import (
	"os"
	"testing"
)

// A data directory that everybody could write to is closed to others when it is opened.
func TestDataDirectoryIsClosedToOthers(t *testing.T) {
	open(t) // makes the directory with mode 0777
	info, err := os.Stat(shared.dir)
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode().Perm(); mode != 0o700 {
		t.Errorf("the directory has mode %o, want 700", mode)
	}
}
