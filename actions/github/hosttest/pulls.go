package hosttest

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dxctl/dxctl/actions"
)

// Pull is a pull request.
type Pull struct {
	Number     int
	Head, Base string // branches
	Title      string
	Body       string
	Open       bool
	MergedAt   *time.Time
	Comments   []string
	Draft      bool
	Locked     bool // nobody may comment
}

func (p *Pull) document(full string, r *Repo) object {
	state := "closed"
	if p.Open {
		state = "open"
	}
	return object{"number": p.Number, "html_url": fmt.Sprintf("https://github.example/%s/pull/%d", full, p.Number),
		"state": state, "merged_at": p.MergedAt, "title": p.Title, "body": p.Body, "draft": p.Draft, "locked": p.Locked,
		"head": object{"ref": p.Head, "sha": r.Refs["heads/"+p.Head]},
		"base": object{"ref": p.Base, "sha": r.Refs["heads/"+p.Base]}}
}

// FilesOf returns the files of a branch; nil if there is no such branch.
func (r *Repo) FilesOf(branch string) []actions.FileChange {
	return r.Files[r.Trees[r.Refs["heads/"+branch]]]
}

// CommitFile adds a commit with a file to a branch, as somebody else does.
func (r *Repo) CommitFile(branch, path, content string) {
	r.edit(branch, object{"path": path, "content": content})
}

// RemoveFile adds a commit without a file to a branch, as somebody else does.
func (r *Repo) RemoveFile(branch, path string) {
	r.edit(branch, object{"path": path, "sha": nil})
}

// SetExecutable adds a commit to a branch that makes a file executable.
func (r *Repo) SetExecutable(branch, path string) {
	for _, f := range r.FilesOf(branch) {
		if f.Path == path {
			r.edit(branch, object{"path": path, "content": string(f.After), "mode": "100755"})
		}
	}
}

// edit adds a commit with an entry of a tree to a branch.
func (r *Repo) edit(branch string, entry object) {
	ref := "heads/" + branch
	_, tree := r.tree(object{"base_tree": r.Trees[r.Refs[ref]], "tree": []any{entry}})
	id, _ := tree.(object)["sha"].(string)
	r.Refs[ref] = r.commit(id, []string{r.Refs[ref]}, "by somebody")
}

// Merge squashes a pull request into its base.
func (r *Repo) Merge(number int, now time.Time) {
	p := r.Requests[number-1]
	p.Open, p.MergedAt = false, &now
	base := "heads/" + p.Base
	r.Refs[base] = r.commit(r.Trees[r.Refs["heads/"+p.Head]], []string{r.Refs[base]}, p.Title)
	delete(r.Refs, "heads/"+p.Head)
}

// FastForward moves the base of a pull request to its last commit. The branch stays.
func (r *Repo) FastForward(number int, now time.Time) {
	p := r.Requests[number-1]
	p.Open, p.MergedAt = false, &now
	r.Refs["heads/"+p.Base] = r.Refs["heads/"+p.Head]
}

func (r *Repo) branch(name string) (int, any) {
	commit := r.Refs["heads/"+name]
	if commit == "" {
		return problem(http.StatusNotFound, "Branch not found")
	}
	return http.StatusOK, object{"name": name, "commit": r.commitDocument(commit)}
}

func (r *Repo) commitDocument(id string) object {
	parents := []object{}
	for _, parent := range r.Parents[id] {
		parents = append(parents, object{"sha": parent})
	}
	return object{"sha": id, "parents": parents,
		"commit": object{"message": r.Messages[id], "tree": object{"sha": r.Trees[id]}}}
}

// Ahead returns how many commits a branch has that the base does not.
func (r *Repo) Ahead(base, branch string) int {
	_, document := r.compare(base + "..." + branch)
	n, _ := document.(object)["total_commits"].(int)
	return n
}

func (r *Repo) ancestors(commit string) []string {
	var all []string
	for commit != "" {
		all = append(all, commit)
		parents := r.Parents[commit]
		if commit = ""; len(parents) > 0 {
			commit = parents[0]
		}
	}
	return all
}

// compare lists the commits that a branch has and the base does not, the oldest one first.
func (r *Repo) compare(basehead string) (int, any) {
	base, head, _ := strings.Cut(basehead, "...")
	from, to := r.Refs["heads/"+base], r.Refs["heads/"+head]
	if from == "" || to == "" {
		return problem(http.StatusNotFound, "Not Found")
	}
	before := r.ancestors(from)
	commits := []object{}
	for _, id := range r.ancestors(to) {
		if slices.Contains(before, id) {
			break
		}
		commits = append(commits, r.commitDocument(id))
	}
	slices.Reverse(commits)
	return http.StatusOK, object{"total_commits": len(commits), "commits": commits}
}

func (r *Repo) pulls(req *http.Request, full string, path []string, body object) (int, any) {
	if len(path) == 1 && req.Method == http.MethodPatch {
		p := r.request(path[0])
		if p == nil {
			return problem(http.StatusNotFound, "Not Found")
		}
		if text, ok := body["body"].(string); ok {
			p.Body = text
		}
		if body["state"] == "closed" {
			p.Open = false
		}
		return http.StatusOK, p.document(full, r)
	}
	if len(path) == 1 && req.Method == http.MethodGet {
		if p := r.request(path[0]); p != nil {
			return http.StatusOK, p.document(full, r)
		}
		return problem(http.StatusNotFound, "Not Found")
	}
	if len(path) == 2 && path[1] == "commits" {
		p := r.request(path[0])
		if p == nil {
			return problem(http.StatusNotFound, "Not Found")
		}
		_, ahead := r.compare(p.Base + "..." + p.Head)
		if document, ok := ahead.(object); ok && document["commits"] != nil {
			return http.StatusOK, document["commits"]
		}
		return http.StatusOK, []object{}
	}
	if req.Method == http.MethodPost {
		return r.openPull(full, body)
	}
	if req.URL.Query().Get("state") == "closed" && req.URL.Query().Has("base") {
		return r.closedPulls()
	}
	if !req.URL.Query().Has("head") {
		all := []object{}
		for _, p := range slices.Backward(r.Requests) {
			all = append(all, p.document(full, r))
		}
		return http.StatusOK, all
	}
	_, head, _ := strings.Cut(req.URL.Query().Get("head"), ":")
	found := []object{}
	for _, p := range slices.Backward(r.Requests) {
		if p.Head == head {
			found = append(found, p.document(full, r))
		}
	}
	return http.StatusOK, found
}

func (r *Repo) openPull(full string, body object) (int, any) {
	p := &Pull{Number: len(r.Requests) + 1, Open: true, Head: fmt.Sprint(body["head"]), Base: fmt.Sprint(body["base"]),
		Title: fmt.Sprint(body["title"]), Body: fmt.Sprint(body["body"])}
	_, ahead := r.compare(p.Base + "..." + p.Head)
	if document, ok := ahead.(object); !ok || document["total_commits"] == 0 {
		return problem(http.StatusUnprocessableEntity, "Validation Failed")
	}
	if slices.ContainsFunc(r.Requests, func(other *Pull) bool { return other.Open && other.Head == p.Head }) {
		return problem(http.StatusUnprocessableEntity, "A pull request already exists for "+p.Head)
	}
	r.Requests = append(r.Requests, p)
	return http.StatusCreated, p.document(full, r)
}

func (r *Repo) request(number string) *Pull {
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || n > len(r.Requests) {
		return nil
	}
	return r.Requests[n-1]
}

func (r *Repo) comments(method, number string, body object) (int, any) {
	var comments *[]string
	if p := r.request(number); p != nil {
		comments = &p.Comments
	} else if i := r.issue(number); i != nil {
		comments = &i.Comments
	} else {
		return problem(http.StatusNotFound, "Not Found")
	}
	if p := r.request(number); method == http.MethodPost && p != nil && p.Locked {
		return problem(http.StatusForbidden, "Unable to create comment because issue is locked.")
	}
	if method == http.MethodPost {
		*comments = append(*comments, fmt.Sprint(body["body"]))
		return http.StatusCreated, object{"body": body["body"]}
	}
	all := []object{}
	for _, c := range *comments {
		all = append(all, object{"body": c})
	}
	return http.StatusOK, all
}

// RenameDefault renames the default branch, which gives open pull requests for it the new base.
func (r *Repo) RenameDefault(to string) {
	for _, p := range r.Requests {
		if p.Open && p.Base == r.DefaultBranch {
			p.Base = to
		}
	}
	r.Refs["heads/"+to] = r.Refs["heads/"+r.DefaultBranch]
	delete(r.Refs, "heads/"+r.DefaultBranch)
	r.DefaultBranch = to
}

// DeleteBranch deletes a branch, which closes its pull request.
func (r *Repo) DeleteBranch(name string) {
	delete(r.Refs, "heads/"+name)
	for _, p := range r.Requests {
		if p.Head == name {
			p.Open = false
		}
	}
}

// Push moves a branch to a commit with a message and the files of another branch, as somebody does by force.
func (r *Repo) Push(branch, of, message string, parents ...string) {
	r.Refs["heads/"+branch] = r.commit(r.Trees[r.Refs["heads/"+of]], parents, message)
}

// Head returns the files of the default branch, and how many commits it has; nil if there is no such branch.
func (r *Repo) Head() (files []actions.FileChange, commits int) {
	for commit := r.Refs["heads/"+r.DefaultBranch]; commit != ""; {
		if commits++; commits == 1 {
			files = r.Files[r.Trees[commit]]
		}
		parents := r.Parents[commit]
		if commit = ""; len(parents) > 0 {
			commit = parents[0]
		}
	}
	return files, commits
}

// Commit adds a commit to the default branch, as somebody else does.
func (r *Repo) Commit() {
	ref := "heads/" + r.DefaultBranch
	r.Refs[ref] = r.commit(r.Trees[r.Refs[ref]], []string{r.Refs[ref]}, "by somebody")
}
