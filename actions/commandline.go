package actions

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// CommandLine returns the command line that plans the action with an input: arguments first, then flags in the order of
// the fields. A value that is the default is left out. It can be copied into a POSIX shell.
func (d Descriptor) CommandLine(in Input) string {
	words := append([]string{"dxctl"}, strings.Fields(d.Command)...)
	for _, f := range d.Input {
		if value := in.Text(f.Name); f.Argument && value != "" {
			words = append(words, quoted(value))
		}
	}
	for _, f := range d.Input {
		switch {
		case f.Argument:
		case f.Type == Boolean && in.Bool(f.Name):
			words = append(words, "--"+f.Flag())
		case f.Type == List:
			for _, word := range in.List(f.Name) {
				words = append(words, "--"+f.One, quoted(word))
			}
		case f.Type == Texts:
			texts := in.Texts(f.Name)
			for _, name := range slices.Sorted(maps.Keys(texts)) {
				words = append(words, "--"+f.One, quoted(name+"="+texts[name]))
			}
		case in.Text(f.Name) != "" && in.Text(f.Name) != f.Default:
			words = append(words, "--"+f.Flag(), quoted(in.Text(f.Name)))
		}
	}
	return strings.Join(words, " ")
}

// CarryOut returns the command lines that carry out the plan of an input, each with what it does.
func (d Descriptor) CarryOut(in Input) []Command {
	line := d.CommandLine(in)
	var all []Command
	for _, o := range d.Options {
		if o.Applies {
			all = append(all, Command{Line: line + " --" + o.Flag, Why: o.Description})
		}
	}
	if all == nil {
		all = []Command{{Line: line, Why: "carry it out"}}
	}
	return all
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:=,+%][A-Za-z0-9_./:=,+%@-]*$`)

// quoted returns a word as a POSIX shell reads it. A word that begins with a dash cannot be read as a flag where it is
// the value of one.
func quoted(word string) string {
	if plainWord.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
