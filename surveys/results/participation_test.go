package results_test

import (
	"cmp"
	"fmt"
	"testing"

	"github.com/dxctl/dxctl/surveys"
	"github.com/dxctl/dxctl/surveys/results"
)

// TestParticipationOverTime: from one import to the next, what is shown changes by nobody or by at least five people.
func TestParticipationOverTime(t *testing.T) {
	type numbers map[string]int
	people := numbers{"payments": 12, "search": 12, "web": 12}
	state := func(answered, people numbers) surveys.Answers {
		a := surveys.Answers{Parents: map[string]string{"payments": "shop", "web": "shop"}}
		for _, team := range []string{"payments", "search", "web"} {
			groups := surveys.Groups{Team: team}
			a.Invited = append(a.Invited, surveys.GroupSize{Groups: groups, People: people[team]})
			for range answered[team] {
				a.Responses = append(a.Responses, surveys.Response{Groups: groups})
			}
		}
		return a
	}
	first := numbers{"payments": 9, "search": 9, "web": 6}
	const all = " 24/36, payments 9/12, search 9/12, shop 15/24, web 6/12"
	for _, c := range []struct {
		name    string
		imports []surveys.Answers
		want    string
	}{
		{"one import", []surveys.Answers{state(first, people)}, all},
		{"one more", []surveys.Answers{state(first, people), state(numbers{"payments": 10, "search": 9, "web": 6}, people)}, all},
		{"five more", []surveys.Answers{state(first, people), state(numbers{"payments": 9, "search": 9, "web": 11}, people)},
			" 29/36, payments 9/12, search 9/12, shop 20/24, web 11/12"},
		{"five more in steps", []surveys.Answers{state(first, people), state(numbers{"payments": 9, "search": 9, "web": 9}, people),
			state(numbers{"payments": 9, "search": 9, "web": 11}, people)}, " 29/36, payments 9/12, search 9/12, shop 20/24, web 11/12"},
		{"there and back, less one", []surveys.Answers{state(first, people), state(numbers{"payments": 9, "search": 9, "web": 11}, people),
			state(numbers{"payments": 9, "search": 9, "web": 5}, people)}, " 29/36, payments 9/12, search 9/12, shop 20/24, web 11/12"},
		// Who moved is seen in the number of people, whether or not this person answered.
		{"somebody who answered moved", []surveys.Answers{state(first, people),
			state(numbers{"payments": 10, "search": 8, "web": 6}, numbers{"payments": 13, "search": 11, "web": 12})},
			" 24/36, payments 9/13, search 9/11, shop 15/25, web 6/12"},
		{"somebody who did not answer moved", []surveys.Answers{state(first, people),
			state(first, numbers{"payments": 13, "search": 11, "web": 12})},
			" 24/36, payments 9/13, search 9/11, shop 15/25, web 6/12"},
		{"a team in which nobody answered", []surveys.Answers{state(numbers{"payments": 9, "search": 9}, people)},
			" 18/36, search 9/12, shop 9/24"},
		{"a team that is shown later", []surveys.Answers{state(numbers{"payments": 9, "search": 9}, people), state(first, people)},
			" 24/36, payments 9/12, search 9/12, shop 15/24, web 6/12"},
		{"fewer than five", []surveys.Answers{state(numbers{"web": 4}, people)}, ""},
	} {
		var shown surveys.Turnout
		got := ""
		for _, a := range c.imports {
			shown = results.Turnout(shown, a)
			a.Turnout, got = shown, ""
			for i, row := range results.Participation(a) {
				if i > 0 {
					got += ", "
				}
				got += fmt.Sprintf("%s %d/%d", row.Team, row.Count, row.People)
			}
		}
		if got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, got, c.want)
		}
	}
}

// TestParticipationAfterPublication: after a publication and a deletion, imports show numbers that were shown or that
// differ from all of them by at least five people.
func TestParticipationAfterPublication(t *testing.T) {
	type numbers map[string]int
	state := func(answered numbers) surveys.Answers {
		a := surveys.Answers{Parents: map[string]string{"payments": "shop", "web": "shop"}}
		for _, team := range []string{"payments", "search", "web"} {
			for range answered[team] {
				a.Responses = append(a.Responses, surveys.Response{Groups: surveys.Groups{Team: team}})
			}
		}
		return a
	}
	show := func(turnout surveys.Turnout) (text string) {
		for _, row := range results.Participation(surveys.Answers{Turnout: turnout}) {
			text += fmt.Sprintf("%s=%d ", cmp.Or(row.Team, "all"), row.Count)
		}
		return text
	}
	everyTeam := []string{"", "payments", "search", "shop", "web"}
	for _, c := range []struct {
		name                    string
		before, published, next numbers // the imports; before may be nil
		teams                   []string
		shown, then             string
	}{
		{"three more than published", numbers{"search": 20}, numbers{"search": 22}, numbers{"search": 25},
			[]string{"", "search"}, "all=22 search=22 ", "all=22 search=22 "},
		{"five more than published", numbers{"search": 20}, numbers{"search": 22}, numbers{"search": 27},
			[]string{"", "search"}, "all=22 search=22 ", "all=27 search=27 "},
		{"only everyone was published", numbers{"payments": 8, "search": 8}, numbers{"payments": 10, "search": 9},
			numbers{"payments": 13, "search": 9}, []string{""}, "all=19 payments=8 search=8 shop=8 ",
			"all=19 payments=8 search=8 shop=8 "},
		{"a team that was not shown", numbers{"search": 9}, numbers{"payments": 8, "search": 9, "web": 7},
			numbers{"payments": 9, "search": 9, "web": 7}, everyTeam,
			"all=24 payments=8 search=9 shop=15 web=7 ", "all=24 payments=8 search=9 shop=15 web=7 "},
		{"published at once", nil, numbers{"payments": 8, "search": 9, "web": 7},
			numbers{"payments": 9, "search": 9, "web": 7}, everyTeam,
			"all=24 payments=8 search=9 shop=15 web=7 ", "all=24 payments=8 search=9 shop=15 web=7 "},
	} {
		var before surveys.Turnout
		if c.before != nil {
			before = results.Turnout(before, state(c.before))
		}
		turnout := results.AfterPublication(before, state(c.published), c.teams)
		if got := show(turnout); got != c.shown {
			t.Errorf("%s: after the publication %q, want %q", c.name, got, c.shown)
		}
		if got := show(results.Turnout(turnout, state(c.next))); got != c.then {
			t.Errorf("%s: after the next import %q, want %q", c.name, got, c.then)
		}
	}
}
