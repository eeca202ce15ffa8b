package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/strictyaml"
)

// maxAnswersFile is the size of the largest file of texts, in bytes.
const maxAnswersFile = 1 << 20

// addActionFlags adds a flag for each field of an action that is no argument. That of a list takes one word, and may be
// repeated. A field of texts has two: a YAML file of them, and one of them as NAME=VALUE, which may be repeated.
func addActionFlags(cmd *cobra.Command, d actions.Descriptor) {
	flags := cmd.Flags()
	for _, f := range d.Input {
		f.Description = strings.ReplaceAll(f.Description, "`", "'") // the help takes a word in backquotes for the value
		switch {
		case f.Argument:
		case f.Type == actions.Boolean:
			flags.Bool(f.Flag(), false, f.Description)
		case f.Type == actions.List:
			flags.StringArray(f.One, nil, f.Description+"; may be repeated")
			placeholder(flags, f.One, cmp.Or(f.Placeholder, "TEXT"))
		case f.Type == actions.Texts:
			flags.String(f.Flag(), "", "YAML `FILE` with "+f.Description)
			flags.StringArray(f.One, nil, "`NAME=VALUE` of one of the "+f.Flag()+"; may be repeated")
		default:
			usage := f.Description
			if f.Enum != nil {
				usage += ": " + strings.Join(f.Enum, ", ")
			}
			flags.String(f.Flag(), f.Default, usage)
			placeholder(flags, f.Flag(), cmp.Or(f.Placeholder, "TEXT"))
			if f.Enum != nil {
				_ = cmd.RegisterFlagCompletionFunc(f.Flag(), cobra.FixedCompletions(f.Enum, cobra.ShellCompDirectiveNoFileComp))
			}
		}
	}
}

// shownAs is the value of a flag with the name under which the help shows it.
type shownAs struct {
	pflag.Value
	name string
}

// Type is what the help shows.
func (v shownAs) Type() string { return v.name }

// placeholder sets what the help shows as the value of a flag.
func placeholder(flags *pflag.FlagSet, flag, name string) {
	f := flags.Lookup(flag)
	f.Value = shownAs{f.Value, name}
}

// repeated are the values of a flag that may be repeated.
func repeated(flags *pflag.FlagSet, flag string) []string {
	value := flags.Lookup(flag).Value
	if shown, ok := value.(shownAs); ok {
		value = shown.Value
	}
	if list, ok := value.(pflag.SliceValue); ok {
		return list.GetSlice()
	}
	return nil
}

// actionInput reads the input of an action from its flags and arguments. Of a text that a file and a flag give, the
// flag's counts.
func actionInput(flags *pflag.FlagSet, d actions.Descriptor, args []string) (actions.Input, error) {
	in := actions.Input{}
	var errs []error
	for _, f := range d.Input {
		switch {
		case f.Argument:
			if len(args) > 0 {
				in[f.Name], args = args[0], args[1:]
			}
		case f.Type == actions.List:
			if list := repeated(flags, f.One); len(list) > 0 {
				in[f.Name] = list
			}
		case f.Type == actions.Texts:
			texts, err := textsOf(flags, f)
			errs = append(errs, err)
			if texts != nil {
				in[f.Name] = texts
			}
		case !flags.Changed(f.Flag()):
		case f.Type == actions.Boolean:
			value, err := flags.GetBool(f.Flag())
			errs = append(errs, err)
			in[f.Name] = value
		default:
			in[f.Name] = flags.Lookup(f.Flag()).Value.String()
		}
	}
	return in, errors.Join(errs...)
}

// textsOf reads a field of texts.
func textsOf(flags *pflag.FlagSet, f actions.Field) (map[string]string, error) {
	file, err := flags.GetString(f.Flag())
	if err != nil {
		return nil, err
	}
	var texts map[string]string
	if file != "" {
		written, err := readTexts(file)
		if err != nil {
			return nil, err
		}
		texts = written.texts
	}
	each, err := flags.GetStringArray(f.One)
	if err != nil {
		return nil, err
	}
	for _, text := range each {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("--%s: write it as NAME=VALUE", f.One) // what was written may be a secret
		}
		if texts == nil {
			texts = map[string]string{}
		}
		texts[name] = value
	}
	return texts, nil
}

// readTexts reads a YAML file of names and texts.
func readTexts(file string) (writtenTexts, error) {
	none := writtenTexts{}
	fail := func(err error) (writtenTexts, error) { return none, fmt.Errorf("reading %s: %w", file, err) }
	st, err := os.Stat(file)
	switch {
	case err != nil:
		return fail(errors.Unwrap(err))
	case !st.Mode().IsRegular():
		return fail(errors.New("it is not a regular file"))
	case st.Size() > maxAnswersFile:
		return fail(fmt.Errorf("it has %d bytes; at most %d are read", st.Size(), maxAnswersFile))
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return fail(err)
	}
	docs, err := strictyaml.Read(file, text)
	if err != nil {
		return none, err
	}
	if len(docs) != 1 {
		return fail(fmt.Errorf("it has %d YAML documents; write one, with a line NAME: VALUE for each", len(docs)))
	}
	if err := docs[0].RefuseAliases(); err != nil {
		return none, err
	}
	texts := map[string]string{}
	where, err := docs[0].Decode(&texts)
	if err != nil {
		return none, err
	}
	return writtenTexts{file, texts, where}, nil
}

// writtenTexts are the texts of a file.
type writtenTexts struct {
	file  string
	texts map[string]string
	where strictyaml.Positions
}

// locateInputs names inputs in errors as the command line does: a field by its flag, a text of a file with its line.
func locateInputs(err error, flags *pflag.FlagSet, d actions.Descriptor) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var errs []error
		for _, one := range joined.Unwrap() {
			errs = append(errs, locateInputs(one, flags, d))
		}
		return errors.Join(errs...)
	}
	wrong, ok := errors.AsType[*actions.InputError](err)
	if !ok {
		return err
	}
	name, text, _ := strings.Cut(wrong.Input, ".")
	f, known := d.Field(name)
	switch {
	case !known || f.Argument:
	case text != "":
		if place := placeOfText(flags, f, text); place != "" {
			return fmt.Errorf("%s: %s", place, strings.TrimPrefix(err.Error(), name+"."))
		}
		if rest, ok := strings.CutPrefix(err.Error(), name+"."); ok {
			return fmt.Errorf("--%s %s", f.One, rest)
		}
	case strings.HasPrefix(err.Error(), name):
		return errors.New("--" + f.Flag() + strings.TrimPrefix(err.Error(), name))
	}
	return err
}

// placeOfText returns the file and line that a text comes from; "" for one that a flag gave, and one that is missing.
func placeOfText(flags *pflag.FlagSet, f actions.Field, name string) string {
	file, _ := flags.GetString(f.Flag())
	given, _ := flags.GetStringArray(f.One)
	if file == "" || slices.ContainsFunc(given, func(text string) bool { return strings.HasPrefix(text, name+"=") }) {
		return ""
	}
	written, err := readTexts(file)
	if _, ok := written.texts[name]; err != nil || !ok {
		return ""
	}
	line, _ := written.where.Place(name)
	return fmt.Sprintf("%s:%d", file, line)
}

// readPlan reads the input and the digest of a plan.
func readPlan(file string, d actions.Descriptor) (actions.Input, string, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, "", fmt.Errorf("reading the plan: %w", err)
	}
	var doc struct {
		Version int             `json:"version"`
		Action  string          `json:"action"`
		Digest  string          `json:"digest"`
		Input   json.RawMessage `json:"input"`
	}
	switch err := json.Unmarshal(raw, &doc); {
	case err != nil:
		return nil, "", fmt.Errorf("reading the plan %s: %w", file, err)
	case doc.Version != actions.PlanVersion || doc.Action != d.Name || doc.Digest == "":
		return nil, "", fmt.Errorf("reading the plan %s: it is no plan of %s with the version %d; write one with --out", file,
			d.Name, actions.PlanVersion)
	}
	in, err := d.DecodeInput(doc.Input)
	if err != nil {
		return nil, "", fmt.Errorf("reading the plan %s: %w", file, err)
	}
	return in, doc.Digest, nil
}
