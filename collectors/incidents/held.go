package incidents

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/dxctl/dxctl/collectors/rest"
)

// parts is what the objects are called that are set aside.
const parts = "part"

// nameless is the key of records of which not even the id is known. They are requested with the list.
func (n Names) nameless() string { return n.Article + " " + n.Record + " without an id" }

// atPlace is what the key of a record begins with of which only the place in the list is known.
func (n Names) atPlace() string { return "the " + n.Record + " listed after " }

// partOf is what the key of a record begins with that is stored, but for the part that could not be read.
func (n Names) partOf() string { return n.Part + " of " }

// isPart reports whether a key is that of a part.
func (n Names) isPart(key string) bool { return n.Part != "" && strings.HasPrefix(key, n.partOf()) }

// hold sets a record aside that failed with err, which is returned where it is not about the record alone.
func (r *reader[R]) hold(key string, err error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.tried[key] {
		return nil
	}
	r.tried[key] = true
	return r.state.Failed.Hold(key, r.base.Now(), err)
}

// heldParts are the Parts of a reader.
type heldParts[R any] struct{ r *reader[R] }

func (p heldParts[R]) Hold(id string, err error) error {
	return p.r.hold(p.r.cfg.Names.partOf()+id, err)
}

func (p heldParts[R]) Done(id string) {
	p.r.mu.Lock()
	defer p.r.mu.Unlock()
	p.r.state.Failed.Done(p.r.cfg.Names.partOf() + id)
}

// unread is how many records are missing because they could not be read; those that lack only a part are stored.
func (r *reader[R]) unread() (n uint64) {
	for _, key := range r.state.Failed.Keys() {
		if !r.cfg.Names.isPart(key) {
			n++
		}
	}
	return n
}

// page reads a page of the listing. A record with which the source cannot answer does not cost the others of its page.
func (r *reader[R]) page(ctx context.Context, at Place, etag string) (Page, rest.Answer, error) {
	p, got, err := r.listing.Page(ctx, at, PerPage, etag)
	if !rest.Broken(err) {
		return p, got, err
	}
	read := func(ctx context.Context, offset, limit int) (Page, error) {
		part := at
		part.Offset = offset
		p, _, err := r.listing.Page(ctx, part, limit, "")
		return p, err
	}
	lost := func(after string, err error) error { return r.hold(r.cfg.Names.atPlace()+after, err) }
	whole, err := around(ctx, at.Offset, PerPage, read, lost)
	return whole, rest.Answer{}, err
}

// held asks once more for the records that were set aside and whose time has come. Of one without an id the list is
// requested again.
func (r *reader[R]) held(ctx context.Context) error {
	s, asked := &r.state, len(r.tried) > 0
	var inList []string
	for _, key := range s.Failed.Due(r.base.Now()) {
		if r.tried[key] {
			continue
		}
		asked = true
		if key == r.cfg.Names.nameless() || strings.HasPrefix(key, r.cfg.Names.atPlace()) {
			inList = append(inList, key)
			s.ETag, s.History = "", &Place{}
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

// again reads a record that was set aside, or lacks a part, and stores it.
func (r *reader[R]) again(ctx context.Context, key string) error {
	id := key
	if r.cfg.Names.isPart(key) {
		id = strings.TrimPrefix(key, r.cfg.Names.partOf())
	}
	one, err := r.one(rest.WithMaxAttempts(ctx, 2), id)
	if r.listing.Gone(err) {
		r.state.Failed.Done(key)
		delete(r.state.Seen, id)
		return nil
	}
	if err != nil {
		return err
	}
	if k, known := r.state.Seen[id]; known && key != id {
		k.Mark = "" // to store it again, with its part
		r.state.Seen[id] = k
	}
	r.state.Failed.Done(key)
	if !r.listing.Wanted(one) {
		return nil
	}
	return r.store(ctx, []R{one})
}

// one reads the record with an id.
func (r *reader[R]) one(ctx context.Context, id string) (R, error) {
	var none R
	raw, err := r.listing.One(ctx, id)
	if err != nil {
		return none, err
	}
	all, odd := r.decode([]json.RawMessage{raw})
	for _, err := range odd {
		return none, err
	}
	if len(all) == 0 || r.listing.ID(all[0]) != id {
		err := fmt.Errorf("%s %s: %w", r.cfg.Names.Record, id, errOther)
		return none, &rest.AnswerError{Status: http.StatusOK, Err: err}
	}
	return all[0], nil
}

func (r *reader[R]) decode(raw []json.RawMessage) (all []R, odd map[string]error) {
	n := r.cfg.Names
	return Decode(raw, n.Article+" "+n.Record, n.nameless(), r.listing.ID)
}
