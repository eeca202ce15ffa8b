package intake

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/dxctl/dxctl/surveys"
)

// toCheck is the comment of what was guessed and nobody has checked.
const toCheck = "# check: "

// Unchecked reports whether the definition in a file still has the comment that its days were guessed.
func Unchecked(definition []byte) bool { return bytes.Contains(definition, []byte(" "+toCheck)) }

// Definition returns the file of a plan's survey, with comments where a person should check what was guessed.
func (p *Plan) Definition() []byte {
	s := p.Survey
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# The definition of survey %s, written by `dxctl survey import`. It holds no answers. Check it, correct it, and", s.ID)
	line("# commit it: the next survey takes over the keys of questions with the same text. docs/surveys.md describes it.")
	line("title: %s", scalar(s.Title))
	line("opens: %s "+toCheck+"the first day; answers before it are left out", s.Opens.Format(time.DateOnly))
	last := s.Closes.AddDate(0, 0, -1)
	line("closes: %s "+toCheck+"the last day; answers after it are left out", last.Format(time.DateOnly))
	line("time_zone: %s", scalar(s.TimeZone.String()))
	if s.Dates != "" {
		line("dates: %s", s.Dates)
	}
	f := s.Population
	if len(f.Teams)+len(f.ExcludeTeams)+len(f.ExcludePeople) > 0 || !f.StartedBefore.IsZero() {
		line("population:")
		list(line, "  teams", f.Teams)
		list(line, "  exclude_teams", f.ExcludeTeams)
		list(line, "  exclude_people", f.ExcludePeople)
		if !f.StartedBefore.IsZero() {
			line("  started_before: %s", f.StartedBefore.Format(time.DateOnly))
		}
	}
	if c := s.Columns; c != (surveys.Columns{}) {
		line("columns:")
		for _, one := range [][2]string{
			{"email", c.Email}, {"submitted", c.Submitted}, {"team", c.Team}, {"tenure", c.Tenure},
			{"golden_path", c.GoldenPath},
		} {
			if one[1] != "" {
				line("  %s: %s", one[0], scalar(one[1]))
			}
		}
	}
	if s.GoldenPath.Tag != "" {
		line("golden_path:")
		line("  tag: %s # of services; who owns at least half of their services with it counts", scalar(s.GoldenPath.Tag))
	}
	line("items:")
	checks := map[string]string{}
	for _, u := range p.Uses {
		if u.Item != "" {
			checks[u.Item] = u.Check
		}
	}
	for _, item := range s.Items {
		writeItem(line, item, checks[item.Key])
	}
	if len(s.Ignore) > 0 {
		line("# Columns that are left out. To read one, make it an item.")
		list(line, "ignore", s.Ignore)
	}
	return []byte(b.String())
}

func writeItem(line func(string, ...any), item surveys.Item, check string) {
	line("  - key: %s", item.Key)
	if check != "" {
		line("    # Check: %s.", strings.Join(strings.Fields(check), " "))
	}
	if item.Text != "" && (len(item.Headers) == 0 || item.Text != item.Headers[0]) {
		line("    text: %s", scalar(item.Text))
	}
	switch len(item.Headers) {
	case 0:
	case 1:
		line("    column: %s", scalar(item.Headers[0]))
	default:
		line("    columns: # its text now, and in earlier surveys")
		for _, h := range item.Headers {
			line("      - %s", scalar(h))
		}
	}
	if item.Dimension != "" {
		line("    dimension: %s", item.Dimension)
	}
	if item.Kind == surveys.Comment {
		line("    kind: comment")
	} else {
		scale := item.Scale.String()
		if item.Turned {
			scale = turned(item.Scale)
		}
		line("    scale: %s", scale)
		line("    direction: %s", direction(item))
	}
	if len(item.Labels) > 0 {
		line("    labels:")
		for _, label := range slices.Sorted(maps.Keys(item.Labels)) {
			line("      %s: %d", scalar(label), item.Labels[label])
		}
	}
	list(line, "    unknown", item.Unknown)
	list(line, "    rules", item.Rules)
}

func list(line func(string, ...any), key string, values []string) {
	if len(values) == 0 {
		return
	}
	indent := key[:len(key)-len(strings.TrimLeft(key, " "))]
	line("%s:", key)
	for _, v := range values {
		line("%s  - %s", indent, scalar(v))
	}
}

// scalar writes a text as YAML in one line.
func scalar(text string) string {
	node := yaml.Node{Kind: yaml.ScalarNode, Value: text, Tag: "!!str"}
	if strings.ContainsAny(text, "\n\r\t") || len(text) > 70 {
		node.Style = yaml.DoubleQuotedStyle
	}
	out, err := yaml.Marshal(&node)
	if err == nil {
		if one := strings.TrimSpace(string(out)); !strings.Contains(one, "\n") {
			return one
		}
	}
	quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(text)
	return `"` + quoted + `"`
}

// WriteNew writes a file that must not exist yet, in one step.
func WriteNew(path string, text []byte) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return fmt.Errorf("writing the map: %w", err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // it is committed to git
	if err != nil {
		return fmt.Errorf("writing the map: %w", err)
	}
	_, err = file.Write(text)
	if err = errors.Join(err, file.Close()); err != nil {
		err = errors.Join(fmt.Errorf("writing the map: %w", err), ignoreMissing(os.Remove(path)))
	}
	return err
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
