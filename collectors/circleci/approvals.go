package circleci

import (
	"encoding/json"
	"maps"
	"slices"
)

// byHand says which jobs of a workflow a person has started: the approvals, and what waits for one of them.
type byHand struct {
	approvals map[string]bool // ids
	ids       map[string]bool // of the approvals and of what comes after them
	unclear   bool            // there is an approval, and nothing says what comes after it
}

// has reports whether a person has started the job.
func (h byHand) has(id string) bool { return h.ids[id] }

// startedByHand follows the jobs of a workflow from the approvals to all that waited for them, directly or not. Running
// a workflow again from where it failed lists the approvals of the first time once more, and nothing waits for them.
func startedByHand(w workflow, jobs []job) byHand {
	h := byHand{approvals: map[string]bool{}, ids: map[string]bool{}}
	told := false
	for _, j := range jobs {
		told = told || j.After != nil
		if j.Type != "approval" {
			continue
		}
		h.approvals[j.ID] = true
		if given := first(j.StoppedAt, j.StartedAt); given.IsZero() || !given.Before(w.CreatedAt.Time) {
			h.ids[j.ID] = true
		}
	}
	h.unclear = len(h.ids) > 0 && !told && len(jobs) > len(h.approvals)
	for found := len(h.ids) > 0; found; {
		found = false
		for _, j := range jobs {
			if !h.ids[j.ID] && slices.ContainsFunc(j.After, h.has) {
				h.ids[j.ID], found = true, true
			}
		}
	}
	return h
}

// ids are the keys of jobs: a list, or an object that has them as its names.
type ids []string

// UnmarshalJSON never fails: what is neither is not known.
func (i *ids) UnmarshalJSON(raw []byte) error {
	var list []string
	if *i = nil; json.Unmarshal(raw, &list) == nil {
		*i = list
		return nil
	}
	var named map[string]json.RawMessage
	if json.Unmarshal(raw, &named) == nil {
		*i = slices.Collect(maps.Keys(named))
	}
	return nil
}
