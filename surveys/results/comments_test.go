package results_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/dxctl/dxctl/surveys"
	"github.com/dxctl/dxctl/surveys/results"
)

// commenting has the teams payments (10) and web (3) of eng, and search (10) of ops; each person commented.
func commenting() surveys.Answers {
	a := surveys.Answers{
		Items:   []surveys.Item{{Key: "why", Text: "Why?", Kind: surveys.Comment}},
		Parents: map[string]string{"payments": "eng", "web": "eng", "search": "ops"},
	}
	for _, team := range []struct {
		name   string
		people int
	}{{"payments", 10}, {"web", 3}, {"search", 10}} {
		for i := range team.people {
			a.Responses = append(a.Responses, comment(team.name, fmt.Sprint(team.name, " ", i)))
		}
	}
	return a
}

func comment(team, text string) surveys.Response {
	return surveys.Response{Groups: surveys.Groups{Team: team}, Comments: []string{text},
		Ratings: []surveys.Point{surveys.NotAnswered}}
}

// TestCommentsOfVersions: whoever subtracts the comments of one version from those of another has none, or those of at
// least ten people.
func TestCommentsOfVersions(t *testing.T) {
	more := func(a surveys.Answers, team string, n int) surveys.Answers {
		for i := range n {
			a.Responses = append(a.Responses, comment(team, fmt.Sprint("new ", team, " ", i)))
		}
		return a
	}
	moved := more(commenting(), "search", 5)
	moved.Parents = map[string]string{"payments": "eng", "web": "ops", "search": "ops"}
	person := more(commenting(), "payments", 20)
	person.Responses[0].Groups.Team = "search"
	for _, c := range []struct {
		name     string
		versions []surveys.Answers
		everyone int // comments
		eng      int
	}{
		{"one version", []surveys.Answers{commenting()}, 23, 13},
		{"a team moved", []surveys.Answers{commenting(), moved}, 23, 13},
		{"one new comment", []surveys.Answers{commenting(), more(commenting(), "payments", 1)}, 23, 13},
		{"one person moved", []surveys.Answers{commenting(), person}, 23, 13},
		{"ten new comments", []surveys.Answers{commenting(), more(commenting(), "payments", 10)}, 33, 23},
		{"ten new comments, then the first ones and one more",
			[]surveys.Answers{commenting(), more(commenting(), "payments", 10), more(commenting(), "payments", 1)}, 33, 23},
		{"ten new comments of two parts", []surveys.Answers{commenting(), more(more(commenting(), "payments", 7), "search", 3)}, 23, 13},
	} {
		for team, want := range map[string]int{"": c.everyone, "eng": c.eng} {
			got := results.ReadComments(c.versions, team, "")
			if len(got) != 1 || len(got[0].Comments) != want || !slices.IsSorted(got[0].Comments) {
				t.Errorf("%s: team %q has %+v, want %d comments", c.name, team, got, want)
			}
		}
		if got := results.ReadComments(c.versions, "web", ""); len(got) > 0 {
			t.Errorf("%s: web has %+v", c.name, got)
		}
	}
}
