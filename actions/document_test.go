package actions_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/actions/create"
	"github.com/dxctl/dxctl/actions/fix"
	"github.com/dxctl/dxctl/actions/settings"
	"github.com/dxctl/dxctl/actions/waive"
)

var update = flag.Bool("update", false, "write docs/actions.md anew")

const page = "../docs/actions.md"

// TestActionsAreDocumented keeps docs/actions.md what the descriptors say.
func TestActionsAreDocumented(t *testing.T) {
	const begin, end = "<!-- go generate ./actions -->\n", "<!-- end of what is generated -->\n"
	set, err := actions.NewSet(create.New(create.Deps{}), &fix.Action{}, &settings.Action{}, &waive.Action{})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begins := strings.Cut(string(text), begin)
	got, after, ends := strings.Cut(rest, end)
	if !begins || !ends {
		t.Fatalf("%s has no place for the actions", page)
	}
	var b strings.Builder
	for _, a := range set {
		b.WriteString(markdown(a.Descriptor()))
	}
	want := "\n" + b.String() + "\n"
	if *update {
		if err := os.WriteFile(page, []byte(before+begin+want+end+after), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != want {
		t.Errorf("%s is not what the descriptors say; run go generate ./actions", page)
	}
}

// wrapped breaks a paragraph at 120 columns.
func wrapped(text string) string {
	var b strings.Builder
	column := 0
	for word := range strings.FieldsSeq(text) {
		switch {
		case column > 0 && column+1+len(word) > 120:
			b.WriteString("\n")
			column = 0
		case column > 0:
			b.WriteString(" ")
			column++
		}
		b.WriteString(word)
		column += len(word)
	}
	return b.String()
}

func markdown(d actions.Descriptor) string {
	var b strings.Builder
	yes := func(v bool) string {
		if v {
			return "yes"
		}
		return "no"
	}
	fmt.Fprintf(&b, "## %s\n\n%s\n\n", d.Name, wrapped(d.Title+". "+d.Description))
	fmt.Fprintf(&b, "| read-only | destructive | idempotent | who | planned over HTTP |\n|---|---|---|---|---|\n")
	path := "no"
	if d.Remote() {
		path = "`POST " + d.PlanPath() + "`"
	}
	fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n\n", yes(d.ReadOnly), yes(d.Destructive), yes(d.Idempotent), d.Role, path)
	fmt.Fprintf(&b, "| input | on the command line | over HTTP | description |\n|---|---|---|---|\n")
	for _, f := range d.Input {
		description := strings.ReplaceAll(f.Description, "|", `\|`)
		if f.Enum != nil {
			description += ": " + strings.Join(f.Enum, ", ")
		}
		if f.Default != "" {
			description += " (default " + f.Default + ")"
		}
		remote := "optional"
		switch {
		case f.Local:
			remote = "refused"
		case f.Required || f.Entity != "":
			remote = "required"
		}
		fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s |\n", f.Name, strings.ReplaceAll(f.Usage(), ", ", "`, `"), remote, description)
	}
	fmt.Fprintf(&b, "\nIts plan contains:\n\n")
	for _, p := range d.Plan {
		fmt.Fprintf(&b, "- %s\n", p)
	}
	if d.CommandLineOnly != "" {
		fmt.Fprintf(&b, "\n%s\n", wrapped("It is not planned over HTTP: "+d.CommandLineOnly+"."))
	}
	fmt.Fprintf(&b, "\nThe command is `dxctl %s`. These flags are no input: they choose how the plan is carried out.\n\n", d.Command)
	fmt.Fprintf(&b, "| flag | description |\n|---|---|\n")
	for _, o := range d.Document().Options {
		fmt.Fprintf(&b, "| `%s` | %s |\n", o.Flag, strings.ReplaceAll(o.Description, "|", `\|`))
	}
	b.WriteString("\n")
	return b.String()
}
