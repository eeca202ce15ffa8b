package circleci

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/dxctl/dxctl/collectors/rest"
)

const (
	// parts is what the objects are called that are set aside.
	parts = "part"
	// olderPages is the key of the list's pages below the last one that could be read.
	olderPages = "older pages of the list"
	// ofNumber is what the key of a pipeline begins with.
	ofNumber = "pipeline "
	// byID is what the key of a pipeline begins with of which only the id is known; others have their number.
	byID = "pipeline with id "
	// nameless is the key of records of which not even the id is known. They are asked for with the list.
	nameless = "a pipeline without an id"
)

func heldKey(p brief) string { return ofNumber + strconv.FormatInt(p.Number, 10) }

// hold sets a pipeline aside that could not be read, wholly or in part; without an error it is not anymore.
func (r *reader) hold(p brief, err error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := heldKey(p)
	if err == nil {
		r.state.Failed.Done(key)
		delete(r.state.Broken, p.Number)
		return nil
	}
	if err := r.state.Failed.Hold(key, r.Now(), err); err != nil {
		return err
	}
	r.tried[key] = true
	if r.state.Broken == nil {
		r.state.Broken = map[int64]brief{}
	}
	r.state.Broken[p.Number] = p
	return nil
}

// decode reads the pipelines of a page. One that is invalid is set aside, and asked for alone.
func (r *reader) decode(items []json.RawMessage) ([]pipeline, error) {
	all := make([]pipeline, 0, len(items))
	for _, raw := range items {
		var p pipeline
		err := json.Unmarshal(raw, &p)
		if err == nil && p.ID != "" && p.Number > 0 {
			all = append(all, p)
			continue
		}
		var named struct {
			ID any `json:"id"`
		}
		_ = json.Unmarshal(raw, &named) // it may name itself anyway
		key := nameless
		if id, ok := named.ID.(string); ok && id != "" {
			key = byID + id
		}
		if err == nil {
			err = errNameless
		}
		if r.tried[key] || key != nameless && r.state.Failed.Has(key) {
			continue
		}
		r.tried[key] = true
		if err := r.state.Failed.Hold(key, r.Now(), oddRecord("pipeline", err)); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// broken asks once more for what was set aside and whose time has come.
func (r *reader) broken(ctx context.Context) error {
	s, asked := &r.state, false
	for _, key := range s.Failed.Due(r.Now()) {
		if r.tried[key] {
			continue
		}
		id, alone := strings.CutPrefix(key, byID)
		number, err := strconv.ParseInt(strings.TrimPrefix(key, ofNumber), 10, 64)
		p, known := s.Broken[number]
		switch {
		case alone:
			asked = true
			if p, err = r.pipeline(ctx, id); err != nil {
				if err := s.Failed.Hold(key, r.Now(), err); err != nil {
					return err
				}
				continue
			}
			s.Failed.Done(key)
		case key == nameless: // the list does not have it anymore, or it was not read
			s.Failed.Done(key)
			continue
		case err != nil || !known:
			continue
		}
		asked = true
		_, watched := s.Watched[p.Number]
		if err := r.take(rest.WithMaxAttempts(ctx, 2), []brief{p}, !watched); err != nil {
			return err
		}
	}
	if !asked && len(r.tried) == 0 {
		return nil
	}
	return r.save(ctx)
}

// pipeline reads one pipeline.
func (r *reader) pipeline(ctx context.Context, id string) (brief, error) {
	var raw json.RawMessage
	path := "pipeline/" + escapeSlug(id)
	if _, err := r.Get(rest.WithMaxAttempts(ctx, 2), path, "", &raw); err != nil {
		return brief{}, err
	}
	var p pipeline
	if err := json.Unmarshal(raw, &p); err != nil {
		return brief{}, oddRecord(path, err)
	}
	if p.ID == "" || p.Number <= 0 {
		return brief{}, oddRecord(path, errNameless)
	}
	return p.brief(), nil
}

// due reports whether what a key names may be asked for: it is not set aside, or its time has come.
func (r *reader) due(key string) bool {
	return !r.state.Failed.Has(key) || slices.Contains(r.state.Failed.Due(r.Now()), key)
}

// patience limits the attempts for pages that failed before.
func (r *reader) patience(ctx context.Context, w *walk) context.Context {
	if w.deep && r.state.Failed.Has(olderPages) {
		return rest.WithMaxAttempts(ctx, 2)
	}
	return ctx
}
