// Package sorting orders the rows of lists by one of their columns: rows in memory, and rows that the store returns.
//
// An unknown value is last in both directions, because unknown is neither the best nor the worst. Rows with equal
// values keep a fixed order, so that every row is on exactly one page of a list.
package sorting

import (
	"cmp"
	"slices"
)

// Order is the column by which a list is sorted, and the direction.
type Order struct {
	By         string // key of the column
	Descending bool
}

// Direction is the order's direction as addresses have it: asc or desc.
func (o Order) Direction() string {
	if o.Descending {
		return "desc"
	}
	return "asc"
}

// Column is a column of a list.
type Column struct {
	Key    string // in addresses; "" for a column by which the list cannot be sorted
	Label  string // head of the column
	Number bool   // aligned to the right; the largest value is first unless the reader asks for the smallest
}

// Field is a column of rows in memory. It has either Text or Value, unless its Key is "".
type Field[T any] struct {
	Column
	Text  func(T) string   // "" is unknown
	Value func(T) *float64 // nil is unknown
}

// Columns returns the columns of the fields.
func Columns[T any](fields []Field[T]) []Column {
	columns := make([]Column, len(fields))
	for i, f := range fields {
		columns[i] = f.Column
	}
	return columns
}

// Rows returns the rows in the order; those with equal values stay in the order in which they are. The rows are copied.
// An order by an unknown column returns the rows as they are.
func Rows[T any](rows []T, fields []Field[T], o Order) []T {
	i := slices.IndexFunc(fields, func(f Field[T]) bool { return f.Key != "" && f.Key == o.By })
	if i < 0 {
		return rows
	}
	type keyed struct {
		row   T
		text  string
		value *float64
	}
	list := make([]keyed, len(rows))
	for n, row := range rows {
		list[n].row = row
		if fields[i].Text != nil {
			list[n].text = fields[i].Text(row)
		} else {
			list[n].value = fields[i].Value(row)
		}
	}
	slices.SortStableFunc(list, func(x, y keyed) int {
		if fields[i].Text != nil {
			return compare(x.text, y.text, x.text == "", y.text == "", o.Descending)
		}
		if x.value == nil || y.value == nil {
			return compare(0, 0, x.value == nil, y.value == nil, false)
		}
		return compare(*x.value, *y.value, false, false, o.Descending)
	})
	sorted := make([]T, len(rows))
	for n := range list {
		sorted[n] = list[n].row
	}
	return sorted
}

func compare[V cmp.Ordered](x, y V, xUnknown, yUnknown, descending bool) int {
	switch {
	case xUnknown && yUnknown:
		return 0
	case xUnknown:
		return 1
	case yUnknown:
		return -1
	case descending:
		return cmp.Compare(y, x)
	}
	return cmp.Compare(x, y)
}

// Expression is a column of rows that the store returns: SQL over the columns of the query, NULL where the value is
// unknown.
type Expression struct {
	Column
	SQL string
}

// Heads returns the columns of the expressions.
func Heads(expressions []Expression) []Column {
	columns := make([]Column, len(expressions))
	for i, e := range expressions {
		columns[i] = e.Column
	}
	return columns
}

// SQL returns the ORDER BY clause of the order. The tie is a list of columns that tells all rows apart; an order by an
// unknown column is the order of the tie. Nothing of the order itself becomes part of the SQL.
func SQL(expressions []Expression, o Order, tie string) string {
	for _, e := range expressions {
		if e.Key == "" || e.Key != o.By {
			continue
		}
		direction := " ASC"
		if o.Descending {
			direction = " DESC"
		}
		return " ORDER BY " + e.SQL + direction + " NULLS LAST, " + tie
	}
	return " ORDER BY " + tie
}

// Value returns a known value.
func Value(v float64) *float64 { return &v }

// Count returns a known count.
func Count[N int | uint64](n N) *float64 { return Value(float64(n)) }
