package catalog

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/people"
	"github.com/dxctl/dxctl/yamldoc"
)

func FuzzDescriptors(f *testing.F) {
	example, err := os.ReadFile("testdata/payment-service.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(example)
	f.Add([]byte("{\n\t\"kind\": \"Component\", \"apiVersion\": \"backstage.io/v1alpha1\", \"metadata\": {\"name\": \"\\ud83d\\ude00\\/\"}}"))
	f.Add([]byte("%YAML 1.2\n---\n&a [*a]\n---\nkind: &k Component\nmetadata: {<<: {name: x}, annotations: {backstage.io/orphan: 'true'}}\n...\n"))
	f.Add([]byte("\xff\xfe---\r\n---\tx"))
	f.Add([]byte("kind: Group\napiVersion: backstage.io/v1alpha1\nmetadata: {name: [1]}\nspec: {members: [[a], {b: c}], profile: 3}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		l := newLoader(".")
		for _, r := range (descriptorReader{file: "x.yaml"}).readings(yamldoc.Documents(data)) {
			r.tell(l.reader("x.yaml", l.Warn, l.Fail))
			if r.ok && r.entity.Name != "" {
				l.add(r.entity, r.lines)
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

// FuzzAnnotations reads every annotation that names a scope: nothing panics, and no scope is empty or leads anywhere else.
func FuzzAnnotations(f *testing.F) {
	for _, seed := range []string{"https://github.com/o/r/tree/main", "git@gitlab.com:a/b/c.git", "east:team/shop/feature%252Fx", "circleci/a/b", "ns/app, x",
		"https://ci/blue/organizations/jenkins/a%2Fb/", "url:ssh://git@h:22/a/-/b", "job/a/job/b", "://", "a:b@c:d"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		for _, a := range bindingAnnotations {
			scopes, errs := a.scopes(value, Entity{Annotations: map[string]string{"argocd/app-namespace": value}})
			if len(scopes)+len(errs) == 0 {
				t.Errorf("%s: %q names nothing, and nothing says why", a.name, value)
			}
			for _, s := range scopes {
				if strings.Trim(s.scope, "/ ") == "" || s.distance < 0 {
					t.Errorf("%s: %q names %q at distance %d", a.name, value, s.scope, s.distance)
				}
			}
		}
		if at, ok, err := newLoader("").sourceLocation(value); ok && (err != nil || at.scope == "" || strings.HasPrefix(at.folder, "..")) {
			t.Errorf("%q is %+v, %v", value, at, err)
		}
	})
}
