package named

import (
	"testing"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/repository/fact"
)

func TestOf(t *testing.T) {
	list := Definition{Name: "repository.x", Type: event.ListFact}
	for _, tc := range []struct {
		name          string
		got           Fact
		value, reason string
	}{
		{"empty list", Of(list, fact.Known[[]string](nil, fact.Location{})), "[]", ""},
		{"list", Of(list, fact.Known([]string{"a"}, fact.Location{})), `["a"]`, ""},
		{"unknown", Of(list, fact.Unknown[[]string](fact.Location{}, "the token may not read it")), "",
			"the token may not read it"},
		{"another type", Of(list, fact.Known(true, fact.Location{})), "", "repository.x has a value that cannot be " +
			"stored: fact repository.x of : value true is not a list: json: cannot unmarshal bool into Go value of type " +
			"[]string"},
	} {
		if string(tc.got.Value) != tc.value || tc.got.Reason != tc.reason {
			t.Errorf("%s: %s, %q", tc.name, tc.got.Value, tc.got.Reason)
		}
	}
}
