package gitlab

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

// fewAttempts is how often something is asked for that has failed before.
const fewAttempts = 2

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

// readAround reads a page of a hundred records, and where GitLab always fails at it, smaller ones around the records at
// which it fails. It returns the places of those in the listing. into is a new slice for each page; keep is told when
// it has been filled.
func (c *Collector) readAround(
	ctx context.Context,
	path, query, etag string,
	into func() any,
	keep func(),
) (got answer, holes []int, err error) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return got, nil, fmt.Errorf("GET %s: query %q: %w", path, query, err)
	}
	number, numbered := pageOf(values)
	read := func(ctx context.Context, n, size int) error {
		asked, tag := query, etag
		if size != perPage {
			asked, tag = paged(values, n, size), ""
		}
		a, err := c.get(ctx, path+"?"+asked, tag, into())
		if err != nil {
			return err
		}
		if size != perPage {
			a.etag = "" // of a part
			if a.next != "" {
				a.next = paged(values, number+1, perPage)
			}
		}
		got = a
		if !a.notModified {
			keep()
		}
		return nil
	}
	if !numbered {
		return got, nil, read(ctx, number, perPage)
	}
	holes, err = rest.Around(ctx, number, perPage, read)
	return got, holes, err
}

// read reads a page of the feed, and holds what lies at the places at which GitLab fails.
func (f *feed[T]) read(ctx context.Context, query, etag string) (records []T, got answer, err error) {
	if len(f.state.Holes) > 0 {
		ctx = rest.WithMaxAttempts(ctx, fewAttempts)
	}
	var page []T
	got, holes, err := f.p.readAround(
		ctx,
		f.path,
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
		if err := f.hold(records, place, got.total); err != nil {
			return nil, got, err
		}
	}
	return records, got, nil
}

// hold holds a record that is known by its neighbors only.
func (f *feed[T]) hold(records []T, place int, total *uint64) error {
	key := fmt.Sprintf("%s at place %d", f.stream, place+1)
	if i := place % perPage; i > 0 && len(records) > 0 {
		key = fmt.Sprintf("%s behind %d", f.stream, records[min(i, len(records))-1].Key())
	}
	if f.state.Holes == nil {
		f.state.Holes = map[string]hole{}
	}
	f.state.Holes[key] = hole{place, total}
	return f.state.Failed.Hold(
		key,
		f.p.Now(),
		&rest.AnswerError{Status: http.StatusInternalServerError, Err: errors.New("GitLab does not list it")},
	)
}

// retry asks again for the places that are due: for what surrounds each of them now.
func (f *feed[T]) retry(ctx context.Context) error {
	s := f.state
	changed := false
	for _, key := range s.Failed.Due(f.p.Now()) {
		h, ok := s.Holes[key]
		if !ok {
			continue
		}
		changed = true
		read, err := s.Failed.Do(ctx, key, f.p.Now(), func(ctx context.Context) error { return f.readPlace(ctx, h) })
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
	return f.save(ctx)
}

const around = 10 // records read before and behind a place

func (f *feed[T]) readPlace(ctx context.Context, h hole) error {
	query, err := url.ParseQuery(f.first())
	if err != nil {
		return fmt.Errorf("query %q: %w", f.first(), err)
	}
	place := h.Place
	if h.Total != nil && f.state.Total != nil && *f.state.Total > *h.Total {
		place += int(*f.state.Total - *h.Total)
	}
	for number := max(place-around, 0)/around + 1; number <= (place+around)/around+1; number++ {
		var records []T
		if _, err := f.p.get(ctx, f.path+"?"+paged(query, number, around), "", &records); err != nil {
			return err
		}
		if err := f.put(ctx, page[T]{records: f.wanted(sound(f.p, f.stream, records))}); err != nil {
			return err
		}
	}
	return nil
}
