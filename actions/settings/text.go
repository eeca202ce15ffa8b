package settings

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/actions"
)

// Document is a plan of settings as JSON. Lists are never null.
type Document struct {
	actions.Document
	Changes []Change `json:"changes"` // in the order of the requests
	Met     []string `json:"met"`     // rules whose settings are as they should be already
	Left    []Left   `json:"left"`
	Unread  []Left   `json:"unread"` // settings of a run that is taken back, which could not be read
}

// NewDocument returns the plan as JSON encodes it.
func NewDocument(p actions.Plan, of Planned) Document {
	return Document{
		Document: p.Document(),
		Changes:  append([]Change{}, of.Changes...),
		Met:      append([]string{}, of.Met...),
		Left:     append([]Left{}, of.Left...),
		Unread:   append([]Left{}, of.Unread...),
	}
}

// WriteText writes the plan for people: each setting with the rules that need it, its value before and after (unless
// that is the body of the request), and the exact request. The caller replaces what a terminal would obey.
func WriteText(w io.Writer, p actions.Plan, of Planned) error {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("%s (%s)", p.Title, p.Entity)
	for i, c := range of.Changes {
		r := p.Requests[i]
		line("\n%s, for %s", c.Setting, strings.Join(c.Rules, ", "))
		line("  %s", c.Why)
		line("  before  %s", shown(string(c.Before)))
		if !bytes.Equal(c.After, r.Body) {
			line("  after   %s", shown(string(c.After)))
		}
		line("  %s %s", r.Method, r.URL)
		if r.Body != nil {
			line("          %s", r.Body)
		}
	}
	if len(of.Met) > 0 {
		line("\nAs they should be: %s", strings.Join(of.Met, ", "))
	}
	left := slices.Concat(of.Left, of.Unread)
	if len(left) > 0 {
		line("\nLeft")
	}
	for _, l := range left {
		line("  %-24s %s", l.Rule, l.Reason)
	}
	if len(of.Notes) > 0 {
		line("")
	}
	for _, note := range of.Notes {
		line("Note: %s", note)
	}
	line("\ndigest %s", p.Digest())
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("writing the plan: %w", err)
	}
	return nil
}

func shown(value string) string {
	if value == null {
		return "none"
	}
	return value
}
