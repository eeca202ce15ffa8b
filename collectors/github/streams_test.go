package github

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"

	"github.com/dxctl/dxctl/collectors/github/githubtest"
	"github.com/dxctl/dxctl/event"
)

// pullsEvery makes n merged pull requests, the newest updated an hour before now.
func pullsEvery(n int, step time.Duration) []githubtest.Pull {
	pulls := make([]githubtest.Pull, n)
	for i := range pulls {
		at := now.Add(-time.Hour - time.Duration(i)*step).Truncate(time.Second)
		pulls[i] = githubtest.Pull{
			Number:  n - i,
			Title:   "change",
			Author:  "alice",
			HeadRef: "topic",
			Created: at.Add(-48 * time.Hour),
			Updated: at,
			Closed:  at,
			Merged:  at,
			Commits: []githubtest.Commit{{SHA: fmt.Sprintf("%040x", i), At: at.Add(-50 * time.Hour)}},
		}
	}
	return pulls
}

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
	s, m := fake(t, &githubtest.Repo{Pulls: []githubtest.Pull{p, open}}), collecttest.NewWriter()
	collect(t, s, m, now, nil)
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
	pulls := pullsEvery(1, time.Hour)
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
	s, m := fake(t, &githubtest.Repo{Pulls: pulls}), collecttest.NewWriter()
	collect(t, s, m, now, nil)
	c := collecttest.Stored[event.Change](m)["1"]
	if len(c.CommitSHAs) != 250 || !c.FirstCommitAt.Equal(now.Add(-349*time.Hour)) ||
		!c.ApprovedAt.Equal(now.Add(-90*time.Hour)) {
		t.Errorf("%d commits, first %s, approved %s", len(c.CommitSHAs), c.FirstCommitAt, c.ApprovedAt)
	}
}

func TestChangesAreCheapAndComplete(t *testing.T) {
	pulls := pullsEvery(1000, time.Minute)
	s, m := fake(t, &githubtest.Repo{Pulls: pulls}), collecttest.NewWriter()
	collect(t, s, m, now, nil)
	if r := s.Requests(); m.Number(event.KindChange) != 1000 || count(r, "graphql") != 10 || count(r, "/pulls") != 1 {
		t.Errorf(
			"stored %d with %d queries and %d probes",
			m.Number(event.KindChange),
			count(r, "graphql"),
			count(r, "/pulls"),
		)
	}
	// A second update within the same second, and an old one that comes back.
	pulls[0].Reviews = []githubtest.Review{{State: "APPROVED", Author: "bob", At: now}}
	pulls[900].Updated = pulls[0].Updated
	pulls[900].Title = "back"
	collect(t, s, m, now, nil)
	if collecttest.Stored[event.Change](m)["1000"].ApprovedAt.IsZero() ||
		collecttest.Stored[event.Change](m)["100"].Title != "back" {
		t.Errorf("updates were missed: %+v", collecttest.Stored[event.Change](m)["100"])
	}
	if n := count(s.Requests(), "graphql"); n != 1 {
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
			s, m := fake(t, &githubtest.Repo{Pulls: pullsEvery(300, time.Minute)}), collecttest.NewWriter()
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
			collect(t, s, m, now, nil)
			if n, want := count(s.Requests(), "graphql"), tc.tried+min(
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
	s, m := fake(t, &githubtest.Repo{Pulls: pullsEvery(300, time.Minute)}), collecttest.NewWriter()
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
	collect(t, s, m, now, nil)
	s.SetBefore(nil)
	collect(t, s, m, now, nil)
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

func TestDeployments(t *testing.T) {
	at := func(minutes int) time.Time { return now.Add(time.Duration(minutes) * time.Minute) }
	st := func(words ...string) []githubtest.Status {
		var all []githubtest.Status
		for i, w := range words {
			all = append(all, githubtest.Status{State: w, At: at(-60 + i)})
		}
		return all
	}
	many := st()
	many = append(many, githubtest.Status{State: "SUCCESS", At: at(-500)})
	for i := range 120 {
		many = append(many, githubtest.Status{State: "INACTIVE", At: at(-400 + i)})
	}
	for i, tc := range []struct {
		name     string
		statuses []githubtest.Status
		state    string
		status   event.Status
		raw      string
		finished time.Time
	}{
		{"succeeded", st("QUEUED", "IN_PROGRESS", "SUCCESS"), "ACTIVE", event.Succeeded, "SUCCESS", at(-58)},
		{"superseded", st("IN_PROGRESS", "SUCCESS", "INACTIVE"), "INACTIVE", event.Succeeded, "SUCCESS", at(-59)},
		{"said twice: the first counts", st("SUCCESS", "SUCCESS"), "ACTIVE", event.Succeeded, "SUCCESS", at(-60)},
		{"failed", st("IN_PROGRESS", "FAILURE", "INACTIVE"), "INACTIVE", event.Failed, "FAILURE", at(-59)},
		{"error", st("ERROR"), "ERROR", event.Failed, "ERROR", at(-60)},
		{"failed, then worked", st("FAILURE", "SUCCESS"), "ACTIVE", event.Succeeded, "SUCCESS", at(-59)},
		{"running", st("QUEUED", "IN_PROGRESS"), "IN_PROGRESS", event.Running, "IN_PROGRESS", time.Time{}},
		{"waiting", st("WAITING"), "WAITING", event.Waiting, "WAITING", time.Time{}},
		{"pending", st(), "PENDING", event.Queued, "PENDING", time.Time{}},
		{"never ended", st("IN_PROGRESS", "INACTIVE"), "INACTIVE", event.Cancelled, "INACTIVE", time.Time{}},
		{"its statuses are gone", st("INACTIVE"), "INACTIVE", event.Succeeded, "INACTIVE", time.Time{}},
		{"abandoned", st(), "ABANDONED", event.Cancelled, "ABANDONED", time.Time{}},
		{"an unknown word", st("LEVITATING"), "LEVITATING", event.Running, "LEVITATING", time.Time{}},
		{"more statuses than a page", many, "INACTIVE", event.Succeeded, "success", at(-500)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := githubtest.Deployment{
				ID:          int64(i + 1),
				Environment: "prod",
				SHA:         "abc",
				Ref:         "main",
				Creator:     "alice",
				State:       tc.state,
				Created:     at(-600),
				Statuses:    tc.statuses,
			}
			for _, noGraphQL := range []bool{false, true} {
				if noGraphQL && len(tc.statuses) == 0 {
					continue // REST has no state except the statuses
				}
				s, m := fake(
					t,
					&githubtest.Repo{Deployments: []githubtest.Deployment{d}, NoGraphQL: noGraphQL},
				), collecttest.NewWriter()
				collect(t, s, m, now, nil)
				e := collecttest.Stored[event.Deployment](m)[fmt.Sprint(i+1)]
				if e.Status != tc.status || !strings.EqualFold(e.StatusRaw, tc.raw) || !e.FinishedAt.Equal(tc.finished) ||
					e.Actor != "alice" ||
					e.Ref != "main" {
					t.Errorf("by REST %t: %+v", noGraphQL, e)
				}
			}
		})
	}
}

func TestOpenDeploymentsAreReadAgain(t *testing.T) {
	var all []githubtest.Deployment
	for i := range 250 {
		all = append(
			all,
			githubtest.Deployment{
				ID:          int64(i + 1),
				Environment: "prod",
				Creator:     "alice",
				State:       "ACTIVE",
				Created:     now.Add(-time.Duration(300-i) * time.Hour),
				Statuses:    []githubtest.Status{{State: "SUCCESS", At: now.Add(-time.Duration(300-i) * time.Hour)}},
			},
		)
	}
	// not on the newest page
	all[20].Statuses, all[20].State = []githubtest.Status{{State: "WAITING", At: all[20].Created}}, "WAITING"
	s, m := fake(t, &githubtest.Repo{Deployments: all}), collecttest.NewWriter()
	collect(t, s, m, now, nil)
	if m.Number(event.KindDeployment) != 250 || collecttest.Stored[event.Deployment](m)["21"].Status != event.Waiting ||
		m.Ledger(event.KindDeployment).Gap() != 0 {
		t.Fatalf("stored %d, %+v", m.Number(event.KindDeployment), collecttest.Stored[event.Deployment](m)["21"])
	}
	d := &s.Repos[scope].Deployments[20]
	d.Statuses = append(d.Statuses, githubtest.Status{State: "SUCCESS", At: now})
	collect(t, s, m, now, nil)
	if e := collecttest.Stored[event.Deployment](m)["21"]; e.Status != event.Succeeded || !e.FinishedAt.Equal(now) {
		t.Errorf("stays %s", e.Status)
	}
	s.Requests()
	collect(t, s, m, now, nil)
	if r := s.Requests(); count(r, "graphql") != 0 {
		t.Errorf("asked again though nothing is open: %v", r)
	}
}

func TestFacts(t *testing.T) {
	file := func(m *collecttest.Writer, name string) string {
		f := collecttest.Stored[event.Fact](m)["repository.files."+name]
		if f.Error != "" {
			return "unknown"
		}
		return string(f.Value)
	}
	for _, tc := range []struct {
		name      string
		files     []string
		truncated bool
		want      map[string]string
	}{
		{"everything", []string{"README.md", ".github/CODEOWNERS", ".github/workflows/ci.yml", "build/Dockerfile", "catalog-info.yaml", "LICENSE", ".github/dependabot.yml", "cmd/x_test.go"}, false,
			map[string]string{"readme": "true", "codeowners": "true", "ci_workflow": "true", "dockerfile": "true", "catalog_info": "true", "license": "true", "dependency_updates": "true", "tests": "true"}},
		{"nothing", []string{"main.go", "docs/license.md", "vendor/x/README", "vendor/a/a_test.go", "contest.go"}, false,
			map[string]string{"readme": "false", "codeowners": "false", "ci_workflow": "false", "dockerfile": "false", "catalog_info": "false", "license": "false", "dependency_updates": "false", "tests": "false"}},
		{"other tools", []string{"Jenkinsfile", "renovate.json", "src/test/java/FooTest.java", "docs/readme.rst", "COPYING"}, false,
			map[string]string{"readme": "true", "ci_workflow": "true", "dependency_updates": "true", "tests": "true", "license": "true"}},
		{"a listing that is cut", []string{"README"}, true, map[string]string{"readme": "true", "license": "unknown"}},
		{"no listing", nil, false, map[string]string{"readme": "unknown", "tests": "unknown"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, m := fake(t, &githubtest.Repo{Files: tc.files, Truncated: tc.truncated}), collecttest.NewWriter()
			collect(t, s, m, now, nil)
			for name, want := range tc.want {
				if got := file(m, name); got != want {
					t.Errorf("%s: %s, want %s", name, got, want)
				}
			}
			if f := collecttest.Stored[event.Fact](m)["repository.default_branch"]; string(f.Value) != `"main"` ||
				f.Entity != "unmapped:github/acme/shop" {
				t.Errorf("%+v", f)
			}
			s.Requests()
			collect(t, s, m, now.Add(time.Hour), nil)
			for _, r := range s.Requests() {
				if r.Status != 304 {
					t.Errorf("asked again: %+v", r)
				}
			}
			if f := collecttest.Stored[event.Fact](m)["repository.created_at"]; !f.ObservedAt.Equal(now.Add(time.Hour)) {
				t.Errorf("not modified, but not renewed: %+v", f)
			}
		})
	}
}
