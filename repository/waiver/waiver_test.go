package waiver

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dxctl/dxctl/repository/tree"
)

const head = "apiVersion: dxctl.dev/v1\nkind: Waivers\nwaivers:\n"

const good = head + `  - rule: delivery/ci-fast-and-green
    service: shop
    reason: planned
    note: The new pipeline comes in January (PAY-12).
    by: user:default/ana
    until: 2027-01-31
`

func day(text string) time.Time {
	d, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return d
}

func TestParse(t *testing.T) {
	got, errs := Parse([]byte(good), "waivers/shop.yaml", FromScorecards)
	want := []Waiver{{
		Scorecard: "delivery", Rule: "ci-fast-and-green", Service: "component:default/shop", Reason: "planned",
		Note: "The new pipeline comes in January (PAY-12).", By: "user:default/ana", Until: day("2027-01-31"),
		Origin: FromScorecards, File: "waivers/shop.yaml", Line: 4,
	}}
	if diff := cmp.Diff(want, got); diff != "" || len(errs) > 0 {
		t.Error(errs, diff)
	}
}

// A waiver with mistakes is left out with all of them, and its neighbors are kept.
func TestParseMistakes(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"no end":         {"{rule: r, service: s, reason: planned, note: n, by: b}", "f.yaml:4: the waiver has no end"},
		"no reason":      {"{rule: r, service: s, note: n, by: b, until: 2027-01-01}", `f.yaml:4: reason "" is not one of`},
		"a misspelled":   {"{rule: r, service: s, reason: planed, note: n, by: b, until: 2027-01-01}", "did you mean planned?"},
		"no words":       {"{rule: r, service: s, reason: planned, by: b, until: 2027-01-01}", "has no note"},
		"nobody":         {"{rule: r, service: s, reason: planned, note: n, until: 2027-01-01}", "who asked for it"},
		"no rule":        {"{service: s, reason: planned, note: n, by: b, until: 2027-01-01}", "has no rule"},
		"no service":     {"{rule: r, reason: planned, note: n, by: b, until: 2027-01-01}", "for nobody"},
		"two targets":    {"{rule: r, service: s, path: p, reason: planned, note: n, by: b, until: 2027-01-01}", "write one of them"},
		"no repository":  {"{rule: r, path: p, reason: planned, note: n, by: b, until: 2027-01-01}", "is in no repository"},
		"outside":        {"{rule: r, repository: a/b, path: ../p, reason: planned, note: n, by: b, until: 2027-01-01}", "outside"},
		"not a day":      {"{rule: r, service: s, reason: planned, note: n, by: b, until: forever}", `until "forever" is not a day`},
		"end first":      {"{rule: r, service: s, reason: planned, note: n, by: b, since: 2027-02-01, until: 2027-01-01}", "before it begins"},
		"an unknown key": {"{rule: r, service: s, reason: planned, note: n, by: b, end: 2027-01-01}", "end"},
		"a bad ref":      {"{rule: r, service: 'a/b/c', reason: planned, note: n, by: b, until: 2027-01-01}", "entity ref"},
	} {
		t.Run(name, func(t *testing.T) {
			text := head + "  - " + tt.text + "\n" + strings.TrimPrefix(good, head)
			got, errs := Parse([]byte(text), "f.yaml", FromScorecards)
			if len(got) != 1 || got[0].Rule != "ci-fast-and-green" {
				t.Errorf("kept %v", got)
			}
			var all []string
			for _, err := range errs {
				all = append(all, err.Error())
			}
			if text := strings.Join(all, "\n"); !strings.Contains(text, tt.want) {
				t.Errorf("mistakes:\n%s\nwant %q", text, tt.want)
			}
		})
	}
	for _, text := range []string{"", "a: b", "[", "kind: Waivers", "apiVersion: dxctl.dev/v1\nkind: Scorecard\n"} {
		if got, errs := Parse([]byte(text), "f.yaml", FromScorecards); len(got) > 0 || len(errs) == 0 && text != "" {
			t.Errorf("%q: %v %v", text, got, errs)
		}
	}
}

func TestStateAt(t *testing.T) {
	w := Waiver{Since: day("2026-12-01"), Until: day("2027-01-31")}
	at := func(text string) time.Time { return day(text).Add(12 * time.Hour) }
	for _, tt := range []struct {
		name             string
		now              time.Time
		counts, waivable bool
		want             State
		left             int
	}{
		{"before its first day", at("2026-11-30"), true, true, Upcoming, 62},
		{"it holds", at("2026-12-01"), true, true, Active, 61},
		{"it is announced", at("2027-01-20"), true, true, Ending, 11},
		{"its last day", at("2027-01-31"), true, true, Ending, 0},
		{"the day after", day("2027-02-01"), true, true, Expired, 0},
		{"in another place", at("2026-12-24"), false, true, Requested, 38},
		{"a rule that cannot be waived", at("2026-12-24"), true, false, Refused, 38},
		{"over a year ahead", day("2026-01-01"), true, true, TooLong, 395},
	} {
		if got := w.StateAt(tt.now, tt.counts, tt.waivable); got != tt.want || w.DaysLeft(tt.now) != tt.left {
			t.Errorf("%s: %s, %d days left; want %s, %d", tt.name, got, w.DaysLeft(tt.now), tt.want, tt.left)
		}
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if all, warnings := Load(nil, dir); len(all) > 0 || len(warnings) > 0 {
		t.Error("without files:", all, warnings)
	}
	write("waivers/a.yaml", good)
	write("waivers/b.yaml", "[")
	all, warnings := Load(nil, dir)
	if len(all) != 1 || len(warnings) != 1 || warnings[0].File != "waivers/b.yaml" || !warnings[0].Lost {
		t.Error(all, warnings)
	}
	write("waivers/a.yaml"+Unfinished, good) // left by a crash
	if all, _ := Load([]string{"waivers/*"}, dir); len(all) != 1 {
		t.Error("a file that was being written is read:", all)
	}
	if _, warnings := Load([]string{"other/*.yaml"}, dir); len(warnings) != 1 {
		t.Error("a pattern without files:", warnings)
	}
}

func TestBook(t *testing.T) {
	waivers := []Waiver{
		{Rule: "a", Service: "component:default/shop"},
		{Rule: "b", Repository: "github.com/acme/mono", Path: "services"},
		{Rule: "c", Repository: "acme/mono", Path: "."},
		{Rule: "d", Repository: "acme/mono", Path: "services/pa"},
	}
	b := NewBook(waivers, []Directory{
		{"component:default/pay", "acme/mono", "services/pay"},
		{"component:default/shop", "acme/shop", ""},
		{"component:default/all", "acme/mono", ""},
	})
	rules := func(list []Waiver) string {
		var all strings.Builder
		for _, w := range list {
			all.WriteString(w.Rule)
		}
		return all.String()
	}
	for service, want := range map[string]string{"shop": "a", "pay": "bc", "all": "c", "other": ""} {
		if got := rules(b.Of("component:default/" + service)); got != want {
			t.Errorf("%s has %q, want %q", service, got, want)
		}
	}
	if got := rules(b.Unmatched()); got != "d" {
		t.Errorf("unmatched %q", got)
	}
	var none *Book
	if none.Of("x") != nil || none.All() != nil {
		t.Error("the nil book is not empty")
	}
}

func TestRead(t *testing.T) {
	text := strings.ReplaceAll(good, "service: shop", "path: services/pay")
	list := func(files fstest.MapFS) Set {
		listing, err := tree.List(t.Context(), files, tree.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		return Read(listing)
	}
	s := list(fstest.MapFS{RepositoryFile: {Data: []byte(text)}})
	if len(s.Waivers) != 1 || len(s.Problems) > 0 || s.Waivers[0].Origin != FromRepository {
		t.Fatal(s)
	}
	for dir, want := range map[string]bool{"services/pay": true, "services/pay/api": true, "services": false, ".": false} {
		if got := s.Waivers[0].In(dir); got != want {
			t.Errorf("in %s: %t", dir, got)
		}
	}
	if s := list(fstest.MapFS{}); len(s.Waivers)+len(s.Problems) > 0 {
		t.Error(s)
	}
	if s := list(fstest.MapFS{RepositoryFile: {Data: []byte("[")}}); len(s.Problems) != 1 || s.Problems[0].At.Path != RepositoryFile {
		t.Error(s)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte("kind: ["))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, origin := range Origins {
			all, _ := Parse(data, "f.yaml", origin)
			for _, w := range all {
				if w.Until.IsZero() || w.Rule == "" || w.Service == "" && w.Path == "" {
					t.Errorf("%+v", w)
				}
			}
		}
	})
}
