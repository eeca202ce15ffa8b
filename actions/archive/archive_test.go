package archive

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/actions/checkout"
)

// entry is an entry of an archive.
type entry struct {
	name, text, link string
	mode             int64
	kind             byte // default: a file, or a link if link is set
}

// pack makes an archive as git does, with the commit in front.
func pack(t *testing.T, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	write := func(h *tar.Header, text string) {
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
	}
	write(&tar.Header{
		Typeflag: tar.TypeXGlobalHeader, Name: "pax_global_header",
		PAXRecords: map[string]string{"comment": strings.Repeat("ab", 20)},
	}, "")
	for _, e := range entries {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: e.name, Size: int64(len(e.text)), Mode: e.mode, Linkname: e.link}
		if e.link != "" {
			h.Typeflag = tar.TypeSymlink
		}
		if e.kind != 0 {
			h.Typeflag = e.kind
		}
		write(h, e.text)
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// tree returns the names of what is below a directory; links with their targets.
func tree(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		short, err := filepath.Rel(dir, name)
		if d.Type()&fs.ModeSymlink != 0 {
			target, err := os.Readlink(name)
			names = append(names, short+" -> "+target)
			return err
		}
		names = append(names, short)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestExtract(t *testing.T) {
	for _, c := range []struct {
		name    string
		entries []entry
		limits  Limits
		want    []string
		leftOut []string
		err     string
	}{
		{name: "nothing"},
		{
			name: "files, a program and links",
			entries: []entry{
				{name: "a-b-c/", kind: tar.TypeDir}, {name: "a-b-c/README.md", text: "x"},
				{name: "a-b-c/bin/run", text: "#!", mode: 0o755}, {name: "a-b-c/link", link: "bin/run"},
				{name: "a-b-c/dangling", link: "/etc/passwd"},
			},
			want: []string{"README.md", "bin/run", "dangling -> /etc/passwd", "link -> bin/run"},
		},
		{
			name: "names that leave the directory",
			entries: []entry{
				{name: "r/../../evil", text: "x"}, {name: "/etc/evil", text: "x"}, {name: "r/.git/config", text: "x"},
				{name: "r/a:b", text: "x"}, {name: "r/.GIT/hooks/x", text: "x"}, {name: "evil", text: "x"},
			},
			leftOut: []string{"r/../../evil", "/etc/evil", "r/.git/config", "r/a:b", "r/.GIT/hooks/x", "evil"},
		},
		{
			name: "a file through a link",
			entries: []entry{
				{name: "r/out", link: "/tmp"}, {name: "r/out/evil", text: "x"}, {name: "r/x", link: "."}, {name: "r/x/y", text: "1"},
			},
			want: []string{"out/evil", "x/y"}, leftOut: []string{"out", "x"},
		},
		{
			name:    "a name twice",
			entries: []entry{{name: "r/a", text: "1"}, {name: "r/a", text: "22"}, {name: "r/a", link: "b"}},
			want:    []string{"a"}, leftOut: []string{"a", "a"},
		},
		{
			name: "devices, pipes and hard links",
			entries: []entry{
				{name: "r/null", kind: tar.TypeChar}, {name: "r/pipe", kind: tar.TypeFifo},
				{name: "r/hard", kind: tar.TypeLink, link: "/etc/passwd"}, {name: "r/a", text: "1"},
			},
			want: []string{"a"},
		},
		{
			name: "a file where a directory is needed, and long names",
			entries: []entry{
				{name: "r/a", text: "1"}, {name: "r/a/b", text: "2"}, {name: "r/" + strings.Repeat("n", 300), text: "3"},
				{name: "r/" + strings.Repeat("d/", 41) + "x", text: "4"}, {name: "r/z", text: "5"},
			},
			want:    []string{"a", "z"},
			leftOut: []string{"a/b", strings.Repeat("n", 300), "r/" + strings.Repeat("d/", 41) + "x"},
		},
		{
			name: "many directories", entries: []entry{{name: "r/a/b/c/d/e/f", text: "1"}}, limits: Limits{Files: 5},
			err: "more than 5 files and directories",
		},
		{
			name: "a bomb in a file that is read", entries: []entry{{name: "r/a", text: strings.Repeat("0", 3<<20)}},
			limits: Limits{Read: 1 << 20}, err: "it has more than 1 MB",
		},
		{
			name: "many files", entries: []entry{{name: "r/a"}, {name: "r/b"}, {name: "r/c"}}, limits: Limits{Files: 2},
			err: "more than 2 files",
		},
		{
			name: "many bytes", entries: []entry{{name: "r/a", text: strings.Repeat("x", 2<<20)}}, limits: Limits{Bytes: 1 << 20},
			err: "the files have more than 1 MB",
		},
		{
			name: "a bomb", entries: []entry{{name: "r/a", text: strings.Repeat("0", 9<<20)}, {name: "r/b", text: "x"}},
			limits: Limits{Read: 1 << 20}, err: "it has more than 1 MB",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			got, err := Extract(t.Context(), bytes.NewReader(pack(t, c.entries...)), dir, c.limits)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("the error is %v, want %q", err, c.err)
				}
				return
			}
			if err != nil || got.Commit != strings.Repeat("ab", 20) {
				t.Fatalf("commit %q, %v", got.Commit, err)
			}
			if names := tree(t, dir); !slices.Equal(names, c.want) {
				t.Errorf("there are %q, want %q", names, c.want)
			}
			if !slices.Equal(got.LeftOut, c.leftOut) {
				t.Errorf("left out are %q, want %q", got.LeftOut, c.leftOut)
			}
		})
	}
}

func TestExtractKeepsModesAndSizes(t *testing.T) {
	dir := t.TempDir()
	large := strings.Repeat("x", checkout.MaxFile+1)
	archive := pack(t, entry{name: "r/run", text: "1", mode: 0o755}, entry{name: "r/read", text: "2", mode: 0o644},
		entry{name: "r/large", text: large})
	if _, err := Extract(t.Context(), bytes.NewReader(archive), dir, Limits{Bytes: 1 << 20}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]struct {
		size       int64
		executable bool
	}{"run": {1, true}, "read": {1, false}, "large": {checkout.MaxFile + 1, false}} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Size() != want.size || (info.Mode()&0o100 != 0) != want.executable {
			t.Errorf("%s: %v %v", name, info, err)
		}
	}
}

func TestExtractStops(t *testing.T) {
	whole := pack(t, entry{name: "r/a", text: strings.Repeat("abc", 1000)})
	for name, text := range map[string][]byte{
		"empty": nil, "no gzip": []byte("<html>"), "cut off": whole[:len(whole)/2],
	} {
		if _, err := Extract(t.Context(), bytes.NewReader(text), t.TempDir(), Limits{}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Extract(ctx, bytes.NewReader(whole), t.TempDir(), Limits{}); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
}

// FuzzExtract: whatever an archive is, nothing is written outside of the directory.
func FuzzExtract(f *testing.F) {
	f.Add("r/../x", "..", "text")
	f.Add("r/a/../../../x", "/etc", "")
	f.Add("/x", "x\x00", "y")
	f.Fuzz(func(t *testing.T, name, link, text string) {
		if strings.ContainsRune(name+link, 0) || len(name)+len(link) > 300 || strings.HasSuffix(name, "/") ||
			strings.HasSuffix(link, "/") { // what tar cannot encode
			return
		}
		above := t.TempDir()
		dir := filepath.Join(above, "in")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		_, _ = Extract(t.Context(), bytes.NewReader(pack(t, entry{name: "r/" + link, link: name}, entry{name: name, text: text},
			entry{name: name + "/x", text: text})), dir, Limits{})
		entries, err := os.ReadDir(above)
		if err != nil || len(entries) != 1 {
			t.Errorf("there are %v %v", entries, err)
		}
	})
}
