package event

import (
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// long is a text of at least n bytes whose runes have three bytes, so that a careless cut splits one.
func long(n int) string { return strings.Repeat("語", n/3+1) }

func validOrigin() Origin {
	return Origin{Source: "gh", Provider: "github", Scope: "acme/shop", ID: "1", URL: "https://example.com/1"}
}

// everyEvent are valid events, one of each kind that something outside of dxctl can give.
func everyEvent() []Event {
	o := validOrigin()
	return []Event{
		Deployment{Origin: o, Attempt: 1, Environment: "production", Status: Succeeded},
		PipelineRun{Origin: o, Attempt: 1, Status: Succeeded},
		PipelineJob{Origin: o, RunID: "1", Attempt: 1, Status: Succeeded},
		Change{Origin: o, CommitSHAs: []string{"a"}},
		Incident{Origin: o},
		Fact{Source: "gh", Entity: "component:default/x", Name: "a.b", Type: BoolFact, Value: []byte("true")},
		Descriptor{Source: "gh", Provider: "github", Scope: "acme/shop", Location: "catalog-info.yaml"},
		ActionRun{Source: "dxctl", ID: "1", Action: "fix", Entity: "component:default/x", Status: Running},
		ActionStep{Source: "dxctl", Run: "1", Number: 1, Name: "read", Status: Succeeded},
		ActionBatch{Source: "dxctl", ID: "1", Action: "fix", Status: Running},
	}
}

// setText gives a copy of an event with one text replaced. Of a struct that is embedded the fields are promoted.
func setText(e Event, field, text string) Event {
	v := reflect.New(reflect.TypeOf(e)).Elem()
	v.Set(reflect.ValueOf(e))
	v.FieldByName(field).SetString(text)
	return v.Interface().(Event)
}

// TestEveryTextIsBounded: a text of a megabyte in any field of any event is cut to its limit, or the event is refused
// with the field's name and the error stays short. A field that is added without a limit fails here.
func TestEveryTextIsBounded(t *testing.T) {
	for _, e := range everyEvent() {
		if err := Normalize(e).Validate(); err != nil {
			t.Fatalf("%T: %v", e, err)
		}
		for _, f := range reflect.VisibleFields(reflect.TypeOf(e)) {
			if f.Type.Kind() != reflect.String || !f.IsExported() || f.Name == "Status" || f.Name == "Type" ||
				f.Name == "Document" ||
				f.Name == "Revision" ||
				f.Name == "MergeState" { // made by ourselves of a fixed number of fields
				continue
			}
			trimmed := Normalize(setText(e, f.Name, long(1<<20)))
			err := trimmed.Validate()
			text := reflect.ValueOf(trimmed).FieldByName(f.Name).String()
			switch {
			case err != nil && (!strings.Contains(err.Error(), "more than the limit of") || len(err.Error()) > 500):
				t.Errorf("%T.%s: %.600v", e, f.Name, err)
			case err == nil && len(text) > MaxText:
				t.Errorf("%T.%s keeps %d bytes", e, f.Name, len(text))
			case err == nil && !utf8.ValidString(text):
				t.Errorf("%T.%s was cut inside a rune", e, f.Name)
			case err == nil && text != "" && !strings.HasSuffix(text, "…"):
				t.Errorf("%T.%s was cut without an ellipsis", e, f.Name)
			}
		}
	}
}

// TestIdentitiesAreNotCut: what is left of an identity after a cut could be another record's.
func TestIdentitiesAreNotCut(t *testing.T) {
	for _, field := range []string{"Source", "Scope", "ID", "Service", "Environment", "EnvironmentKey"} {
		e := Deployment{Origin: validOrigin(), Attempt: 1, Environment: "production", Status: Succeeded}
		if err := Normalize(setText(e, field, long(2000))).Validate(); err == nil {
			t.Errorf("a %s of 2000 bytes is taken", field)
		}
	}
	d := Deployment{Origin: validOrigin(), Attempt: 1, Environment: "production", Status: Succeeded}
	d.ID = strings.Repeat("x", MaxID)
	if err := d.Validate(); err != nil {
		t.Errorf("an id of exactly the limit: %v", err)
	}
}

func TestNormalize(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""}, {"abc", "abc"}, {"abcdef", "abcdef"}, {"abcdefg", "abc…"}, {"語語語", "語…"}, {"a語語x", "a…"},
	} {
		if got := cut(c.in, 6); got != c.want || len(got) > 6 {
			t.Errorf("%q is cut to %q, want %q", c.in, got, c.want)
		}
	}
	shas := make([]string, MaxCommits+5)
	shas[3] = long(MaxWord + 1)
	before := shas[3]
	c := Normalize(Change{CommitSHAs: shas}).(Change)
	if len(c.CommitSHAs) != MaxCommits || len(c.CommitSHAs[3]) > MaxWord || shas[3] != before {
		t.Errorf("%d commits, the long one has %d bytes", len(c.CommitSHAs), len(c.CommitSHAs[3]))
	}
	if o := Normalize(Incident{Origin: Origin{URL: "https://example.com/" + long(MaxURL)}}).(Incident); o.URL != "" {
		t.Errorf("an address is cut, which leads nowhere: %.60s", o.URL)
	}
	if again := Normalize(c); !reflect.DeepEqual(again, Event(c)) {
		t.Error("cutting again cuts more")
	}
}
