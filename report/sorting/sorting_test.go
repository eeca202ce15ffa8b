package sorting_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/report/sorting"
)

type row struct {
	name string
	n    *float64
}

var fields = []sorting.Field[row]{
	{Column: sorting.Column{Key: "name"}, Text: func(r row) string { return r.name }},
	{Column: sorting.Column{Key: "n", Number: true}, Value: func(r row) *float64 { return r.n }},
	{Column: sorting.Column{Label: "not sorted"}},
}

func TestUnknownIsLastAndTiesKeepTheirOrder(t *testing.T) {
	rows := []row{{"b", sorting.Count(2)}, {"", sorting.Count(1)}, {"a", nil}, {"c", sorting.Count(2)}}
	for order, want := range map[sorting.Order]string{
		{By: "name"}:                   "a b c -",
		{By: "name", Descending: true}: "c b a -",
		{By: "n"}:                      "- b c a",
		{By: "n", Descending: true}:    "b c - a",
		{By: "shoe"}:                   "b - a c",
		{By: ""}:                       "b - a c",
	} {
		t.Run(fmt.Sprint(order), func(t *testing.T) {
			var got []string
			for _, r := range sorting.Rows(rows, fields, order) {
				if r.name == "" {
					r.name = "-"
				}
				got = append(got, r.name)
			}
			if strings.Join(got, " ") != want {
				t.Errorf("got %v, want %s", got, want)
			}
			if rows[0].name != "b" || rows[3].name != "c" {
				t.Error("the rows that were given have changed")
			}
		})
	}
}

func TestSQLHasOnlyKnownExpressions(t *testing.T) {
	expressions := []sorting.Expression{{Column: sorting.Column{Key: "gap"}, SQL: "gap"}}
	for order, want := range map[sorting.Order]string{
		{By: "gap"}:                           " ORDER BY gap ASC NULLS LAST, scope",
		{By: "gap", Descending: true}:         " ORDER BY gap DESC NULLS LAST, scope",
		{By: "1; DROP TABLE x"}:               " ORDER BY scope",
		{By: "scope, gap", Descending: false}: " ORDER BY scope",
	} {
		if got := sorting.SQL(expressions, order, "scope"); got != want {
			t.Errorf("%v: %q, want %q", order, got, want)
		}
	}
}
