package repositories

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dxctl/dxctl/catalog/descriptor"
)

// service is a service whose repository is acme/NAME.
func service(name string) descriptor.Entity {
	return descriptor.Entity{
		Ref: "component:default/" + name, Name: name, Kind: "Component",
		Annotations: map[string]string{"github.com/project-slug": "acme/" + name},
	}
}

// packed is an archive with one file.
func packed(t *testing.T, text string) []byte { return packedAs(t, "file", text) }

func packedAs(t *testing.T, name, text string) []byte {
	t.Helper()
	return packedAt(t, "c1", name, text)
}

// packedAt is an archive of a commit with one file.
func packedAt(t *testing.T, commit, name, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	err := errors.Join(
		w.WriteHeader(&tar.Header{Typeflag: tar.TypeXGlobalHeader, Name: "g", PAXRecords: map[string]string{"comment": commit}}),
		w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "r/" + name, Size: int64(len(text)), Mode: 0o644}),
	)
	if err == nil {
		_, err = w.Write([]byte(text))
	}
	if err = errors.Join(err, w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestCheckouts(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a/acme/one", "b/one", "b/two", "b/three", "secret"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	r, err := New(Config{Dirs: []string{filepath.Join(dir, "a"), filepath.Join(dir, "b"), filepath.Join(dir, "none")}})
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := service("x")
	elsewhere.Annotations["github.com/project-slug"] = "other/two"
	bare := service("three")
	bare.Annotations = nil
	leaving := service("x")
	leaving.Annotations, leaving.Name = nil, "../secret"
	for _, c := range []struct {
		name string
		e    descriptor.Entity
		want string // "": none
	}{
		{"owner and name", service("one"), "a/acme/one"},
		{"the name of the repository", elsewhere, "b/two"},
		{"the name of the service", bare, "b/three"},
		{"nowhere", service("four"), ""},
		{"a name that leaves the directory", leaving, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, done, err := r.Open(t.Context(), c.e)
			if c.want == "" {
				if !errors.Is(err, ErrNoFiles) {
					t.Errorf("%+v %v", f, err)
				}
				return
			}
			if err != nil || f.Root != filepath.Join(dir, c.want) || f.Packed {
				t.Fatalf("%+v %v", f, err)
			}
			done()
		})
	}
}

// TestArchives reads each archive once while it is fresh, and removes those that are old when nobody uses them.
func TestArchives(t *testing.T) {
	now := time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)
	dir := filepath.Join(t.TempDir(), "archives")
	if err := os.MkdirAll(filepath.Join(dir, "left"), 0o700); err != nil {
		t.Fatal(err)
	}
	var asked []string
	r, err := New(Config{
		Unpacked: dir, Now: func() time.Time { return now },
		Archive: func(_ context.Context, e descriptor.Entity, _ int64) ([]byte, error) {
			asked = append(asked, e.Name)
			switch e.Name {
			case "uncovered":
				return nil, nil
			case "excluding":
				return packedAs(t, ".gitattributes", "/.github export-ignore\n"), nil
			case "broken":
				return []byte("<html>"), nil
			}
			return packed(t, e.Name), nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	open := func(name string) (Files, func()) {
		t.Helper()
		f, done, err := r.Open(t.Context(), service(name))
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(f.Root, "file"))
		if err != nil || string(text) != name || f.Commit != "c1" || !f.Packed {
			t.Errorf("%q %+v %v", text, f, err)
		}
		return f, done
	}
	exists := func(f Files) bool { _, err := os.Stat(f.Root); return err == nil }
	if _, err := os.Stat(filepath.Join(dir, "left")); err == nil {
		t.Error("what an earlier process left is still there")
	}
	first, done := open("pay")
	_, again := open("pay")
	if len(asked) != 1 {
		t.Errorf("asked for %v", asked)
	}
	done()
	done() // a second call does nothing
	now = now.Add(fresh + time.Second)
	second, release := open("pay")
	if len(asked) != 2 || second.Root == first.Root {
		t.Errorf("asked for %v", asked)
	}
	if !exists(first) {
		t.Error("an archive that is used was removed")
	}
	if again(); exists(first) {
		t.Error("an old archive that nobody uses was not removed")
	}
	release()
	for _, name := range []string{"a", "b", "c", "d"} {
		now = now.Add(time.Second)
		_, done := open(name)
		done()
	}
	if exists(second) || len(r.unpacked) != kept {
		t.Errorf("%d archives are kept, the oldest: %t", len(r.unpacked), exists(second))
	}
	if _, _, err := r.Open(t.Context(), service("uncovered")); !errors.Is(err, ErrNoFiles) {
		t.Errorf("the error is %v", err)
	}
	if _, _, err := r.Open(t.Context(), service("excluding")); !errors.Is(err, ErrExcluded) {
		t.Errorf("the error is %v", err)
	}
	if _, _, err := r.Open(t.Context(), service("broken")); err == nil {
		t.Error("a page is taken for an archive")
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != kept {
		t.Errorf("%d directories are left, %v", len(entries), err)
	}
}

// TestRevisions reads an archive again when its commit has changed, and never before, whatever its age.
func TestRevisions(t *testing.T) {
	now := time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)
	head, failing, read := Revision{Commit: "c1", ETag: "e1"}, error(nil), 0
	var known []Revision
	r, err := New(Config{
		Unpacked: filepath.Join(t.TempDir(), "archives"), Now: func() time.Time { return now },
		Archive: func(context.Context, descriptor.Entity, int64) ([]byte, error) {
			read++
			return packedAt(t, head.Commit, "file", "x"), nil
		},
		Revision: func(_ context.Context, _ descriptor.Entity, before Revision) (Revision, error) {
			known = append(known, before)
			return head, failing
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	open := func(want int) {
		t.Helper()
		f, done, err := r.Open(t.Context(), service("pay"))
		if err != nil {
			t.Fatal(err)
		}
		done()
		if read != want || f.Commit != head.Commit {
			t.Errorf("%d archives were read, want %d; the files are those of %s", read, want, f.Commit)
		}
	}
	open(1)
	now = now.Add(time.Hour)
	open(1)
	if known[0] != (Revision{}) || known[1] != head {
		t.Errorf("asked with %v", known)
	}
	head = Revision{Commit: "c2", ETag: "e2"}
	open(2)
	if version, err := r.Version(t.Context(), service("pay")); err != nil || version != "c2" {
		t.Errorf("%q %v", version, err)
	}
	failing = errors.New("down")
	open(2) // the archive is fresh
	now = now.Add(fresh + time.Second)
	open(3)
}

// TestSlowHost: a host that does not say its commit delays only its own repositories, and these for a while only.
func TestSlowHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := New(Config{
			Unpacked: filepath.Join(t.TempDir(), "archives"), Now: time.Now,
			Archive: func(context.Context, descriptor.Entity, int64) ([]byte, error) { return packed(t, "x"), nil },
			Revision: func(ctx context.Context, e descriptor.Entity, _ Revision) (Revision, error) {
				if e.Name == "slow" {
					<-ctx.Done()
					return Revision{}, ctx.Err()
				}
				return Revision{Commit: "c1"}, nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		open := func(name string) time.Duration {
			from := time.Now()
			if f, done, err := r.Open(t.Context(), service(name)); err != nil || f.Commit != "c1" {
				t.Errorf("%s: %+v %v", name, f, err)
			} else {
				done()
			}
			return time.Since(from)
		}
		slow := make(chan time.Duration, 1)
		go func() { slow <- open("slow") }()
		synctest.Wait()
		if took := open("pay"); took != 0 {
			t.Errorf("another repository waited for %s", took)
		}
		if took := <-slow; took != asking {
			t.Errorf("the slow one took %s", took)
		}
	})
}

// TestVersionsOfCheckouts changes with every change of a file, and with a commit.
func TestVersionsOfCheckouts(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		name = filepath.Join(dir, "pay", name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	write("a", "1")
	write(".git/HEAD", "ref")
	r, err := New(Config{Dirs: []string{dir}})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	look := func(changed bool, why string) {
		t.Helper()
		version, err := r.Version(t.Context(), service("pay"))
		if err != nil || version == "" || seen[version] == changed {
			t.Errorf("%s: version %q, %v", why, version, err)
		}
		seen[version] = true
	}
	look(true, "the first look")
	look(false, "nothing has changed")
	write("a", "22")
	look(true, "a change")
	write("b/c", "")
	look(true, "a new file")
	write(".git/objects/x", "x")
	look(false, "an object of git")
	write(".git/logs/HEAD", "commit")
	look(true, "a commit")
	if err := os.Remove(filepath.Join(dir, "pay", "a")); err != nil {
		t.Fatal(err)
	}
	look(true, "a file that is gone")
	if err := os.Rename(filepath.Join(dir, "pay"), filepath.Join(dir, "elsewhere")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("elsewhere", filepath.Join(dir, "pay")); err != nil {
		t.Fatal(err)
	}
	look(true, "a link to the checkout")
	write("b/c", "x")
	look(true, "a change behind a link")
	look(false, "nothing has changed behind it")
}
