// Package rowbinary reads what ClickHouse's function formatRow('RowBinary', …) writes: many values in one string. The
// driver fills structs and slices by reflection, which takes ten times as long for millions of rows.
//
// The format is ClickHouse's: a number has its bytes, the lowest first; a string its length as a variable-length number
// and its bytes; an array its length in the same way and its elements.
package rowbinary

import (
	"encoding/binary"
	"errors"
	"slices"
)

// ErrShort is the error of data that ends within a value.
var ErrShort = errors.New("the data ends within a value")

// Reader reads values one after another. After an error it returns zero values.
type Reader struct {
	rest string
	err  error
}

// Of returns a reader of what one call of formatRow wrote, or several calls after each other.
func Of(data string) *Reader { return &Reader{rest: data} }

// Empty reports whether everything was read.
func (r *Reader) Empty() bool { return r.rest == "" }

// Err returns the first error, nil if there was none.
func (r *Reader) Err() error { return r.err }

// Len reads the length of an array, which has at least one byte an element.
func (r *Reader) Len() int {
	n := uint64(0)
	for i := 0; i < len(r.rest) && i < binary.MaxVarintLen64; i++ {
		b := r.rest[i]
		n |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			r.rest = r.rest[i+1:]
			if n > uint64(len(r.rest)) {
				break
			}
			return int(n)
		}
	}
	r.fail()
	return 0
}

// String reads a string. It shares the memory of the data.
func (r *Reader) String() string {
	n := r.Len()
	s := r.rest[:n]
	r.rest = r.rest[n:]
	return s
}

// Uint64 reads a UInt64.
func (r *Reader) Uint64() uint64 {
	if len(r.rest) < 8 {
		r.fail()
		return 0
	}
	b := r.rest[:8]
	r.rest = r.rest[8:]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

// Int64 reads an Int64.
func (r *Reader) Int64() int64 { return int64(r.Uint64()) }

// Strings reads an array of strings into a slice, whose memory it uses if it is long enough.
func (r *Reader) Strings(into []string) []string { return array(r, into, r.String) }

// Int64s reads an array of Int64 into a slice, whose memory it uses if it is long enough.
func (r *Reader) Int64s(into []int64) []int64 { return array(r, into, r.Int64) }

// Uint64s reads an array of UInt64 into a slice, whose memory it uses if it is long enough.
func (r *Reader) Uint64s(into []uint64) []uint64 { return array(r, into, r.Uint64) }

func array[T any](r *Reader, into []T, next func() T) []T {
	n := r.Len()
	into = slices.Grow(into[:0], n)
	for range n {
		into = append(into, next())
	}
	return into
}

func (r *Reader) fail() {
	if r.err == nil {
		r.err = ErrShort
	}
	r.rest = ""
}
