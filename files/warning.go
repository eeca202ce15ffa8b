package files

import (
	"fmt"
	"strconv"
	"strings"
)

// Warning is a problem in a file that its author should know of. What it concerns is skipped and the rest is read.
type Warning struct {
	File    string // relative to the base directory if it is below it; empty: no file
	Line    int    // 0: the file as a whole
	Message string
	Lost    bool // an entity, a row or a rule is not read because of it
}

// String returns file:line: message.
func (w Warning) String() string {
	switch {
	case w.File == "":
		return w.Message
	case w.Line == 0:
		return w.File + ": " + w.Message
	}
	return fmt.Sprintf("%s:%d: %s", w.File, w.Line, w.Message)
}

// Position returns file:line.
func Position(file string, line int) string { return fmt.Sprintf("%s:%d", file, line) }

// Lost returns the warnings because of which something is not read.
func Lost(warnings []Warning) []Warning {
	var lost []Warning
	for _, w := range warnings {
		if w.Lost {
			lost = append(lost, w)
		}
	}
	return lost
}

// Count returns a number with a noun: "1 row is", "2 rows are".
func Count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// Listed returns the first few of many names, and how many more there are.
func Listed(names []string) string {
	const most = 5
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
}

// ValidateNames reports empty names in a list of files or patterns. setting is the list's name in the configuration.
func ValidateNames(setting string, names []string) error {
	for i, name := range names {
		if strings.TrimSpace(name) == "" {
			return fmt.Errorf("%s[%d] is empty; name a file or a pattern such as catalog/*.yaml", setting, i)
		}
	}
	return nil
}
