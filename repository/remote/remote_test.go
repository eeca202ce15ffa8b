package remote

import (
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/dxctl/dxctl/repository"
	"github.com/dxctl/dxctl/repository/tree"
)

// host is a repository at a host, with a count of what is fetched.
type host struct {
	files   map[string]string
	links   map[string]string
	fetched [][]string // paths by round
	hidden  map[string]bool
}

func blobID(text string) string { return fmt.Sprintf("%x", sha1.Sum([]byte(text))) }

func (h *host) entries() []Entry {
	var all []Entry
	for name, text := range h.files {
		all = append(all, Entry{Path: name, Mode: "100644", ID: blobID(text), Size: int64(len(text))})
	}
	for name, text := range h.links {
		all = append(all, Entry{Path: name, Mode: Link, ID: blobID(text), Size: int64(len(text))})
	}
	return all
}

func (h *host) fetch(_ context.Context, files []Entry) (map[string]Content, error) {
	var names []string
	got := map[string]Content{}
	for _, e := range files {
		names = append(names, e.Path)
		text, ok := h.files[e.Path]
		if e.Mode == Link {
			text, ok = h.links[e.Path]
		}
		if ok && !h.hidden[e.Path] {
			got[e.ID] = Content{Data: []byte(text)}
		}
	}
	h.fetched = append(h.fetched, names)
	return got, nil
}

func read(t *testing.T, h *host, partial string, dirs ...string) (*Reading, map[string]*repository.Facts) {
	t.Helper()
	r, err := Open(t.Context(), New(h.entries(), partial), repository.Options{}, dirs...)
	if err != nil {
		t.Fatal(err)
	}
	facts, err := r.Read(t.Context(), h.fetch)
	if err != nil {
		t.Fatal(err)
	}
	return r, facts
}

// What is read through an API is what is read in a checkout, here in that of this repository.
func TestSameAsCheckout(t *testing.T) {
	checkout, closer, err := tree.OpenDir("../..")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = closer.Close() }()
	list, err := tree.List(t.Context(), checkout, tree.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	h := &host{files: map[string]string{}, links: map[string]string{}}
	for _, f := range list.Files {
		if f.Link {
			if h.links[f.Path], err = list.LinkTarget(f); err != nil {
				t.Fatal(err)
			}
			continue
		}
		text, err := fs.ReadFile(checkout, f.Path)
		if err != nil {
			t.Fatal(err)
		}
		h.files[f.Path] = string(text)
	}
	if len(h.files) < 500 {
		t.Fatalf("%d files: this is no checkout of dxctl", len(h.files))
	}
	want, err := repository.Read(t.Context(), checkout, repository.Options{NotScanned: notScanned})
	if err != nil {
		t.Fatal(err)
	}
	_, got := read(t, h, "", "deploy")
	opt := cmp.Options{cmpopts.IgnoreUnexported(repository.Facts{}), cmpopts.EquateEmpty(), cmp.Exporter(func(reflect.Type) bool {
		return true
	})}
	for dir, facts := range map[string]*repository.Facts{".": want, "deploy": want.Of("deploy")} {
		if diff := cmp.Diff(facts, got[dir], opt); diff != "" {
			t.Errorf("%s: %s", dir, diff)
		}
	}
	if n := len(h.fetched); n == 0 || n > 2 {
		t.Errorf("fetched %d times", n)
	}
}

func TestRounds(t *testing.T) {
	h := &host{files: map[string]string{
		"README.md":                 "# Shop\n\nRun `make run`.\n",
		"services/pay/README.md":    "# Pay\n",
		"services/pay/main.go":      "package main\n",
		"services/pay/Dockerfile":   "FROM alpine:3.20\nUSER 1000\n",
		".github/workflows/ci.yml":  "on: pull_request\njobs: {}\n",
		"deploy/kustomization.yaml": "resources: [app.k8s]\n",
		"deploy/app.k8s":            "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n",
	}, links: map[string]string{"AGENTS.md": "README.md"}}
	r, facts := read(t, h, "", "services/pay")
	if readme := facts["services/pay"].Documents.Readme; readme.At.Path != "services/pay/README.md" {
		t.Errorf("readme %+v", readme)
	}
	for i, names := range h.fetched {
		for _, name := range names {
			if name == "services/pay/main.go" {
				t.Errorf("round %d fetches %s, which no reader opens", i, name)
			}
		}
	}
	opened := r.Opened()
	again := func() string {
		t.Helper()
		next, err := Open(t.Context(), New(h.entries(), ""), repository.Options{}, "services/pay")
		if err != nil {
			t.Fatal(err)
		}
		return next.Digest(opened)
	}
	before := again()
	if before != r.Digest(opened) {
		t.Error("the same repository has another digest")
	}
	h.files["services/pay/main.go"] = "package main // changed\n"
	if again() != before {
		t.Error("a file that nothing depends on changes the digest")
	}
	for name, change := range map[string]func(){
		"content": func() { h.files["services/pay/README.md"] = "# Payment\n" },
		"overlay": func() { h.files["deploy/app.k8s"] = "apiVersion: v1\nkind: Service\nmetadata: {name: b}\n" },
		"new":     func() { h.files["services/pay/main_test.go"] = "package main\n" },
		"language": func() {
			h.files["services/pay/x.py"] = strings.Repeat("x = 1\n", 1000)
		},
	} {
		old := maps.Clone(h.files)
		if change(); again() == before {
			t.Errorf("%s does not change the digest", name)
		}
		h.files = old
	}
}

func TestUnread(t *testing.T) {
	files := map[string]string{".github/workflows/ci.yml": "on: push\njobs: {}\n", "README.md": "# x\n"}
	h := &host{files: files, hidden: map[string]bool{"README.md": true}}
	_, facts := read(t, h, "")
	if readme := facts["."].Documents.Readme; readme.Known || !strings.Contains(readme.Reason, "the host did not return it") {
		t.Errorf("%+v", readme)
	}
	if len(facts["."].Workflows.Workflows) != 1 {
		t.Errorf("%+v", facts["."].Workflows)
	}
	// A listing that is cut says nothing about what it lacks.
	_, facts = read(t, h, "the host lists a part of its files")
	if l := facts["."].Documents.License; l.Known || l.Reason != "the host lists a part of its files" {
		t.Errorf("%+v", l)
	}
	// More than is fetched of one repository.
	h = &host{files: map[string]string{"Dockerfile": "FROM scratch\n"}}
	for i := range maxFiles + 5 {
		h.files[fmt.Sprintf("k8s/%d.yaml", i)] = fmt.Sprintf("n: %d\n", i)
	}
	_, facts = read(t, h, "")
	if n := len(facts["."].Manifests.Unreadable); n != 6 {
		t.Errorf("%d manifests are unknown", n)
	}
	if len(facts["."].Containers.Files) != 1 {
		t.Error("the file at the root was left out")
	}
	// A host that is out of reach is no fact.
	r, err := Open(t.Context(), New(h.entries(), ""), repository.Options{})
	if err != nil {
		t.Fatal(err)
	}
	down := errors.New("out of reach")
	if _, err := r.Read(t.Context(), func(context.Context, []Entry) (map[string]Content, error) { return nil, down }); !errors.Is(err, down) {
		t.Error(err)
	}
}

func TestHostileListing(t *testing.T) {
	deep := strings.Repeat("d/", maxDepth+1) + "f"
	for name, paths := range map[string][]string{
		"out":    {"../etc/passwd"},
		"root":   {"/etc/passwd"},
		"git":    {"a/.Git/config"},
		"empty":  {""},
		"dot":    {"."},
		"slash":  {"a//b"},
		"deep":   {deep},
		"long":   {strings.Repeat("x", maxPath+1)},
		"binary": {"a/\xff"},
	} {
		var entries []Entry
		for _, p := range append(paths, "README.md") {
			entries = append(entries, Entry{Path: p, Mode: "100644", ID: p})
		}
		l := New(entries, "")
		if len(l.Entries) != 1 || l.Entries[0].Path != "README.md" || l.Partial == "" {
			t.Errorf("%s: %+v", name, l)
		}
	}
	// A name that is a file and a directory, twice the same name, and a submodule.
	l := New([]Entry{
		{Path: "a", Mode: "100644", ID: "1"}, {Path: "a/b", Mode: "100644", ID: "2"}, {Path: "c", Mode: "100755", ID: "3", Size: 1},
		{Path: "c", Mode: Link, ID: "4"}, {Path: "lib", Mode: Submodule, ID: "5"}, {Path: "z", Mode: "100644", ID: "6", Size: 2},
	}, "")
	f := newFileSystem(l)
	f.contents["2"], f.contents["3"], f.contents["6"] = Content{Data: []byte{}}, Content{Data: []byte("x")}, Content{Data: []byte("zz")}
	if err := fstest.TestFS(f, "a/b", "c", "z"); err != nil {
		t.Error(err)
	}
	if _, err := f.Open("lib"); err != nil {
		t.Error(err)
	}
}
