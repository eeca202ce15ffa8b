package fix_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/repository/pathlock"
	"github.com/dxctl/dxctl/scorecards/paths"
)

// forget takes the bases out of a lock file: one of a dxctl that did not keep them.
func forget(t *testing.T, dir string) {
	t.Helper()
	lock, err := pathlock.Read(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	for name, e := range lock.Files {
		e.Base = ""
		lock.Files[name] = e
	}
	text, err := lock.Encode()
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, pathlock.File), string(text))
}

// TestVersions updates a service through three versions of a golden path, of which dxctl has only the newest each time:
// what the repository changed stays, and what each version changed comes in.
func TestVersions(t *testing.T) {
	dir := created(t, version(t, "1.0.0", map[string]string{"merged.txt": five}), paths.Answers{"service_name": "pay"},
		map[string]string{"merged.txt": strings.Replace(five, "five", "FIVE", 1)})
	second := strings.Replace(five, "one", "ONE", 1)
	for _, v := range []struct{ number, template, want string }{
		{"2.0.0", second, "ONE\ntwo\nthree\nfour\nFIVE\n"},
		{"3.0.0", strings.Replace(second, "three", "THREE", 1), "ONE\ntwo\nTHREE\nfour\nFIVE\n"},
	} {
		p := version(t, v.number, map[string]string{"merged.txt": v.template})
		got := plan(t, dir, p, nil)
		if len(got.Conflicts) > 0 {
			t.Fatalf("%s: conflicts %+v", v.number, got.Conflicts)
		}
		writePlan(t, got)
		if text := content(t, dir, "merged.txt"); text != v.want {
			t.Errorf("%s: %q, want %q", v.number, text, v.want)
		}
		if again := plan(t, dir, p, nil); again.Changes() {
			t.Errorf("%s: a second run changes\n%s", v.number, again.Diff())
		}
	}
}
