package catalog

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/people"
	"github.com/dxctl/dxctl/yamldoc"
)

func FuzzDescriptors(f *testing.F) {
	example, err := os.ReadFile("testdata/payment-service.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(example)
	f.Add([]byte("{\n\t\"kind\": \"Component\", \"apiVersion\": \"backstage.io/v1alpha1\", \"metadata\": {\"name\": " +
		"\"\\ud83d\\ude00\\/\"}}"))
	f.Add([]byte("%YAML 1.2\n---\n&a [*a]\n---\nkind: &k Component\nmetadata: {<<: {name: x}, annotations: " +
		"{backstage.io/orphan: 'true'}}\n...\n"))
	f.Add([]byte("\xff\xfe---\r\n---\tx"))
	f.Add([]byte("kind: Group\napiVersion: backstage.io/v1alpha1\nmetadata: {name: [1]}\nspec: {members: [[a], {b: " +
		"c}], profile: 3}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		l := newLoader(".")
		for _, r := range (descriptor.Reader{File: "x.yaml", Positions: binds}).Read(yamldoc.Documents(data)) {
			r.Report(l.reporter(l.Warn, l.Fail))
			if r.OK && r.Entity.Name != "" {
				l.add(r.Entity, origin{lines: r.AnnotationLines})
			}
		}
		l.catalog.people = people.Read(people.Config{}, l.Reader, l.teamName).Resolve(l.users())
		l.bind()
		l.catalog.finish()
		for _, e := range l.catalog.Entities() {
			if found, ok := l.catalog.Entity(e.Ref); !ok || found.Line != e.Line {
				t.Errorf("%q cannot be found again", e.Ref)
			}
			if e.Line < 1 {
				t.Errorf("%q has line %d", e.Ref, e.Line)
			}
		}
		for _, fact := range l.catalog.Facts(time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)) {
			if err := fact.Validate(); err != nil {
				t.Error(err)
			}
		}
	})
}

// FuzzSourceLocations reads source locations: nothing panics, and what is located has a repository and stays within it.
func FuzzSourceLocations(f *testing.F) {
	for _, seed := range []string{
		"url:https://github.com/o/r/tree/main", "url:git@gitlab.com:a/b/c.git", "url:ssh://git@h:22/a/-/b", "file:/x", "url:://",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if at, ok, err := newLoader("").sourceLocation(value); ok &&
			(err != nil || at.scope == "" || strings.HasPrefix(at.directory, "..")) {
			t.Errorf("%q is %+v, %v", value, at, err)
		}
	})
}
