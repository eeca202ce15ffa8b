package catalog

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/people"
	"github.com/dxctl/dxctl/yamldoc"
)

// TestReadAhead reads many files side by side, small ones, large ones and broken ones: the catalog and the order of the
// warnings are those of reading one after another.
func TestReadAhead(t *testing.T) {
	files := map[string]string{}
	for i := range 60 {
		text := fmt.Sprintf("apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: s%d, surplus: 1}\nspec: "+
			"{type: service, lifecycle: production, owner: o}\n", i)
		switch i % 10 {
		case 3:
			text += "---\nbroken: [\n---\n" + text // the second time is a warning
		case 7:
			text += strings.Repeat("---\n# "+strings.Repeat("x", yamldoc.SectionSize/2)+"\n", 12) + "---\nkind: [\n"
		case 9:
			text = "\xff"
		}
		files[fmt.Sprintf("c/%02d.yaml", i)] = text
	}
	dir := write(t, files)
	if err := os.Symlink("00.yaml", filepath.Join(dir, "c", "link.yaml")); err != nil {
		t.Fatal(err)
	}
	load := func(cfg Config) (*Catalog, []string) {
		c, warnings, err := Load(cfg, people.Config{}, dir)
		if err != nil {
			t.Fatal(err)
		}
		var lines []string
		for _, w := range warnings {
			lines = append(lines, w.String())
		}
		return c, lines
	}
	together, said := load(Config{Files: []string{"c/*.yaml"}})
	var names []string
	for i := range 60 {
		names = append(names, fmt.Sprintf("c/%02d.yaml", i))
	}
	oneByOne, want := load(Config{Files: names})
	if len(together.Entities()) != 54 || !reflect.DeepEqual(together.Entities(), oneByOne.Entities()) {
		t.Errorf("%d and %d entities", len(together.Entities()), len(oneByOne.Entities()))
	}
	if !slices.Equal(said, want) {
		t.Errorf("warnings:\n%s\none by one:\n%s", strings.Join(said, "\n"), strings.Join(want, "\n"))
	}
	if n := strings.Count(strings.Join(said, "\n"), "the descriptor cannot be read"); n != 18 {
		t.Errorf("%d of 18 broken documents are named", n)
	}
}

func TestInOrder(t *testing.T) {
	numbers := func(yield func(int) bool) {
		for i := range 1000 {
			if !yield(i) {
				return
			}
		}
	}
	square := func(i int) int { return i * i }
	for i, got := range slices.Collect(inOrder(numbers, square)) {
		if got != i*i {
			t.Fatalf("the result number %d is %d", i, got)
		}
	}
	for got := range inOrder(numbers, square) {
		if got >= 100 { // one who stops early holds up nobody
			break
		}
	}
}
