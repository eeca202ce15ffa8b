package tree

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// What is committed although a pattern excludes it is part of the repository; what else lies there is not.
func TestTrackedAndIgnored(t *testing.T) {
	for _, version := range []string{"2", "4"} {
		dir := t.TempDir()
		git := func(args ...string) {
			t.Helper()
			cmd := exec.Command("git", args...)
			cmd.Dir = dir
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("git %v: %v: %s", args, err, out)
			}
		}
		for name, text := range map[string]string{
			".gitignore": "build/\n*.log\n", "main.go": "package main\n", "build/Dockerfile": "FROM a\n", "build/out/x": "x",
			"build/deep/kept.txt": "x", "build/other": "x", "a.log": "x", "b.log": "x", "new.txt": "not added",
		} {
			file := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		git("init", "-q", "--object-format=sha1")
		git("config", "index.version", version)
		git("add", "-f", ".gitignore", "main.go", "build/Dockerfile", "build/deep/kept.txt", "a.log")
		fsys, closer, err := OpenDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		list, err := List(t.Context(), fsys, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if err := closer.Close(); err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, f := range list.Files {
			got += f.Path + " "
		}
		if want := ".gitignore a.log build/Dockerfile build/deep/kept.txt main.go new.txt "; got != want {
			t.Errorf("version %s: %s, want %s", version, got, want)
		}
	}
}

func FuzzIndex(f *testing.F) {
	f.Add([]byte("DIRC\x00\x00\x00\x04\x00\x00\x00\x01"))
	f.Add(append([]byte("DIRC\x00\x00\x00\x02\x00\x00\x00\x01"), make([]byte, 72)...))
	f.Fuzz(func(_ *testing.T, data []byte) {
		parseIndex(data)
	})
}
