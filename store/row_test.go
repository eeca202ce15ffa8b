package store_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/store/storetest"
)

// filled returns an event of the type of e with a value of its own in every field that is not set.
func filled(t *testing.T, e event.Event) event.Event {
	t.Helper()
	v := reflect.New(reflect.TypeOf(e)).Elem()
	v.Set(reflect.ValueOf(e))
	n := 0
	var fill func(v reflect.Value, name string)
	fill = func(v reflect.Value, name string) {
		n++
		switch {
		case !v.IsZero():
		case v.Type() == reflect.TypeFor[time.Time]():
			v.Set(reflect.ValueOf(noon.Add(time.Duration(n) * time.Minute)))
		case v.Type() == reflect.TypeFor[time.Duration]():
			v.SetInt(int64(time.Duration(n) * time.Millisecond))
		case v.Kind() == reflect.Struct:
			for i := range v.NumField() {
				fill(v.Field(i), v.Type().Field(i).Name)
			}
		case v.Kind() == reflect.String:
			v.SetString(name + "'\\\n日本")
		case v.Kind() == reflect.Bool:
			v.SetBool(true)
		case v.CanUint():
			v.SetUint(uint64(n))
		case v.Type() == reflect.TypeFor[[]string]():
			v.Set(reflect.ValueOf([]string{"a", "b"}))
		default:
			t.Fatalf("%T.%s: no value for a %s", e, name, v.Type())
		}
	}
	for _, f := range reflect.VisibleFields(v.Type()) {
		fill(v.FieldByIndex(f.Index), f.Name)
	}
	return v.Interface().(event.Event)
}

// TestEveryFieldComesBack stores an event of each kind with every field set and reads it through the same row struct. A
// kind without a table, and a field that a row struct lacks or mixes up, fail here.
func TestEveryFieldComesBack(t *testing.T) {
	s := storetest.Open(t)
	sha := "0123456789abcdef0123456789abcdef01234567"
	id := event.Origin{ID: "1"}
	for _, e := range []event.Event{
		event.Deployment{Status: event.Running},
		event.PipelineRun{Status: event.Failed},
		event.PipelineJob{Status: event.Waiting},
		event.Change{},
		event.Incident{},
		event.Descriptor{},
		event.DeployedCommits{
			Origin: id, Deployment: event.DeploymentKey{Source: "cd", Scope: "pay", ID: id.ID, Attempt: 3, Environment: "prod"},
			Comparison: event.KnownCommits,
			Commits:    []event.Commit{{SHA: sha, AuthoredAt: second, CommittedAt: second.Add(time.Second)}},
		},
		event.Fact{Type: event.StringFact, Value: json.RawMessage(`"x"`), Error: ""},
		event.Fact{Source: "other", Type: event.StringFact, Value: json.RawMessage(`"x"`)},
		event.Grade{Outcome: event.Waived},
		event.LedgerEntry{Of: event.KindChange},
		event.ActionRun{Status: event.Succeeded},
		event.ActionStep{Status: event.Failed},
		event.ActionBatch{Status: event.Waiting, Waves: []uint32{1, 5}},
	} {
		e = filled(t, e)
		switch f := e.(type) { // what cannot be set at the same time
		case event.Fact:
			if f.Source == "other" {
				f.Error = ""
			} else {
				f.Value = json.RawMessage{}
			}
			e = f
		case event.Change: // the time of its end is known, see below
			f.EndUnknown = ""
			e = f
		case event.Incident: // the time of its end is known, see below
			f.EndUnknown = false
			e = f
		case event.DeployedCommits: // no columns of its table: they are the deployment's
			f.Service = ""
			f.MergeState = ""
			e = f
		}
		mustAppend(t, s, e)
		got, err := s.Stored(t.Context(), []event.Event{e})
		if err != nil {
			t.Fatalf("%T: %v", e, err)
		}
		if len(got) != 1 || !reflect.DeepEqual(got[0], e) {
			t.Errorf("%T came back as\n%+v, want\n%+v", e, got, e)
		}
	}
}

// TestUnknownTimesComeBackUnknown checks that a time that is not known is NULL in between, never a date.
func TestUnknownTimesComeBackUnknown(t *testing.T) {
	s := storetest.Open(t)
	for _, e := range []event.Event{
		event.Deployment{Origin: origin("1"), Status: event.Running},
		event.PipelineRun{Origin: origin("1"), Status: event.Failed},
		event.PipelineJob{Origin: origin("1"), RunID: "1", Status: event.Waiting},
		event.Change{Origin: origin("1"), CommitSHAs: []string{}},
		event.Change{Origin: origin("2"), CommitSHAs: []string{}, EndUnknown: event.MergedChange},
		event.Change{Origin: origin("3"), CommitSHAs: []string{}, EndUnknown: event.ClosedChange},
		event.Incident{Origin: origin("1")},
		event.Incident{Origin: origin("2"), EndUnknown: true},
		event.Descriptor{Source: "gh", Provider: "github", Scope: "s", Location: "l"},
		event.ActionRun{Source: "dxctl", ID: "1", Action: "fix", Entity: "e", Status: event.Queued},
		event.ActionStep{Source: "dxctl", Run: "1", Number: 1, Name: "read", Status: event.Queued},
		event.ActionBatch{Source: "dxctl", ID: "1", Action: "fix", Status: event.Queued},
	} {
		mustAppend(t, s, e)
		got, err := s.Stored(t.Context(), []event.Event{e})
		if err != nil || len(got) != 1 || !reflect.DeepEqual(got[0], e) {
			t.Errorf("%T came back as %+v, %v", e, got, err)
		}
	}
}

// TestActionRuns reads an action through its public view; a later observation replaces the earlier one.
func TestActionRuns(t *testing.T) {
	s := storetest.Open(t)
	run := event.ActionRun{
		Source: "dxctl", ID: "7", URL: "https://example.org/pr/7", Action: "fix", Entity: payment, Actor: "al",
		Plan: "sha256:abc", Batch: "b1", Wave: 2, Repository: "acme/pay", Rules: []string{"license"}, Patch: "sha256:def",
		Status: event.Running, StartedAt: noon,
	}
	mustAppend(t, s, run)
	run.Status, run.Outcome, run.Pull, run.Note = event.Succeeded, "opened", 7, "first"
	run.FinishedAt = noon.Add(time.Minute)
	mustAppend(t, s, run)
	type row struct {
		ID         string     `ch:"id"`
		Kind       string     `ch:"kind"`
		Entity     string     `ch:"entity"`
		Actor      string     `ch:"actor"`
		Plan       string     `ch:"plan"`
		Batch      string     `ch:"batch"`
		Wave       uint32     `ch:"wave"`
		Repository string     `ch:"repository"`
		Rules      []string   `ch:"rules"`
		Outcome    string     `ch:"outcome"`
		Patch      string     `ch:"patch"`
		Pull       uint64     `ch:"pull"`
		Note       string     `ch:"note"`
		Status     string     `ch:"status"`
		StartedAt  *time.Time `ch:"started_at"`
		FinishedAt *time.Time `ch:"finished_at"`
		Source     string     `ch:"source"`
		URL        string     `ch:"url"`
	}
	want := []row{{
		"7", "fix", payment, "al", "sha256:abc", "b1", 2, "acme/pay", run.Rules, "opened", "sha256:def", 7, "first",
		"succeeded", &run.StartedAt, &run.FinishedAt, "dxctl", run.URL,
	}}
	if got := all[row](t, s, "SELECT * FROM action_runs"); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for _, bad := range []event.ActionRun{
		{}, {Source: "dxctl", ID: "1", Action: "fix", Entity: "e", Status: "odd"},
		{Source: "dxctl", ID: "1", Action: "fix", Status: event.Running},
	} {
		if err := s.Append(t.Context(), bad); err == nil {
			t.Errorf("%+v was stored", bad)
		}
	}
}
