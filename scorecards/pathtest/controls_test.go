package pathtest

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/scorecards/controls"
)

// controlsPage has a table at its end that TestControlsAreDocumented generates.
const (
	controlsPage  = "../../docs/compliance.md"
	controlsTitle = "## The built-in rules\n\n"
)

// TestControlsAreDocumented keeps the table of docs/compliance.md what the built-in rules name. go test
// ./scorecards/pathtest -update writes it.
func TestControlsAreDocumented(t *testing.T) {
	type row struct{ standard, control, rule, shows, note string }
	var rows []row
	for _, card := range builtin(t).Cards {
		for i := range card.Rules {
			for _, c := range card.Rules[i].Controls {
				if c.Shows == "part" && c.Note == "" {
					t.Errorf("%s/%s shows a part of %s and does not say which", card.Name, card.Rules[i].ID, c.Control)
				}
				rows = append(rows, row{c.Standard, c.Control, card.Name + "/" + card.Rules[i].ID, c.Shows, c.Note})
			}
		}
	}
	names := controls.Names()
	slices.SortFunc(rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(slices.Index(names, a.standard), slices.Index(names, b.standard)),
			strings.Compare(a.control, b.control), strings.Compare(a.rule, b.rule))
	})
	var table strings.Builder
	table.WriteString("| standard | control | rule | shows | limits |\n|---|---|---|---|---|\n")
	for _, r := range rows {
		fmt.Fprintf(&table, "| %s | %s | `%s` | %s | %s |\n", r.standard, r.control, r.rule, r.shows, r.note)
	}
	raw, err := os.ReadFile(controlsPage)
	if err != nil {
		t.Fatal(err)
	}
	head, got, found := strings.Cut(string(raw), controlsTitle)
	if !found {
		t.Fatalf("%s has no section %q", controlsPage, controlsTitle)
	}
	if *update {
		if err := os.WriteFile(controlsPage, []byte(head+controlsTitle+table.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != table.String() {
		t.Error("docs/compliance.md is not what the rules name; run \"go generate ./scorecards/...\"")
	}
}
