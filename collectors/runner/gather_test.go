package runner

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
)

// TestCallsAreGathered lets one call run while others arrive: they share the next statement, and of a statement that
// fails every call is tried alone.
func TestCallsAreGathered(t *testing.T) {
	errRefused := errors.New("refused")
	for _, tc := range []struct {
		name    string
		refused int // the call that the store never takes; -1: none
		ones    []int
	}{
		{"all go well", -1, []int{0}},
		{"one is refused", 3, []int{0, 1, 2, 3, 4}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				var ones []int
				var manys [][]int
				hold := make(chan struct{})
				g := gathered[int, string]{
					one: func(_ context.Context, q int) (string, error) {
						mu.Lock()
						ones = append(ones, q)
						mu.Unlock()
						if q == 0 {
							<-hold
						}
						if q == tc.refused {
							return "", errRefused
						}
						return fmt.Sprint("answer ", q), nil
					},
					many: func(_ context.Context, qs []int) ([]string, error) {
						manys = append(manys, slices.Clone(qs))
						var answers []string
						for _, q := range qs {
							if q == tc.refused {
								return nil, errRefused
							}
							answers = append(answers, fmt.Sprint("answer ", q))
						}
						return answers, nil
					},
				}
				errs, answers := make([]error, 5), make([]string, 5)
				var wg sync.WaitGroup
				for q := range 5 {
					wg.Go(func() { answers[q], errs[q] = g.do(t.Context(), q) })
					synctest.Wait()
				}
				close(hold)
				wg.Wait()
				slices.Sort(ones)
				if !slices.Equal(ones, tc.ones) || len(manys) != 1 || !slices.Equal(manys[0], []int{1, 2, 3, 4}) {
					t.Errorf("alone %v, together %v", ones, manys)
				}
				for q := range 5 {
					if q == tc.refused {
						if !errors.Is(errs[q], errRefused) {
							t.Errorf("call %d: %v", q, errs[q])
						}
					} else if errs[q] != nil || answers[q] != fmt.Sprint("answer ", q) {
						t.Errorf("call %d: %q, %v", q, answers[q], errs[q])
					}
				}
				if answer, err := g.do(t.Context(), 9); answer != "answer 9" || err != nil || g.running {
					t.Errorf("afterwards: %q, %v, running %t", answer, err, g.running)
				}
			})
		})
	}
}
