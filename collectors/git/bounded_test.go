package git

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
)

// TestBounded ends a fetch while it writes more than is wanted.
func TestBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		pack := filepath.Join(dir, "objects", "pack")
		if err := os.MkdirAll(pack, 0o700); err != nil {
			t.Fatal(err)
		}
		fetch := func(bytes int, endless bool) error {
			return bounded(t.Context(), dir, 10, func(ctx context.Context) error {
				if err := os.WriteFile(filepath.Join(pack, "tmp_pack"), make([]byte, bytes), 0o600); err != nil || !endless {
					return err
				}
				<-ctx.Done()
				return context.Cause(ctx)
			})
		}
		if err := fetch(10, false); err != nil {
			t.Error(err)
		}
		for _, endless := range []bool{false, true} {
			if err := fetch(11, endless); err == nil || !strings.Contains(err.Error(), "more than 10 bytes") {
				t.Errorf("endless %v: the error is %v", endless, err)
			}
		}
	})
}
