package disclosure

import (
	"cmp"
	"slices"
)

// mostSums bounds how many sums are returned at once; the caller hides groups and asks again.
const mostSums = 256

// smallSums returns derivable sums over fewer answers than the threshold of 5, which means over at most four columns,
// since somebody answered in each. Single columns and pairs are found with any coefficients, three and four columns
// with coefficients of 1: the answers of a set of people.
//
// A sum is derivable if its product with two arbitrary solutions of the homogeneous equations is 0 (see null). So the
// search is one for numbers whose sum is 0, instead of one for vectors in a space.
func (y *system) smallSums(threshold int) []vector {
	small := y.candidates(threshold)
	if len(small) == 0 {
		return nil
	}
	f := finder{system: y, limit: threshold, small: small, first: y.null(1), second: y.null(2)}
	f.singles()
	f.pairs()
	if len(f.found) == 0 {
		f.more()
	}
	return f.found
}

// candidates returns the columns that can be in a derivable sum over fewer answers than the limit, ascending by
// answers.
//
// A column c is ruled out by solutions z of the homogeneous equations that have c in common and nothing else: a sum in
// which c is must have another column of each of them, because its product with z is 0. With limit − 1 of them it would
// have limit columns, and as many answers. Such solutions are easy to find: if c and d are in the rest of one team, and
// c' and d' in that of another, and c' is in the same groups as c and d' in the same as d, then z = c − d − c' + d'.
func (y *system) candidates(limit int) (small []int) {
	inRest, with := map[int][]int{}, map[uint64][]int{}
	type cell struct {
		rest    int
		crossed uint64
	}
	has := map[cell]bool{}
	for c, rest := range y.rest {
		if rest >= 0 {
			inRest[rest] = append(inRest[rest], c)
			with[y.crossed[c]] = append(with[y.crossed[c]], rest)
			has[cell{rest, y.crossed[c]}] = true
		}
	}
	ruledOut := func(c int) bool {
		if y.rest[c] < 0 {
			return false
		}
		used := map[int]bool{y.rest[c]: true}
		for _, d := range inRest[y.rest[c]] {
			if d == c {
				continue
			}
			for _, other := range with[y.crossed[d]] {
				if !used[other] && has[cell{other, y.crossed[c]}] {
					used[other] = true
					break
				}
			}
		}
		return len(used) >= limit
	}
	for c, n := range y.answers {
		if n < limit && !ruledOut(c) {
			small = append(small, c)
		}
	}
	slices.SortFunc(small, func(a, b int) int {
		return cmp.Or(cmp.Compare(y.answers[a], y.answers[b]), cmp.Compare(a, b))
	})
	return small
}

type finder struct {
	*system
	limit         int
	small         []int // columns, ascending by answers
	first, second []uint64
	found         []vector
}

func (f *finder) add(v vector) bool {
	f.found = append(f.found, v)
	return len(f.found) < mostSums
}

func (f *finder) singles() {
	for _, c := range f.small {
		if f.first[c] == 0 && f.second[c] == 0 && !f.add(vector{[]int{c}, []uint64{1}}) {
			return
		}
	}
}

// pairs finds a and b with first[a]/second[a] = first[b]/second[b]: then a − (first[a]/first[b])·b is derivable.
func (f *finder) pairs() {
	seen := map[uint64]int{}
	for _, c := range f.small {
		if f.first[c] == 0 || f.second[c] == 0 {
			continue
		}
		ratio := multiply(f.first[c], invert(f.second[c]))
		other, known := seen[ratio]
		if !known {
			seen[ratio] = c // the one with the fewest answers
			continue
		}
		if f.answers[c]+f.answers[other] >= f.limit {
			continue
		}
		coefficient := negate(multiply(f.first[other], invert(f.first[c])))
		if !f.add(vector{[]int{other, c}, []uint64{1, coefficient}}) {
			return
		}
	}
}

// more finds sets of three and four columns. Each has two columns of one answer: their sums are marked in a table of
// bits. Only the few pairs and single columns whose negated sum seems to be marked are looked at exactly.
func (f *finder) more() {
	var ones, sums marks
	f.eachPair(func(_, _ int, sum uint64) { ones.set(sum) })
	wanted := map[uint64][][]int{} // sum → columns that have the negated sum
	want := func(sum uint64, columns ...int) {
		if ones.has(negate(sum)) {
			wanted[negate(sum)] = append(wanted[negate(sum)], columns)
			sums.set(negate(sum))
		}
	}
	for _, c := range f.small {
		if f.answers[c]+2 < f.limit {
			want(f.first[c], c)
		}
	}
	if f.limit > 4 {
		f.eachPair(func(a, b int, sum uint64) { want(sum, a, b) })
	}
	f.eachPair(func(a, b int, sum uint64) {
		if sums.has(sum) {
			for _, rest := range wanted[sum] {
				f.addSet(append([]int{a, b}, rest...))
			}
		}
	})
}

// marks is a set of numbers that has some more by chance: a table of 2^23 bits.
type marks struct{ bits []uint64 }

const tableBits = 23

func (m *marks) slot(number uint64) (word, bit uint64) {
	h := number * 0x9e3779b97f4a7c15 >> (64 - tableBits)
	return h >> 6, 1 << (h & 63)
}

func (m *marks) set(number uint64) {
	if m.bits == nil {
		m.bits = make([]uint64, 1<<(tableBits-6))
	}
	word, bit := m.slot(number)
	m.bits[word] |= bit
}

func (m *marks) has(number uint64) bool {
	if m.bits == nil {
		return false
	}
	word, bit := m.slot(number)
	return m.bits[word]&bit != 0
}

// eachPair visits pairs of different columns with one answer each.
func (f *finder) eachPair(visit func(a, b int, sum uint64)) {
	ones := f.small
	for i, c := range ones {
		if f.answers[c] > 1 {
			ones = ones[:i]
			break
		}
	}
	for i, a := range ones {
		for _, b := range ones[i+1:] {
			visit(a, b, add(f.first[a], f.first[b]))
		}
	}
}

// addSet adds a set of different columns, if it has few answers and the second solution agrees.
func (f *finder) addSet(columns []int) {
	answers, sum := 0, uint64(0)
	for i, c := range columns {
		for _, earlier := range columns[:i] {
			if c == earlier {
				return
			}
		}
		answers += f.answers[c]
		sum = add(sum, f.second[c])
	}
	if answers >= f.limit || sum != 0 || len(f.found) >= mostSums {
		return
	}
	v := vector{columns: columns}
	for range columns {
		v.values = append(v.values, 1)
	}
	f.found = append(f.found, v)
}
