package event

import (
	"reflect"
	"testing"
	"time"
)

// TestIdentity checks which fields make two observations two things.
func TestIdentity(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 8e6, time.UTC)
	key := DeploymentKey{Source: "cd", Scope: "pay", ID: "1", Attempt: 2, Environment: "prod"}
	for _, tc := range []struct {
		event Event
		want  Identity
		began time.Time
	}{
		{Deployment{Origin: validOrigin(), Attempt: 2, EnvironmentKey: "prod", CreatedAt: at},
			Identity{KindDeployment, "gh", "acme/shop", "", "1", 2, "prod"}, at},
		{PipelineRun{Origin: validOrigin(), Attempt: 3, CreatedAt: at}, Identity{KindPipelineRun, "gh", "acme/shop", "", "1", 3, ""}, at},
		{PipelineJob{Origin: validOrigin(), RunID: "7", Attempt: 3, CreatedAt: at},
			Identity{KindPipelineJob, "gh", "acme/shop", "7", "1", 3, ""}, at},
		{Change{Origin: validOrigin(), CreatedAt: at}, Identity{KindChange, "gh", "acme/shop", "", "1", 0, ""}, at},
		{Incident{Origin: validOrigin(), OpenedAt: at}, Identity{KindIncident, "gh", "acme/shop", "", "1", 0, ""}, at},
		{Descriptor{Source: "gh", Scope: "acme/shop", Location: "a.yaml", ObservedAt: at},
			Identity{KindDescriptor, "gh", "acme/shop", "", "a.yaml", 0, ""}, time.Time{}},
		{DeployedCommits{Origin: validOrigin(), Deployment: key},
			Identity{KindDeployedCommits, "gh", "acme/shop", "cd/pay", "1", 2, "prod"}, time.Time{}},
		{Fact{Source: "gh", Entity: "e", Name: "a.b", ObservedAt: at}, Identity{KindFact, "gh", "e", "", "a.b", 0, ""}, time.Time{}},
		{Grade{Entity: "e", Scorecard: "c", Rule: "r", EvaluatedAt: at}, Identity{KindGrade, "", "e", "c", "r", 0, ""}, time.Time{}},
		{LedgerEntry{Source: "gh", Scope: "acme/shop", Of: KindChange, WindowStart: at},
			Identity{KindLedger, "gh", "acme/shop", "2026-03-04T05:06:07.008Z", "change", 0, ""}, time.Time{}},
		{ActionRun{Source: "dxctl", ID: "1", Entity: "e", StartedAt: at}, Identity{KindActionRun, "dxctl", "", "", "1", 0, ""}, at},
		{ActionStep{Source: "dxctl", Run: "1", Number: 3, At: at}, Identity{KindActionStep, "dxctl", "1", "", "3", 0, ""}, at},
		{ActionBatch{Source: "dxctl", ID: "b", StartedAt: at}, Identity{KindActionBatch, "dxctl", "", "", "b", 0, ""}, at},
	} {
		if got := tc.event.Identity(); got != tc.want {
			t.Errorf("%T has the identity %+v, want %+v", tc.event, got, tc.want)
		}
		if got := tc.event.Began(); !got.Equal(tc.began) {
			t.Errorf("%T began at %s, want %s", tc.event, got, tc.began)
		}
		if got := tc.event.Identity().Kind; got != tc.event.Kind() {
			t.Errorf("%T is of the kind %s, its identity of %s", tc.event, tc.event.Kind(), got)
		}
	}
}

// TestNormalizedTimes checks every time of every event: a field that is added and not normalized fails here.
func TestNormalizedTimes(t *testing.T) {
	given := time.Date(2026, 3, 4, 5, 6, 7, 123_456_789, time.FixedZone("x", 3600))
	want := time.Date(2026, 3, 4, 4, 6, 7, 123_000_000, time.UTC)
	events := append(everyEvent(), Grade{}, LedgerEntry{}, DeployedCommits{})
	for _, e := range events {
		v := reflect.New(reflect.TypeOf(e)).Elem()
		v.Set(reflect.ValueOf(e))
		var names []string
		for _, f := range reflect.VisibleFields(v.Type()) {
			if f.Type == reflect.TypeFor[time.Time]() {
				names = append(names, f.Name)
				v.FieldByName(f.Name).Set(reflect.ValueOf(given))
			}
		}
		normal := reflect.ValueOf(Normalize(v.Interface().(Event)))
		for _, name := range names {
			if got := normal.FieldByName(name).Interface(); got != want {
				t.Errorf("%T.%s is %s, want %s", e, name, got, want)
			}
		}
		if again := Normalize(normal.Interface().(Event)); !reflect.DeepEqual(again, normal.Interface()) {
			t.Errorf("%T: normalizing again changes it to %+v", e, again)
		}
		if !Normalize(e).Began().IsZero() {
			t.Errorf("%T: an unknown time became one", e)
		}
	}
}
