package source_test

import (
	"strings"
	"testing"

	"github.com/dxctl/dxctl/collectors/source"
)

func TestFactNames(t *testing.T) {
	names := source.FactNames{"security.*", "runbook.reviewed", "on_call.schedule_people", "a.b.*"}
	if err := names.Validate(); err != nil {
		t.Error(err)
	}
	for name, want := range map[string]bool{"security.alerts": true, "security.a.b": true, "security": false,
		"securityx.alerts": false, "runbook.reviewed": true, "runbook.reviewed.at": false, "runbook": false,
		"a.b.c": true, "a.bc": false} {
		if got := names.Contains(name); got != want {
			t.Errorf("%s: got %t", name, got)
		}
	}
}

func TestFactNamesThatAreRefused(t *testing.T) {
	for name, want := range map[string]string{
		"*": "neither", "security*": "neither", "security": "neither", "security.*.x": "neither", "Security.*": "neither",
		".*": "neither", "security.": "neither", "": "neither", "a b.*": "neither", "*.alerts": "neither",
		"repository.*": "dxctl itself gives the facts repository.*", "catalog.owner": "dxctl itself", "ci.*": "dxctl itself",
		"deploy.known_versions": "dxctl itself", "change.x": "dxctl itself", "service.*": "dxctl itself",
		"scorecard.x.level": "dxctl itself", "link.*": "dxctl itself",
	} {
		if err := (source.FactNames{name}).Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want it to say %q", name, err, want)
		}
	}
	if err := (source.FactNames{"a.*", "a.*"}).Validate(); err == nil || !strings.Contains(err.Error(), "facts[1]") {
		t.Error(err)
	}
	if err := make(source.FactNames, source.MaxFactNames+1).Validate(); err == nil ||
		!strings.Contains(err.Error(), "at most 200") {
		t.Error(err)
	}
}

func TestFactNamesOverlap(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"a.*", "a.*", true}, {"a.*", "a.b", true}, {"a.b", "a.*", true}, {"a.*", "a.b.*", true}, {"a.b", "a.b", true},
		{"a.*", "ab.*", false}, {"a.b", "a.c", false}, {"a.b.*", "a.c", false}, {"a.b.*", "a.b", false},
	} {
		mine, theirs := source.FactNames{"x.y", c.a}.Overlap(source.FactNames{c.b, "z.*"})
		if (mine != "") != c.want || c.want && (mine != c.a || theirs != c.b) {
			t.Errorf("%s and %s: got %q and %q", c.a, c.b, mine, theirs)
		}
	}
}
