package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/dxctl/dxctl/collectors/github/mapping"
	"github.com/dxctl/dxctl/collectors/rest"
)

// salvager is a page that can be decoded record by record if it cannot be decoded as a whole, or has a record without
// an id. odd are the records that cannot be read, by id, or by place on the page for those without an id. It fails if
// the answer is not a page at all.
type salvager interface {
	nameless() bool
	salvage(resp *http.Response) (odd map[string]error, err error)
}

// Identified is a record on a page. HasID reports whether it has an id, which tells it from others; a null has none.
type Identified interface{ HasID() bool }

// lacksID reports whether a record has no id.
func lacksID[T Identified](r T) bool { return !r.HasID() }

func (l *Listing[T]) nameless() bool { return slices.ContainsFunc(*l, lacksID) }

// Listing is a page that consists of its records alone.
type Listing[T Identified] []T

func (l *Listing[T]) salvage(resp *http.Response) (map[string]error, error) {
	var raw []json.RawMessage
	if err := decode(resp, &raw); err != nil {
		return nil, err
	}
	records, odd := readable[T](raw)
	*l = records
	return odd, nil
}

// readable decodes each record by itself.
func readable[T Identified](raw []json.RawMessage) (records []T, odd map[string]error) {
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

// RunPage is a page of workflow runs.
type RunPage struct {
	TotalCount uint64        `json:"total_count"` // of the whole listing
	Runs       []mapping.Run `json:"workflow_runs"`
}

func (p *RunPage) nameless() bool { return slices.ContainsFunc(p.Runs, lacksID) }

func (p *RunPage) salvage(resp *http.Response) (map[string]error, error) {
	var page struct {
		TotalCount uint64            `json:"total_count"`
		Runs       []json.RawMessage `json:"workflow_runs"`
	}
	if err := decode(resp, &page); err != nil {
		return nil, err
	}
	records, odd := readable[mapping.Run](page.Runs)
	*p = RunPage{page.TotalCount, records}
	return odd, nil
}

// JobPage is a page of the jobs of a run.
type JobPage struct {
	TotalCount int           `json:"total_count"` // of the whole listing
	Jobs       []mapping.Job `json:"jobs"`
}

func (p *JobPage) nameless() bool { return slices.ContainsFunc(p.Jobs, lacksID) }

func (p *JobPage) salvage(resp *http.Response) (map[string]error, error) {
	var page struct {
		TotalCount int               `json:"total_count"`
		Jobs       []json.RawMessage `json:"jobs"`
	}
	if err := decode(resp, &page); err != nil {
		return nil, err
	}
	records, odd := readable[mapping.Job](page.Jobs)
	*p = JobPage{page.TotalCount, records}
	return odd, nil
}
