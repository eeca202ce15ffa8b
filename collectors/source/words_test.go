package source_test

import (
	"slices"
	"testing"

	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
)

// TestWords covers a table of statuses: an undocumented word has the stated meaning and is reported as it was written.
func TestWords(t *testing.T) {
	jobs := source.Words[event.Status]{
		Meaning:   map[string]event.Status{"success": event.Succeeded, "": event.Queued},
		Otherwise: event.Running,
	}
	deployments := jobs.With(map[string]event.Status{"undeployed": event.Cancelled, "": event.Skipped})
	for name, c := range map[string]struct {
		words    source.Words[event.Status]
		word     string
		want     event.Status
		reported bool
	}{
		"documented":                {jobs, "success", event.Succeeded, false},
		"in upper case":             {jobs, "SUCCESS", event.Succeeded, false},
		"left out":                  {jobs, "", event.Queued, false},
		"undocumented":              {jobs, "Melted", event.Running, true},
		"of the wider table":        {deployments, "undeployed", event.Cancelled, false},
		"of the table it extends":   {deployments, "success", event.Succeeded, false},
		"replaced":                  {deployments, "", event.Skipped, false},
		"undocumented in the wider": {deployments, "melted", event.Running, true},
		"not added to the narrower": {jobs, "undeployed", event.Running, true},
	} {
		t.Run(name, func(t *testing.T) {
			var reported []string
			got := c.words.Read("status of a job", c.word, func(what, word string) {
				reported = append(reported, what+" "+word)
			})
			if got != c.want || c.words.Of(c.word) != c.want || c.words.Has(c.word) == c.reported {
				t.Errorf("%s, want %s", got, c.want)
			}
			var want []string
			if c.reported {
				want = []string{"status of a job " + c.word}
			}
			if !slices.Equal(reported, want) {
				t.Errorf("reported %q, want %q", reported, want)
			}
		})
	}
}
