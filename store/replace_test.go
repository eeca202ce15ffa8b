package store_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/dxctl/dxctl/store"
	"github.com/dxctl/dxctl/store/storetest"
)

func bindings(n int, service string) []binding {
	rows := make([]binding, n)
	for i := range rows {
		rows[i] = binding{"github", fmt.Sprintf("org/%d", i), service}
	}
	return rows
}

func tables(t *testing.T, s *store.Store) (names []string) {
	t.Helper()
	for _, r := range all[struct {
		Name string `ch:"name"`
	}](t, s, "SELECT name FROM system.tables WHERE database = currentDatabase() ORDER BY name") {
		names = append(names, r.Name)
	}
	return names
}

func TestReplace(t *testing.T) {
	s := storetest.Open(t)
	before := tables(t, s)
	for _, rows := range [][]binding{bindings(3, "a"), bindings(1, "b"), {}, bindings(2, "c")} {
		if err := s.Replace(t.Context(), "bindings", rows); err != nil {
			t.Fatal(err)
		}
		got := all[binding](t, s, "SELECT provider, scope, service FROM catalog_bindings ORDER BY scope")
		if len(got) != len(rows) || len(rows) > 0 && !reflect.DeepEqual(got, rows) {
			t.Errorf("got %v, want %v", got, rows)
		}
	}
	if after := tables(t, s); !reflect.DeepEqual(after, before) {
		t.Errorf("tables are left: %v", after)
	}
}

func TestReplaceRefusesWhatItCannotWrite(t *testing.T) {
	s := storetest.Open(t)
	if err := s.Replace(t.Context(), "bindings", bindings(3, "a")); err != nil {
		t.Fatal(err)
	}
	before := tables(t, s)
	for _, tc := range []struct {
		name, table string
		rows        any
		want        string
	}{
		{"not a slice", "bindings", binding{}, "slice of structs"},
		{"no tags", "bindings", []struct{ A string }{{"x"}}, "`ch` tag"},
		{"no such column", "bindings", []struct {
			A string `ch:"nothing"`
		}{{"x"}}, "no column nothing"},
		{"another type", "bindings", []struct {
			A int `ch:"scope"`
		}{{1}}, "scope"},
		{"no such table", "nowhere", bindings(1, "a"), "nowhere"},
		{"not a name", "bindings; DROP TABLE bindings", bindings(1, "a"), "not a part of the catalog"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := s.Replace(t.Context(), tc.table, tc.rows)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want it to say %q", err, tc.want)
			}
		})
	}
	if got := number(t, s, "SELECT count() AS n FROM catalog_bindings"); got != 3 {
		t.Errorf("%d rows are left of 3", got)
	}
	if after := tables(t, s); !reflect.DeepEqual(after, before) {
		t.Errorf("tables are left: %v", after)
	}
}

// Whoever reads while tables are replaced sees one whole content or another, never a part and never nothing.
func TestConcurrentReadersOfReplacedTables(t *testing.T) {
	s := storetest.Open(t)
	const rows = 500
	if err := s.Replace(t.Context(), "bindings", bindings(rows, "start")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var writers, readers sync.WaitGroup
	for w := range 3 {
		writers.Go(func() {
			for i := range 8 {
				if err := s.Replace(ctx, "bindings", bindings(rows, fmt.Sprint(w, i))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	reads := 0
	readers.Go(func() {
		for ctx.Err() == nil {
			var got []struct {
				N        uint64 `ch:"n"`
				Services uint64 `ch:"services"`
			}
			err := s.Select(ctx, &got, "SELECT count() AS n, uniqExact(service) AS services FROM catalog_bindings", nil)
			switch {
			case errors.Is(err, context.Canceled):
			case err != nil:
				t.Error(err)
			case got[0].N != rows || got[0].Services != 1:
				t.Errorf("a reader saw %d rows of %d writers", got[0].N, got[0].Services)
			}
			reads++
		}
	})
	writers.Wait()
	cancel()
	readers.Wait()
	if reads < 5 {
		t.Errorf("only %d reads happened meanwhile", reads)
	}
}

func TestReplaceEndsWithItsContext(t *testing.T) {
	s := storetest.Open(t)
	before := tables(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Replace(ctx, "bindings", bindings(1, "a")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if after := tables(t, s); !reflect.DeepEqual(after, before) {
		t.Errorf("tables are left: %v", after)
	}
}
