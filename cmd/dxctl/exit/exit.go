// Package exit has the exit codes of dxctl, and errors that carry one.
package exit

import (
	"context"
	"errors"
)

// Exit codes. Scripts rely on them: the README lists them, and they do not change.
const (
	OK          = 0
	Error       = 1
	Usage       = 2   // the command line lacks what to work on
	Falls       = 2   // a plan of rules makes something fall
	Pending     = 2   // changes are to be made (--check)
	Conflicts   = 3   // what would be written or deleted is not what was expected: somebody changed it
	Credentials = 4   // a source rejected the credentials
	Approval    = 5   // nobody has approved the plan
	Unhealthy   = 6   // doctor found a problem, or a grade is below the level that is required
	Partial     = 7   // part of a batch failed; the rest succeeded
	Timeout     = 8   // a deadline was exceeded
	Unknown     = 9   // missing data decides whether a level that is required is reached
	Cancelled   = 130 // interrupted
)

// codedError carries an exit code with an error.
type codedError struct {
	code int
	err  error
}

func (e codedError) Error() string { return e.err.Error() }
func (e codedError) Unwrap() error { return e.err }

// With returns err with an exit code; nil stays nil.
func With(code int, err error) error {
	if err == nil {
		return nil
	}
	return codedError{code, err}
}

// Has reports whether an error carries an exit code.
func Has(err error, code int) bool {
	var coded codedError
	return errors.As(err, &coded) && coded.code == code
}

// Code returns the exit code for the error of a command. An interruption takes precedence over any error.
func Code(ctx context.Context, err error) int {
	var coded codedError
	switch {
	case err == nil:
		return OK
	case ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded):
		return Cancelled
	case errors.As(err, &coded):
		return coded.code
	case errors.Is(err, context.DeadlineExceeded):
		return Timeout
	}
	return Error
}
