package records

import (
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Numbers are the indexes of the columns that hold numbers.
func (k Kind) Numbers() []int {
	var numbers []int
	for i, c := range k.columns {
		if c.number {
			numbers = append(numbers, i)
		}
	}
	return numbers
}

// Cells writes a record of the kind as the cells of a CSV file, in the order of Columns. What is not known is empty;
// times are RFC 3339 with milliseconds; lists are joined with spaces.
func (k Kind) Cells(r Record) []string {
	doc := reflect.ValueOf(r)
	cells := make([]string, len(k.columns))
	for i, c := range k.columns {
		cells[i] = cell(doc.Field(c.field).Interface())
	}
	return cells
}

func cell(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case []string:
		return strings.Join(v, " ")
	case bool:
		return strconv.FormatBool(v)
	case uint16:
		return strconv.FormatUint(uint64(v), 10)
	case uint32:
		return strconv.FormatUint(uint64(v), 10)
	case uint64:
		return strconv.FormatUint(v, 10)
	case *uint64:
		if v != nil {
			return strconv.FormatUint(*v, 10)
		}
	case *time.Time:
		if v != nil {
			return v.UTC().Format("2006-01-02T15:04:05.000Z")
		}
	}
	return ""
}
