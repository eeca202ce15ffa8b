package listing

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"

	"github.com/dxctl/dxctl/collectors/rest"
)

// FewAttempts is the number of attempts for a request that has failed before.
const FewAttempts = 2

// hole is a record at which GitLab fails however small the page is.
type hole struct {
	Place int     `json:"place"`           // in the listing, from 0
	Total *uint64 `json:"total,omitempty"` // records that the listing had then: what is new moves the place
}

// pageOf returns the number of the page that a query asks for; false when it is not paged by number.
func pageOf(query url.Values) (number int, numbered bool) {
	if query.Has("cursor") || query.Get("pagination") == "keyset" {
		return 0, false
	}
	number = 1
	if n, err := strconv.Atoi(query.Get("page")); err == nil && n > 0 {
		number = n
	}
	return number, true
}

// paged is a query for another page of the same listing.
func paged(query url.Values, number, size int) string {
	q := maps.Clone(query)
	q.Set("per_page", strconv.Itoa(size))
	q.Set("page", strconv.Itoa(number))
	return q.Encode()
}

// ReadAround reads a page of a hundred records, and where GitLab always fails at it, smaller ones around the records at
// which it fails. It returns the places of those in the listing. into is a new slice for each page; keep is called when
// it has been filled.
func (c *Client) ReadAround(
	ctx context.Context,
	path, query, etag string,
	into func() any,
	keep func(),
) (got Answer, holes []int, err error) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return got, nil, fmt.Errorf("GET %s: query %q: %w", path, query, err)
	}
	number, numbered := pageOf(values)
	read := func(ctx context.Context, n, size int) error {
		asked, tag := query, etag
		if size != PerPage {
			asked, tag = paged(values, n, size), ""
		}
		a, err := c.Read(ctx, path+"?"+asked, tag, into())
		if err != nil {
			return err
		}
		if size != PerPage {
			a.ETag = "" // of a part
			if a.Next != "" {
				a.Next = paged(values, number+1, PerPage)
			}
		}
		got = a
		if !a.NotModified {
			keep()
		}
		return nil
	}
	if !numbered {
		return got, nil, read(ctx, number, PerPage)
	}
	holes, err = rest.Around(ctx, number, PerPage, read)
	return got, holes, err
}

// read reads a page of the feed, and holds what lies at the places at which GitLab fails.
func (f *Feed[T]) read(ctx context.Context, query, etag string) (records []T, got Answer, err error) {
	if len(f.State.Holes) > 0 {
		ctx = rest.WithMaxAttempts(ctx, FewAttempts)
	}
	var page []T
	got, holes, err := f.Of.ReadAround(
		ctx,
		f.Path,
		query,
		etag,
		func() any { page = nil; return &page },
		func() { records = append(records, page...) },
	)
	if err != nil {
		return nil, got, err
	}
	f.gaps = len(holes)
	for _, place := range holes {
		if err := f.hold(records, place, got.Total); err != nil {
			return nil, got, err
		}
	}
	return records, got, nil
}

// hold holds a record that is known by its neighbors only.
func (f *Feed[T]) hold(records []T, place int, total *uint64) error {
	key := fmt.Sprintf("%s at place %d", f.Stream, place+1)
	if i := place % PerPage; i > 0 && len(records) > 0 {
		key = fmt.Sprintf("%s behind %d", f.Stream, records[min(i, len(records))-1].Key())
	}
	if f.State.Holes == nil {
		f.State.Holes = map[string]hole{}
	}
	f.State.Holes[key] = hole{place, total}
	return f.State.Failed.Hold(
		key,
		f.Of.Now(),
		&rest.AnswerError{Status: http.StatusInternalServerError, Err: errors.New("GitLab does not list it")},
	)
}

// retry asks again for the places that are due: for what surrounds each of them now.
func (f *Feed[T]) retry(ctx context.Context) error {
	s := f.State
	changed := false
	for _, key := range s.Failed.Due(f.Of.Now()) {
		h, ok := s.Holes[key]
		if !ok {
			continue
		}
		changed = true
		read, err := s.Failed.Do(ctx, key, f.Of.Now(), func(ctx context.Context) error { return f.readPlace(ctx, h) })
		if err != nil {
			return err
		}
		if read {
			delete(s.Holes, key)
		}
	}
	if !changed {
		return nil
	}
	return f.Save(ctx)
}

const around = 10 // records read before and behind a place

func (f *Feed[T]) readPlace(ctx context.Context, h hole) error {
	query, err := url.ParseQuery(f.first())
	if err != nil {
		return fmt.Errorf("query %q: %w", f.first(), err)
	}
	place := h.Place
	if h.Total != nil && f.State.Total != nil && *f.State.Total > *h.Total {
		place += int(*f.State.Total - *h.Total)
	}
	for number := max(place-around, 0)/around + 1; number <= (place+around)/around+1; number++ {
		var records []T
		if _, err := f.Of.Read(ctx, f.Path+"?"+paged(query, number, around), "", &records); err != nil {
			return err
		}
		if err := f.put(ctx, Page[T]{Records: f.wanted(WithID(f.Of.Base, f.Stream, records))}); err != nil {
			return err
		}
	}
	return nil
}
