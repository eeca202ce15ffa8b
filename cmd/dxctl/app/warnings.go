package app

import (
	"fmt"

	"github.com/dxctl/dxctl/files"
	"github.com/dxctl/dxctl/people"
)

// maxWarnings is how many warnings about one file are shown. A people file may have one for each row.
const maxWarnings = 10

// maxSame is how many files are named that have the same warning. Proposed descriptors may all lack an owner.
const maxSame = 3

// FirstWarnings returns the first maxWarnings warnings about each file, and one with the number of the others. Of a
// warning that more than maxSame files have, it names so many of them.
func FirstWarnings(warnings []files.Warning) []files.Warning {
	warnings = withoutSame(warnings)
	counts := map[string]int{}
	for _, w := range warnings {
		counts[w.File]++
	}
	shown := map[string]int{}
	var out []files.Warning
	for _, w := range warnings {
		n := counts[w.File] - maxWarnings
		switch shown[w.File]++; {
		case w.File == "" || n <= 0 || shown[w.File] <= maxWarnings:
			out = append(out, w)
		case shown[w.File] == maxWarnings+1:
			out = append(out, files.Warning{File: w.File, Message: fmt.Sprintf("%d more warnings about the file", n)})
		}
	}
	return out
}

// withoutSame replaces the warnings with one text about more than maxSame files, but for the first of them. What is
// lost is always named.
func withoutSame(warnings []files.Warning) []files.Warning {
	type place struct{ message, file string }
	counted := map[place]bool{}
	count := map[string]int{} // files, by message
	for _, w := range warnings {
		if at := (place{w.Message, w.File}); w.File != "" && !w.Lost && !counted[at] {
			counted[at] = true
			count[w.Message]++
		}
	}
	shown := map[string]map[string]bool{} // files, by message
	told := map[string]bool{}
	var out []files.Warning
	for _, w := range warnings {
		more := count[w.Message] - maxSame
		if w.File == "" || w.Lost || more <= 1 {
			out = append(out, w)
			continue
		}
		if shown[w.Message] == nil {
			shown[w.Message] = map[string]bool{}
		}
		switch {
		case shown[w.Message][w.File] || len(shown[w.Message]) < maxSame:
			shown[w.Message][w.File] = true
			out = append(out, w)
		case !told[w.Message]:
			told[w.Message] = true
			out = append(out, files.Warning{Message: fmt.Sprintf("%d more files: %s", more, w.Message)})
		}
	}
	return out
}

// WithoutStart returns a text about the people without a start date: their number, and what to do. It is empty if there
// are none.
func WithoutStart(directory *people.Directory) string {
	n := directory.WithoutStart()
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %s no start date and are in no estimate of time to first deploy; fill in start_date in the "+
		"people file", n, files.Count(directory.Size(), "person has", "people have"))
}
