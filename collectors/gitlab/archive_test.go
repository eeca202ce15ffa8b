package gitlab

import (
	"net/http"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/collectors/source"
)

// TestArchiveOfAProject asks for the commit on the condition that there is another one, and for the files of the
// default branch.
func TestArchiveOfAProject(t *testing.T) {
	f := start(t)
	f.files = map[string]string{"README.md": "# Shop\n"}
	f.before = func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/repository/archive.tar.gz") {
			return false
		}
		if r.URL.Query().Get("sha") != "main" {
			refuse(w, 404, "404 File Not Found")
			return true
		}
		_, _ = w.Write([]byte("\x1f\x8barchive"))
		return true
	}
	c := f.collector(t, now, nil)
	var _ source.Reviser = c
	first, err := c.Revision(t.Context(), scope, source.Revision{})
	if err != nil || first.Commit == "" || first.ETag == "" {
		t.Fatalf("%+v %v", first, err)
	}
	f.asked()
	again, err := c.Revision(t.Context(), scope, first)
	if requests, whole := f.asked(); err != nil || again != first || len(requests) != 1 || whole != 0 {
		t.Errorf("%+v %v after %v, %d of them with an answer", again, err, requests, whole)
	}
	f.change(func() { f.files["README.md"] = "# Shop, changed\n" })
	if pushed, err := c.Revision(t.Context(), scope, first); err != nil || pushed.Commit == first.Commit {
		t.Errorf("after a push: %+v %v", pushed, err)
	}
	if body, err := c.Archive(t.Context(), scope, 100); err != nil || string(body) != "\x1f\x8barchive" {
		t.Errorf("%q %v", body, err)
	}
	if _, err := c.Archive(t.Context(), scope, 4); err == nil || !strings.Contains(err.Error(), "more than 4 bytes") {
		t.Errorf("the error is %v", err)
	}
	f.project["default_branch"] = nil
	empty := f.collector(t, now, nil)
	if _, err := empty.Archive(t.Context(), scope, 100); err == nil || !strings.Contains(err.Error(), "no default branch") {
		t.Errorf("the error is %v", err)
	}
	if revision, err := empty.Revision(t.Context(), scope, source.Revision{}); err != nil || revision.Commit != "" {
		t.Errorf("%+v %v", revision, err)
	}
}
