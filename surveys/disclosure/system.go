package disclosure

import (
	"cmp"
	"math/bits"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"
)

// system is what is known of one question: the equations of the shown groups in echelon form, over the places in which
// somebody answered. Places that are in the same groups are one column.
type system struct {
	columns [][]int  // places
	answers []int    // of each column
	column  []int    // of each place; −1: nobody answered
	rest    []int    // of each column: the rest of a team that it is in; −1: none
	crossed []uint64 // of each column: a number that is the same for those in the same groups that are not teams
	rows    []row
	scratch []uint64
	touched []int    // columns of scratch that may not be 0
	isIn    []bool   // of each column: it is in touched
	rowOf   []int    // of each column: the row whose pivot it is; −1: of none
	pending []uint64 // bits of the rows whose pivots may not be 0 in scratch
}

// row is an equation from which all earlier pivots are eliminated.
type row struct {
	vector
	group int // position in survey.groups; −1 for the rest of a team
	pivot int // the coefficient of its column is 1
}

// newSystem takes the rests of the shown teams, which share no places, then the other groups in their order.
func (s *survey) newSystem(q int, shown []int) *system {
	var rests [][]int
	var crossed []int
	teams, places := map[string]bool{}, map[string][]int{}
	for _, i := range shown {
		if s.isTeam(i) {
			teams[s.groups[i].Team], places[s.groups[i].Team] = true, s.members[i]
		} else {
			crossed = append(crossed, i)
		}
	}
	for _, team := range s.tree.order {
		if teams[team] {
			rests = append(rests, s.tree.rest(team, teams, places))
		}
	}
	y := &system{}
	frequency := y.merge(s.totals[q], rests, s.members, crossed)
	for _, rest := range rests {
		y.append(-1, y.indicator(rest), frequency)
	}
	for _, i := range crossed {
		y.append(i, y.indicator(s.members[i]), frequency)
	}
	return y
}

// merge makes columns of the places in which somebody answered; it returns in how many equations each is.
func (y *system) merge(totals []int, rests [][]int, members [][]int, crossed []int) (frequency []int) {
	count, in := make([]int, len(totals)), slices.Repeat([]int{-1}, len(totals))
	signature := make([]uint64, len(totals))
	for k, rest := range rests {
		for _, p := range rest {
			in[p] = k
			count[p]++
		}
	}
	for _, i := range crossed {
		for _, p := range members[i] {
			signature[p] = add(signature[p], mix(uint64(i)))
			count[p]++
		}
	}
	y.column = make([]int, len(totals))
	type key struct {
		rest      int
		signature uint64
	}
	at := map[key]int{}
	for p, n := range totals {
		if n == 0 || count[p] == 0 {
			y.column[p] = -1
			continue
		}
		c, known := at[key{in[p], signature[p]}]
		if !known {
			c = len(y.columns)
			at[key{in[p], signature[p]}] = c
			y.rest, y.crossed = append(y.rest, in[p]), append(y.crossed, signature[p])
			y.columns, y.answers, frequency = append(y.columns, nil), append(y.answers, 0), append(frequency, count[p])
		}
		y.columns[c] = append(y.columns[c], p)
		y.answers[c] += n
		y.column[p] = c
	}
	y.scratch, y.isIn = make([]uint64, len(y.columns)), make([]bool, len(y.columns))
	y.rowOf = slices.Repeat([]int{-1}, len(y.columns))
	return frequency
}

// indicator returns the columns of places, each once.
func (y *system) indicator(places []int) []int {
	var columns []int
	for _, p := range places {
		if c := y.column[p]; c >= 0 && y.columns[c][0] == p {
			columns = append(columns, c)
		}
	}
	return columns
}

// put adds a number to a column of y.scratch.
func (y *system) put(c int, value uint64) {
	y.scratch[c] = add(y.scratch[c], value)
	if !y.isIn[c] {
		y.isIn[c] = true
		y.touched = append(y.touched, c)
	}
	if i := y.rowOf[c]; i >= 0 {
		y.pending[i/64] |= 1 << (i % 64)
	}
}

// take returns what is left in y.scratch, in no order, and clears it.
func (y *system) take() (v vector) {
	for _, c := range y.touched {
		if y.scratch[c] != 0 {
			v.columns, v.values = append(v.columns, c), append(v.values, y.scratch[c])
			y.scratch[c] = 0
		}
		y.isIn[c] = false
	}
	y.touched = y.touched[:0]
	return v
}

// reduce eliminates all pivots from a vector in y.scratch, and returns the last row that was needed; −1 if none was. A
// row has no pivot of an earlier one, so that once through the rows is enough.
func (y *system) reduce() (last int) {
	last = -1
	for word := range y.pending {
		for y.pending[word] != 0 {
			i := 64*word + bits.TrailingZeros64(y.pending[word])
			y.pending[word] &= y.pending[word] - 1
			r := &y.rows[i]
			factor := y.scratch[r.pivot]
			if factor == 0 {
				continue
			}
			last = i
			factor = negate(factor)
			for k, c := range r.columns {
				if c != r.pivot {
					y.put(c, multiply(factor, r.values[k]))
				}
			}
			y.scratch[r.pivot] = 0
		}
	}
	return last
}

func (y *system) append(group int, columns []int, frequency []int) {
	for _, c := range columns {
		y.put(c, 1)
	}
	y.reduce()
	r := row{group: group, vector: y.take()}
	if len(r.columns) == 0 {
		return // follows from the earlier ones
	}
	r.pivot = slices.MinFunc(r.columns, func(a, b int) int { // what is in few equations is seldom to be eliminated
		return cmp.Or(cmp.Compare(frequency[a], frequency[b]), cmp.Compare(a, b))
	})
	scale := invert(r.values[slices.Index(r.columns, r.pivot)])
	for k := range r.values {
		r.values[k] = multiply(scale, r.values[k])
	}
	y.rowOf[r.pivot] = len(y.rows)
	y.rows = append(y.rows, r)
	if len(y.rows) > 64*len(y.pending) {
		y.pending = append(y.pending, 0)
	}
}

// vector has a coefficient for each of some columns.
type vector struct {
	columns []int
	values  []uint64
}

// derivation returns the last group that is needed to derive a vector; ok is false if it does not follow from the
// equations. The group is −1 if the rests of teams are enough.
func (y *system) derivation(v vector) (group int, ok bool) {
	for k, c := range v.columns {
		y.put(c, v.values[k])
	}
	last := y.reduce()
	ok = len(y.take().columns) == 0
	if !ok || last < 0 {
		return -1, ok && len(v.columns) > 0
	}
	return y.rows[last].group, true
}

// sumOf is the vector of the answers of some places; ok is false if nobody answered, or if they are a part only of a
// column, so that nothing can be derived of them.
func (y *system) sumOf(places []int) (v vector, ok bool) {
	in := map[int]int{}
	for _, p := range places {
		if c := y.column[p]; c >= 0 {
			in[c]++
		}
	}
	for c, n := range in {
		if n != len(y.columns[c]) {
			return vector{}, false
		}
		v.columns = append(v.columns, c)
	}
	slices.Sort(v.columns)
	v.values = slices.Repeat([]uint64{1}, len(v.columns))
	return v, len(v.columns) > 0
}

// null returns an arbitrary solution of the equations with 0 on the right side. A vector follows from the equations if
// and only if its product with every such solution is 0; for an arbitrary one, any other product is 0 by a chance of
// 1/prime.
func (y *system) null(seed uint64) []uint64 {
	z := make([]uint64, len(y.columns))
	for c := range z {
		z[c] = mix(seed<<32 + uint64(c))
	}
	for _, r := range slices.Backward(y.rows) {
		sum := uint64(0)
		for k, c := range r.columns {
			if c != r.pivot {
				sum = add(sum, multiply(r.values[k], z[c]))
			}
		}
		z[r.pivot] = negate(sum)
	}
	return z
}

// closeGroups applies the second rule to all shown groups: it hides groups by which fewer answers than the threshold
// to a question could be derived. One question comes first: the others mostly break the rule with the same groups.
func (s *survey) closeGroups(shown []int) []int {
	first := min(1, len(s.deciding))
	shown = s.closeQuestions(s.deciding[:first], shown)
	return s.closeQuestions(s.deciding[first:], shown)
}

// closeQuestions hides groups until nothing small can be derived of some questions. Hiding makes the systems smaller,
// so that a question of which nothing can be derived needs no second look.
func (s *survey) closeQuestions(pending, shown []int) []int {
	for {
		found := make([][]int, len(pending))
		var work errgroup.Group // the systems of questions do not depend on each other
		work.SetLimit(runtime.GOMAXPROCS(0))
		for k, q := range pending {
			work.Go(func() error {
				y := s.newSystem(q, shown)
				for _, v := range y.smallSums(s.threshold) {
					if group, ok := y.derivation(v); ok && group >= 0 {
						found[k] = append(found[k], group)
					}
				}
				return nil
			})
		}
		_ = work.Wait() // nothing can fail
		hide := map[int]bool{}
		var again []int
		for k, groups := range found {
			for _, group := range groups {
				hide[group] = true
			}
			if len(groups) > 0 {
				again = append(again, pending[k])
			}
		}
		if len(hide) == 0 {
			return shown
		}
		pending = again
		shown = slices.DeleteFunc(shown, func(i int) bool { return hide[i] })
	}
}
