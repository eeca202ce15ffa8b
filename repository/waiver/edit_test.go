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
	w.Until = w.Until.AddDate(0, 1, 0) // the same again would be refused
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

// TestAddRefusesWhatIsThere: a waiver that holds for as long already is not written twice; a longer one is.
func TestAddRefusesWhatIsThere(t *testing.T) {
	w := Waiver{
		Scorecard: "delivery", Rule: "license", Service: "component:default/shop", Reason: "planned", Note: "n", By: "b",
		Since: day("2026-12-01"), Until: day("2027-01-31"), Origin: FromScorecards,
	}
	text, err := Add(nil, "w.yaml", &w)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change  func(*Waiver)
		refused bool
	}{
		"the same":        {func(*Waiver) {}, true},
		"a part of it":    {func(w *Waiver) { w.Since, w.Until = day("2026-12-05"), day("2027-01-01") }, true},
		"a later end":     {func(w *Waiver) { w.Until = day("2027-02-01") }, false},
		"from earlier on": {func(w *Waiver) { w.Since = day("2026-11-30") }, false},
		"another rule":    {func(w *Waiver) { w.Rule = "lock-files" }, false},
		"another service": {func(w *Waiver) { w.Service = "component:default/cart" }, false},
		"every scorecard": {func(w *Waiver) { w.Scorecard = "" }, false},
	} {
		next := w
		c.change(&next)
		_, err := Add(text, "w.yaml", &next)
		if refused := err != nil && strings.Contains(err.Error(), "w.yaml:4 waives the rule for the same until 2027-01-31 already"); refused != c.refused {
			t.Errorf("%s: %v", name, err)
		}
	}
	long := strings.Replace(string(text), "2027-01-31", "2099-01-31", 1) // changes no grade, so that another one is needed
	if _, err := Add([]byte(long), "w.yaml", &w); err != nil {
		t.Error(err)
	}
}
