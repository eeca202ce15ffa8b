package waiver

import (
	"strings"
	"testing"
)

func TestAdd(t *testing.T) {
	w := Waiver{
		Scorecard: "delivery", Rule: "ci-fast-and-green", Service: "component:default/shop", Reason: "planned",
		Note: "The new pipeline: in January.", By: "user:default/ana", Since: day("2026-12-01"), Until: day("2027-01-31"),
		Origin: FromScorecards,
	}
	first, err := Add(nil, "w.yaml", &w)
	want := head + `  - rule: delivery/ci-fast-and-green
    service: component:default/shop
    reason: planned
    note: 'The new pipeline: in January.'
    by: user:default/ana
    since: 2026-12-01
    until: 2027-01-31
`
	if err != nil || string(first) != want {
		t.Fatalf("%v\n%s", err, first)
	}
	w.Note = "Two lines:\n- of \"words\" # not a comment"
	for name, before := range map[string]string{
		"a second one":            string(first),
		"comments are kept":       "# Approved by the platform team.\n" + string(first) + "# The end.\n",
		"without a last line end": strings.TrimSuffix(string(first), "\n"),
		"another indentation":     strings.ReplaceAll(strings.ReplaceAll(string(first), "\n  - ", "\n- "), "\n    ", "\n  "),
		"an empty list":           head,
	} {
		after, err := Add([]byte(before), "w.yaml", &w)
		if err != nil || !strings.HasPrefix(string(after), before) {
			t.Errorf("%s: %v\n%s", name, err, after)
			continue
		}
		all, errs := Parse(after, "w.yaml", FromScorecards)
		last := all[len(all)-1]
		if len(errs) > 0 || last.Note != w.Note || !last.Until.Equal(w.Until) || last.Scorecard != "delivery" {
			t.Errorf("%s: %v %+v", name, errs, last)
		}
	}
	for name, before := range map[string]string{
		"mistakes":    head + "  - rule: x\n",
		"in brackets": "apiVersion: dxctl.dev/v1\nkind: Waivers\nwaivers: []\n",
		"the list comes first": "waivers:\n  - {rule: r, service: s, reason: planned, note: n, by: b, until: 2027-01-01}\n" +
			"apiVersion: dxctl.dev/v1\nkind: Waivers\n",
	} {
		if after, err := Add([]byte(before), "w.yaml", &w); err == nil {
			t.Errorf("%s: added\n%s", name, after)
		}
	}
}
