package store_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/store"
	"github.com/dxctl/dxctl/store/storetest"
)

func numberFact(source, name, value string, at time.Time, valid time.Duration) event.Fact {
	f := event.Fact{Source: source, Entity: payment, Name: name, Type: event.NumberFact, Value: json.RawMessage(value),
		ObservedAt: at}
	if valid > 0 {
		f.ExpiresAt = at.Add(valid)
	}
	return f
}

// TestReadingsAreARowADay: what was read together is one row a day, however often it was read.
func TestReadingsAreARowADay(t *testing.T) {
	s := storetest.Open(t)
	describe(t, s)
	for day := range 3 {
		for hour := range 4 {
			at := noon.AddDate(0, 0, day).Add(time.Duration(hour) * time.Hour)
			mustAppend(t, s, numberFact("gh", "a", "1", at, 0), numberFact("gh", "b", "2", at, 0),
				numberFact("gh", "soon", "3", at, time.Hour), numberFact("other", "a", "1", at, 0))
		}
	}
	if n := number(t, s, "SELECT count() AS n FROM fact_reads FINAL"); n != 3*3 {
		t.Errorf("%d rows, want 9: of three readings on three days", n)
	}
	if n := number(t, s, "SELECT count() AS n FROM fact_sets"); n != 3 {
		t.Errorf("%d sets of names, want 3", n)
	}
	since, err := s.ReadsRecordedSince(t.Context())
	if err != nil || !since.Equal(noon.Add(3*time.Hour)) {
		t.Errorf("recorded since %s, %v", since, err)
	}
	got := map[string][]int64{}
	q := store.HistoryQuery{From: noon.AddDate(0, 0, 1), Until: noon.AddDate(0, 0, 9), Facts: []string{"a", "b", "soon"}}
	if err := s.FactReadings(t.Context(), q, func(r *store.FactReadings) {
		got[r.Source+" "+strings.Join(r.Facts, ",")] = slices.Concat(r.At, r.ExpiresAfter)
	}); err != nil {
		t.Fatal(err)
	}
	ms := func(day int) int64 { return noon.AddDate(0, 0, day).Add(3 * time.Hour).UnixMilli() }
	for name, expires := range map[string]int64{"gh a,b": 0, "gh soon": 3_600_000, "other a": 0} {
		want := []int64{ms(0), ms(1), ms(2), expires, expires, expires}
		if !slices.Equal(got[name], want) {
			t.Errorf("%s was read %v, want %v", name, got[name], want)
		}
	}
}

// TestVersionsBeginBeforeTheRange: the value that held when the range began is known, and nothing older.
func TestVersionsBeginBeforeTheRange(t *testing.T) {
	s := storetest.Open(t)
	describe(t, s)
	for day, value := range []string{"1", "2", "2", "3", "4"} {
		mustAppend(t, s, numberFact("gh", "a", value, noon.AddDate(0, 0, day), time.Hour))
	}
	mustAppend(t, s, numberFact("gh", "unasked", "1", noon, 0))
	ask(t, s, "ALTER TABLE fact_history UPDATE expires_after_ms = -1 WHERE value = '2' SETTINGS mutations_sync = 2", nil)
	q := store.HistoryQuery{From: noon.AddDate(0, 0, 2), Until: noon.AddDate(0, 0, 3), Facts: []string{"a"}}
	var got []string
	err := s.FactVersions(t.Context(), q, func(v *store.FactVersions) {
		for i := range v.From {
			got = append(got, strings.Join([]string{v.Entity, v.Source, v.Fact, v.Types[i], v.Values[i], v.Errors[i],
				time.UnixMilli(v.From[i]).UTC().Format("02"), time.Duration(v.ExpiresAfter[i] * 1e6).String()}, " "))
		}
	})
	want := []string{
		payment + " gh a number 2  " + noon.AddDate(0, 0, 1).Format("02") + " -1ms",
		payment + " gh a number 3  " + noon.AddDate(0, 0, 3).Format("02") + " 1h0m0s",
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
}
