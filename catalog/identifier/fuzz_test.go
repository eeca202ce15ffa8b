package identifier

import (
	"strings"
	"testing"
)

// FuzzAnnotations reads every annotation that names a scope: nothing panics, and no scope is empty or leads anywhere
// else.
func FuzzAnnotations(f *testing.F) {
	for _, seed := range []string{"https://github.com/o/r/tree/main", "git@gitlab.com:a/b/c.git", "east:team/shop/feature%252Fx", "circleci/a/b", "ns/app, x",
		"https://ci/blue/organizations/jenkins/a%2Fb/", "url:ssh://git@h:22/a/-/b", "job/a/job/b", "://", "a:b@c:d"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		for _, a := range Annotations {
			scopes, errs := a.Scopes(value, map[string]string{"argocd/app-namespace": value})
			if len(scopes)+len(errs) == 0 {
				t.Errorf("%s: %q names nothing, and nothing says why", a.Name, value)
			}
			for _, s := range scopes {
				if strings.Trim(s.Name, "/ ") == "" || s.Distance < 0 {
					t.Errorf("%s: %q names %q at distance %d", a.Name, value, s.Name, s.Distance)
				}
			}
		}
	})
}
