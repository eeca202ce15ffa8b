package runner_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/collectors"
	"github.com/dxctl/dxctl/collectors/runner"
	"github.com/dxctl/dxctl/people"
	"github.com/dxctl/dxctl/store/storetest"
)

// From Backstage through the store into the catalog and the public views, and out again when it is gone.
func TestFromBackstageToTheCatalog(t *testing.T) {
	entity := func(kind, name, etag, more string) string {
		return fmt.Sprintf(
			`{"apiVersion":"backstage.io/v1alpha1","kind":%q,"metadata":{"name":%q,"namespace":"default","etag":%q,"annotations":{"github.com/project-slug":"acme/%s"}},"spec":{%s},"relations":[]}`,
			kind,
			name,
			etag,
			name,
			more,
		)
	}
	var mu sync.Mutex
	var entities []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"items":[%s],"totalItems":%d,"pageInfo":{}}`, strings.Join(entities, ","), len(entities))
	}))
	defer server.Close()
	var src collectors.SourceConfig
	text := fmt.Sprintf("{name: bs, kind: backstage, url: %q, token: x, kinds: [Component, User]}", server.URL)
	if err := yaml.Unmarshal([]byte(text), &src); err != nil {
		t.Fatal(err)
	}
	db := storetest.Open(t)
	for _, step := range []struct {
		name, refs, views string
		entities          []string
		appended          uint64
	}{
		{"first", "component:default/cart component:default/shop user:default/ada", "cart:payments shop:payments", []string{
			entity("Component", "shop", "1", `"type":"service","owner":"payments"`), entity("Component", "cart", "1", `"type":"service","owner":"payments"`),
			entity("User", "ada", "1", `"memberOf":["payments"],"profile":{"email":"ada@acme.example"}`)}, 3},
		{"one changed, one is gone", "component:default/shop user:default/ada", "shop:core", []string{
			entity("Component", "shop", "2", `"type":"service","owner":"core"`), entity("User", "ada", "1", `"memberOf":["payments"]`)}, 2},
		{"nothing is new", "component:default/shop user:default/ada", "shop:core", []string{
			entity("Component", "shop", "2", `"type":"service","owner":"core"`), entity("User", "ada", "1", `"memberOf":["payments"]`)}, 0},
	} {
		mu.Lock()
		entities = step.entities
		mu.Unlock()
		summary, err := run(t, db, runner.Options{}, runner.RunOptions{}, src)
		if err != nil || summary.Events()["descriptor"] != step.appended {
			t.Fatalf("%s: %v, %v", step.name, summary.Events(), err)
		}
		found, err := catalog.ReadFound(t.Context(), db, []string{"bs"})
		if err != nil {
			t.Fatal(err)
		}
		cat, warnings, err := catalog.Load(catalog.Config{}, people.Config{}, t.TempDir(), found...)
		if err != nil || len(warnings) != 0 {
			t.Fatalf("%s: %v, %v", step.name, warnings, err)
		}
		var refs []string
		for _, e := range cat.Entities() {
			refs = append(refs, e.Ref)
		}
		if got := strings.Join(refs, " "); got != step.refs || cat.People().Size() != 1 {
			t.Errorf("%s: %s, people %+v", step.name, got, cat.People().All())
		}
		if service, ok := cat.ServiceFor("github", "acme/shop"); !ok || service != "component:default/shop" {
			t.Errorf("%s: acme/shop is %s", step.name, service)
		}
		if err := cat.Sync(t.Context(), db); err != nil {
			t.Fatal(err)
		}
		var rows []struct {
			Name  string `ch:"name"`
			Owner string `ch:"owner"`
		}
		if err := db.Select(
			t.Context(),
			&rows,
			"SELECT name, owner FROM entities WHERE kind = 'Component' ORDER BY name",
			nil,
		); err != nil {
			t.Fatal(err)
		}
		var views []string
		for _, r := range rows {
			views = append(views, r.Name+":"+strings.TrimPrefix(r.Owner, "group:default/"))
		}
		if got := strings.Join(views, " "); got != step.views {
			t.Errorf("%s: the view has %s, want %s", step.name, got, step.views)
		}
	}
}
