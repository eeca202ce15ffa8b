package rest

import (
	"context"
	"errors"
	"net/http"
)

// Faulty reports whether err is an answer by which the source fails at what was asked for: a 5xx or a body that is not
// what it documents, but not a refusal (403, 404, 422). A request for less may succeed.
func Faulty(err error) bool {
	if answer := (*AnswerError)(nil); errors.As(err, &answer) {
		return answer.Status >= http.StatusInternalServerError || answer.Status < http.StatusMultipleChoices
	}
	return Unusable(err)
}

const (
	aroundSize     = 10 // records on a page where a larger one fails
	aroundAttempts = 2
	aroundPatience = 3 // smaller pages that fail altogether before it is the source that fails
)

// Around reads page number of a numbered listing of size records a page (100), and where the source always fails at
// that ([Faulty]) it reads the same records in pages of ten and, where one of those fails, of one. It returns the
// places of the records that fail by themselves, counted from 0 over the whole listing. The error is that of the whole
// page when nothing of it can be read, or any other that read returns. read is called with increasing places; the
// numbers of pages count from 1.
func Around(
	ctx context.Context,
	number, size int,
	read func(ctx context.Context, number, size int) error,
) (holes []int, err error) {
	whole := read(ctx, number, size)
	if whole == nil || !Faulty(whole) {
		return nil, whole
	}
	ctx = WithMaxAttempts(ctx, aroundAttempts)
	readable, failed := false, 0
	for page := (number-1)*size/aroundSize + 1; page <= number*size/aroundSize; page++ {
		err := read(ctx, page, aroundSize)
		switch {
		case err == nil:
			readable = true
			continue
		case !Faulty(err):
			return nil, err
		}
		good := false
		for place := (page - 1) * aroundSize; place < page*aroundSize; place++ {
			switch err := read(ctx, place+1, 1); {
			case err == nil:
				readable, good = true, true
			case !Faulty(err):
				return nil, err
			default:
				holes = append(holes, place)
			}
		}
		if good {
			failed = 0
		} else if failed++; failed >= aroundPatience {
			return nil, whole
		}
	}
	if !readable {
		return nil, whole
	}
	return holes, nil
}
