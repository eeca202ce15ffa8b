package pagerduty

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
	// nameless is the key of incidents of which not even the id is known. They are asked for with the list.
	nameless = "an incident without an id"
	// logOf is what the key of an incident begins with of which only the log cannot be read.
	logOf = "log of "
	// atPlace is what the key of an incident begins with of which only the place in the list is known.
	atPlace = "the incident listed after "
)

// hold sets an incident aside that failed with err, which is returned where it says nothing about the incident alone.
func (r *reader) hold(key string, err error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.tried[key] {
		return nil
	}
	r.tried[key] = true
	return r.state.Failed.Hold(key, r.Now(), err)
}

// unread is how many incidents are missing because they could not be read; those that lack only their log are stored.
func (r *reader) unread() (n uint64) {
	for _, key := range r.state.Failed.Keys() {
		if !strings.HasPrefix(key, logOf) {
			n++
		}
	}
	return n
}

// page reads a page of the listing. An incident with which PagerDuty cannot answer does not cost the others of its
// page.
func (r *reader) page(ctx context.Context, h history, etag string) (p page, got rest.Answer, err error) {
	got, err = r.Get(ctx, r.query(h, perPage), etag, &p)
	if !rest.Broken(err) {
		return p, got, err
	}
	read := func(ctx context.Context, offset, limit int) (incidents.Page, error) {
		var part page
		_, err := r.Get(ctx, r.query(history{Offset: offset, Until: h.Until}, limit), "", &part)
		return incidents.Page{Records: part.Incidents, More: part.More, Total: part.Total}, err
	}
	whole, err := incidents.Around(
		ctx,
		h.Offset,
		perPage,
		read,
		func(after string, err error) error { return r.hold(atPlace+after, err) },
	)
	return page{Incidents: whole.Records, More: whole.More, Total: whole.Total}, rest.Answer{}, err
}

// held asks once more for the incidents that were set aside and whose time has come. Of one without an id the list is
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

// again reads an incident that was set aside, and stores it.
func (r *reader) again(ctx context.Context, key string) error {
	id := strings.TrimPrefix(key, logOf)
	var one struct {
		Incident json.RawMessage `json:"incident"`
	}
	_, err := r.Get(rest.WithMaxAttempts(ctx, 2), "incidents/"+url.PathEscape(id), "", &one)
	if gone(err) {
		r.state.Failed.Done(key)
		delete(r.state.Known, id)
		return nil
	}
	if err != nil {
		return err
	}
	all, odd := decodeAll([]json.RawMessage{one.Incident})
	for _, err := range odd {
		return err
	}
	if len(all) == 0 || all[0].ID != id {
		return &rest.AnswerError{Status: http.StatusOK, Err: fmt.Errorf("incident %s: the answer is about another one", id)}
	}
	if k, known := r.state.Known[id]; known {
		k.Mark = "" // its log was missing
		r.state.Known[id] = k
	}
	r.state.Failed.Done(key)
	return r.store(ctx, all)
}
