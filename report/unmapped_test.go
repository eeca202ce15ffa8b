package report

import (
	"strings"
	"testing"
)

// A descriptor names a repository by its slug, also where the records came with its address.
func TestProposalsNameSlugs(t *testing.T) {
	for service, want := range map[string]string{
		"unmapped:github/MyOrg/Shop":                              `github.com/project-slug: "MyOrg/Shop"`,
		"unmapped:github/https://github.com/MyOrg/Shop/tree/main": `github.com/project-slug: "MyOrg/Shop"`,
		"unmapped:gitlab/git@gitlab.example.com:team/a/shop.git":  `gitlab.com/project-slug: "team/a/shop"`,
		"unmapped:jenkins/team/shop":                              `jenkins.io/job-full-name: "team/shop"`,
	} {
		r := UnmappedScope{Service: service}
		if got := r.Annotation(); got != want {
			t.Errorf("%s: %s, want %s", service, got, want)
		}
		if d := r.Descriptor(); !strings.Contains(d, "name: shop\n") || !strings.Contains(d, want) {
			t.Errorf("%s: %s", service, d)
		}
	}
}
