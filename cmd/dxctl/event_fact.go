package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	cloudevent "github.com/cloudevents/sdk-go/v2/event"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/dxctl/dxctl/cmd/dxctl/output"
	"github.com/dxctl/dxctl/cmd/dxctl/send"
	"github.com/dxctl/dxctl/collectors/events"
	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
)

// maxFactFile is the size of the largest file of facts, in bytes: what a server accepts in one request.
const maxFactFile = 25 << 20

// factFlags describe one fact, or the file of several.
type factFlags struct {
	fact        event.Fact
	service     string
	value, kind string
	expires     string
	observed    moment
	file        string
}

func newEventFact(s *cli) *cobra.Command {
	var f factFlags
	var to sending
	cmd := &cobra.Command{
		Use:   "fact",
		Short: "Report facts about services, for the rules of scorecards",
		Long: `Report a fact about a service. Rules of scorecards use it as facts["NAME"].

The server accepts the facts that its source of kind events declares, for example facts: [security.*].

--file reports several facts at once, from a file or from standard input (-): a JSON array of facts, or one fact a line,
each with entity, name, value and, if necessary, type, observed_at, expires_at or expires_in, url and error. The server
judges each fact separately: the command lists those that were refused, and exits with 1 if there are any.`,
		Example: `  dxctl event fact --service payment-service --name runbook.reviewed --value true --expires 90d
  trivy-summary | dxctl event fact --file -`,
		Args: cobra.NoArgs,
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if f.file != "" {
			return to.failed(f.sendFile(cmd, s, to))
		}
		return to.failed(to.run(cmd.Context(), s, f.event))
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return to.failed(err) })
	f.flags(cmd.Flags())
	to.flags(cmd.Flags())
	cmd.MarkFlagsMutuallyExclusive("entity", "service")
	return cmd
}

func (f *factFlags) flags(flags *pflag.FlagSet) {
	flags.StringVar(&f.fact.Entity, "entity", "", "`NAME` or ref of an entity in the catalog (required)")
	flags.StringVar(&f.service, "service", "", "another name of --entity")
	flags.StringVar(&f.fact.Name, "name", "", "dotted `NAME` of the fact, such as runbook.reviewed (required)")
	flags.StringVar(&f.value, "value", "", "value of the fact: true, 12.5, a text, a time, or a JSON list")
	flags.StringVar(&f.kind, "type", "", "`TYPE` of the value: bool|number|string|time|list (default: derived from the "+
		"value)")
	flags.StringVar(&f.fact.Error, "error", "", "reason why there is no value; replaces --value")
	flags.StringVar(&f.expires, "expires", "", "how long the value is valid, such as 90d or 12h, or the time of its end "+
		"(default: until a new value is reported)")
	flags.StringVar(&f.fact.URL, "url", "", "web page with details")
	flags.Var(&f.observed, "at", "when the value was observed (default now)")
	flags.StringVar(&f.file, "file", "", "JSON `FILE` of several facts; - is standard input")
}

// event returns the CloudEvent of the fact that the flags describe.
func (f *factFlags) event(now time.Time) (cloudevent.Event, error) {
	fact := f.fact
	if fact.Entity == "" {
		fact.Entity = f.service
	}
	switch {
	case fact.Entity == "":
		return cloudevent.Event{}, errors.New("--service is missing: give its name in the catalog; to report several " +
			"facts, use --file")
	case fact.Name == "":
		return cloudevent.Event{}, errors.New("--name is missing: give the name of the fact, such as runbook.reviewed")
	}
	fact.ObservedAt = f.observed.Time
	var err error
	if fact.ExpiresAt, err = expiryOf(f.expires, when(f.observed.Time, now)); err != nil {
		return cloudevent.Event{}, fmt.Errorf("--expires: %w", err)
	}
	if fact.Type, fact.Value, err = factValue(f.value, event.FactType(f.kind), fact.Error != ""); err != nil {
		return cloudevent.Event{}, err
	}
	return events.NewFactEvent(fact, now)
}

// expiryOf returns the end of a duration or the time that text is; zero if text is empty.
func expiryOf(text string, observed time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			if !at.After(observed) {
				return at, fmt.Errorf("%s is not after the observation at %s", text, observed.Format(time.RFC3339))
			}
			return at.UTC(), nil
		}
	}
	valid, err := source.ParseValidity(text)
	return observed.Add(valid), err
}

// factValue converts the value of a flag to JSON. A text needs no quotes, and neither do the texts of a list that
// contain no comma.
func factValue(text string, kind event.FactType, failed bool) (event.FactType, json.RawMessage, error) {
	if failed {
		return kind, nil, nil
	}
	if text == "" && kind != event.StringFact && kind != event.ListFact {
		return "", nil, errors.New(
			"--value is missing; give the observed value, or the reason why there is none with --error",
		)
	}
	if kind == "" {
		kind = looksLike(text)
	}
	encoded := func(v any) (event.FactType, json.RawMessage, error) {
		raw, err := json.Marshal(v)
		return kind, raw, err
	}
	mistaken := fmt.Errorf("--value %q is not a %s; change --value or --type", text, kind)
	switch kind {
	case event.StringFact:
		return encoded(text)
	case event.TimeFact:
		for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
			if at, err := time.Parse(layout, text); err == nil {
				return encoded(at.UTC())
			}
		}
		return "", nil, fmt.Errorf("--value %q is not a time; use the form 2026-01-31T12:00:00Z or 2026-01-31", text)
	case event.ListFact:
		if !strings.HasPrefix(strings.TrimSpace(text), "[") {
			parts := []string{}
			for part := range strings.SplitSeq(text, ",") {
				if part = strings.TrimSpace(part); part != "" {
					parts = append(parts, part)
				}
			}
			return encoded(parts)
		}
	case event.BoolFact, event.NumberFact:
	default:
		return "", nil, fmt.Errorf("--type %q: use bool, number, string, time or list", kind)
	}
	f := event.Fact{Type: kind, Value: json.RawMessage(text)}
	if _, err := f.Decode(); err != nil {
		return "", nil, mistaken
	}
	return kind, f.Value, nil
}

func looksLike(text string) event.FactType {
	var v any
	if _, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return event.TimeFact
	}
	if json.Unmarshal([]byte(text), &v) != nil {
		return event.StringFact
	}
	switch v.(type) {
	case bool:
		return event.BoolFact
	case float64:
		return event.NumberFact
	case []any:
		return event.ListFact
	}
	return event.StringFact
}

// sendFile sends the facts of a file and prints what became of each. The error counts those that were refused.
func (f *factFlags) sendFile(cmd *cobra.Command, s *cli, to sending) error {
	for _, name := range []string{"entity", "service", "name", "value", "type", "error", "expires", "url", "at"} {
		if cmd.Flags().Changed(name) {
			return fmt.Errorf("--%s describes one fact; in --file, each fact has its own", name)
		}
	}
	doc, media, err := readFacts(f.file, s.in)
	if err != nil {
		return err
	}
	if to.print {
		_, err := fmt.Fprintln(s.out, string(bytes.TrimSpace(doc)))
		return err
	}
	return f.sendFacts(cmd.Context(), s, to, media, doc)
}

func (f *factFlags) sendFacts(ctx context.Context, s *cli, to sending, media string, doc []byte) error {
	answer, sendErr := send.Facts(ctx, media, doc, to.options())
	if len(answer.Events) == 0 {
		return sendErr // it names the cause; without one there was no fact in the file
	}
	table := output.Table{Columns: []string{"fact", "outcome", "entity_and_name", "reason", "ignored_fields"}}
	for _, e := range answer.Events {
		ignored := make([]string, len(e.Misfits))
		for i, m := range e.Misfits {
			ignored[i] = m.String()
		}
		table.Rows = append(table.Rows,
			[]string{strconv.Itoa(e.Index + 1), string(e.Outcome), e.ID, e.Reason, strings.Join(ignored, "; ")})
	}
	if err := table.Print(s.out, s.output); err != nil {
		return err
	}
	if refused := answer.Refused(); refused > 0 {
		return fmt.Errorf("%d of %d facts were refused; the others are stored", refused, len(answer.Events))
	}
	return sendErr
}

// readFacts reads a file of facts, or in if its name is -, and returns its media type.
func readFacts(name string, in io.Reader) (doc []byte, media string, err error) {
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, "", fmt.Errorf("reading the facts: %w", err)
		}
		defer func() { _ = file.Close() }()
		in = file
	}
	doc, err = io.ReadAll(io.LimitReader(in, maxFactFile+1))
	switch {
	case err != nil:
		return nil, "", fmt.Errorf("reading the facts from %s: %w", name, err)
	case len(doc) > maxFactFile:
		return nil, "", fmt.Errorf("reading the facts from %s: more than %d bytes; send them in parts", name, maxFactFile)
	case len(bytes.TrimSpace(doc)) == 0:
		return nil, "", fmt.Errorf("reading the facts from %s: it is empty; give a JSON array of facts, or one fact a line",
			name)
	case json.Valid(doc) || bytes.HasPrefix(bytes.TrimSpace(doc), []byte("[")):
		return doc, events.MediaFacts, nil
	}
	if list, ok := listOf(doc); ok {
		return list, events.MediaFacts, nil
	}
	return doc, events.MediaFactLines, nil
}

// listOf returns the JSON array of documents that follow each other, as jq prints them; false if one is malformed.
func listOf(doc []byte) ([]byte, bool) {
	var list []json.RawMessage
	stream := json.NewDecoder(bytes.NewReader(doc))
	for {
		var one json.RawMessage
		err := stream.Decode(&one)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, false
		}
		list = append(list, one)
	}
	array, err := json.Marshal(list)
	return array, err == nil
}
