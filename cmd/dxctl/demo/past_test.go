package demo

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/campaign"
)

// The past is read in order, before today, and differs from today by what has changed since.
func TestPast(t *testing.T) {
	o := Generate(testNow)
	var last time.Time
	measured := 0
	agents := map[string][]bool{} // by repository: whether it had an AGENTS.md, reading by reading
	err := o.Past(func(r Reading) error {
		if !r.Graded.After(last) || !r.Graded.Before(o.Today) {
			t.Errorf("the reading of %s comes after that of %s", r.Graded, last)
		}
		last = r.Graded
		if r.Measured {
			measured++
		}
		for _, e := range r.Facts {
			f, ok := e.(event.Fact)
			if err := e.Validate(); err != nil || !ok || f.ObservedAt.After(r.Graded) || f.ExpiresAt.Before(r.Graded) {
				t.Fatalf("%+v %v", e, err)
			}
			if f.Name == "repository.files.agents" && f.Error == "" {
				agents[f.Entity] = append(agents[f.Entity], string(f.Value) == "true")
			}
		}
		return nil
	})
	if err != nil || measured != pastWeeks/measuredWeeks {
		t.Errorf("%d readings with metrics, %v", measured, err)
	}
	for repository, had := range agents {
		first, now := had[0], had[len(had)-1]
		wants := map[string]bool{"user-service": true, "notification-service": true, "web-checkout": false}
		for service, grew := range wants {
			if strings.HasSuffix(repository, "/"+service) && (first == now) == grew {
				t.Errorf("%s: %v", repository, had)
			}
		}
		if !slices.IsSortedFunc(had, func(a, b bool) int { return len(word(a)) - len(word(b)) }) {
			t.Errorf("%s lost its AGENTS.md: %v", repository, had)
		}
	}
}

// word is longer for true.
func word(b bool) string { return map[bool]string{false: "", true: "x"}[b] }

// The campaigns are read as those of users are, whatever the day.
func TestCampaigns(t *testing.T) {
	cards, err := scorecards.Load(scorecards.Config{}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := Generate(testNow).Write(dir); err != nil {
		t.Fatal(err)
	}
	set := campaign.Load(nil, dir, cards, nil)
	if texts := set.Texts(); len(texts) > 0 || len(set.Campaigns) != len(goals) {
		t.Errorf("%d campaigns, %v", len(set.Campaigns), texts)
	}
}
