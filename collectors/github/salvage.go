package github

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/dxctl/dxctl/collectors/rest"
)

// salvager is a page that can be read record by record where it cannot be read as a whole. odd are the records that
// cannot, by their id, or by their place on the page where they show none. It fails when the answer is no page at all.
type salvager interface {
	salvage(resp *http.Response) (odd map[string]error, err error)
}

// listing is a page that is nothing but its records.
type listing[T any] []T

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
	records, odd := readable[run](page.Runs)
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
	records, odd := readable[job](page.Jobs)
	*p = jobPage{page.TotalCount, records}
	return odd, nil
}

// readable decodes each record by itself.
func readable[T any](raw []json.RawMessage) (records []T, odd map[string]error) {
	odd = map[string]error{}
	for i, doc := range raw {
		var record T
		err := json.Unmarshal(doc, &record)
		if err == nil {
			records = append(records, record)
			continue
		}
		var known struct {
			ID json.Number `json:"id"`
		}
		name := fmt.Sprintf("at place %d of its page", i+1)
		if json.Unmarshal(doc, &known) == nil && known.ID != "" {
			name = known.ID.String()
		}
		odd[name] = &rest.AnswerError{Status: http.StatusOK, Err: fmt.Errorf("the record is not what GitHub documents: %w", err)}
	}
	return records, odd
}
