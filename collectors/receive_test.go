package collectors

import (
	"slices"
	"testing"

	"github.com/dxctl/dxctl/collectors/circleci"
	"github.com/dxctl/dxctl/collectors/github"
	"github.com/dxctl/dxctl/collectors/gitlab"
)

// Deliveries name a scope as the collector does, also where the configuration has its address.
func TestReceiversTakeTheScopesOfConfiguredAddresses(t *testing.T) {
	for name, got := range map[string][]string{
		"github":   receiveGitHub(&github.Config{Repositories: []string{"https://github.com/o/a/tree/main", "git@github.com:o/b.git"}}).Scopes,
		"gitlab":   receiveGitLab(&gitlab.Config{Projects: []string{"https://gitlab.com/o/a/-/tree/main", "git@gitlab.com:o/b.git"}}).Scopes,
		"circleci": receiveCircleCI(&circleci.Config{Projects: []string{"https://github.com/o/a", "gh/o/b"}}).Scopes,
	} {
		want := []string{"o/a", "o/b"}
		if name == "circleci" {
			want = []string{"github/o/a", "github/o/b"}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s takes %q, want %q", name, got, want)
		}
	}
}
