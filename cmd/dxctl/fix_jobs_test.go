package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// TestJobTimesMakeNoStore: a configuration whose store does not exist yet leaves it so, and without a configuration
// that somebody names nothing is opened, whatever a dx.yaml in the working directory says.
func TestJobTimesMakeNoStore(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "dx.yaml")
	if err := os.WriteFile(file, []byte("store: {dsn: 'embedded:./here'}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("DXCTL_CONFIG", "")
	t.Chdir(dir)
	for name, s := range map[string]*cli{"named": {configFile: file}, "not named": {}} {
		if times, err := s.jobTimes(t.Context(), "component:default/pay"); err != nil || times != nil {
			t.Errorf("%s: %v %v", name, times, err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "here")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory of the store: %v", err)
	}
}
