// Package fact has the value that every reader of a repository returns: something that was found in a file, or the
// reason why it is unknown. Unknown is neither false nor zero, so a rule can tell "has no owner" from "could not read
// CODEOWNERS".
package fact

import (
	"fmt"
	"runtime/debug"
	"strconv"
	"strings"
)

// Location is a place in a repository.
type Location struct {
	Path string // slash-separated, relative to the root of the repository; "" is the repository as a whole
	Line int    // from 1; 0 is the file as a whole
}

// String returns the location as "path:line", or as "path" if it is a whole file.
func (l Location) String() string {
	if l.Line == 0 {
		return l.Path
	}
	return l.Path + ":" + strconv.Itoa(l.Line)
}

// Value is an observation of type T.
//
// A known value has the place where it was found. Something that is known to be absent is a known value, too: a false,
// an empty text or an empty list, located at the file or the repository that lacks it. The zero Value is unknown.
type Value[T any] struct {
	Known  bool
	Value  T        // the zero value of T unless Known
	At     Location // where it was found, or what could not be read
	Reason string   // why it is unknown; "" if Known
}

// Known returns a value that was found at a place.
func Known[T any](value T, at Location) Value[T] { return Value[T]{Known: true, Value: value, At: at} }

// Unknown returns a value that could not be determined. The reason completes the sentence "unknown because …".
func Unknown[T any](at Location, format string, args ...any) Value[T] {
	return Value[T]{At: at, Reason: fmt.Sprintf(format, args...)}
}

// Get returns the value, and whether it is known.
func (v Value[T]) Get() (T, bool) { return v.Value, v.Known }

// String returns the value with its location, or the reason why it is unknown.
func (v Value[T]) String() string {
	if !v.Known {
		return fmt.Sprintf("unknown: %s", v.Reason)
	}
	if v.At.Path == "" {
		return fmt.Sprint(v.Value)
	}
	return fmt.Sprintf("%v (%s)", v.Value, v.At)
}

// Problem is a part of a file that could not be read, or that its owner should correct.
type Problem struct {
	At     Location
	Reason string
}

// String returns the problem as "path:line: reason".
func (p Problem) String() string { return p.At.String() + ": " + p.Reason }

// PanicError is a panic of a parser.
type PanicError struct {
	Cause any
	Stack []byte // for a log; never part of a reason
}

// Error names the cause without the stack.
func (e *PanicError) Error() string {
	return fmt.Sprintf("the parser failed on this file: %v", e.Cause)
}

// Contain calls read and returns a panic in it as a *PanicError, so that a parser that fails on one file costs that
// file only. It cannot contain exhausted memory or stack: callers bound the size and depth of what they parse.
func Contain(read func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = &PanicError{Cause: cause, Stack: debug.Stack()}
		}
	}()
	return read()
}

// Line returns the number of the line in which a byte offset lies, from 1. An offset beyond the text is in its last
// line.
func Line(text string, offset int) int {
	return 1 + strings.Count(text[:min(max(offset, 0), len(text))], "\n")
}
