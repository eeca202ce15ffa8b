package rows

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Column is the values of one column of a block of rows.
type Column struct {
	Name   string
	Values any // a typed slice: []string, []uint64, []*time.Time …
}

// Columns makes the columns of n rows of type R; fill sets the i-th.
func Columns[R any](n int, fill func(i int, row *R)) []Column {
	var row R
	columns, collect := Collect(reflect.ValueOf(&row).Elem(), n)
	for i := range n {
		fill(i, &row)
		collect(i)
	}
	return columns
}

// Collect returns the columns of n rows, empty, and a function that copies row into the i-th place of each. row is
// an addressable struct that the caller changes between the calls.
//
// The address of a field is looked up once a column and not once a value: reflection costs nothing in the loop.
func Collect(row reflect.Value, n int) ([]Column, func(i int)) {
	fields := columnFields(row.Type())
	columns := make([]Column, len(fields))
	collectors := make([]func(int), len(fields))
	for c, field := range fields {
		columns[c].Name = field.Tag.Get("ch")
		columns[c].Values, collectors[c] = collector(row.FieldByIndex(field.Index), n)
	}
	return columns, func(i int) {
		for _, collect := range collectors {
			collect(i)
		}
	}
}

// collector returns a slice of n values and a function that copies field into its i-th place. Types that rows seldom
// have are copied by reflection.
func collector(field reflect.Value, n int) (values any, collect func(i int)) {
	switch from := field.Addr().Interface().(type) {
	case *string:
		return typedCollector(from, n)
	case *bool:
		return typedCollector(from, n)
	case *uint16:
		return typedCollector(from, n)
	case *uint32:
		return typedCollector(from, n)
	case *uint64:
		return typedCollector(from, n)
	case *int64:
		return typedCollector(from, n)
	case **uint64:
		return typedCollector(from, n)
	case *time.Time:
		return typedCollector(from, n)
	case **time.Time:
		return typedCollector(from, n)
	case *[]string:
		return typedCollector(from, n)
	case *[]int64:
		return typedCollector(from, n)
	}
	slice := reflect.MakeSlice(reflect.SliceOf(field.Type()), n, n)
	return slice.Interface(), func(i int) { slice.Index(i).Set(field) }
}

func typedCollector[V any](from *V, n int) (any, func(i int)) {
	values := make([]V, n)
	return values, func(i int) { values[i] = *from }
}

// columnFields returns the fields of a struct that have `ch` tags, those of embedded structs included.
func columnFields(t reflect.Type) []reflect.StructField {
	return slices.DeleteFunc(reflect.VisibleFields(t), func(f reflect.StructField) bool {
		name := f.Tag.Get("ch")
		return name == "" || name == "-" || !f.IsExported()
	})
}

// Names returns the names of the columns of a row type, for SELECT and INSERT.
func Names(t reflect.Type) string {
	fields := columnFields(t)
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.Tag.Get("ch")
	}
	return strings.Join(names, ", ")
}

// TypeOf returns the type of the elements of a slice of structs with `ch` tags.
func TypeOf(rows any) (reflect.Type, error) {
	t := reflect.TypeOf(rows)
	if t == nil || t.Kind() != reflect.Slice || t.Elem().Kind() != reflect.Struct {
		return nil, fmt.Errorf("rows are a %T and must be a slice of structs with `ch` tags", rows)
	}
	if len(columnFields(t.Elem())) == 0 {
		return nil, fmt.Errorf("%T has no field with a `ch` tag", rows)
	}
	return t.Elem(), nil
}

// nullable returns NULL for a time that is not known. The pointer is at itself: it is valid as long as the event is.
func nullable(at *time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	return at
}

// Known returns a stored time; the zero time for NULL.
func Known(at *time.Time) time.Time {
	if at == nil {
		return time.Time{}
	}
	return at.UTC()
}

// milliseconds returns a duration as it is stored; NULL for 0, which is not known. A known one is at least 1.
func milliseconds(d time.Duration) *uint64 {
	if d <= 0 {
		return nil
	}
	ms := max(1, uint64(d.Milliseconds()))
	return &ms
}

// knownDuration returns a stored duration; 0 for NULL.
func knownDuration(ms *uint64) time.Duration {
	if ms == nil {
		return 0
	}
	return time.Duration(*ms) * time.Millisecond
}
