package rest_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/dxctl/dxctl/collectors/rest"
)

func TestBisectFindsTheBrokenPlaces(t *testing.T) {
	for name, tc := range map[string]struct {
		broken []int
		status int
	}{"none": {}, "one": {[]int{37}, 500}, "the first and the last": {[]int{10, 109}, 502}, "does not parse": {[]int{50}, 200}} {
		t.Run(name, func(t *testing.T) {
			var got, lost []int
			asked := 0
			err := rest.Bisect(t.Context(), 10, 110, func(_ context.Context, from, to int) error {
				asked++
				for i := from; i < to; i++ {
					if slices.Contains(tc.broken, i) {
						return answers(tc.status)
					}
				}
				for i := from; i < to; i++ {
					got = append(got, i)
				}
				return nil
			}, func(place int, _ error) error { lost = append(lost, place); return nil })
			if err != nil || len(got) != 100-len(tc.broken) || !slices.IsSorted(got) || !slices.Equal(lost, tc.broken) {
				t.Errorf("read %v, lost %v: %v", got, lost, err)
			}
			if asked > 1+16*len(tc.broken) {
				t.Errorf("asked %d times", asked)
			}
		})
	}
}

func TestBisectKnowsAnOutage(t *testing.T) {
	refused := errors.New("connection refused")
	asked := 0
	for _, failure := range []error{refused, answers(401), answers(403), answers(404), answers(429)} {
		asked = 0
		err := rest.Bisect(
			t.Context(),
			0,
			100,
			func(context.Context, int, int) error { asked++; return failure },
			func(int, error) error { return nil },
		)
		if !errors.Is(err, failure) || asked != 1 {
			t.Errorf("%v: asked %d times, error %v", failure, asked, err)
		}
	}
	q := (*rest.Quarantine)(nil).Begin()
	asked = 0
	err := rest.Bisect(t.Context(), 0, 100, func(context.Context, int, int) error { asked++; return answers(500) },
		func(place int, err error) error { return q.Hold(string(rune('a'+place)), quarantineDay, err) })
	if err == nil || asked > 30 {
		t.Errorf("everything failed: asked %d times, error %v", asked, err)
	}
}
