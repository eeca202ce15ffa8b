package pagerduty

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/dxctl/dxctl/collectors/rest"
)

const (
	// parts is what the objects are called that are set aside.
	parts = "part"
	// nameless is the key of incidents of which not even the id is known. They are asked for with the list.
	nameless = "an incident without an id"
	// logOf is what the key of an incident begins with of which only the log cannot be read.
	logOf = "log of "
	// mostInARow is how many places of a page may be broken one after the other; with more it is the source that is.
	mostInARow = 8
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

// page reads a page of the listing. An incident with which PagerDuty cannot answer does not cost the others of its page.
func (r *reader) page(ctx context.Context, h history, etag string) (p page, got rest.Answer, err error) {
	got, err = r.Get(ctx, r.query(h, perPage), etag, &p)
	if !rest.Broken(err) {
		return p, got, err
	}
	p = page{}
	last, inARow := "none", 0
	err = rest.Bisect(rest.WithMaxAttempts(ctx, 2), h.Offset, h.Offset+perPage, func(ctx context.Context, from, to int) error {
		var part page
		if from > h.Offset && !p.More && len(p.Incidents) > 0 { // nothing comes after what was read
			return nil
		}
		if _, err := r.Get(ctx, r.query(history{Offset: from, Until: h.Until}, to-from), "", &part); err != nil {
			return err
		}
		inARow = 0
		p.Incidents, p.More, p.Total = append(p.Incidents, part.Incidents...), part.More, part.Total
		if n := len(part.Incidents); n > 0 {
			last = idOf(part.Incidents[n-1], last)
		}
		return nil
	}, func(_ int, err error) error {
		if inARow++; inARow > mostInARow {
			return err
		}
		p.More = true // there may be
		return r.hold(atPlace+last, err)
	})
	return p, rest.Answer{}, err
}

// idOf is the id of an incident; another where it has none.
func idOf(raw json.RawMessage, other string) string {
	var named struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(raw, &named) != nil || named.ID == "" {
		return other
	}
	return named.ID
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
	incidents, odd := decodeAll([]json.RawMessage{one.Incident})
	for _, err := range odd {
		return err
	}
	if len(incidents) == 0 || incidents[0].ID != id {
		return &rest.AnswerError{Status: http.StatusOK, Err: fmt.Errorf("incident %s: the answer is about another one", id)}
	}
	if k, known := r.state.Known[id]; known {
		k.Mark = "" // its log was missing
		r.state.Known[id] = k
	}
	r.state.Failed.Done(key)
	return r.store(ctx, incidents)
}
