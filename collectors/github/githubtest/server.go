// Package githubtest is a GitHub on loopback for tests: REST listings with pages, filters, their limit of 1,000 results
// and ETags; GraphQL pull requests and deployments; and the faults that real servers show. Its data is what the test
// puts in.
package githubtest

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Run is a workflow run. Earlier holds the attempts before the latest; Jobs those of all attempts.
type Run struct {
	ID                   int64
	Attempt              int
	Name, Branch, Event  string
	Status, Conclusion   string
	Actor                string
	Created, Updated     time.Time
	Jobs                 []Job
	Earlier              []Run
	HideAttempts, NoJobs bool // answer 404 for attempts, for jobs
}

// Job is a job of a run; zero times are null.
type Job struct {
	ID                          int64
	Attempt                     int
	Name, Status, Conclusion    string
	Created, Started, Completed time.Time
}

// Repo is one repository.
type Repo struct {
	Runs        []Run
	Pulls       []Pull
	Deployments []Deployment
	Issues      []Issue
	Releases    []Release
	Tags        []Tag
	Files       []string          // nil: the tree answers 404
	Contents    map[string]string // of files, which are in the tree too
	Links       map[string]bool   // files that are symbolic links
	Pushed      time.Time         // zero: the repository does not say
	Truncated   bool
	Archived    bool
	Private     bool
	Fork        bool
	Disabled    bool
	Template    bool
	Empty       bool // it has no commit and no default branch
	Description string
	Shuffled    bool // the runs are listed in no order
	NoGraphQL   bool // GraphQL answers null for the repository
	NoObjects   bool // GraphQL shows no contents
	// Settings are answers to requests below the repository, by path: "branches/main/protection". Without one, the answer
	// is 404. Record are further fields of the repository's record.
	Settings map[string]Setting
	Record   map[string]any
	Checks   []string // that ran on the last commit of each merged pull request
	// HideContents answers as to a token that may list files and not read them.
	HideContents bool
}

// Setting is the answer to a request for a setting.
type Setting struct {
	Status int // 0: 200
	Body   any // encoded as JSON
}

// Request is one request as it came and was answered.
type Request struct {
	Method, Path, Query string
	Authorization       string
	Body                string
	Status              int
}

// Fault is what happens to a request instead of its answer.
type Fault struct {
	Status  int
	Header  map[string]string
	Body    string
	CutBody bool // send half of the true answer
}

// Server is the fake. Lock it around changes to Repos while it is being asked.
type Server struct {
	*httptest.Server
	sync.Mutex
	Repos map[string]*Repo
	// Members are those of every organization; HideMembers: as a token without the scope read:org sees them.
	Members     []Member
	HideMembers bool
	Users       map[string]bool // accounts that are of a person, and no organizations
	App         *App            // nil: any token is taken
	// Before is called, unlocked, before each request is answered, with its number from 1. A fault that it returns is
	// answered instead; it may also change Repos.
	Before func(n int, r *http.Request) *Fault

	requests []Request
}

// New starts a server that ends with the test.
func New(tb testing.TB) *Server {
	s := &Server{Repos: map[string]*Repo{}}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	tb.Cleanup(s.Close)
	return s
}

// API is the URL of the REST API.
func (s *Server) API() string { return s.URL + "/api/v3" }

// Requests returns the requests so far and forgets them.
func (s *Server) Requests() []Request {
	s.Lock()
	defer s.Unlock()
	r := s.requests
	s.requests = nil
	return r
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.Lock()
	s.requests = append(
		s.requests,
		Request{Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Authorization: r.Header.Get("Authorization")},
	)
	n := len(s.requests)
	before := s.Before
	s.Unlock()
	var fault *Fault
	if before != nil {
		fault = before(n, r)
	}
	body, _ := io.ReadAll(r.Body)
	s.Lock()
	status, answer, next := s.answer(r, body)
	if s.App != nil {
		w.Header().Set("Date", s.App.Now().UTC().Format(http.TimeFormat))
	}
	s.Unlock()
	data, err := json.Marshal(answer)
	if err != nil {
		panic(err)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	if next != "" {
		w.Header().Set("Link", next)
	}
	if status == http.StatusOK {
		etag := fmt.Sprintf(`W/"%x"`, sha256.Sum256(data))
		w.Header().Set("ETag", etag)
		if r.Header.Get("If-None-Match") == etag {
			status, data = http.StatusNotModified, nil
		}
	}
	if fault != nil {
		for k, v := range fault.Header {
			w.Header().Set(k, v)
		}
		if fault.CutBody && len(data) > 1 {
			w.Header().Set("Content-Length", strconv.Itoa(len(data)))
			data = data[:len(data)/2]
		} else {
			status, data = fault.Status, []byte(fault.Body)
		}
	}
	s.Lock()
	if n <= len(s.requests) {
		s.requests[n-1].Status, s.requests[n-1].Body = status, string(body)
	}
	s.Unlock()
	w.WriteHeader(status)
	_, _ = w.Write(data)
}

func (s *Server) answer(r *http.Request, body []byte) (status int, answer any, link string) {
	path := strings.Split(strings.Trim(strings.TrimPrefix(r.URL.Path, "/api/v3"), "/"), "/")
	missing := map[string]any{"message": "Not Found"}
	if s.App != nil && path[0] == "app" {
		status, answer = s.App.serve(r, path)
		return status, answer, ""
	}
	if s.App != nil && !s.App.admits(r) {
		status, answer = s.App.refuse("Bad credentials")
		return status, answer, ""
	}
	switch {
	case r.URL.Path == "/api/graphql":
		return http.StatusOK, s.graphQL(body), ""
	case len(path) == 1 && path[0] == "rate_limit":
		return http.StatusOK, map[string]any{
			"resources": map[string]any{"core": map[string]any{"limit": 5000, "remaining": 4999}},
		}, ""
	case len(path) >= 2 && path[0] == "orgs" && (s.Users[path[1]] || !s.owns(path[1])):
		return http.StatusNotFound, missing, ""
	case len(path) == 2 && path[0] == "users" && s.Users[path[1]]:
		return http.StatusOK, map[string]any{"login": path[1]}, ""
	case len(path) == 3 && path[0] == "users" && path[2] == "repos" && s.Users[path[1]]:
		return s.organization(r, path[1])
	case len(path) == 3 && path[0] == "orgs" && path[2] == "members":
		return list(r, s.publicMembers(), 0, Member.rest, nil)
	case len(path) == 2 && path[0] == "orgs":
		return http.StatusOK, map[string]any{"login": path[1]}, ""
	case len(path) == 3 && path[0] == "orgs" && path[2] == "repos":
		return s.organization(r, path[1])
	case len(path) < 3 || path[0] != "repos" || s.Repos[path[1]+"/"+path[2]] == nil:
		return http.StatusNotFound, missing, ""
	}
	repo, rest := s.Repos[path[1]+"/"+path[2]], strings.Join(path[3:], "/")
	if of, ok := repo.Settings[rest]; ok {
		return cmp.Or(of.Status, http.StatusOK), of.Body, ""
	}
	switch {
	case rest == "":
		return http.StatusOK, s.record(path[1] + "/" + path[2]), ""
	case strings.HasPrefix(rest, "git/trees/") && (repo.Files != nil || repo.Contents != nil):
		return http.StatusOK, map[string]any{"tree": repo.tree(), "truncated": repo.Truncated}, ""
	case strings.HasPrefix(rest, "git/blobs/"):
		return repo.blob(strings.TrimPrefix(rest, "git/blobs/"))
	case rest == "issues":
		return repo.issues(r)
	case rest == "releases":
		return list(r, repo.releases(), 0, func(r Release) any { return r.json() }, nil)
	case strings.HasPrefix(rest, "git/matching-refs/"):
		return repo.matchingRefs("refs/" + strings.TrimPrefix(rest, "git/matching-refs/"))
	case strings.HasPrefix(rest, "actions/runs"):
		return repo.actions(r, strings.TrimPrefix(strings.TrimPrefix(rest, "actions/runs"), "/"))
	case rest == "pulls":
		pulls := slices.Clone(repo.Pulls)
		slices.SortStableFunc(pulls, func(a, b Pull) int { return b.Updated.Compare(a.Updated) })
		return list(r, pulls, 0, func(p Pull) any {
			return map[string]any{"number": p.Number, "title": p.Title, "updated_at": p.Updated, "touched": p.touched()}
		}, nil)
	case rest == "deployments":
		return list(r, repo.deployments(), 0, func(d Deployment) any { return d.rest() }, nil)
	case strings.HasPrefix(rest, "deployments/") && strings.HasSuffix(rest, "/statuses"):
		for _, d := range repo.Deployments {
			if strconv.FormatInt(d.ID, 10) == path[4] {
				return list(r, d.statuses(), 0, func(st Status) any {
					return map[string]any{"state": strings.ToLower(st.State), "created_at": st.At}
				}, nil)
			}
		}
	}
	return http.StatusNotFound, missing, ""
}

func (s *Server) organization(r *http.Request, owner string) (int, any, string) {
	var names []string
	for name := range s.Repos {
		if strings.HasPrefix(name, owner+"/") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return list(r, names, 0, func(name string) any {
		return s.record(name)
	}, nil)
}

// list answers with a page of items. A limit above 0 is how many results the listing shows; pages beyond are refused.
func list[T any](
	r *http.Request,
	items []T,
	limit int,
	render func(T) any,
	wrap func(total int, page []any) any,
) (int, any, string) {
	q := r.URL.Query()
	per, page := 30, 1
	if n, err := strconv.Atoi(q.Get("per_page")); err == nil {
		per = min(n, 100)
	}
	if n, err := strconv.Atoi(q.Get("page")); err == nil {
		page = n
	}
	shown := len(items)
	if limit > 0 {
		if (page-1)*per >= limit {
			return http.StatusUnprocessableEntity, map[string]any{"message": "In order to keep the API fast for everyone, " +
				"pagination is limited for this resource."}, ""
		}
		shown = min(shown, limit)
	}
	from, to := min((page-1)*per, shown), min(page*per, shown)
	rendered := make([]any, 0, per)
	for _, item := range items[from:to] {
		rendered = append(rendered, render(item))
	}
	link := ""
	if to < shown {
		q.Set("page", strconv.Itoa(page+1))
		link = fmt.Sprintf(`<http://%s%s?%s>; rel="next"`, r.Host, r.URL.Path, q.Encode())
	}
	if wrap != nil {
		return http.StatusOK, wrap(len(items), rendered), link
	}
	return http.StatusOK, rendered, link
}

func (r *Repo) actions(req *http.Request, rest string) (int, any, string) {
	missing := map[string]any{"message": "Not Found"}
	if rest == "" {
		runs := slices.Clone(r.Runs)
		slices.SortStableFunc(runs, func(a, b Run) int {
			if c := b.Created.Compare(a.Created); c != 0 {
				return c
			}
			return int(b.ID - a.ID)
		})
		if r.Shuffled {
			slices.SortFunc(runs, func(a, b Run) int { return bytes.Compare(scramble(a.ID), scramble(b.ID)) })
		}
		limit := 0
		if created := req.URL.Query().Get("created"); created != "" {
			limit = 1000
			from, to, _ := strings.Cut(created, "..")
			runs = slices.DeleteFunc(runs, func(g Run) bool {
				at := g.Created.UTC().Format("2006-01-02T15:04:05Z")
				return at < from || at > to
			})
		}
		return list(req, runs, limit, func(g Run) any { return g.json() }, func(total int, page []any) any {
			return map[string]any{"total_count": total, "workflow_runs": page}
		})
	}
	parts := strings.Split(rest, "/")
	i := slices.IndexFunc(r.Runs, func(g Run) bool { return strconv.FormatInt(g.ID, 10) == parts[0] })
	if i < 0 {
		return http.StatusNotFound, missing, ""
	}
	g := r.Runs[i]
	switch {
	case len(parts) == 1:
		return http.StatusOK, g.json(), ""
	case len(parts) == 3 && parts[1] == "attempts" && !g.HideAttempts:
		for _, e := range append([]Run{g}, g.Earlier...) {
			if strconv.Itoa(e.Attempt) == parts[2] {
				e.ID, e.Created = g.ID, g.Created
				return http.StatusOK, e.json(), ""
			}
		}
	case len(parts) == 2 && parts[1] == "jobs" && !g.NoJobs:
		return list(req, g.Jobs, 0, func(j Job) any { return j.json(g.ID) }, func(total int, page []any) any {
			return map[string]any{"total_count": total, "jobs": page}
		})
	}
	return http.StatusNotFound, missing, ""
}

func scramble(id int64) []byte {
	sum := sha256.Sum256([]byte(strconv.FormatInt(id, 10)))
	return sum[:]
}

func (g Run) json() any {
	return map[string]any{
		"id":             g.ID,
		"name":           g.Name,
		"head_branch":    g.Branch,
		"head_sha":       fmt.Sprintf("%040x", g.ID),
		"event":          g.Event,
		"status":         g.Status,
		"conclusion":     text(g.Conclusion),
		"run_attempt":    g.Attempt,
		"html_url":       fmt.Sprintf("https://github.test/runs/%d", g.ID),
		"created_at":     g.Created,
		"updated_at":     g.Updated,
		"run_started_at": g.Created,
		"actor":          map[string]any{"login": g.Actor, "type": "User"},
	}
}

func (j Job) json(run int64) any {
	return map[string]any{
		"id":           j.ID,
		"run_id":       run,
		"run_attempt":  j.Attempt,
		"name":         j.Name,
		"status":       j.Status,
		"conclusion":   text(j.Conclusion),
		"created_at":   when(j.Created),
		"started_at":   when(j.Started),
		"completed_at": when(j.Completed),
		"labels":       []string{"ubuntu-latest"},
	}
}

// text is null where s is empty, as GitHub writes it.
func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func when(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t
}

// SetBefore changes Before while requests may be under way: a collect that failed leaves some.
func (s *Server) SetBefore(before func(n int, r *http.Request) *Fault) {
	s.Lock()
	defer s.Unlock()
	s.Before = before
}
