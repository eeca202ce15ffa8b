package rest_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/dxctl/dxctl/collectors/rest"
)

func TestAround(t *testing.T) {
	elsewhere := errors.New("connection refused")
	for name, c := range map[string]struct {
		bad   []int // places that fail
		page  int
		other int // the request that fails for another reason; 0: none
		holes []int
		got   int // records
		err   bool
	}{
		"nothing fails":                {nil, 2, 0, nil, 100, false},
		"one record":                   {[]int{137}, 2, 0, []int{137}, 99, false},
		"the first and the last":       {[]int{100, 199}, 2, 0, []int{100, 199}, 98, false},
		"a bad record of another page": {[]int{7}, 2, 0, nil, 100, false},
		"everything":                   {every(0, 300), 1, 0, nil, 0, true},
		"the way is gone meanwhile":    {[]int{137}, 2, 5, nil, 30, true},
		"ten in a row":                 {every(120, 130), 2, 0, every(120, 130), 90, false},
	} {
		var read []int
		requests := 0
		holes, err := rest.Around(t.Context(), c.page, 100, func(_ context.Context, number, size int) error {
			if requests++; requests == c.other {
				return elsewhere
			}
			from, to := (number-1)*size, number*size
			for _, place := range c.bad {
				if place >= from && place < to {
					return answers(500)
				}
			}
			read = append(read, every(from, to)...)
			return nil
		})
		if !slices.Equal(holes, c.holes) || (err != nil) != c.err || len(read) != c.got || !slices.IsSorted(read) {
			t.Errorf("%s: holes %v, %d records, error %v", name, holes, len(read), err)
		}
	}
}

func every(from, to int) []int {
	var all []int
	for i := from; i < to; i++ {
		all = append(all, i)
	}
	return all
}
