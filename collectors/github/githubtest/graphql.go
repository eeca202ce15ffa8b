package githubtest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Pull is a pull request.
type Pull struct {
	Number           int
	Title, Body      string
	Author, Kind     string // Kind: User or Bot
	HeadRef          string
	Created, Updated time.Time
	Closed, Merged   time.Time
	Commits          []Commit
	Reviews          []Review
}

// Commit is a commit of a pull request.
type Commit struct {
	SHA string
	At  time.Time
}

// Review is a review of a pull request.
type Review struct {
	State, Author, Kind string
	At                  time.Time
}

// Deployment is a deployment with its statuses in the order in which they were given.
type Deployment struct {
	ID                    int64
	Environment, SHA, Ref string
	State, Creator        string
	Created               time.Time
	Statuses              []Status
}

// Status is a status of a deployment, in GraphQL's capitals.
type Status struct {
	State string
	At    time.Time
}

func (p Pull) touched() int { return len(p.Commits)*1000 + len(p.Reviews) }

// deployments are listed newest first.
func (r *Repo) deployments() []Deployment {
	all := slices.Clone(r.Deployments)
	slices.SortStableFunc(all, func(a, b Deployment) int { return b.Created.Compare(a.Created) })
	return all
}

// statuses are listed newest first.
func (d Deployment) statuses() []Status {
	all := slices.Clone(d.Statuses)
	slices.Reverse(all)
	return all
}

func (d Deployment) rest() any {
	updated := d.Created
	for _, s := range d.Statuses {
		updated = s.At
	}
	return map[string]any{"id": d.ID, "sha": d.SHA, "ref": d.Ref, "task": "deploy", "environment": d.Environment,
		"created_at": d.Created, "updated_at": updated, "creator": map[string]any{"login": d.Creator, "type": "User"}}
}

func (d Deployment) node() any {
	var nodes []any
	all := d.statuses()
	for _, s := range all[:min(len(all), 100)] {
		nodes = append(nodes, map[string]any{"state": s.State, "createdAt": s.At, "updatedAt": s.At})
	}
	return map[string]any{
		"databaseId":  d.ID,
		"commitOid":   d.SHA,
		"environment": d.Environment,
		"state":       d.State,
		"task":        "deploy",
		"createdAt":   d.Created,
		"updatedAt":   d.Created,
		"ref":         map[string]any{"name": d.Ref, "prefix": "refs/heads/"},
		"creator":     map[string]any{"login": d.Creator, "__typename": "User"},
		"statuses":    map[string]any{"pageInfo": map[string]any{"hasNextPage": len(all) > 100}, "nodes": nodes},
	}
}

func (p Pull) commits(after int) any {
	to := min(after+100, len(p.Commits))
	var nodes []any
	for _, c := range p.Commits[after:to] {
		nodes = append(nodes, map[string]any{"commit": map[string]any{"oid": c.SHA, "authoredDate": when(c.At)}})
	}
	return connection(nodes, len(p.Commits), to)
}

func (p Pull) reviews(after, size int) any {
	to := min(after+size, len(p.Reviews))
	var nodes []any
	for _, r := range p.Reviews[after:to] {
		nodes = append(nodes, map[string]any{"state": r.State, "submittedAt": when(r.At), "author": person(r.Author, r.Kind)})
	}
	return connection(nodes, len(p.Reviews), to)
}

func person(login, kind string) any {
	if login == "" {
		return nil
	}
	if kind == "" {
		kind = "User"
	}
	return map[string]any{"login": login, "__typename": kind}
}

func (p Pull) node() any {
	var merge any
	if !p.Merged.IsZero() {
		merge = map[string]any{"oid": fmt.Sprintf("%040d", p.Number)}
	}
	return map[string]any{"id": "PR_" + strconv.Itoa(p.Number), "number": p.Number, "title": p.Title, "body": p.Body,
		"url": fmt.Sprintf("https://github.test/pull/%d", p.Number), "createdAt": p.Created, "updatedAt": p.Updated,
		"closedAt": when(p.Closed), "mergedAt": when(p.Merged), "mergeCommit": merge, "author": person(p.Author, p.Kind),
		"headRefName": p.HeadRef, "additions": 1, "deletions": 2, "commits": p.commits(0), "reviews": p.reviews(0, 50)}
}

// checks answers which checks ran on the last merged pull requests.
func (r *Repo) checks(first int) any {
	var contexts []any
	for _, name := range r.Checks {
		contexts = append(contexts, map[string]any{"__typename": "CheckRun", "name": name})
	}
	nodes := []any{}
	for _, p := range r.Pulls {
		if p.Merged.IsZero() || len(nodes) >= first {
			continue
		}
		var rollup any
		if len(contexts) > 0 {
			rollup = map[string]any{"contexts": connection(contexts, len(contexts), len(contexts))}
		}
		nodes = append(nodes, map[string]any{"commits": map[string]any{"nodes": []any{
			map[string]any{"commit": map[string]any{"statusCheckRollup": rollup}},
		}}})
	}
	return map[string]any{"deleteBranchOnMerge": false, "pullRequests": map[string]any{"nodes": nodes}}
}

func connection(nodes []any, total, to int) map[string]any {
	return map[string]any{
		"totalCount": total,
		"nodes":      nodes,
		"pageInfo":   map[string]any{"hasNextPage": to < total, "endCursor": "cursor:" + strconv.Itoa(to)},
	}
}

func (s *Server) graphQL(body []byte) any {
	var q struct {
		Query     string
		Variables struct {
			Owner, Name, ID, After string
			First, Number          int
		}
	}
	if err := json.Unmarshal(body, &q); err != nil {
		return map[string]any{"errors": []any{map[string]any{"message": err.Error()}}}
	}
	if answer, ok := s.inventory(body); ok {
		return answer
	}
	v := q.Variables
	after := 0
	if n, ok := strings.CutPrefix(v.After, "cursor:"); ok {
		after, _ = strconv.Atoi(n)
	}
	if v.ID != "" {
		return map[string]any{"data": map[string]any{"node": s.pullByID(v.ID, q.Query, after)}}
	}
	repo := s.Repos[v.Owner+"/"+v.Name]
	if repo == nil || repo.NoGraphQL {
		return map[string]any{"data": map[string]any{"repository": nil},
			"errors": []any{map[string]any{"type": "NOT_FOUND", "message": "Could not resolve to a Repository."}}}
	}
	out := map[string]any{}
	if strings.Contains(q.Query, ":object(oid:") {
		var asked struct{ Variables map[string]any }
		_ = json.Unmarshal(body, &asked) // it was decoded above
		out = repo.objects(q.Query, asked.Variables)
	}
	if strings.Contains(q.Query, "deleteBranchOnMerge") {
		return map[string]any{"data": map[string]any{"repository": repo.checks(v.First)}}
	}
	if strings.Contains(q.Query, "pullRequests") {
		pulls := slices.Clone(repo.Pulls)
		slices.SortStableFunc(pulls, func(a, b Pull) int { return b.Updated.Compare(a.Updated) })
		out["pullRequests"] = page(pulls, after, v.First, Pull.node)
	}
	if strings.Contains(q.Query, "pullRequest(") {
		i := slices.IndexFunc(repo.Pulls, func(p Pull) bool { return p.Number == v.Number })
		if i < 0 {
			return map[string]any{"data": map[string]any{"repository": map[string]any{"pullRequest": nil}},
				"errors": []any{map[string]any{"type": "NOT_FOUND", "message": "Could not resolve to a PullRequest."}}}
		}
		out["pullRequest"] = repo.Pulls[i].node()
	}
	if strings.Contains(q.Query, "deployments") {
		out["deployments"] = page(repo.deployments(), after, v.First, Deployment.node)
	}
	if strings.Contains(q.Query, "releases(") {
		out["releases"] = page(repo.releases(), after, v.First, Release.node)
	}
	if strings.Contains(q.Query, "refs(") {
		out["refs"] = page(repo.tags(), after, v.First, Tag.node)
	}
	return map[string]any{"data": map[string]any{"repository": out}}
}

func (s *Server) pullByID(id, query string, after int) any {
	for _, repo := range s.Repos {
		for _, p := range repo.Pulls {
			if "PR_"+strconv.Itoa(p.Number) != id {
				continue
			}
			if strings.Contains(query, "commits") {
				return map[string]any{"commits": p.commits(after)}
			}
			return map[string]any{"reviews": p.reviews(after, 100)}
		}
	}
	return nil
}

func page[T any](items []T, after, first int, render func(T) any) any {
	after = min(after, len(items))
	to := min(after+first, len(items))
	nodes := make([]any, 0, first)
	for _, item := range items[after:to] {
		nodes = append(nodes, render(item))
	}
	return connection(nodes, len(items), to)
}
