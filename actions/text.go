package actions

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Text returns the plan for people: the tree of its files, its requests, what it rests on, and what comes next. Control
// characters are replaced.
func (p Plan) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s)\n", p.Title, p.Entity)
	if len(p.Files) > 0 {
		fmt.Fprintf(&b, "\n%s\n", count(len(p.Files), "file"))
		writeTree(&b, p.Files, "  ")
	}
	if len(p.Requests) > 0 {
		fmt.Fprintf(&b, "\n%s\n", count(len(p.Requests), "request"))
		for _, r := range p.Requests {
			fmt.Fprintf(&b, "  %s %s\n      %s\n", r.Method, r.URL, r.Why)
		}
	}
	if len(p.Notes) > 0 {
		b.WriteString("\n")
		for _, n := range p.Notes {
			b.WriteString(n + "\n")
		}
	}
	b.WriteString("\nplanned on\n")
	for _, name := range slices.Sorted(maps.Keys(p.On)) {
		fmt.Fprintf(&b, "  %s: %s\n", name, p.On[name])
	}
	fmt.Fprintf(&b, "digest %s\n", p.Digest())
	return printable(b.String())
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// writeTree writes files as a tree: a directory a line, and below it what it has.
func writeTree(b *strings.Builder, files []FileChange, indent string) {
	for i := 0; i < len(files); {
		dir, _, nested := strings.Cut(files[i].Path, "/")
		if !nested {
			note := ""
			switch files[i].Change() {
			case "change":
				note = " (changed)"
			case "delete":
				note = " (deleted)"
			}
			if files[i].Executable {
				note += " (executable)"
			}
			fmt.Fprintf(b, "%s%s%s\n", indent, files[i].Path, note)
			i++
			continue
		}
		var below []FileChange
		for ; i < len(files) && strings.HasPrefix(files[i].Path, dir+"/"); i++ {
			f := files[i]
			f.Path = strings.TrimPrefix(f.Path, dir+"/")
			below = append(below, f)
		}
		fmt.Fprintf(b, "%s%s/\n", indent, dir)
		writeTree(b, below, indent+"  ")
	}
}

// printable replaces control characters: a name must not move the cursor of a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && (r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0) {
			return '·'
		}
		return r
	}, s)
}
