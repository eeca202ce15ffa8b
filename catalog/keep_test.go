package catalog_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/people"
	"github.com/dxctl/dxctl/store/storetest"
)

// What files held that cannot be read anymore stays: their own entities and those that their Locations led to, the
// people of refused rows with dates and logins; also when it is kept again and again. What is described elsewhere, or
// gone from a file that can be read, is not taken back.
func TestWhatCannotBeReadIsKept(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	service := func(name, more string) string {
		return "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: " + name + "\n" + more + "spec: {type: service, lifecycle: production, owner: team}\n"
	}
	put(
		"root.yaml",
		"apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: {name: l}\nspec: {target: ./led.txt}\n---\n"+service("moved", ""),
	)
	put("led.txt", service("led", "  annotations: {github.com/project-slug: acme/led}\n"))
	put("two.yaml", service("one", "")+"---\n"+service("two", ""))
	put(
		"people.csv",
		"person,name,team,start_date,left_date,email,logins\nana,Ana,p,2026-01-02,,ana@x.y,github:a\nana,,q,2026-05-02,,,\nbo,Bo,p,2026-01-03,2026-10-10,bo@x.y,github:b g\ncy,,p,2026-01-04,,,github:c\n",
	)
	s := storetest.Open(t)
	cfg, people := catalog.Config{Files: []string{"*.yaml"}}, people.Config{Files: []string{"people.csv"}}
	load := func() (*catalog.Catalog, string) {
		t.Helper()
		cat, warnings, err := catalog.LoadKeeping(
			cfg,
			people,
			dir,
			func(files []string) (catalog.Recalled, error) { return catalog.Recall(t.Context(), s, files) },
		)
		if err != nil {
			t.Fatal(err)
		}
		if err := cat.Sync(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		var lines []string
		for _, w := range warnings {
			lines = append(lines, w.String())
		}
		return cat, strings.Join(lines, "\n")
	}
	before, said := load()
	if said != "" || len(before.Lost()) > 0 {
		t.Fatal(said)
	}
	put("root.yaml", "kind: [\n")
	put("other.yaml", service("moved", "  title: here now\n"))
	put("two.yaml", service("one", "  title: new\n")+"---\n\tkind\n")
	put(
		"people.csv",
		"person,name,team,start_date,left_date,email,logins\nana,Ana,p,2026-01-02,,ana@x.y,github:a\nana,,q,soon,,,\nbo,\"Bo\"x,p,2026-01-03,2026-10-10,bo@x.y,github:b g\ndi,,p,2026-01-05,,,g\n",
	)
	for range 2 {
		after, said := load()
		var refs []string
		for _, e := range after.Entities() {
			refs = append(refs, e.Name+" "+e.Title)
		}
		if want := []string{"led ", "moved here now", "one new", "two "}; !slices.Equal(refs, want) {
			t.Errorf("%q, want %q", refs, want)
		}
		if ref, ok := after.ServiceFor("github", "acme/led"); !ok || ref != "component:default/led" {
			t.Errorf("its repository is bound to %q", ref)
		}
		var ids []string
		for _, p := range after.People().All() {
			for _, m := range p.Memberships {
				ids = append(
					ids,
					strings.Join(
						[]string{p.ID, p.Name, m.Team, m.StartedOn.Format("0102"), strings.TrimPrefix(m.LeftOn.Format("0102"), "0101")},
						" ",
					),
				)
			}
		}
		// It is known whose the refused rows are, so cy is gone.
		if want := []string{
			"ana Ana p 0102 ",
			"ana Ana q 0502 ",
			"bo Bo p 0103 1010",
			"di  p 0105 ",
		}; !slices.Equal(ids, want) {
			t.Errorf("%q, want %q", ids, want)
		}
		for login, want := range map[string]string{"github b": "bo", "github c": "", " g": "di", " bo@x.y": "bo", "github a": "ana"} {
			provider, name, _ := strings.Cut(login, " ")
			if got := after.People().Whose(provider, name).Person; got != want {
				t.Errorf("%s is %q's, want %s", login, got, want)
			}
		}
		if n := len(after.Lost()); n != 4 || !strings.Contains(said, "2 entities are kept as last read, because the files "+
			"that describe them cannot be read: component:default/led, component:default/two") ||
			!strings.Contains(said, "2 people are kept as last read, because their rows cannot be read: ana, bo") {
			t.Errorf("%d lost:\n%s", n, said)
		}
	}
	put("people.csv", "team\nx\n") // nobody can say who is in it
	if after, _ := load(); after.People().Size() != 3 {
		t.Errorf("%d people of a file that cannot be read, want 3", after.People().Size())
	}
	put("root.yaml", "# nothing\n")
	put("two.yaml", service("one", ""))
	put("people.csv", "person,logins\ndi,g\n")
	after, said := load()
	if got := len(after.Entities()); got != 2 || after.People().Size() != 1 || len(after.Lost()) != 0 {
		t.Errorf("%d entities, %d people\n%s", got, after.People().Size(), said)
	}
}
