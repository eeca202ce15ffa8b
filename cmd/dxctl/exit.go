package main

import (
	"context"
	"errors"
)

// Exit codes. Scripts rely on them: the README lists them, and they do not change.
const (
	exitOK          = 0
	exitError       = 1
	exitCredentials = 4   // a source rejected the credentials
	exitUnhealthy   = 6   // doctor found a problem
	exitPartial     = 7   // part of a batch failed; the rest succeeded
	exitTimeout     = 8   // a deadline was exceeded
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

// exitCode returns the exit code for the error of a command. An interruption takes precedence over any error.
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
