package app

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/store/storetest"
)

// TestKnownSettings: what was collected before something was changed, or has expired, is not known.
func TestKnownSettings(t *testing.T) {
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	a := &App{now: func() time.Time { return now }, Store: storetest.Open(t)}
	a.catalog.Store(&catalog.Catalog{})
	e := descriptor.Entity{Ref: "component:default/pay", Kind: "Component", Name: "pay"}
	if err := a.Store.Replace(t.Context(), "entities", []struct {
		Ref string `ch:"ref"`
	}{{e.Ref}}); err != nil {
		t.Fatal(err)
	}
	observe := func(name, value string, at, expires time.Time) {
		t.Helper()
		f := event.Fact{Source: "gh", Entity: e.Ref, Name: name, Type: event.BoolFact, Value: json.RawMessage(value),
			ObservedAt: at, ExpiresAt: expires}
		if name == workflowsFact {
			f.Type = event.NumberFact
		}
		if err := a.Store.Append(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
	ago := func(hours int) time.Time { return now.Add(-time.Duration(hours) * time.Hour) }
	observe("repository.settings.workflow_token_read_only", "false", ago(3), time.Time{})
	observe("repository.settings.public", "true", ago(9), time.Time{})
	observe("repository.settings.secret_scanning", "false", ago(3), ago(1))
	observe(workflowsFact, "2", ago(3), time.Time{})
	known, workflows, err := a.KnownSettings(t.Context(), e, ago(5))
	if err != nil {
		t.Fatal(err)
	}
	if token := known.WorkflowTokenReadOnly; !token.Known || token.Value || known.Public.Known ||
		known.Security.SecretScanning.Known || known.Branch.RequiredApprovals.Known {
		t.Errorf("%+v", known)
	}
	if workflows == nil || !*workflows {
		t.Error("the workflows are not known")
	}
	observe(workflowsFact, "0", ago(2), time.Time{})
	if _, workflows, err := a.KnownSettings(t.Context(), e, ago(5)); err != nil || workflows == nil || *workflows {
		t.Errorf("%v, %v", workflows, err)
	}
	if _, workflows, err := a.KnownSettings(t.Context(), e, ago(1)); err != nil || workflows != nil {
		t.Errorf("%v, %v", workflows, err)
	}
}
