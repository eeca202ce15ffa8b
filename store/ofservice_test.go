package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dxctl/dxctl/store"
	"github.com/dxctl/dxctl/store/storetest"
)

// TestViewsWithoutRecordsHaveTheSameColumns: where a service has no records of a kind, another view stands in for that
// of the kind; its columns have the same names and types, so that every query means the same over both.
func TestViewsWithoutRecordsHaveTheSameColumns(t *testing.T) {
	s := storetest.Open(t)
	of, err := store.OfService(t.Context(), s, "component:default/payments")
	if err != nil {
		t.Fatal(err)
	}
	views := store.OwnViews()
	if len(views) != 4 {
		t.Fatalf("%d views, want 4", len(views))
	}
	for _, v := range views {
		full, err := s.OwnTypes(t.Context(), of, v.SQL)
		if err != nil {
			t.Fatal(err)
		}
		empty, err := s.OwnTypes(t.Context(), of, "SELECT * FROM null('"+v.Columns+"')")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(full, empty); diff != "" {
			t.Errorf("%s (-with records +without)\n%s", v.Name, diff)
		}
	}
}
