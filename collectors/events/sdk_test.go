package events

import (
	"testing"
	"time"

	cdevents "github.com/cdevents/sdk-go/pkg/api"
	cdeventsv04 "github.com/cdevents/sdk-go/pkg/api/v04"

	"github.com/dxctl/dxctl/event"
)

// TestDeploymentsAreValidCDEvents checks what is sent of a deployment with the SDK and the schemas of CDEvents.
func TestDeploymentsAreValidCDEvents(t *testing.T) {
	now := time.Date(2026, 3, 1, 10, 0, 0, 1_000_000, time.UTC)
	for name, d := range map[string]Deploy{
		"deployed":               {Service: "pay", Environment: "production", Version: "1.2.3"},
		"with all":               {Service: "component:default/pay", Environment: "e", ID: "github/1", Attempt: 2, Version: "v1 @ b/c?d#e", SHA: "abc", Ref: "main", Actor: "ana", Bot: true, Trigger: "push", URL: "https://ci.example.com/1", StartedAt: now.Add(-time.Minute)},
		"without a version":      {Service: "Größe/@x", Environment: "production", ID: "7"},
		"a baseline":             {Service: "pay", Environment: "production", Version: "1", Baseline: true},
		"rolled back":            {Service: "pay", Environment: "production", Version: "1", RollbackOf: "7"},
		"queued":                 {Service: "pay", Environment: "production", ID: "7", Status: event.Queued},
		"running":                {Service: "pay", Environment: "production", ID: "7", Status: event.Running},
		"failed":                 {Service: "pay", Environment: "production", ID: "7", Status: event.Failed},
		"cancelled, without ids": {Service: "pay", Environment: "production", Status: event.Cancelled},
		"skipped":                {Service: "pay", Environment: "production", ID: "7", Status: event.Skipped},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := NewDeployEvent(d, now)
			if err != nil {
				t.Fatal(err)
			}
			read, err := cdeventsv04.NewFromJsonBytes(e.Data())
			if err != nil {
				t.Fatalf("%s: %v", e.Data(), err)
			}
			if err := cdevents.Validate(read); err != nil {
				t.Errorf("%s: %v", e.Data(), err)
			}
		})
	}
}

// TestVersionOfAPackageURL: the version is read back from what is sent.
func TestVersionOfAPackageURL(t *testing.T) {
	for _, version := range []string{"", "1.2.3", "v1 @ b/c?d#e", "Größe", "1+2"} {
		a, err := readArtifact(packageURL("component:default/pay", version))
		if err != nil || a.version != version {
			t.Errorf("%q is read as %q, %v", version, a.version, err)
		}
	}
}
