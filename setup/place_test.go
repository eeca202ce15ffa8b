package setup

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// place is found in a clone from its remotes and the environment.
func TestPlace(t *testing.T) {
	for name, test := range map[string]struct {
		remote string
		opt    Options
		env    map[string]string
		want   string // kind, URL, account, variable, single repositories; or the error
	}{
		"a clone of GitHub": {"git@github.com:acme/shop.git", Options{}, map[string]string{"GH_TOKEN": "x"},
			"github  acme GH_TOKEN []"},
		"a clone of GitLab": {"https://u:p@gitlab.com/acme/team/shop.git", Options{},
			map[string]string{"GITHUB_TOKEN": "x", "GL_TOKEN": "y"}, "gitlab  acme/team GL_TOKEN []"},
		"a token of another kind": {"https://gitlab.com/acme/shop.git", Options{}, map[string]string{"GITHUB_TOKEN": "x"},
			"none of GITLAB_TOKEN"},
		"an own server that is not confirmed": {"https://gitlab.acme.example/a/b.git", Options{},
			map[string]string{"GITLAB_TOKEN": "x"}, "add --url https://gitlab.acme.example"},
		"an own server": {"ssh://git@gitlab.acme.example:22/a/b/c.git", Options{URL: "https://gitlab.acme.example"},
			map[string]string{"GITLAB_TOKEN": "x"}, "gitlab https://gitlab.acme.example a/b GITLAB_TOKEN []"},
		"an enterprise server": {"git@ghe.acme.example:core/shop.git", Options{Kind: "github", URL: "https://ghe.acme.example"},
			map[string]string{"GITHUB_TOKEN": "x", "GH_ENTERPRISE_TOKEN": "y"},
			"github https://ghe.acme.example core GH_ENTERPRISE_TOKEN []"},
		"another server than that of the remote": {"git@github.com:acme/shop.git", Options{Kind: "github",
			URL: "https://ghe.acme.example"}, map[string]string{"GITHUB_TOKEN": "x"}, "add --organization NAME"},
		"the public server by its address": {"", Options{URL: "https://github.com", Account: "acme"},
			map[string]string{"GITHUB_TOKEN": "x"}, "github  acme GITHUB_TOKEN []"},
		"data residency": {"", Options{URL: "https://acme.ghe.com", Account: "acme"}, map[string]string{"GITHUB_TOKEN": "x"},
			"github https://acme.ghe.com acme GITHUB_TOKEN []"},
		"flags before everything": {"git@github.com:acme/shop.git", Options{Kind: "GitLab", Account: "/other/group/",
			TokenVariable: "MY_TOKEN"}, map[string]string{"MY_TOKEN": "x"}, "gitlab  other/group MY_TOKEN []"},
		"single repositories": {"", Options{Kind: "github", Repositories: []string{"acme/a", "acme/b"}},
			map[string]string{"GITHUB_TOKEN": "x"}, "github  acme GITHUB_TOKEN [acme/a acme/b]"},
		"a pattern": {"", Options{Kind: "github", Account: "acme", Repositories: []string{"acme/a*"}},
			map[string]string{"GITHUB_TOKEN": "x"}, "github  acme GITHUB_TOKEN []"},
		"tokens of both": {"", Options{Account: "acme"}, map[string]string{"GITHUB_TOKEN": "x", "GITLAB_TOKEN": "y"},
			"add --kind github or --kind gitlab"},
		"a token with a line break": {"git@github.com:acme/shop.git", Options{}, map[string]string{"GITHUB_TOKEN": "x\n"},
			"GITHUB_TOKEN contains a space or a line break"},
		"a clone of another kind": {"git@bitbucket.org:acme/shop.git", Options{Account: "acme"},
			map[string]string{"GITLAB_TOKEN": "x"}, "gitlab  acme GITLAB_TOKEN []"},
		"an empty token": {"git@github.com:acme/shop.git", Options{}, map[string]string{"GITHUB_TOKEN": " "},
			"none of GITHUB_TOKEN, GH_TOKEN is set"},
	} {
		t.Run(name, func(t *testing.T) {
			test.opt.WorkDir, test.opt.Yes = t.TempDir(), true
			if test.remote != "" {
				for _, args := range [][]string{{"init", "-q"}, {"remote", "add", "origin", test.remote}} {
					if out, err := exec.Command("git", append([]string{"-C", test.opt.WorkDir}, args...)...).CombinedOutput(); err != nil {
						t.Fatalf("%v: %s", err, out)
					}
				}
			}
			var out bytes.Buffer
			s := &session{Options: test.opt, Deps: Deps{Getenv: func(name string) string { return test.env[name] }},
				prompter: newPrompter(nil, &out, true)}
			p, err := s.place(t.Context())
			got := fmt.Sprint(err)
			if err == nil {
				got = fmt.Sprintf("%s %s %s %s %v", p.kind, p.url, p.account, p.tokenVariable, p.named)
			}
			if err == nil && got != test.want || err != nil && !strings.Contains(got, test.want) {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}
