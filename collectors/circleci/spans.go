package circleci

import "slices"

// spans is a set of numbers, as stretches that neither touch nor overlap, in rising order. Numbers of pipelines are
// nearly consecutive, so that even a long history is a few stretches.
type spans [][2]int64

// has reports whether the number is in the set.
func (s spans) has(n int64) bool { return s.covers(n, n) }

// covers reports whether every number from low to high is in the set; of an empty stretch, yes.
func (s spans) covers(low, high int64) bool {
	if low > high {
		return true
	}
	i := s.find(low)
	return i < len(s) && s[i][0] <= low && high <= s[i][1]
}

// find returns the first stretch that ends at or after n.
func (s spans) find(n int64) int {
	i, _ := slices.BinarySearchFunc(s, n, func(stretch [2]int64, n int64) int {
		if stretch[1] < n {
			return -1
		}
		return 1
	})
	return i
}

// with returns the set with one number more.
func (s spans) with(n int64) spans {
	i := s.find(n)
	if i < len(s) && s[i][0] <= n {
		return s
	}
	below := i > 0 && s[i-1][1] == n-1
	above := i < len(s) && s[i][0] == n+1
	switch {
	case below && above:
		s[i-1][1] = s[i][1]
		return slices.Delete(s, i, i+1)
	case below:
		s[i-1][1] = n
	case above:
		s[i][0] = n
	default:
		return slices.Insert(s, i, [2]int64{n, n})
	}
	return s
}
