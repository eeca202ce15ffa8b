package store_test

import (
	"strings"
	"testing"

	"github.com/dxctl/dxctl/store"
	"github.com/dxctl/dxctl/store/storetest"
)

// TestDeletedSurveyResultsAreGone looks at the raw table: what is deleted is replaced, not only hidden.
func TestDeletedSurveyResultsAreGone(t *testing.T) {
	s := storetest.Open(t)
	result := store.SurveyResult{Survey: "q3", Version: 1, Measure: "item", Item: "builds", Answers: 7, People: 9,
		Counts: []uint32{1, 6}, Total: 13, Squares: 25}
	published := store.PublishedSurvey{Survey: "q3", Version: 1}
	if err := s.PublishSurvey(t.Context(), published, []store.SurveyResult{result}); err != nil {
		t.Fatal(err)
	}
	stored := func() uint64 {
		t.Helper()
		var rows []struct {
			N uint64 `ch:"n"`
		}
		err := s.Select(t.Context(), &rows, `SELECT toUInt64(sum(answers + people + length(counts) + total + squares)) AS n
FROM raw_survey_results`, nil)
		if err != nil {
			t.Fatal(err)
		}
		return rows[0].N
	}
	if n := stored(); n != 7+9+2+13+25 {
		t.Fatalf("the table has %d", n)
	}
	if err := s.DeleteSurveyResults(t.Context(), "q3"); err != nil {
		t.Fatal(err)
	}
	if n := stored(); n != 0 {
		t.Errorf("after the delete, the table has %d", n)
	}
	if gone, err := s.SurveyWasDeleted(t.Context(), "q3"); err != nil || !gone {
		t.Errorf("was deleted: %v, %v", gone, err)
	}
}

// TestGrantsAreColumns: the queries of grants name columns that the engine has. It has no users, and refuses a query of
// them only after it has understood it.
func TestGrantsAreColumns(t *testing.T) {
	s := storetest.Open(t)
	for sql, want := range map[string]string{
		store.GrantsSQL: "Not enough privileges", store.RoleGrantsSQL: "Not enough privileges",
		"SELECT grantee FROM system.grants": "Unknown expression identifier",
	} {
		var rows []struct{}
		if err := s.Select(t.Context(), &rows, sql, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", sql, err, want)
		}
	}
	if users, database, err := s.AnswerReaders(t.Context()); len(users) > 0 || err != nil ||
		!strings.HasSuffix(database, "_surveys") {
		t.Errorf("an embedded store: %q, %s, %v", users, database, err)
	}
}
