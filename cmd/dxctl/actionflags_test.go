package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// TestFlagsOfActions compares the flags of the command of each action with its descriptor: every flag is an input or an
// option, and every input and option has its flag. `dxctl fix` has the flags of settings, too.
func TestFlagsOfActions(t *testing.T) {
	set, err := describedActions()
	if err != nil {
		t.Fatal(err)
	}
	root := newRoot(&cli{})
	described := map[string][]string{}
	for _, a := range set {
		d := a.Descriptor()
		words := strings.Fields(d.Command)
		cmd, rest, err := root.Find(words)
		if err != nil || slices.ContainsFunc(rest, func(w string) bool { return !strings.HasPrefix(w, "--") }) {
			t.Fatalf("%s: there is no command %s: %v", d.Name, d.Command, err)
		}
		var flags []string
		for _, f := range d.Input {
			if !f.Argument {
				flags = append(flags, strings.Split(strings.ReplaceAll(f.Usage(), "--", ""), ", ")...)
			}
		}
		for _, o := range d.Options {
			flags = append(flags, o.Flag)
		}
		described[cmd.CommandPath()] = append(described[cmd.CommandPath()], flags...)
		for _, name := range append(flags, strings.Fields(strings.ReplaceAll(strings.Join(rest, " "), "--", ""))...) {
			if cmd.Flags().Lookup(name) == nil {
				t.Errorf("%s: the command %s has no flag --%s", d.Name, d.Command, name)
			}
		}
	}
	for path, flags := range described {
		cmd, _, _ := root.Find(strings.Fields(path)[1:])
		cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
			if f.Name != "help" && !slices.Contains(flags, f.Name) {
				t.Errorf("the flag --%s of %s is neither an input nor an option of the action", f.Name, path)
			}
		})
	}
	if len(described) != 3 {
		t.Errorf("the actions have the commands %v", described)
	}
}
