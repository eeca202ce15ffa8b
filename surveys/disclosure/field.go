package disclosure

import "math/bits"

// prime is the modulus of the algebra: 2^61 − 1. The equations have coefficients 0 and 1. What can be derived with
// rational coefficients can be derived modulo the prime, unless the prime divides a determinant of the equations, which
// is as likely as that a number of 18 digits that is drawn at random is a multiple of it.
const prime = 1<<61 - 1

func add(a, b uint64) uint64 {
	if s := a + b; s < prime {
		return s
	}
	return a + b - prime
}

func negate(a uint64) uint64 {
	if a == 0 {
		return 0
	}
	return prime - a
}

func multiply(a, b uint64) uint64 {
	high, low := bits.Mul64(a, b)
	// high·2^64 + low = (high·8 + low/2^61)·2^61 + low mod 2^61, and 2^61 is 1.
	return add(low&prime, high<<3|low>>61)
}

// invert returns the inverse of a, which is not 0: a^(prime − 2).
func invert(a uint64) uint64 {
	result, power := uint64(1), a
	for e := uint64(prime - 2); e > 0; e >>= 1 {
		if e&1 == 1 {
			result = multiply(result, power)
		}
		power = multiply(power, power)
	}
	return result
}

// mix returns numbers without a pattern, the same ones every time: SplitMix64 at a position.
//
// Steele, G. L., Lea, D. and Flood, C. H. (2014). Fast splittable pseudorandom number generators. OOPSLA '14, 453–472.
// doi:10.1145/2660193.2660195
func mix(position uint64) uint64 {
	z := position * 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return (z ^ z>>31) % prime
}
