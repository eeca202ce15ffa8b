package rest

import (
	"errors"
	"net/http"
)

// AnswerError is an answer of the source that cannot be used: it refuses what was asked for, or is not what the source
// documents. Collectors wrap such answers in it, so that [Unusable] knows them.
type AnswerError struct {
	Status int // of the answer; 200 for one that does not parse
	Err    error
}

func (e *AnswerError) Error() string { return e.Err.Error() }
func (e *AnswerError) Unwrap() error { return e.Err }

// Unusable reports whether err is the source's answer to this one request, so that a request for another object may
// succeed: a 5xx or a body that is not JSON after every attempt, an answer that is too large, and any [AnswerError].
// Refused credentials, an unreachable server, rate limits and the end of a context are about all requests: false.
func Unusable(err error) bool {
	if err == nil || errors.Is(err, ErrUnauthorized) {
		return false
	}
	if answer := (*AnswerError)(nil); errors.As(err, &answer) {
		return answer.Status != http.StatusUnauthorized && answer.Status != http.StatusTooManyRequests
	}
	return errors.As(err, new(*serverError)) || errors.Is(err, ErrTooLarge)
}
