package github

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/dxctl/dxctl/collectors/github/mapping"
	"github.com/dxctl/dxctl/collectors/rest"
)

// salvager is a page that can be read record by record where it cannot be read as a whole, or holds a record without an
// id. odd are the records that cannot be read, by their id, or by their place on the page where they show none. It
// fails when the answer is no page at all.
type salvager interface {
	nameless() bool
	salvage(resp *http.Response) (odd map[string]error, err error)
}

// identified is a record on a page; hasID reports whether it can be told from others. One that is null has no id.
type identified interface{ HasID() bool }

type runPage struct {
	TotalCount uint64        `json:"total_count"`
	Runs       []mapping.Run `json:"workflow_runs"`
}

type jobPage struct {
	TotalCount int           `json:"total_count"`
	Jobs       []mapping.Job `json:"jobs"`
}

func (p listedPull) HasID() bool       { return p.Number > 0 }
func (r listedRepository) HasID() bool { return r.FullName != "" }

// lacksID reports whether a record has no id.
func lacksID[T identified](r T) bool { return !r.HasID() }

func (p *runPage) nameless() bool    { return slices.ContainsFunc(p.Runs, lacksID) }
func (p *jobPage) nameless() bool    { return slices.ContainsFunc(p.Jobs, lacksID) }
func (l *listing[T]) nameless() bool { return slices.ContainsFunc(*l, lacksID) }

// listing is a page that is nothing but its records.
type listing[T identified] []T

func (l *listing[T]) salvage(resp *http.Response) (map[string]error, error) {
	var raw []json.RawMessage
	if err := decode(resp, &raw); err != nil {
		return nil, err
	}
	records, odd := readable[T](raw)
	*l = records
	return odd, nil
}

func (p *runPage) salvage(resp *http.Response) (map[string]error, error) {
	var page struct {
		TotalCount uint64            `json:"total_count"`
		Runs       []json.RawMessage `json:"workflow_runs"`
	}
	if err := decode(resp, &page); err != nil {
		return nil, err
	}
	records, odd := readable[mapping.Run](page.Runs)
	*p = runPage{page.TotalCount, records}
	return odd, nil
}

func (p *jobPage) salvage(resp *http.Response) (map[string]error, error) {
	var page struct {
		TotalCount int               `json:"total_count"`
		Jobs       []json.RawMessage `json:"jobs"`
	}
	if err := decode(resp, &page); err != nil {
		return nil, err
	}
	records, odd := readable[mapping.Job](page.Jobs)
	*p = jobPage{page.TotalCount, records}
	return odd, nil
}

// readable decodes each record by itself.
func readable[T identified](raw []json.RawMessage) (records []T, odd map[string]error) {
	odd = map[string]error{}
	for i, doc := range raw {
		var record T
		err := json.Unmarshal(doc, &record)
		if err == nil && record.HasID() {
			records = append(records, record)
			continue
		}
		if err == nil {
			err = errors.New("it has no id")
		}
		var known struct {
			ID json.Number `json:"id"`
		}
		name := fmt.Sprintf("at place %d of its page", i+1)
		if json.Unmarshal(doc, &known) == nil && known.ID != "" {
			name = known.ID.String()
		}
		odd[name] = &rest.AnswerError{
			Status: http.StatusOK,
			Err:    fmt.Errorf("the record is not what GitHub documents: %w", err),
		}
	}
	return records, odd
}
