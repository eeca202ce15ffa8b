package checkout

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var now = time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)

// write makes a directory of files; a text "-> x" is a symbolic link to x, and a name that ends in "/" a directory.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		full := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		target, link := strings.CutPrefix(text, "-> ")
		switch {
		case strings.HasSuffix(name, "/"):
			err = os.MkdirAll(full, 0o755)
		case link:
			err = os.Symlink(target, full)
		default:
			err = os.WriteFile(full, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func component(name, kind string) string {
	return fmt.Sprintf("apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: %s}\nspec: {type: %s, lifecycle: production, owner: team-a}\n", name, kind)
}

// describe returns the services with the places of their descriptors, the problems and the notes.
func describe(c *Checkout, root string) string {
	var b strings.Builder
	for _, s := range c.Services {
		fmt.Fprintf(&b, "%s at %s of %s\n", s.Entity.Ref, s.At, s.Dir)
	}
	for _, p := range c.Problems {
		fmt.Fprintf(&b, "problem %s\n", p)
	}
	for _, n := range c.Notes {
		fmt.Fprintf(&b, "note %s\n", n)
	}
	return strings.ReplaceAll(b.String(), root, "ROOT")
}

func TestRead(t *testing.T) {
	mono := map[string]string{
		".git/":                          "",
		".gitignore":                     "/build/\n",
		"README.md":                      "# X\n",
		"services/a/catalog-info.yaml":   component("a", "service"),
		"services/a/cmd/main.go":         "package main\n",
		"services/b/catalog-info.yaml":   component("b", "library") + "---\n" + component("c", "service"),
		"services/bad/catalog-info.yaml": "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: [\n",
		"services/z/catalog-info.yml":    component("A", "service"),
		"build/catalog-info.yaml":        component("built", "service"),
		"tools/x.go":                     "package x\n",
	}
	for name, tc := range map[string]struct {
		files map[string]string
		dir   string
		want  string
	}{
		"mono-repository": {mono, ".", "component:default/a at services/a/catalog-info.yaml:1 of services/a\n" +
			"component:default/b at services/b/catalog-info.yaml:1 of services/b\ncomponent:default/c at services/b/catalog-info.yaml:6 of services/b\n" +
			"problem services/bad/catalog-info.yaml:3: "},
		"a service": {mono, "services/a", "component:default/a at services/a/catalog-info.yaml:1 of services/a\n"},
		"inside a service": {
			mono, "services/a/cmd",
			"component:default/a at services/a/catalog-info.yaml:1 of services/a\nnote services/a/cmd has no descriptor of its own",
		},
		"next to the services": {mono, "tools", "component:default/tools at  of tools\nnote no catalog-info.yaml"},
		"nothing":              {map[string]string{"a": ""}, ".", "component:default/"},
		"a descriptor that is a link": {
			map[string]string{".git/": "", "catalog-info.yaml": "-> x/info.yaml", "x/info.yaml": component("x", "service")}, ".",
			"component:default/x at catalog-info.yaml:1 of .\n",
		},
		"a descriptor that leads out": {
			map[string]string{".git/": "", "catalog-info.yaml": "-> /etc/passwd"}, ".",
			"component:default/",
		},
	} {
		t.Run(name, func(t *testing.T) {
			root := write(t, tc.files)
			c, err := Read(context.Background(), filepath.Join(root, tc.dir), now)
			if err != nil {
				t.Fatal(err)
			}
			if got := describe(c, root); !strings.HasPrefix(got, tc.want) || strings.Contains(got, "built") && tc.files[".gitignore"] != "" {
				t.Errorf("got\n%s\nwant\n%s", got, tc.want)
			}
		})
	}
	root := write(t, mono)
	c, err := Read(context.Background(), root, now)
	if err != nil {
		t.Fatal(err)
	}
	text := describe(c, root)
	if !strings.Contains(text, "problem services/z/catalog-info.yml:1: component:default/a is described at services/a/catalog-info.yaml:1 already; this one is left out") {
		t.Error(text)
	}
	// What the descriptor shows is known, and whether the owner exists is the catalog's to know.
	facts := c.Services[0].Facts
	if string(facts["catalog.owner"].Value) != `"group:default/team-a"` || string(facts["repository.files.readme"].Value) != "true" ||
		facts["catalog.owner_exists"].Error != "group:default/team-a is not described in this checkout, and the rest of the catalog is not read" {
		t.Errorf("%+v", facts)
	}
	for _, f := range facts {
		if err := f.Validate(); err != nil {
			t.Error(err)
		}
	}
	single := write(t, map[string]string{"README.md": "# X\n", "a": ""})
	if c, err = Read(context.Background(), single, now); err != nil || c.Services[0].Anchor.Path != "README.md" || len(c.Notes) != 2 {
		t.Errorf("%+v %v", c, err)
	}
}

func TestRefused(t *testing.T) {
	dir := write(t, map[string]string{"file": "", "bare/HEAD": "ref: x", "bare/objects/": "", "bare/refs/": "", "closed/": "", "loop": "-> loop"})
	if err := os.Chmod(filepath.Join(dir, "closed"), 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(filepath.Join(dir, "closed"), 0o755) })
	for name, want := range map[string]string{
		"file": "is a file; name the directory that it is in", "missing": "it does not exist", "bare": "is a git repository without files; check it out",
		"closed": "the permission is denied", "loop": "too many links",
	} {
		_, err := Read(context.Background(), filepath.Join(dir, name), now)
		if name == "closed" && os.Getuid() == 0 {
			continue // root may read everything
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Read(ctx, dir, now); err == nil {
		t.Error("a cancelled context is no error")
	}
}

// TestLinked grades a directory through a symbolic link, and a worktree, whose .git is a file.
func TestLinked(t *testing.T) {
	root := write(t, map[string]string{".git": "gitdir: /x\n", "catalog-info.yaml": component("x", "service")})
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(root, link); err != nil {
		t.Fatal(err)
	}
	c, err := Read(context.Background(), link, now)
	if err != nil || c.Root != root || len(c.Services) != 1 || len(c.Notes) != 0 {
		t.Errorf("%+v %v", c, err)
	}
	for dir, want := range map[string]bool{".": true, "a/b": true} {
		if has, err := HasDescriptor(context.Background(), root, dir); has != want || err != nil {
			t.Errorf("%s: %v %v", dir, has, err)
		}
	}
}
