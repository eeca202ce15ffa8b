package source_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestTimestamp(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want time.Time
	}{
		"null":                  {`null`, time.Time{}},
		"empty":                 {`""`, time.Time{}},
		"a number":              {`1772366400`, time.Time{}},
		"an object":             {`{"at": 1}`, time.Time{}},
		"a word":                {`"yesterday"`, time.Time{}},
		"the year 1":            {`"0001-01-01T00:00:00Z"`, time.Time{}},
		"before 1970":           {`"1969-12-31T23:59:59Z"`, time.Time{}},
		"the year 9999":         {`"9999-01-01T00:00:00Z"`, time.Time{}},
		"UTC":                   {`"2026-03-01T12:00:00Z"`, noon},
		"another zone":          {`"2026-03-01T14:00:00+02:00"`, noon},
		"an escaped plus":       {`"2026-03-01T14:00:00\u002b02:00"`, noon},
		"fractions of a second": {`"2026-03-01T12:00:00.25Z"`, noon.Add(250 * time.Millisecond)},
	} {
		t.Run(name, func(t *testing.T) {
			record := struct {
				At source.Timestamp
				ID int
			}{At: source.Timestamp{Time: noon}}
			if err := json.Unmarshal([]byte(`{"at": `+c.text+`, "id": 7}`), &record); err != nil || record.ID != 7 {
				t.Fatalf("the other fields: %+v, %v", record, err)
			}
			if !record.At.Equal(c.want) || record.At.Location() != time.UTC {
				t.Errorf("%v, want %v in UTC", record.At, c.want)
			}
		})
	}
}

// TestAnUnknownTimeNeverWins holds the rule for both ends: the zero time is not known.
func TestAnUnknownTimeNeverWins(t *testing.T) {
	early, late, unknown := noon, noon.Add(time.Hour), time.Time{}
	for name, c := range map[string]struct {
		times            []time.Time
		earliest, latest time.Time
	}{
		"none":               {nil, unknown, unknown},
		"only unknown":       {[]time.Time{unknown, unknown}, unknown, unknown},
		"unknown first":      {[]time.Time{unknown, late, early}, early, late},
		"unknown in between": {[]time.Time{early, unknown, late}, early, late},
		"unknown last":       {[]time.Time{late, early, unknown}, early, late},
	} {
		t.Run(name, func(t *testing.T) {
			if got := source.Earliest(c.times...); !got.Equal(c.earliest) {
				t.Errorf("earliest %v, want %v", got, c.earliest)
			}
			if got := source.Latest(c.times...); !got.Equal(c.latest) {
				t.Errorf("latest %v, want %v", got, c.latest)
			}
		})
	}
}

func TestUnrecognizedWordsAreLoggedOnce(t *testing.T) {
	var log bytes.Buffer
	b := source.Options{
		Logger: slog.New(slog.NewTextHandler(&log, nil)),
	}.Base(source.Profile{Provider: "github", Product: "GitHub"}, "gh")
	for range 3 {
		b.Unrecognized("status of a run", "pondering")
	}
	b.Unrecognized("status of a job", "pondering")
	text := log.String()
	if n := strings.Count(text, "word=pondering"); n != 2 || !strings.Contains(text, "source=gh") ||
		!strings.Contains(text, `what="status of a run"`) {
		t.Errorf("logged %d times, want once for each place:\n%s", n, text)
	}
}

func TestLedgerWindow(t *testing.T) {
	epoch := time.Date(2007, 10, 1, 0, 0, 0, 0, time.UTC)
	b := source.Options{
		Now: func() time.Time { return noon.In(time.FixedZone("", 7200)) },
	}.Base(source.Profile{Provider: "github", Epoch: epoch}, "gh")
	for name, c := range map[string]struct{ from, want time.Time }{
		"everything": {time.Time{}, epoch},
		"a floor":    {noon.AddDate(-1, 0, 0), noon.AddDate(-1, 0, 0)},
	} {
		t.Run(name, func(t *testing.T) {
			got := b.Ledger("acme/shop", event.KindChange, c.from)
			want := event.LedgerEntry{
				Source:      "gh",
				Scope:       "acme/shop",
				Of:          event.KindChange,
				WindowStart: c.want,
				WindowEnd:   noon,
				CheckedAt:   noon,
			}
			if got != want {
				t.Errorf("%+v, want %+v", got, want)
			}
			if err := got.Validate(); err != nil {
				t.Error(err)
			}
		})
	}
}
