package pathtest

import (
	"io/fs"
	"testing"

	"github.com/dxctl/dxctl/scorecards"
)

func TestBuiltInPaths(t *testing.T) {
	dirs, err := fs.ReadDir(scorecards.Paths(), ".")
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no golden paths: %v", err)
	}
	for _, dir := range dirs {
		results, err := Run(scorecards.Paths(), dir.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range results {
			t.Run(r.Name, func(t *testing.T) {
				for _, p := range r.Problems {
					t.Error(p)
				}
			})
		}
	}
}
