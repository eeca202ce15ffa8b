package waiver

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/dxctl/dxctl/strictyaml"
)

// Add returns the content of a file with a waiver added at its end; text is the present content, empty for a new file.
// Nothing else of the file changes. The error says why a waiver cannot be added to it: the file has mistakes, or a
// waiver that includes this one.
func Add(text []byte, name string, w *Waiver) ([]byte, error) {
	before, errs := Parse(text, name, w.Origin)
	if len(errs) > 0 {
		return nil, fmt.Errorf("the file has mistakes; correct them first:\n%w", errors.Join(errs...))
	}
	for i := range before {
		if other := &before[i]; other.includes(w) {
			return nil, fmt.Errorf("%s waives the rule for the same until %s already; to end it later, ask for a later day",
				other.Place(), other.Until.Format(time.DateOnly))
		}
	}
	indent := 2
	var out bytes.Buffer
	if len(bytes.TrimSpace(text)) == 0 {
		out.WriteString("apiVersion: " + APIVersion + "\nkind: " + Kind + "\nwaivers:\n")
	} else {
		found, err := listIndent(text, name)
		if err != nil {
			return nil, err
		}
		indent = found
		out.Write(text)
		if !bytes.HasSuffix(text, []byte("\n")) {
			out.WriteByte('\n')
		}
	}
	entry, err := w.entry()
	if err != nil {
		return nil, err
	}
	for i, line := range strings.Split(strings.TrimSuffix(entry, "\n"), "\n") {
		prefix := "  "
		if i == 0 {
			prefix = "- "
		}
		out.WriteString(strings.Repeat(" ", indent) + prefix + line + "\n")
	}
	after, errs := Parse(out.Bytes(), name, w.Origin)
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	if len(after) != len(before)+1 {
		return nil, fmt.Errorf("the list waivers is not at the end of the file; add this entry to it:\n\n%s", entry)
	}
	return out.Bytes(), nil
}

// includes reports whether w holds for the same rule and the same service or path on each day of the other waiver.
func (w *Waiver) includes(other *Waiver) bool {
	return w.Rule == other.Rule && (w.Scorecard == "" || w.Scorecard == other.Scorecard) && w.Service == other.Service &&
		w.Repository == other.Repository && w.Path == other.Path && !w.Since.After(other.Since) &&
		!w.Until.Before(other.Until) && !w.Until.After(other.Since.AddDate(0, 0, MaxDays))
}

// listIndent returns by how many spaces the elements of the list waivers are indented.
func listIndent(text []byte, name string) (int, error) {
	docs, err := strictyaml.Read(name, text)
	if err != nil || len(docs) == 0 {
		return 2, err
	}
	root := docs[len(docs)-1].Root
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		if key.Value != "waivers" {
			continue
		}
		if value.Style&yaml.FlowStyle != 0 {
			return 0, fmt.Errorf("%s:%d: the list waivers is written in brackets; write it as lines that begin with a dash",
				name, value.Line)
		}
		if value.Kind == yaml.SequenceNode && len(value.Content) > 0 {
			return value.Column - 1, nil
		}
	}
	return 2, nil
}

// entry returns the waiver as it is written, without the dash.
func (w *Waiver) entry() (string, error) {
	rule := w.Rule
	if w.Scorecard != "" {
		rule = w.Scorecard + "/" + rule
	}
	f := written{
		Rule: rule, Service: w.Service, Repository: w.Repository, Path: w.Path, Reason: w.Reason, Note: w.Note, By: w.By,
		Until: w.Until.Format(time.DateOnly),
	}
	if !w.Since.IsZero() {
		f.Since = w.Since.Format(time.DateOnly)
	}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	err := encoder.Encode(f)
	// The encoder quotes dates, which need no quotes in this format.
	return strings.NewReplacer(`until: "`+f.Until+`"`, "until: "+f.Until, `since: "`+f.Since+`"`,
		cmp.Or("since: "+f.Since, "since: ")).Replace(out.String()), err
}
