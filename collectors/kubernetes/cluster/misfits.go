package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// MisfitError is about the items of a listing that cannot be read. The others are.
type MisfitError struct {
	Resource string
	Items    []string // each with the cause
}

func (e *MisfitError) Error() string {
	const shown = 10
	items, more := e.Items, ""
	if n := len(items) - shown; n > 0 {
		items, more = items[:shown], fmt.Sprintf(" and %d more", n)
	}
	return fmt.Sprintf("reading %s: %d items of the listing cannot be read and are left out: %s%s; correct or delete "+
		"them in the cluster",
		e.Resource, len(e.Items), strings.Join(items, "; "), more)
}

// misfits are the items that were left out of the answer to a request whose context holds them.
type misfits struct{ items []string }

type misfitsKey struct{}

// sift leaves out of the answer to a listing the items that client-go could not decode, for which it would refuse the
// whole answer, and those without a name. An answer that is not such a listing is left as it is.
func sift(ctx context.Context, resp *http.Response) error {
	found, ok := ctx.Value(misfitsKey{}).(*misfits)
	if !ok || resp.StatusCode != http.StatusOK {
		return nil
	}
	body, err := io.ReadAll(resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return err
	}
	if kept, odd := sound(body); len(odd) > 0 {
		found.items = append(found.items, odd...)
		body = kept
		resp.Header.Del("Content-Length")
		resp.ContentLength = int64(len(body))
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return nil
}

// sound returns the listing without the items that cannot be read, and what these are.
func sound(body []byte) (kept []byte, odd []string) {
	var list map[string]json.RawMessage
	var items, good []json.RawMessage
	if json.Unmarshal(body, &list) != nil || json.Unmarshal(list["items"], &items) != nil {
		return body, nil
	}
	for i, item := range items {
		if why := misfit(item); why != "" {
			odd = append(odd, fmt.Sprintf("item %d %s", i+1, why))
			continue
		}
		good = append(good, item)
	}
	if len(odd) == 0 {
		return body, nil
	}
	var err error
	if list["items"], err = json.Marshal(append([]json.RawMessage{}, good...)); err != nil {
		return body, nil
	}
	if kept, err = json.Marshal(list); err != nil {
		return body, nil
	}
	return kept, odd
}

// misfit returns why an item cannot be read; empty where it can.
func misfit(item json.RawMessage) string {
	if len(item) == 0 || item[0] != '{' {
		return fmt.Sprintf("is %.40s, not an object", item)
	}
	var o struct {
		Metadata json.RawMessage `json:"metadata"`
	}
	if err := json.Unmarshal(item, &o); err != nil {
		return fmt.Sprintf("cannot be decoded: %v", err)
	}
	var named struct {
		Name      string `json:"name"`
		Namespace string `json:"namespace"`
	}
	switch err := json.Unmarshal(o.Metadata, &named); {
	case len(o.Metadata) == 0:
		return "has no metadata"
	case err != nil && named.Name != "":
		return fmt.Sprintf(
			"(%s) has metadata that cannot be decoded: %v",
			strings.TrimPrefix(named.Namespace+"/"+named.Name, "/"),
			err,
		)
	case err != nil:
		return fmt.Sprintf("has metadata that cannot be decoded: %v", err)
	case named.Name == "":
		return "has no name"
	}
	return ""
}

// Misfits returns what the latest listing left out.
func (l *Listing) Misfits() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.odd
}

// misfitError returns what the latest listing left out, as an error; nil when that is nothing.
func (l *Listing) misfitError() error {
	if odd := l.Misfits(); len(odd) > 0 {
		return &MisfitError{Resource: l.Name(), Items: odd}
	}
	return nil
}

// leftOut stores what a page of a listing left out; the first page replaces what was stored.
func (l *Listing) leftOut(m *misfits, first bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if first {
		l.odd = nil
	}
	l.odd = append(l.odd, m.items...)
}
