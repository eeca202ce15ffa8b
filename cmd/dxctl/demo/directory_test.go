package demo

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestWrite writes over an earlier demo, and never to a directory with other files.
func TestWrite(t *testing.T) {
	org := Generate(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	dir := filepath.Join(t.TempDir(), "data")
	for range 2 {
		if err := org.Write(dir); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"dx.yaml", "people.csv", mark} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	foreign := t.TempDir()
	if err := os.WriteFile(filepath.Join(foreign, "dx.yaml"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := org.Write(foreign); err == nil || !strings.Contains(err.Error(), "not from the demo") {
		t.Errorf("writing to a directory with other files: %v", err)
	}
	if text, err := os.ReadFile(filepath.Join(foreign, "dx.yaml")); err != nil || string(text) != "mine" {
		t.Errorf("dx.yaml is now %q (%v)", text, err)
	}
}
