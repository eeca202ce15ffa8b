package github

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
	"github.com/dxctl/dxctl/event"
)

const component = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: shop}\nspec: {type: " +
	"service, lifecycle: production, owner: team-a}\n"

func location(targets ...string) string {
	return "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: {name: all}\nspec:\n  targets: [" + strings.Join(
		targets,
		", ",
	) + "]\n"
}

func discover(c *Config) {
	yes := true
	c.Catalog.Discover = &yes
}

func TestDescriptorsAreDiscovered(t *testing.T) {
	repo := &githubtest.Repo{Contents: map[string]string{"catalog-info.yaml": component, "README.md": "x"}}
	s, m := fake(t, repo), collecttest.NewWriter()
	step := func(what string, blobs int, want string, tune func(*Config)) {
		t.Helper()
		s.Requests()
		collect(t, s, m, now, tune)
		var got []string
		for _, name := range m.Keys(event.KindDescriptor) {
			d := collecttest.Stored[event.Descriptor](m)[name]
			got = append(got, fmt.Sprintf("%s=%d", name, len(d.Document)))
			if (d.Document == "") != (d.Revision == "") || d.Scope != scope || d.URL != s.URL+"/acme/shop/blob/main/"+name {
				t.Errorf("%s: %+v", what, d)
			}
		}
		if n := count(s.Requests(), "git/blobs"); fmt.Sprint(got) != want || n != blobs {
			t.Errorf("%s: %v with %d files read, want %s with %d", what, got, n, want, blobs)
		}
	}
	size := func(text string) int { return len(text) }
	step("repositories alone are not searched", 0, "[]", nil)
	step("unless that is wanted", 1, fmt.Sprintf("[catalog-info.yaml=%d]", size(component)), discover)
	appended := m.Appended()
	step("unchanged", 0, fmt.Sprintf("[catalog-info.yaml=%d]", size(component)), discover)
	if n := m.Appended() - appended; n != 14 { // facts
		t.Errorf("%d events when nothing is new", n)
	}
	repo.Contents["README.md"] = "y"
	step("another file has changed", 0, fmt.Sprintf("[catalog-info.yaml=%d]", size(component)), discover)
	repo.Contents["catalog-info.yaml"] = component + "\n# more\n"
	step("the file has changed", 1, fmt.Sprintf("[catalog-info.yaml=%d]", size(component)+8), discover)
	delete(repo.Contents, "catalog-info.yaml")
	step("the file is gone", 0, "[catalog-info.yaml=0]", discover)
	repo.Contents["catalog-info.yaml"] = component
	step("the file is back", 1, fmt.Sprintf("[catalog-info.yaml=%d]", size(component)), discover)
	repo.Truncated = true
	delete(repo.Contents, "catalog-info.yaml")
	step("the listing is cut", 0, fmt.Sprintf("[catalog-info.yaml=%d]", size(component)), discover)
	step("no longer wanted", 0, "[catalog-info.yaml=0]", nil)
}

func TestAnotherPathOfTheDescriptor(t *testing.T) {
	s, m := fake(
		t,
		&githubtest.Repo{Contents: map[string]string{".backstage/catalog.yaml": component, "catalog-info.yaml": component}},
	), collecttest.NewWriter()
	collect(t, s, m, now, discover)
	collect(t, s, m, now, func(c *Config) { discover(c); c.Catalog.Path = ".backstage/catalog.yaml" })
	if collecttest.Stored[event.Descriptor](m)["catalog-info.yaml"].Document != "" ||
		collecttest.Stored[event.Descriptor](m)[".backstage/catalog.yaml"].Document != component {
		t.Errorf("%+v", collecttest.Stored[event.Descriptor](m))
	}
	for _, path := range []string{"/etc/x", "../x", "a/../b", "./x", "."} {
		if err := (Catalog{Path: path}).validate(); err == nil {
			t.Errorf("path %q is accepted", path)
		}
	}
}

func TestLocationsAreFollowedWithinTheRepository(t *testing.T) {
	repo := &githubtest.Repo{Contents: map[string]string{
		"catalog-info.yaml": component + "---\n" + location(
			"./services/*/catalog-info.yaml",
			"systems/all.yaml",
			"https://github.com/x/y/blob/main/z.yaml",
			"../outside.yaml",
			"missing.yaml",
		),
		"services/a/catalog-info.yaml":      component,
		"services/b/catalog-info.yaml":      component + "# b\n",
		"services/b/deep/catalog-info.yaml": component,
		"systems/all.yaml":                  location("one.yaml", "../catalog-info.yaml"),
		"systems/one.yaml":                  component + "# one\n",
		"outside.yaml":                      component,
	}}
	s, m := fake(t, repo), collecttest.NewWriter()
	collect(t, s, m, now, discover)
	if got := fmt.Sprint(m.Keys(event.KindDescriptor)); got != "[catalog-info.yaml services/a/catalog-info.yaml "+
		"services/b/catalog-info.yaml systems/all.yaml systems/one.yaml]" {
		t.Errorf("found %s", got)
	}
	s.Requests()
	repo.Contents["services/c/catalog-info.yaml"] = component + "# c\n" // the Location is as before, the file is new
	delete(repo.Contents, "systems/one.yaml")
	collect(t, s, m, now, discover)
	if n := count(
		s.Requests(),
		"git/blobs",
	); n != 1 || collecttest.Stored[event.Descriptor](m)["services/c/catalog-info.yaml"].Document == "" ||
		collecttest.Stored[event.Descriptor](m)["systems/one.yaml"].Document != "" {
		t.Errorf("%d files read, found %v", n, m.Keys(event.KindDescriptor))
	}
}

func TestLocationsWithoutAnEnd(t *testing.T) {
	contents := map[string]string{"catalog-info.yaml": location("a/*.yaml", "chain/0.yaml")}
	for i := range 300 {
		contents[fmt.Sprintf("a/%03d.yaml", i)] = component + fmt.Sprint("# ", i)
	}
	for i := range 30 {
		contents[fmt.Sprintf("chain/%d.yaml", i)] = location(fmt.Sprintf("%d.yaml", i+1), "../catalog-info.yaml")
	}
	s, m := fake(t, &githubtest.Repo{Contents: contents}), collecttest.NewWriter()
	collect(t, s, m, now, discover)
	if m.Number(event.KindDescriptor) != documentsPerRepository {
		t.Errorf("found %d", m.Number(event.KindDescriptor))
	}
	delete(contents, "catalog-info.yaml")
	contents["catalog-info.yaml"] = location("chain/0.yaml")
	if err := collector(t, s, discover, now).Collect(t.Context(), scope, m); !errors.Is(err, collecttest.ErrRemoval) {
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

func TestADescriptorThatCannotBeReadDoesNotHoldUpTheStreams(t *testing.T) {
	repo := everything()
	repo.Contents = map[string]string{"catalog-info.yaml": component}
	s, m := fake(t, repo), collecttest.NewWriter()
	s.Before = func(_ int, r *http.Request) *githubtest.Fault {
		if strings.Contains(r.URL.Path, "git/blobs") {
			return &githubtest.Fault{Status: 404 + 18, Body: `{"message":"Sorry, the blob is too large"}`}
		}
		return nil
	}
	err := collector(t, s, discover, now).Collect(t.Context(), scope, m)
	if err == nil || !strings.Contains(err.Error(), "git/blobs") || m.Number(event.KindChange) != 160 {
		t.Errorf("%d changes, %v", m.Number(event.KindChange), err)
	}
	s.SetBefore(nil)
	collect(t, s, m, now, discover)
	if collecttest.Stored[event.Descriptor](m)["catalog-info.yaml"].Document != component {
		t.Error("it is not read again")
	}
}

func TestAnOrganizationCostsThreeRequestsARepository(t *testing.T) {
	s := githubtest.New(t)
	pushed := now.Add(-24 * time.Hour)
	for _, name := range []string{"acme/a", "acme/b"} {
		repo := everything()
		repo.Pushed, repo.Contents = pushed, map[string]string{"catalog-info.yaml": component}
		s.Repos[name] = repo
	}
	of := map[string]*collecttest.Writer{
		"":       collecttest.NewWriter(),
		"acme/a": collecttest.NewWriter(),
		"acme/b": collecttest.NewWriter(),
	}
	c := collector(t, s, func(c *Config) { c.Organization, c.Repositories = "acme", nil }, now)
	round := func() []githubtest.Request {
		t.Helper()
		s.Requests()
		scopes, err := c.Scopes(t.Context(), of[""])
		if err != nil || fmt.Sprint(scopes) != "[acme/a acme/b]" {
			t.Fatalf("%v, %v", scopes, err)
		}
		for _, name := range scopes {
			if err := c.Collect(t.Context(), name, of[name]); err != nil {
				t.Fatal(err)
			}
		}
		return s.Requests()
	}
	round()
	requests := round()
	for _, r := range requests {
		if r.Status != http.StatusNotModified {
			t.Errorf("%s?%s: %d", r.Path, r.Query, r.Status)
		}
	}
	if len(requests) != 1+2*3 { // the listing; of each repository its runs, pull requests and deployments
		t.Errorf("%d requests: %v", len(requests), requests)
	}
	if d := collecttest.Stored[event.Descriptor](of["acme/a"])["catalog-info.yaml"]; d.Document != component {
		t.Errorf("%+v", d)
	}
	if f := collecttest.Stored[event.Fact](of["acme/a"])["repository.default_branch"]; string(f.Value) != `"main"` {
		t.Errorf("%+v", f)
	}
	s.Repos["acme/a"].Pushed = now.Add(-time.Minute)
	s.Repos["acme/a"].Contents["README.md"] = "new"
	requests = round()
	if n := count(requests, "git/trees"); n != 1 ||
		string(collecttest.Stored[event.Fact](of["acme/a"])["repository.files.readme"].Value) != "true" {
		t.Errorf("%d listings of files after a push", n)
	}
	if n := count(round(), "git/trees"); n != 1 {
		t.Errorf("%d listings of files within minutes of a push, when GitHub may not show it yet", n)
	}
}

func TestFilesAreListedAfterAPushAlone(t *testing.T) {
	repo := everything()
	repo.Pushed = now.Add(-time.Hour)
	s, m := fake(t, repo), collecttest.NewWriter()
	for _, tc := range []struct {
		name  string
		at    time.Time
		lists int
	}{{"the first time", now, 1}, {"nothing was pushed", now.Add(time.Minute), 0}, {"a day later", now.Add(25 * time.Hour), 1}} {
		s.Requests()
		collect(t, s, m, tc.at, nil)
		if n := count(s.Requests(), "git/trees"); n != tc.lists {
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
	for _, seed := range []string{component, location("./a.yaml", "../b.yaml", "c/*.yaml"), "kind: Location\nspec: " +
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
	full := map[string]string{"catalog-info.yaml": component, "README.md": "x", "CODEOWNERS": "* @acme/shop\n"}
	repo := &githubtest.Repo{Contents: full}
	s, m := fake(t, repo), collecttest.NewWriter()
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
			if err := collector(t, s, discover, now).Collect(t.Context(), scope, m); !errors.Is(err, collecttest.ErrRemoval) ||
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
