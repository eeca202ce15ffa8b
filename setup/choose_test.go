package setup

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/collectors/source"
)

func TestPick(t *testing.T) {
	candidates := []source.Repository{{Path: "acme/a", Dockerfile: "Dockerfile"}, {Path: "acme/b", Descriptor: "catalog-info.yaml"},
		{Path: "acme/shop-api", Unread: true}, {Path: "acme/lib"}, {Path: "acme/7"}}
	shown, proposed := shownOf(candidates)
	for answer, want := range map[string]string{
		marked:                 "[acme/a acme/b acme/shop-api]",
		"all":                  "[acme/a acme/b acme/shop-api acme/lib acme/7]",
		"1,3":                  "[acme/a acme/shop-api]",
		"1-2 LIB":              "[acme/a acme/b acme/lib]",
		"-2":                   "[acme/a acme/shop-api]",
		"-1, -shop-*":          "[acme/b]",
		"all -1":               "[acme/b acme/shop-api acme/lib acme/7]",
		"acme/7":               "[acme/7]",
		"*":                    "[acme/a acme/b acme/shop-api acme/lib acme/7]",
		"none":                 `no repository matches "none"`,
		"4":                    "4: the numbers are 1 to 3",
		"0":                    "0: the numbers are 1 to 3",
		"3-1":                  "3-1: the numbers are 1 to 3",
		"99999999999999999999": `no repository matches`,
		"[":                    "no repository matches",
	} {
		chosen, err := pick(answer, shown, candidates, proposed)
		got := fmt.Sprint(paths(chosen))
		if err != nil {
			got = err.Error()
		}
		if !strings.HasPrefix(got, want) {
			t.Errorf("%q: got %s, want %s", answer, got, want)
		}
	}
}

func TestManyAreNotAllShown(t *testing.T) {
	var all []source.Repository
	for i := range 300 {
		all = append(all, source.Repository{Path: fmt.Sprintf("acme/app-%d", i), Deployed: i < 250})
	}
	all[0].Environments = []string{"\x1b[31mred\n"}
	candidates, _ := candidatesOf(all)
	shown, proposed := shownOf(candidates)
	var out bytes.Buffer
	s := &session{prompter: newPrompter(nil, &out, true)}
	s.show(shown, len(proposed), len(candidates))
	text := out.String()
	if strings.Count(text, "\n") != mostShown+2 || strings.Contains(text, "\x1b") || !strings.Contains(text, "\n50 repositories more with * are not shown.\n"+
		"50 repositories without a sign can be chosen by name.\n") {
		t.Errorf("got %s", text)
	}
}
