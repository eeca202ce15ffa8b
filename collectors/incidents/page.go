package incidents

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/dxctl/dxctl/collectors/rest"
)

// maxInARow is how many places of a page may be broken one after the other; with more it is the source that is.
const maxInARow = 8

// Page is a part of a listing. Its records are decoded one by one, so that one that is odd does not cost the others.
type Page struct {
	Records []json.RawMessage
	More    bool    // records follow
	Total   *uint64 // of the listing; nil: not known
}

// around reads size records from an offset on, of which one or more make the source fail, by ever smaller parts. lost
// is called for each place that cannot be read, with the id of the record listed before it ("none" without one); its
// error ends the read, as does that of the source where too many places in a row cannot be read.
func around(ctx context.Context, offset, size int, read func(ctx context.Context, offset, limit int) (Page, error),
	lost func(after string, err error) error) (Page, error) {
	var page Page
	last, inARow := "none", 0
	readPart := func(ctx context.Context, from, to int) error {
		if from > offset && !page.More && len(page.Records) > 0 { // nothing comes after what was read
			return nil
		}
		part, err := read(ctx, from, to-from)
		if err != nil {
			return err
		}
		inARow = 0
		page.Records, page.More, page.Total = append(page.Records, part.Records...), part.More, part.Total
		if n := len(part.Records); n > 0 {
			last = idOf(part.Records[n-1], last)
		}
		return nil
	}
	err := rest.Bisect(rest.WithMaxAttempts(ctx, 2), offset, offset+size, readPart, func(_ int, err error) error {
		if inARow++; inARow > maxInARow {
			return err
		}
		page.More = true // there may be
		return lost(last, err)
	})
	return page, err
}

// idOf is the id of a record; another where it has none.
func idOf(raw json.RawMessage, other string) string {
	var named struct {
		ID any `json:"id"`
	}
	_ = json.Unmarshal(raw, &named) // one that is odd may name itself
	if id, _ := named.ID.(string); id != "" {
		return id
	}
	return other
}

// Decode decodes the records that can be decoded and have an id. Of each other one it returns the error, by its id, or
// by nameless where not even that can be read. noun is what a record is called: "an incident".
func Decode[T any](raw []json.RawMessage, noun, nameless string, id func(T) string) (all []T, odd map[string]error) {
	odd = map[string]error{}
	for _, text := range raw {
		var record T
		err := json.Unmarshal(text, &record)
		if err == nil && id(record) != "" {
			all = append(all, record)
			continue
		}
		if err == nil {
			err = errors.New("it has no id")
		}
		err = fmt.Errorf("%s cannot be read: %w", noun, err)
		odd[idOf(text, nameless)] = &rest.AnswerError{Status: http.StatusOK, Err: err}
	}
	return all, odd
}
