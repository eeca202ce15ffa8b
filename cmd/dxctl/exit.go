package main

import (
	"context"
	"errors"
)

// The exit codes. Scripts rely on them: they are listed in the README and do not change.
const (
	exitOK          = 0
	exitError       = 1
	exitCredentials = 4   // a source refused the credentials
	exitUnhealthy   = 6   // doctor found something wrong
	exitPartial     = 7   // a part of a batch failed, the rest is done
	exitTimeout     = 8   // a deadline passed
	exitCancelled   = 130 // interrupted
)

// codedError carries an exit code with an error.
type codedError struct {
	code int
	err  error
}

func (e codedError) Error() string { return e.err.Error() }
func (e codedError) Unwrap() error { return e.err }

// withCode returns err with an exit code; nil stays nil.
func withCode(code int, err error) error {
	if err == nil {
		return nil
	}
	return codedError{code, err}
}

// exitCode returns the code for what a command returned. An interruption explains every error that follows from it.
func exitCode(ctx context.Context, err error) int {
	var coded codedError
	switch {
	case err == nil:
		return exitOK
	case ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded):
		return exitCancelled
	case errors.As(err, &coded):
		return coded.code
	case errors.Is(err, context.DeadlineExceeded):
		return exitTimeout
	}
	return exitError
}
