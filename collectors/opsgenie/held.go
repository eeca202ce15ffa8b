package opsgenie

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/dxctl/dxctl/collectors/incidents"

	"github.com/dxctl/dxctl/collectors/rest"
)

const (
	// parts is what the objects are called that are set aside.
	parts = "part"
	// nameless is the key of records of which not even the id is known. They are asked for with the list.
	nameless = "a record without an id"
	// atPlace is what the key of a record begins with of which only the place in the list is known.
	atPlace = "the record listed after "
)

// hold sets a record aside that failed with err, which is returned where it says nothing about the record alone.
func (r *reader) hold(key string, err error) error {
	if r.tried[key] {
		return nil
	}
	r.tried[key] = true
	return r.state.Failed.Hold(key, r.Now(), err)
}

// page reads a page of the listing. A record with which Opsgenie cannot answer does not cost the others of its page.
func (r *reader) page(ctx context.Context, h history, etag string) (p page, got rest.Answer, err error) {
	got, err = r.Get(ctx, r.address(h, perPage), etag, &p)
	if !rest.Broken(err) {
		return p, got, err
	}
	read := func(ctx context.Context, offset, limit int) (incidents.Page, error) {
		var part page
		_, err := r.Get(ctx, r.address(history{Offset: offset, Before: h.Before}, limit), "", &part)
		return incidents.Page{Records: part.Data, More: part.Paging.Next != ""}, err
	}
	whole, err := incidents.Around(
		ctx,
		h.Offset,
		perPage,
		read,
		func(after string, err error) error { return r.hold(atPlace+after, err) },
	)
	p = page{Data: whole.Records}
	if whole.More {
		p.Paging.Next = "more"
	}
	return p, rest.Answer{}, err
}

// held asks once more for the records that were set aside and whose time has come. Of one without an id the list is
// asked for again.
func (r *reader) held(ctx context.Context) error {
	s, asked := &r.state, len(r.tried) > 0
	var inList []string
	for _, key := range s.Failed.Due(r.Now()) {
		if r.tried[key] {
			continue
		}
		asked = true
		if key == nameless || strings.HasPrefix(key, atPlace) {
			inList = append(inList, key)
			s.ETag, s.History = "", &history{}
			continue
		}
		if err := r.again(ctx, key); err != nil {
			if err := r.hold(key, err); err != nil {
				return err
			}
		}
	}
	if !asked {
		return nil
	}
	if err := r.history(ctx); err != nil {
		return err
	}
	for _, key := range inList {
		if !r.tried[key] {
			s.Failed.Done(key)
		}
	}
	r.forget()
	return r.save(ctx)
}

// again reads a record that was set aside, and stores it.
func (r *reader) again(ctx context.Context, id string) error {
	var one struct {
		Data json.RawMessage `json:"data"`
	}
	_, err := r.Get(rest.WithMaxAttempts(ctx, 2), r.path+"/"+url.PathEscape(id), "", &one)
	if rest.IsGone(err) {
		r.state.Failed.Done(id)
		delete(r.state.Known, id)
		return nil
	}
	if err != nil {
		return err
	}
	records, odd := decodeAll([]json.RawMessage{one.Data})
	for _, err := range odd {
		return err
	}
	if len(records) == 0 || records[0].ID != id {
		return &rest.AnswerError{Status: http.StatusOK, Err: fmt.Errorf("record %s: the answer is about another one", id)}
	}
	r.state.Failed.Done(id)
	if !r.wanted(records[0]) {
		return nil
	}
	return r.store(ctx, records)
}

// address is a page of the listing: so many records from the offset on.
func (r *reader) address(h history, limit int) string {
	return fmt.Sprintf(
		"%s?query=%s&sort=createdAt&order=desc&limit=%d&offset=%d",
		r.path,
		r.query(h.Before),
		limit,
		h.Offset,
	)
}
