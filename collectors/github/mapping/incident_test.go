package mapping

import (
	"strings"
	"testing"
)

func TestSeverityFromLabels(t *testing.T) {
	for _, tc := range []struct{ labels, want string }{
		{"", ""}, {"incident", ""}, {"sev1", "sev1"}, {"SEV-2", "sev2"}, {"Sev 3", "sev3"}, {"severity/1", "sev1"}, {"severity: sev2", "sev2"},
		{"severity/high", "high"}, {"severity:Critical", "critical"}, {"sev3,sev1", "sev1"}, {"severity/high,sev2", "sev2"}, {"P1", "p1"}, {"priority/p2", "p2"},
		{"P1,severity/low", "low"}, {"several", ""}, {"sever", ""}, {"prod", ""}, {"p12", ""}, {"severity/", ""}, {"severity/hoch-und-mehr", "hoch-und-mehr"},
	} {
		if got := severity(strings.Split(tc.labels, ",")); got != tc.want {
			t.Errorf("%q: %q, want %q", tc.labels, got, tc.want)
		}
	}
}

func TestAClosedIssueWithoutATimeIsResolved(t *testing.T) {
	r := Mapper{Scope: "acme/shop"}
	if e := r.IncidentEvent(Issue{Number: 1, State: "closed"}); !e.EndUnknown || !e.Resolved() {
		t.Errorf("incident is %+v, want it resolved at a time that is not known", e)
	}
	if e := r.IncidentEvent(Issue{Number: 1, State: "open"}); e.Resolved() {
		t.Errorf("incident is %+v, want it open", e)
	}
}
