package demo

import (
	"encoding/hex"
	"math/bits"
	"math/rand/v2"
	"time"
)

// dice draws everything that is left to chance. It calculates in integers only: floating point may differ in the last
// bit between processors, and the organization has to be the same on every machine.
type dice struct{ source *rand.PCG }

// seed of the demo organization. Each part draws from a stream of its own, so that changing one leaves the others as
// they are.
const seed = 0x6465_6d6f_6f72_6721

func newDice(stream uint64) dice { return dice{rand.NewPCG(seed, stream)} }

// below draws from 0 to n−1. The generator's numbers are the same in every version of Go; how rand.Rand derives others
// from them need not be, so this is done here: the upper half of the product of a draw with n.
func (d dice) below(n int64) int64 {
	high, _ := bits.Mul64(d.source.Uint64(), uint64(n))
	return int64(high)
}

// permille is a share in thousandths.
type permille int

// chance is true for p of a thousand draws.
func (d dice) chance(p permille) bool { return d.below(1000) < int64(p) }

// between draws from low to high, both included.
func (d dice) between(low, high int) int { return low + int(d.below(int64(high-low+1))) }

// quantiles of a distribution around 1000, a sixteenth apart.
type quantiles []int64

var (
	// heavy is for what people do: mostly about as long as usual, sometimes several times as long.
	heavy = quantiles{280, 420, 510, 590, 660, 730, 810, 900, 1000, 1100, 1220, 1370, 1560, 1820, 2300, 3300, 9000}
	// steady is for what machines do: a tail, but a shorter one.
	steady = quantiles{560, 680, 740, 790, 840, 880, 920, 960, 1000, 1040, 1090, 1150, 1220, 1300, 1410, 1600, 2700}
)

// about draws a duration with the given median and a heavy tail.
func (d dice) about(median time.Duration) time.Duration { return d.from(heavy, median) }

// roughly draws a duration with the given median and a shorter tail.
func (d dice) roughly(median time.Duration) time.Duration { return d.from(steady, median) }

func (d dice) from(q quantiles, median time.Duration) time.Duration {
	const fine = 1 << 16
	at := d.below(int64(len(q)-1) * fine)
	low, high := q[at/fine], q[at/fine+1]
	factor := low + (high-low)*(at%fine)/fine
	return time.Duration(int64(median/time.Millisecond)*factor/1000) * time.Millisecond
}

// count draws how often something happens that happens milli/1000 times on average.
func (d dice) count(milli int64) int {
	const trials = 8
	n := 0
	for range trials {
		n += int(milli / trials / 1000)
		if d.below(1000) < milli/trials%1000 {
			n++
		}
	}
	return n
}

// sha draws a commit id.
func (d dice) sha() string {
	var raw [20]byte
	for i := range raw {
		raw[i] = byte(d.below(256))
	}
	return hex.EncodeToString(raw[:])
}

// pick draws one of the elements.
func pick[T any](d dice, from []T) T { return from[d.below(int64(len(from)))] }
