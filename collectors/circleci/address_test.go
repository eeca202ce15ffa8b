package circleci

import (
	"slices"
	"testing"

	"github.com/dxctl/dxctl/collectors/source"
)

func TestProjectsMayBeAddresses(t *testing.T) {
	c, err := New(
		Config{
			Source: "ci",
			Token:  "t",
			Projects: []string{"https://app.circleci.com/pipelines/gh/o/a", "git@github.com:o/b.git",
				"https://github.com/o/c/tree/main", "gh/o/d"},
		},
		source.Options{},
	)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"github/o/a", "github/o/b", "github/o/c", "github/o/d"}
	if got, err := c.Scopes(t.Context(), nil); err != nil || !slices.Equal(got, want) {
		t.Errorf("reads %q, %v; want %q", got, err, want)
	}
	if _, err := New(
		Config{Source: "ci", Token: "t", Projects: []string{"https://example.com/o/a"}},
		source.Options{},
	); err == nil {
		t.Error("an address of no project is taken")
	}
}
