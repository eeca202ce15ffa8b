package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/cmd/dxctl/output"
)

// showPlan prints a plan in the format that was asked for. For people, the diff comes first, so that what it is about
// stands next to the question; with --yes there is no question, and the diff is left out.
func (c *creation) showPlan(p actions.Plan) error {
	switch c.output {
	case "diff":
		_, err := fmt.Fprint(c.out, p.Diff())
		return err
	case "human":
		text := p.Text()
		if !c.yes {
			text = output.PrintableLines(p.Diff()) + "\n" + text
		}
		_, err := fmt.Fprint(c.out, text)
		return err
	}
	t := output.Table{Columns: []string{"change", "path", "mode", "executable", "bytes"}, Right: []string{"bytes"},
		Document: p.Document()}
	for _, f := range p.Files {
		t.Rows = append(t.Rows, []string{f.Change(), f.Path, f.Mode, yesOrNo(f.Executable), strconv.Itoa(len(f.After))})
	}
	var requests strings.Builder
	for _, r := range p.Requests {
		fmt.Fprintf(&requests, "%s %s: %s\n", r.Method, r.URL, r.Why)
	}
	t.Note = strings.TrimSpace(requests.String())
	return t.Print(c.out, c.output)
}

func yesOrNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}
