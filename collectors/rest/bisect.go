package rest

import (
	"context"
	"errors"
	"net/http"
)

// bisectAttempts is how often a part of a broken stretch is asked for: the whole stretch was asked for patiently.
const bisectAttempts = 2

// Bisect reads the places of a list from from (counted from 0) up to, but not with, to. A stretch that the source
// always answers with a server error, or with what does not parse, is read again by halves, down to the single places
// that are broken: each is told to lost, and the others are read. It returns the first error of read that is not about
// the stretch, or of lost, which ends an outage: [Quarantine.Hold] does after some failures in a row.
func Bisect(
	ctx context.Context,
	from, to int,
	read func(ctx context.Context, from, to int) error,
	lost func(place int, err error) error,
) error {
	err := read(ctx, from, to)
	if !Broken(err) {
		return err
	}
	if to-from <= 1 {
		return lost(from, err)
	}
	ctx = WithMaxAttempts(ctx, bisectAttempts)
	middle := from + (to-from)/2
	if err := Bisect(ctx, from, middle, read, lost); err != nil {
		return err
	}
	return Bisect(ctx, middle, to, read, lost)
}

// Broken reports whether the source failed to answer, which a request for less may avoid: [Unusable], and not refused.
func Broken(err error) bool {
	if answer := (*AnswerError)(
		nil,
	); errors.As(err, &answer) && answer.Status >= 400 &&
		answer.Status < http.StatusInternalServerError {
		return false
	}
	return Unusable(err)
}
