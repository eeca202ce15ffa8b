package fix_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/actions/fix"
	"github.com/dxctl/dxctl/actions/fix/edits"
)

// TestResolve pins a version that no list has to the commit that the host names, asks once for each version, and leaves
// what the host does not know to a person, as everything where nobody can be asked.
func TestResolve(t *testing.T) {
	text := "on: push\npermissions: {}\njobs:\n  a:\n    runs-on: ubuntu-latest\n    timeout-minutes: 5\n    steps:\n" +
		"      - uses: acme/tool/sub@v3 # ours\n      - uses: Acme/tool@v3\n      - uses: acme/tool@main\n" +
		"      - uses: 'acme/to`ol;id@v1'\n"
	commit := strings.Repeat("3", 40)
	times := map[string]int{}
	resolve := func(_ context.Context, repository, tag string) (edits.Action, error) {
		times[strings.ToLower(repository)+"@"+tag]++
		if tag != "v3" {
			return edits.Action{}, errors.New("there is no such tag; a branch changes, so choose a version")
		}
		return edits.Action{Name: repository, Tag: "v3.1.4", Commit: commit}, nil
	}
	planned := func(with bool) (string, string) {
		dir := checkoutOf(t, map[string]string{"catalog-info.yaml": component("pay"), ".github/workflows/ci.yml": text})
		p := plan(t, dir, goldenPath(t, nil), func(o *fix.Options) {
			o.Rules = []string{"actions-pinned"}
			if with {
				o.Resolve = resolve
			}
		})
		after := ""
		if len(p.Files) > 0 {
			after = string(p.Files[0].After)
		}
		return after, asked(p)
	}
	after, tasks := planned(true)
	for _, want := range []string{
		"- uses: acme/tool/sub@" + commit + " # v3.1.4", "- uses: Acme/tool@" + commit + " # v3.1.4", "acme/tool@main\n",
	} {
		if !strings.Contains(after, want) {
			t.Errorf("%q is not in\n%s", want, after)
		}
	}
	if !strings.Contains(tasks, "a branch changes, so choose a version") {
		t.Errorf("the tasks are %s", tasks)
	}
	for version, n := range times {
		if n > 2 { // a repository may be written in two ways
			t.Errorf("%s was asked for %d times", version, n)
		}
	}
	after, tasks = planned(false)
	if after != "" || !strings.Contains(tasks, "acme/tool/sub@v3 (`gh api repos/acme/tool/commits/v3 --jq .sha") ||
		strings.Contains(tasks, "gh api repos/acme/to`ol") {
		t.Errorf("without anybody to ask, the file is %q and the tasks are %s", after, tasks)
	}
}
