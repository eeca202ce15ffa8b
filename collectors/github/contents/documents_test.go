package contents

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/collectors/github/githubtest"
	"github.com/dxctl/dxctl/collectors/github/mapping"
	"github.com/dxctl/dxctl/collectors/github/streamtest"
	"github.com/dxctl/dxctl/event"
)

func TestDescriptorsAreDiscovered(t *testing.T) {
	repo := &githubtest.Repo{Contents: map[string]string{"catalog-info.yaml": streamtest.Component, "README.md": "x"}}
	s, m := streamtest.Serve(t, repo), collecttest.NewWriter()
	step := func(what string, blobs int, want string, path string) {
		t.Helper()
		s.Requests()
		collect(t, s, m, now, path)
		var got []string
		for _, name := range m.Keys(event.KindDescriptor) {
			d := collecttest.Stored[event.Descriptor](m)[name]
			got = append(got, fmt.Sprintf("%s=%d", name, len(d.Document)))
			if (d.Document == "") != (d.Revision == "") || d.Scope != scope || d.URL != s.URL+"/acme/shop/blob/main/"+name {
				t.Errorf("%s: %+v", what, d)
			}
		}
		if n := reads(s.Requests(), repo.Contents["catalog-info.yaml"]); fmt.Sprint(got) != want || n != blobs {
			t.Errorf("%s: %v with %d files read, want %s with %d", what, got, n, want, blobs)
		}
	}
	size := func(text string) int { return len(text) }
	step("repositories alone are not searched", 1, "[]", "")
	step("unless that is wanted", 1, fmt.Sprintf("[catalog-info.yaml=%d]", size(streamtest.Component)), discover)
	appended := m.Appended()
	step("unchanged", 0, fmt.Sprintf("[catalog-info.yaml=%d]", size(streamtest.Component)), discover)
	if n := m.Appended() - appended; n != 0 {
		t.Errorf("%d events when nothing is new", n)
	}
	repo.Contents["main.go"] = "package main"
	step("another file has changed", 1, fmt.Sprintf("[catalog-info.yaml=%d]", size(streamtest.Component)), discover)
	repo.Contents["catalog-info.yaml"] = streamtest.Component + "\n# more\n"
	step("the file has changed", 1, fmt.Sprintf("[catalog-info.yaml=%d]", size(streamtest.Component)+8), discover)
	delete(repo.Contents, "catalog-info.yaml")
	step("the file is gone", 0, "[catalog-info.yaml=0]", discover)
	repo.Contents["catalog-info.yaml"] = streamtest.Component
	step("the file is back", 1, fmt.Sprintf("[catalog-info.yaml=%d]", size(streamtest.Component)), discover)
	repo.Truncated = true
	delete(repo.Contents, "catalog-info.yaml")
	step("the listing is cut", 0, fmt.Sprintf("[catalog-info.yaml=%d]", size(streamtest.Component)), discover)
	step("no longer wanted", 0, "[catalog-info.yaml=0]", "")
}

func TestAnotherPathOfTheDescriptor(t *testing.T) {
	s, m := streamtest.Serve(
		t,
		&githubtest.Repo{Contents: map[string]string{".backstage/catalog.yaml": streamtest.Component, "catalog-info.yaml": streamtest.Component}},
	), collecttest.NewWriter()
	collect(t, s, m, now, discover)
	collect(t, s, m, now, ".backstage/catalog.yaml")
	if collecttest.Stored[event.Descriptor](m)["catalog-info.yaml"].Document != "" ||
		collecttest.Stored[event.Descriptor](m)[".backstage/catalog.yaml"].Document != streamtest.Component {
		t.Errorf("%+v", collecttest.Stored[event.Descriptor](m))
	}
	for _, path := range []string{"/etc/x", "../x", "a/../b", "./x", "."} {
		if err := (Config{Path: path}).Validate(); err == nil {
			t.Errorf("path %q is accepted", path)
		}
	}
}

func TestWhereDescriptorsAreLookedFor(t *testing.T) {
	yes, no := true, false
	for _, tc := range []struct {
		name         string
		cfg          Config
		organization bool
		want         string
	}{
		{"by default not in single repositories", Config{}, false, ""},
		{"by default in an organization", Config{}, true, "catalog-info.yaml"},
		{"in single repositories", Config{Discover: &yes}, false, "catalog-info.yaml"},
		{"not in an organization", Config{Discover: &no}, true, ""},
		{"another path", Config{Discover: &yes, Path: ".backstage/catalog.yaml"}, false, ".backstage/catalog.yaml"},
		{"another path that is not looked for", Config{Path: ".backstage/catalog.yaml"}, false, ""},
	} {
		if got := tc.cfg.DescriptorPath(tc.organization); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}

func TestLocationsAreFollowedWithinTheRepository(t *testing.T) {
	repo := &githubtest.Repo{Contents: map[string]string{
		"catalog-info.yaml": streamtest.Component + "---\n" + streamtest.Location(
			"./services/*/catalog-info.yaml",
			"systems/all.yaml",
			"https://github.com/x/y/blob/main/z.yaml",
			"../outside.yaml",
			"missing.yaml",
		),
		"services/a/catalog-info.yaml":      streamtest.Component,
		"services/b/catalog-info.yaml":      streamtest.Component + "# b\n",
		"services/b/deep/catalog-info.yaml": streamtest.Component,
		"systems/all.yaml":                  streamtest.Location("one.yaml", "../catalog-info.yaml"),
		"systems/one.yaml":                  streamtest.Component + "# one\n",
		"outside.yaml":                      streamtest.Component,
	}}
	s, m := streamtest.Serve(t, repo), collecttest.NewWriter()
	collect(t, s, m, now, discover)
	if got := fmt.Sprint(m.Keys(event.KindDescriptor)); got != "[catalog-info.yaml services/a/catalog-info.yaml "+
		"services/b/catalog-info.yaml systems/all.yaml systems/one.yaml]" {
		t.Errorf("found %s", got)
	}
	s.Requests()
	repo.Contents["services/c/catalog-info.yaml"] = streamtest.Component + "# c\n" // the Location is as before, the file is new
	delete(repo.Contents, "systems/one.yaml")
	collect(t, s, m, now, discover)
	if n := streamtest.Count(
		s.Requests(),
		"graphql",
	); n != 1 || collecttest.Stored[event.Descriptor](m)["services/c/catalog-info.yaml"].Document == "" ||
		collecttest.Stored[event.Descriptor](m)["systems/one.yaml"].Document != "" {
		t.Errorf("%d queries, found %v", n, m.Keys(event.KindDescriptor))
	}
}

func TestLocationsWithoutAnEnd(t *testing.T) {
	contents := map[string]string{"catalog-info.yaml": streamtest.Location("a/*.yaml", "chain/0.yaml")}
	for i := range 300 {
		contents[fmt.Sprintf("a/%03d.yaml", i)] = streamtest.Component + fmt.Sprint("# ", i)
	}
	for i := range 30 {
		contents[fmt.Sprintf("chain/%d.yaml", i)] = streamtest.Location(fmt.Sprintf("%d.yaml", i+1), "../catalog-info.yaml")
	}
	s, m := streamtest.Serve(t, &githubtest.Repo{Contents: contents}), collecttest.NewWriter()
	collect(t, s, m, now, discover)
	if m.Number(event.KindDescriptor) != documentsPerRepository {
		t.Errorf("found %d", m.Number(event.KindDescriptor))
	}
	delete(contents, "catalog-info.yaml")
	contents["catalog-info.yaml"] = streamtest.Location("chain/0.yaml")
	if err := tryCollect(t, s, m, now, discover); !errors.Is(err, collecttest.ErrRemoval) {
		t.Errorf("most of the descriptors are gone: %v", err)
	}
	m.Accept = true
	collect(t, s, m, now, discover)
	found := 0
	for _, d := range collecttest.Stored[event.Descriptor](m) {
		if d.Document != "" {
			found++
		}
	}
	if found != documentDepth {
		t.Errorf("followed a chain to %d files", found)
	}
}

func TestFilesAreListedAfterAPushAlone(t *testing.T) {
	repo := &githubtest.Repo{Files: []string{"README.md"}}
	repo.Pushed = now.Add(-time.Hour)
	s, m := streamtest.Serve(t, repo), collecttest.NewWriter()
	for _, tc := range []struct {
		name  string
		at    time.Time
		lists int
	}{{"the first time", now, 1}, {"nothing was pushed", now.Add(time.Minute), 0}, {"a day later", now.Add(25 * time.Hour), 1}} {
		s.Requests()
		collect(t, s, m, tc.at, "")
		if n := streamtest.Count(s.Requests(), "git/trees"); n != tc.lists {
			t.Errorf("%s: %d listings", tc.name, n)
		}
	}
	if f := collecttest.Stored[event.Fact](m)["repository.files.readme"]; string(f.Value) != "true" ||
		!f.ObservedAt.Equal(now.Add(25*time.Hour)) {
		t.Errorf("%+v", f)
	}
}

// FuzzLocations: whatever a descriptor holds, its targets stay within the repository.
func FuzzLocations(f *testing.F) {
	for _, seed := range []string{streamtest.Component, streamtest.Location("./a.yaml", "../b.yaml", "c/*.yaml"), "kind: Location\nspec: " +
		"{target: x}", "kind: [Location]\nspec: 1", "a: &a [*a]", "---\n---\n\xff", "{\"kind\":\"Location\",\"spec\":{\"targets\":[\"[\"]}}"} {
		f.Add([]byte(seed))
	}
	tree := []treeFile{{Path: "a.yaml", Type: "blob"}, {Path: "dir/b.yaml", Type: "blob"}, {Path: "dir", Type: "tree"}}
	f.Fuzz(func(t *testing.T, text []byte) {
		written := locationTargets(text)
		if len(written) > documentsPerRepository {
			t.Errorf("%d targets", len(written))
		}
		for _, target := range targets("dir/catalog-info.yaml", written, tree) {
			if strings.HasPrefix(target, "/") || target == ".." || strings.HasPrefix(target, "../") {
				t.Errorf("target %q", target)
			}
		}
		d := event.Descriptor{Source: "gh", Provider: mapping.Provider, Scope: scope, Location: "x", Document: string(text)}
		if err := d.Validate(); err != nil {
			t.Error(err)
		}
	})
}

func TestAnEmptyListingOfFilesRemovesNothing(t *testing.T) {
	full := map[string]string{"catalog-info.yaml": streamtest.Component, "README.md": "x", "CODEOWNERS": "* @acme/shop\n"}
	repo := &githubtest.Repo{Contents: full}
	s, m := streamtest.Serve(t, repo), collecttest.NewWriter()
	collect(t, s, m, now, discover)
	shown := func() string {
		return fmt.Sprintf(
			"%d %s %s",
			len(collecttest.Stored[event.Descriptor](m)["catalog-info.yaml"].Document),
			collecttest.Stored[event.Fact](m)["repository.files.readme"].Value,
			collecttest.Stored[event.Fact](m)["repository.codeowners.owners"].Value,
		)
	}
	want := shown()
	empty := map[string]*githubtest.Fault{
		"a tree without files": {Status: http.StatusOK, Body: `{"tree":[],"truncated":false}`},
		"an empty repository":  {Status: http.StatusConflict, Body: `{"message":"Git Repository is empty."}`},
	}
	for name, fault := range empty {
		s.Before = func(_ int, r *http.Request) *githubtest.Fault {
			if strings.Contains(r.URL.Path, "git/trees") {
				return fault
			}
			return nil
		}
		for range 2 { // the second collect is refused too
			if err := tryCollect(t, s, m, now, discover); !errors.Is(err, collecttest.ErrRemoval) ||
				shown() != want {
				t.Errorf("%s: %v, shown %s, want %s", name, err, shown(), want)
			}
		}
	}
	m.Accept = true
	collect(t, s, m, now, discover)
	if collecttest.Stored[event.Descriptor](m)["catalog-info.yaml"].Document != "" ||
		string(collecttest.Stored[event.Fact](m)["repository.files.readme"].Value) != "false" {
		t.Errorf("it was accepted: %s", shown())
	}
}
