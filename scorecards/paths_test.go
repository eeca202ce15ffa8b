package scorecards

import (
	"io/fs"
	"testing"
)

func TestBuiltInPaths(t *testing.T) {
	dirs, err := fs.ReadDir(Paths(), ".")
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no golden paths: %v", err)
	}
	for _, dir := range dirs {
		results, err := TestPath(Paths(), dir.Name())
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
