package opsgenie

import (
	"fmt"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/event"
)

func TestAnUpdateIsNoEnd(t *testing.T) {
	f, m, now := newFake(t), collecttest.NewWriter(), &clock{noon}
	closed := f.incident("closed", noon.Add(-90*24*time.Hour), service)
	closed["status"], closed["updatedAt"] = "closed", stampText(noon.Add(-time.Hour)) // a note, months later
	seen := f.incident("seen", noon.Add(-5*time.Hour), service)
	stale := f.incident("stale", noon.Add(-5*time.Hour), service)
	c := f.collector(t, now.now, nil)
	collect(t, c, service, m)
	if i := collecttest.Find[event.Incident](t, m, "closed"); !i.ResolvedAt.IsZero() || i.OpenedAt.IsZero() {
		t.Errorf("nobody says when it was closed, and it is stored as resolved at %s", i.ResolvedAt)
	}
	now.at = noon.Add(10 * time.Minute)
	seen["status"], seen["updatedAt"] = "closed", stampText(noon.Add(5*time.Minute))
	stale["status"] = "closed" // its update was before it was last seen open
	collect(t, c, service, m)
	if i := collecttest.Find[event.Incident](t, m, "seen"); !i.ResolvedAt.Equal(noon.Add(5 * time.Minute)) {
		t.Errorf("it was open five minutes before it was updated, and is stored as resolved at %s", i.ResolvedAt)
	}
	if i := collecttest.Find[event.Incident](t, m, "stale"); !i.ResolvedAt.IsZero() {
		t.Errorf("it was seen open after its update, and is stored as resolved at %s", i.ResolvedAt)
	}
}

// TestTheEndOfAnOldRecordIsItsUpdate closes an incident that newer ones have pushed off the newest page, so that it is
// requested by itself.
func TestTheEndOfAnOldRecordIsItsUpdate(t *testing.T) {
	f, m, now := newFake(t), collecttest.NewWriter(), &clock{noon}
	old := f.incident("old", noon.Add(-5*time.Hour), service)
	for n := range 100 {
		closed := f.incident(fmt.Sprint("closed ", n), noon.Add(-time.Duration(n+1)*time.Minute), service)
		closed["status"], closed["impactEndDate"] = "closed", stampText(noon)
	}
	c := f.collector(t, now.now, nil)
	collect(t, c, service, m)
	now.at = noon.Add(7 * time.Hour)
	old["status"], old["updatedAt"] = "closed", stampText(noon.Add(6*time.Hour))
	collect(t, c, service, m)
	if i := collecttest.Find[event.Incident](t, m, "old"); !i.ResolvedAt.Equal(noon.Add(6 * time.Hour)) {
		t.Errorf("it was open before it was updated, and is stored as resolved at %s", i.ResolvedAt)
	}
}
