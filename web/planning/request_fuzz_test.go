package planning

import (
	"path/filepath"
	"strings"
	"testing"
)

// FuzzDecode checks that no body panics, and that what is accepted is within the bounds and names no file elsewhere.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte(`{"version": 1, "files": [{"name": "a", "text": "rules: [x]\n---\na: &a [*a]"}], "base": {"name": "b", "files": [{"name": "..", "text": ""}]}, "since": "90d"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := Decode(body)
		if err != nil {
			return
		}
		_ = r.Bounds() // must not panic
		files := r.Files
		if r.Base != nil {
			files = append(files, r.Base.Files...)
		}
		if len(files) == 0 || len(files) > MaxFiles {
			t.Errorf("%d files", len(files))
		}
		for _, file := range files {
			if !filepath.IsLocal(file.Name) || strings.ContainsAny(file.Name, "\\\x00\n") {
				t.Errorf("the name %q leads elsewhere", file.Name)
			}
		}
	})
}
