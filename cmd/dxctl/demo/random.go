package demo

import (
	"encoding/hex"
	"math/rand/v2"
	"time"
)

// dice draws everything that is left to chance. It calculates in integers only: floating point may differ in the last
// bit between processors, and the organisation has to be the same on every machine.
type dice struct{ r *rand.Rand }

// seed of the demo organisation. Each part draws from a stream of its own, so that changing one leaves the others as
// they are.
const seed = 0x6465_6d6f_6f72_6721

func newDice(stream uint64) dice { return dice{rand.New(rand.NewPCG(seed, stream))} }

// permille is a share in thousandths.
type permille int

// chance is true for p of a thousand draws.
func (d dice) chance(p permille) bool { return d.r.Int64N(1000) < int64(p) }

// between draws from low to high, both included.
func (d dice) between(low, high int) int { return low + int(d.r.Int64N(int64(high-low+1))) }

// spread are quantiles of a heavy-tailed distribution around 1000, a sixteenth apart: most things take about as long as
// usual, a few take several times as long, and some nearly ten times.
var spread = []int64{280, 420, 510, 590, 660, 730, 810, 900, 1000, 1100, 1220, 1370, 1560, 1820, 2300, 3300, 9000}

// about draws a duration whose median is the given one, with a heavy tail.
func (d dice) about(median time.Duration) time.Duration {
	const fine = 1 << 16
	at := d.r.Int64N(int64(len(spread)-1) * fine)
	low, high := spread[at/fine], spread[at/fine+1]
	factor := low + (high-low)*(at%fine)/fine
	return time.Duration(int64(median/time.Millisecond)*factor/1000) * time.Millisecond
}

// count draws how often something happens that happens milli/1000 times on average.
func (d dice) count(milli int64) int {
	const trials = 8
	n := 0
	for range trials {
		n += int(milli / trials / 1000)
		if d.r.Int64N(1000) < milli/trials%1000 {
			n++
		}
	}
	return n
}

// sha draws a commit id.
func (d dice) sha() string {
	var raw [20]byte
	for i := range raw {
		raw[i] = byte(d.r.Int64N(256))
	}
	return hex.EncodeToString(raw[:])
}

// pick draws one of the elements.
func pick[T any](d dice, from []T) T { return from[d.r.Int64N(int64(len(from)))] }
