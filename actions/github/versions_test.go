package github_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/actions/github"
	"github.com/dxctl/dxctl/collectors/rest"
)

// TestVersion resolves tags as GitHub stores them: of a commit, and annotated, also twice.
func TestVersion(t *testing.T) {
	commit := func(digit string) string { return strings.Repeat(digit, 40) }
	ref := func(name, kind, sha string) string {
		return fmt.Sprintf(`{"ref": "refs/tags/%s", "object": {"type": %q, "sha": %q}}`, name, kind, sha)
	}
	object := func(kind, sha string) string {
		return fmt.Sprintf(`{"object": {"type": %q, "sha": %q}}`, kind, sha)
	}
	answers := map[string]string{
		"/repos/acme/light/git/matching-refs/tags/v4": "[" + strings.Join([]string{ref("v4", "commit", commit("1")),
			ref("v4.9.1", "commit", commit("2")), ref("v4.10.0", "commit", commit("1")), ref("v40", "commit", commit("1"))}, ",") + "]",
		"/repos/acme/light/git/matching-refs/tags/v4.9.1": "[" + ref("v4.9.1", "commit", commit("2")) + "]",
		"/repos/acme/noted/git/matching-refs/tags/v1": "[" + strings.Join([]string{ref("v1", "tag", commit("a")),
			ref("v1.0.0", "tag", commit("b")), ref("v1.1.0", "tag", commit("c"))}, ",") + "]",
		"/repos/acme/noted/git/tags/" + commit("a"):        object("tag", commit("d")),
		"/repos/acme/noted/git/tags/" + commit("d"):        object("commit", commit("3")),
		"/repos/acme/noted/git/tags/" + commit("c"):        object("commit", commit("4")),
		"/repos/acme/noted/git/tags/" + commit("b"):        object("commit", commit("3")),
		"/repos/acme/light/git/matching-refs/tags/main":    "[]",
		"/repos/acme/odd/git/matching-refs/tags/v1":        "[" + ref("v1", "tree", commit("5")) + "]",
		"/repos/acme/loop/git/matching-refs/tags/v1":       "[" + ref("v1", "tag", commit("6")) + "]",
		"/repos/acme/loop/git/tags/" + commit("6"):         object("tag", commit("6")),
		"/repos/acme/light/git/matching-refs/tags/release": "[" + ref("release/v1", "commit", commit("7")) + "]",
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, ok := answers[strings.TrimPrefix(r.URL.Path, "/api/v3")]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			answer = `{"message": "Not Found"}`
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, answer)
	}))
	defer server.Close()
	host, err := github.New(github.Config{URL: server.URL + "/api/v3", Token: "x", AllowPrivateNetwork: true}, "", "test",
		rest.Options{Tune: func(c *rest.Config) { c.Attempts = 1 }})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ repository, tag, want, wrong string }{
		{"acme/light", "v4", "v4.10.0 " + commit("1"), ""},
		{"acme/light", "v4.9.1", "v4.9.1 " + commit("2"), ""},
		{"acme/noted", "v1", "v1.0.0 " + commit("3"), ""},
		{"acme/light", "main", "", "choose a version"},
		{"acme/light", "release", "", "choose a version"},
		{"acme/odd", "v1", "", "names no commit"},
		{"acme/loop", "v1", "", "names no commit"},
		{"acme/none", "v1", "", "looking for the commit of acme/none@v1"},
		{"acme/../user", "v1", "", "none of GitHub's"},
		{"acme/light", "../../user", "", "none of GitHub's"},
		{"acme/light", "v1?x", "", "none of GitHub's"},
	} {
		v, err := host.Version(t.Context(), c.repository, c.tag)
		if c.wrong == "" && (err != nil || v.Tag+" "+v.Commit != c.want) {
			t.Errorf("%s@%s is %+v, %v; want %s", c.repository, c.tag, v, err, c.want)
		}
		if c.wrong != "" && (err == nil || !strings.Contains(err.Error(), c.wrong)) {
			t.Errorf("%s@%s: the error is %v, want %q", c.repository, c.tag, err, c.wrong)
		}
	}
}
