package changes

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/collectors/github/githubtest"
	"github.com/dxctl/dxctl/collectors/github/streamtest"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
)

func TestChanges(t *testing.T) {
	at := func(hours int) time.Time { return now.Add(time.Duration(hours) * time.Hour) }
	p := githubtest.Pull{
		Number:  7,
		Title:   `Revert "größer"`,
		Body:    "Reverts acme/shop#5",
		Author:  "renovate",
		Kind:    "Bot",
		HeadRef: "revert-5-x",
		Created: at(-40),
		Updated: at(-1),
		Closed:  at(-2),
		Merged:  at(-2),
		Commits: []githubtest.Commit{{SHA: "b", At: at(-50)}, {SHA: "a", At: at(-60)}, {SHA: "c"}},
		Reviews: []githubtest.Review{
			{
				State:  "COMMENTED",
				Author: "renovate",
				Kind:   "Bot",
				At:     at(-39),
			},
			{State: "APPROVED", Author: "lint-bot", Kind: "Bot", At: at(-38)},
			{State: "PENDING", Author: "bob", Kind: "User"},
			{
				State:  "COMMENTED",
				Author: "bob",
				Kind:   "User",
				At:     at(-30),
			},
			{State: "APPROVED", Author: "carol", Kind: "User", At: at(-20)},
			{State: "APPROVED", Author: "bob", Kind: "User", At: at(-10)},
		},
	}
	open := githubtest.Pull{Number: 8, Title: "配列", Author: "", HeadRef: "x", Created: at(-3), Updated: at(-3)}
	s, m := streamtest.Serve(t, &githubtest.Repo{Pulls: []githubtest.Pull{p, open}}), collecttest.NewWriter()
	collect(t, s, m, now)
	got := collecttest.Stored[event.Change](m)["7"]
	want := event.Change{
		Origin:        got.Origin,
		Repository:    scope,
		Number:        7,
		Title:         p.Title,
		Author:        "renovate[bot]",
		Bot:           true,
		CreatedAt:     at(-40),
		FirstCommitAt: at(-60),
		FirstReviewAt: at(-30),
		ApprovedAt:    at(-20),
		MergedAt:      at(-2),
		ClosedAt:      at(-2),
		MergeSHA:      fmt.Sprintf("%040d", 7),
		CommitSHAs:    []string{"b", "a", "c"},
		Additions:     1,
		Deletions:     2,
		Reverts:       "5",
	}
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if o := collecttest.Stored[event.Change](m)["8"]; o.MergeSHA != "" || !o.ClosedAt.IsZero() ||
		!o.FirstReviewAt.IsZero() ||
		o.Title != "配列" {
		t.Errorf("open: %+v", o)
	}
}

func TestChangesWithMoreThanAPageOfCommitsAndReviews(t *testing.T) {
	pulls := streamtest.Pulls(1, time.Hour)
	pulls[0].Commits, pulls[0].Reviews = nil, nil
	for i := range 250 {
		pulls[0].Commits = append(
			pulls[0].Commits,
			githubtest.Commit{SHA: fmt.Sprint(i), At: now.Add(-time.Duration(100+i) * time.Hour)},
		)
	}
	for i := range 180 {
		pulls[0].Reviews = append(
			pulls[0].Reviews,
			githubtest.Review{State: "COMMENTED", Author: "alice", At: now.Add(-time.Duration(i) * time.Minute)},
		)
	}
	pulls[0].Reviews[179] = githubtest.Review{State: "APPROVED", Author: "bob", At: now.Add(-90 * time.Hour)}
	s, m := streamtest.Serve(t, &githubtest.Repo{Pulls: pulls}), collecttest.NewWriter()
	collect(t, s, m, now)
	c := collecttest.Stored[event.Change](m)["1"]
	if len(c.CommitSHAs) != 250 || !c.FirstCommitAt.Equal(now.Add(-349*time.Hour)) ||
		!c.ApprovedAt.Equal(now.Add(-90*time.Hour)) {
		t.Errorf("%d commits, first %s, approved %s", len(c.CommitSHAs), c.FirstCommitAt, c.ApprovedAt)
	}
}

func TestChangesAreCheapAndComplete(t *testing.T) {
	pulls := streamtest.Pulls(1000, time.Minute)
	s, m := streamtest.Serve(t, &githubtest.Repo{Pulls: pulls}), collecttest.NewWriter()
	collect(t, s, m, now)
	if r := s.Requests(); m.Number(event.KindChange) != 1000 || streamtest.Count(r, "graphql") != 10 || streamtest.Count(r, "/pulls") != 1 {
		t.Errorf(
			"stored %d with %d queries and %d probes",
			m.Number(event.KindChange),
			streamtest.Count(r, "graphql"),
			streamtest.Count(r, "/pulls"),
		)
	}
	// A second update within the same second, and an old one that comes back.
	pulls[0].Reviews = []githubtest.Review{{State: "APPROVED", Author: "bob", At: now}}
	pulls[900].Updated = pulls[0].Updated
	pulls[900].Title = "back"
	collect(t, s, m, now)
	if collecttest.Stored[event.Change](m)["1000"].ApprovedAt.IsZero() ||
		collecttest.Stored[event.Change](m)["100"].Title != "back" {
		t.Errorf("updates were missed: %+v", collecttest.Stored[event.Change](m)["100"])
	}
	if n := streamtest.Count(s.Requests(), "graphql"); n != 1 {
		t.Errorf("%d queries for two updates", n)
	}
}

func TestAPageThatIsTooHeavyIsAskedForInSmallerParts(t *testing.T) {
	for _, tc := range []struct {
		name   string
		answer githubtest.Fault
		tried  int // requests for each page that is too heavy
	}{
		{"GraphQL says so", githubtest.Fault{Status: 200, Body: `{"data":null,"errors":[{"message":"Something went wrong while executing your query. This may be the result of a timeout."}]}`}, 1},
		{"the proxy before it does", githubtest.Fault{Status: 502, Body: `{"message":"Server Error"}`}, 8},
		{"after too long", githubtest.Fault{Status: 504, Body: `<html>`}, 8},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, m := streamtest.Serve(t, &githubtest.Repo{Pulls: streamtest.Pulls(300, time.Minute)}), collecttest.NewWriter()
			s.Before = func(_ int, r *http.Request) *githubtest.Fault {
				if !strings.Contains(r.URL.Path, "graphql") {
					return nil
				}
				body, err := io.ReadAll(r.Body)
				if err != nil {
					t.Error(err)
				}
				r.Body = io.NopCloser(bytes.NewReader(body))
				var q struct{ Variables struct{ First int } }
				if err := json.Unmarshal(body, &q); err != nil || q.Variables.First > 20 {
					return &tc.answer
				}
				return nil
			}
			collect(t, s, m, now)
			if n, want := streamtest.Count(s.Requests(), "graphql"), tc.tried+min(
				tc.tried,
				fewAttempts,
			)+300/20; m.Number(event.KindChange) != 300 ||
				n != want {
				t.Errorf(
					"stored %d after %d queries, want %d: a hundred and fifty are tried once",
					m.Number(event.KindChange),
					n,
					want,
				)
			}
		})
	}
}

func TestChangesThatMoveWhileTheyAreRead(t *testing.T) {
	s, m := streamtest.Serve(t, &githubtest.Repo{Pulls: streamtest.Pulls(300, time.Minute)}), collecttest.NewWriter()
	n := 0
	s.Before = func(_ int, r *http.Request) *githubtest.Fault {
		if strings.Contains(r.URL.Path, "graphql") {
			s.Lock()
			n++
			s.Repos[scope].Pulls[299-n].Updated = now.Add(time.Duration(n) * time.Second) // from the bottom to the top
			s.Repos[scope].Pulls[299-n].Title = "moved"
			s.Unlock()
		}
		return nil
	}
	collect(t, s, m, now)
	s.SetBefore(nil)
	collect(t, s, m, now)
	moved := 0
	for _, c := range collecttest.Stored[event.Change](m) {
		if c.Title == "moved" {
			moved++
		}
	}
	if m.Number(event.KindChange) != 300 || moved != n {
		t.Errorf("stored %d of 300, %d of %d updates", m.Number(event.KindChange), moved, n)
	}
}

func TestAPullRequestThatAlwaysFailsDoesNotHoldUpTheOthers(t *testing.T) {
	for name, fault := range map[string]*githubtest.Fault{
		"500":                  {Status: http.StatusInternalServerError, Body: `{}`},
		"something went wrong": {Status: http.StatusOK, Body: `{"data":null,"errors":[{"message":"Something went wrong while executing your query."}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			const place = 123
			pulls := streamtest.Pulls(200, time.Hour)
			s, m := streamtest.Serve(t, &githubtest.Repo{Pulls: pulls}), collecttest.NewWriter()
			s.Before = streamtest.GraphQLFails(t, fault, func(query string, number, first int, after string) bool {
				if number > 0 {
					return number == pulls[place].Number
				}
				from, _ := strconv.Atoi(strings.TrimPrefix(after, "cursor:"))
				return strings.Contains(query, "pullRequests") && from <= place && place < from+first
			})
			for range 3 {
				err := Collect(t.Context(), streamtest.Repository(t, s, m, now))
				if !rest.OnlySkipped(err) || !strings.Contains(err.Error(), fmt.Sprintf("#%d (", pulls[place].Number)) ||
					m.Number(event.KindChange) != 199 {
					t.Fatalf("%v, %d changes", err, m.Number(event.KindChange))
				}
			}
			if l := m.Ledger(event.KindChange); l.Gap() != 1 || l.Note == "" {
				t.Errorf("ledger %+v", l)
			}
			s.SetBefore(nil)
			collect(t, s, m, now)
			if m.Number(event.KindChange) != 200 || m.Ledger(event.KindChange).Gap() != 0 {
				t.Errorf("%d changes", m.Number(event.KindChange))
			}
		})
	}
}
