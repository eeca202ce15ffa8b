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
	number, rests := map[uint64]int{}, 0 // of each combination of groups that are not teams
	for c, rest := range y.rest {
		if rest >= 0 {
			inRest[rest] = append(inRest[rest], c)
			with[y.crossed[c]] = append(with[y.crossed[c]], rest)
			if _, known := number[y.crossed[c]]; !known {
				number[y.crossed[c]] = len(number)
			}
			rests = max(rests, rest+1)
		}
	}
	has := make([]bool, rests*len(number)) // [combination, rest]
	for c, rest := range y.rest {
		if rest >= 0 {
			has[number[y.crossed[c]]*rests+rest] = true
		}
	}
	ruledOut := func(c int) bool {
		if y.rest[c] < 0 {
			return false
		}
		used := append(make([]int, 0, limit), y.rest[c])
		alike := has[number[y.crossed[c]]*rests:]
		for _, d := range inRest[y.rest[c]] {
			if d == c {
				continue
			}
			for _, other := range with[y.crossed[d]] {
				if !slices.Contains(used, other) && alike[other] {
					used = append(used, other)
					break
				}
			}
			if len(used) >= limit {
				return true
			}
		}
		return false
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
	ones, sums := newMarks(), newMarks()
	f.eachPair(func(_, _ int, sum uint64) { ones.set(sum) })
	wanted := map[uint64][][2]int{} // sum → columns that have the negated sum; the second may be none
	want := func(sum uint64, columns [2]int) {
		if negated := negate(sum); ones.has(negated) {
			wanted[negated] = append(wanted[negated], columns)
			sums.set(negated)
		}
	}
	for _, c := range f.small {
		if f.answers[c]+2 < f.limit {
			want(f.first[c], [2]int{c, none})
		}
	}
	if f.limit > 4 {
		f.eachPair(func(a, b int, sum uint64) { want(sum, [2]int{a, b}) })
	}
	f.eachPair(func(a, b int, sum uint64) {
		if sums.has(sum) {
			for _, rest := range wanted[sum] {
				f.addSet(a, b, rest[0], rest[1])
			}
		}
	})
}

// none is no column.
const none = -1

// marks is a set of numbers that has some more by chance: a Bloom filter of 2^24 bits. Each number has two bits of one
// word, so that the memory is looked at once.
type marks []uint64

const markWords = 1 << 18

func newMarks() marks { return make(marks, markWords) }

func bitsOf(number uint64) (word, bits uint64) {
	h := number * 0x9e3779b97f4a7c15
	return h >> 46, 1<<(h>>40&63) | 1<<(h>>34&63)
}

func (m marks) set(number uint64) {
	word, bits := bitsOf(number)
	m[word] |= bits
}

func (m marks) has(number uint64) bool {
	word, bits := bitsOf(number)
	return m[word]&bits == bits
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
	values := make([]uint64, len(ones))
	for i, c := range ones {
		values[i] = f.first[c]
	}
	for i, a := range ones {
		for k := i + 1; k < len(ones); k++ {
			visit(a, ones[k], add(values[i], values[k]))
		}
	}
}

// addSet adds a set of different columns, if it has few answers and the second solution agrees.
func (f *finder) addSet(columns ...int) {
	columns = slices.DeleteFunc(columns, func(c int) bool { return c == none })
	answers, sum := 0, uint64(0)
	for i, c := range columns {
		if slices.Contains(columns[:i], c) {
			return
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
