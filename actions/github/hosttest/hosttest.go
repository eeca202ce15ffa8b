// Package hosttest is a GitHub in memory for tests of what actions write: accounts, repositories, their git objects and
// settings. It answers as GitHub does, as far as actions ask.
package hosttest

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/actions/github"
)

// Repo is a repository.
type Repo struct {
	ID            int64
	CreatedAt     time.Time
	DefaultBranch string
	Description   string
	Private       bool
	Refs          map[string]string   // commits by "heads/main"
	Parents       map[string][]string // of each commit
	Trees         map[string]string   // of each commit
	Messages      map[string]string   // of each commit
	Files         map[string][]actions.FileChange
	Blobs         map[string][]byte
	Checks        map[string]string   // state of the checks of a commit, as GraphQL names it; "": none
	Failing       map[string][]string // names of the checks of a commit that fail; none: "test" if it is red
	Hidden        []string            // paths that .gitattributes excludes from archives
	Submodules    []string            // paths, which archives have as empty directories
	Issues, Pulls int
	Opened        []*Issue // issues that were opened through the API
	Requests      []*Pull  // pull requests that were opened, the first one before the others
	Archived      bool
	ReadOnly      bool     // the token may not push
	Settings      []string // requests that changed settings: "POST rulesets {…}"
	Set           Settings
	Made          int // how often its creation was answered
}

// Server is a GitHub. Its fields may be changed between requests.
type Server struct {
	URL    string // of the API
	Login  string // of the token
	Scopes string // of the token; "-": it is a fine-grained one
	Token  string
	Orgs   map[string]string // role of Login by organization; "": no member
	Closed bool              // members may not create repositories
	Branch string            // default branch of new repositories
	Repos  map[string]*Repo  // by full name
	Moved  map[string]string // new full names of repositories by old ones
	Teams  map[string]int64  // ids by organization/team
	// Permissions are those of an App's installation; nil: no App is asked for. An App has no rights of a person.
	Permissions map[string]string
	NoGraphQL   int // status with which queries are refused; 0: they are answered
	Now         func() time.Time
	// Before is called with each request; the request is not answered if it returns false. After: likewise, but after the
	// request was obeyed. Both may be nil.
	Before, After func(r *http.Request) bool
	// Refuse may answer a request with an error, and headers. It may be nil; 0: the request is answered.
	Refuse func(r *http.Request, header http.Header) (status int, message string)
	// Instead may answer a request that was obeyed with the error of a gateway. It may be nil; 0: the answer is sent.
	Instead func(r *http.Request) (status int)

	mutex    sync.Mutex
	next     int64
	Writes   []string // methods and paths of what changed something
	Reads    []string // paths of what was read; graphql for a query
	t        *testing.T
	contract *Contract
}

// Interrupt sets Before and After, also while requests of a client that has gone are still answered.
func (s *Server) Interrupt(before, after func(r *http.Request) bool) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.Before, s.After = before, after
}

// New starts a server for the time of a test. A write that GitHub's description of its API does not allow fails the
// test.
func New(t *testing.T) *Server {
	t.Helper()
	s := &Server{Login: "ada", Scopes: "repo, workflow, delete_repo", Token: "secret-token-of-ada", Branch: "main",
		Orgs: map[string]string{"acme": "member"}, Repos: map[string]*Repo{}, Now: time.Now, next: 100,
		t: t, contract: Published(t)}
	server := httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(server.Close)
	s.URL = server.URL + "/api/v3"
	return s
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.Before != nil && !s.Before(r) {
		panic(http.ErrAbortHandler)
	}
	if s.Scopes != "-" {
		w.Header().Set("X-OAuth-Scopes", s.Scopes)
	}
	status, body := s.refused(w, r)
	if status == 0 {
		status, body = s.answer(r)
	}
	s.note(r, status)
	if s.Instead != nil {
		if failed := s.Instead(r); failed != 0 {
			status, body = problem(failed, http.StatusText(failed))
		}
	}
	if s.After != nil && !s.After(r) {
		panic(http.ErrAbortHandler)
	}
	if packed, ok := body.([]byte); ok {
		w.WriteHeader(status)
		_, _ = w.Write(packed) //nolint:gosec // a compressed archive
		return
	}
	if to, ok := body.(redirect); ok {
		w.Header().Set("Location", string(to))
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	if body != nil {
		_ = json.NewEncoder(w).Encode(body)
	}
}

// note records what a request did.
func (s *Server) note(r *http.Request, status int) {
	path := strings.TrimPrefix(r.URL.Path, "/api/v3/")
	switch {
	case r.URL.Path == graphQL:
		s.Reads = append(s.Reads, "graphql")
	case strings.HasPrefix(path, "/"): // the server of archives
	case r.Method == http.MethodGet:
		s.Reads = append(s.Reads, path)
	case status < http.StatusBadRequest:
		s.Writes = append(s.Writes, r.Method+" "+path)
	}
}

func (s *Server) refused(w http.ResponseWriter, r *http.Request) (int, any) {
	if s.Refuse == nil {
		return 0, nil
	}
	status, message := s.Refuse(r, w.Header())
	if status == 0 {
		return 0, nil
	}
	return problem(status, message)
}

// redirect is the address to which an answer redirects.
type redirect string

type object = map[string]any

func problem(status int, message string) (int, any) { return status, object{"message": message} }

func (s *Server) answer(r *http.Request) (int, any) {
	if archive, ok := strings.CutPrefix(r.URL.Path, "/archives/"); ok {
		return s.archive(archive)
	}
	if installation, ok := strings.CutPrefix(r.URL.Path, "/api/v3/app/installations/"); ok && s.Permissions != nil {
		if strings.HasSuffix(installation, "/access_tokens") {
			return http.StatusCreated, object{"token": s.Token, "expires_at": time.Now().Add(time.Hour)}
		}
		return http.StatusOK, object{"permissions": s.Permissions}
	}
	if r.Header.Get("Authorization") != "Bearer "+s.Token {
		return problem(http.StatusUnauthorized, "Bad credentials")
	}
	path := strings.Split(strings.TrimPrefix(r.URL.Path, "/api/v3/"), "/")
	raw, _ := io.ReadAll(r.Body)
	body := object{}
	_ = json.Unmarshal(raw, &body)
	if r.Method != http.MethodGet && r.URL.Path != graphQL {
		if err := s.contract.Check(r.Method, strings.TrimPrefix(r.URL.EscapedPath(), "/api/v3"), raw); err != nil {
			s.t.Error(err)
			return problem(http.StatusUnprocessableEntity, err.Error())
		}
	}
	switch {
	case r.URL.Path == graphQL && s.NoGraphQL != 0:
		return problem(s.NoGraphQL, http.StatusText(s.NoGraphQL))
	case r.URL.Path == graphQL:
		return s.graphQL(body)
	case path[0] == "user" && len(path) == 1:
		return http.StatusOK, object{"login": s.Login, "type": "User"}
	case path[0] == "users":
		return s.account(path[1])
	case path[0] == "orgs" && len(path) == 2:
		return http.StatusOK, object{"login": path[1], "members_can_create_repositories": !s.Closed}
	case path[0] == "orgs" && path[2] == "teams":
		if id := s.Teams[path[1]+"/"+path[3]]; id != 0 {
			return http.StatusOK, object{"id": id, "slug": path[3]}
		}
	case path[0] == "orgs" && path[2] == "memberships":
		if role := s.Orgs[path[1]]; role != "" {
			return http.StatusOK, object{"role": role, "state": "active"}
		}
	case path[0] == "orgs" && path[2] == "repos" && r.Method == http.MethodPost:
		return s.create(path[1], body)
	case path[0] == "user" && r.Method == http.MethodPost:
		return s.create(s.Login, body)
	case path[0] == "repos" && len(path) >= 3:
		full := path[1] + "/" + path[2]
		if repo := s.Repos[full]; repo != nil {
			return s.repo(r, full, repo, path[3:], body, raw)
		}
		if to := s.Moved[full]; to != "" {
			status := http.StatusMovedPermanently
			if r.Method != http.MethodGet {
				status = http.StatusTemporaryRedirect
			}
			return status, redirect(strings.Replace(r.URL.RequestURI(), "/"+full, "/"+to, 1))
		}
	}
	return problem(http.StatusNotFound, "Not Found")
}

func (s *Server) account(login string) (int, any) {
	if _, ok := s.Orgs[login]; ok {
		return http.StatusOK, object{"login": login, "type": "Organization"}
	}
	if login == s.Login || login == "bob" {
		return http.StatusOK, object{"login": login, "type": "User", "id": personID}
	}
	return problem(http.StatusNotFound, "Not Found")
}

func (s *Server) create(owner string, body object) (int, any) {
	full := fmt.Sprintf("%s/%s", owner, body["name"])
	if repo := s.Repos[full]; repo != nil {
		return http.StatusUnprocessableEntity, object{"message": "Repository creation failed.", "errors": []object{
			{"resource": "Repository", "code": "custom", "field": "name", "message": "name already exists on this account"}}}
	}
	s.next++
	repo := &Repo{ID: s.next, CreatedAt: s.Now().UTC().Truncate(time.Second), DefaultBranch: s.Branch,
		Description: fmt.Sprint(body["description"]), Private: body["private"] == true, Refs: map[string]string{},
		Parents: map[string][]string{}, Trees: map[string]string{}, Messages: map[string]string{},
		Files: map[string][]actions.FileChange{},
		Blobs: map[string][]byte{}, Checks: map[string]string{}, Made: 1}
	s.Repos[full] = repo
	repo.Set.Cleanup = body["delete_branch_on_merge"] == true
	if body["auto_init"] == true {
		readme := []actions.FileChange{{Path: "README.md", After: []byte("# " + fmt.Sprint(body["name"]) + "\n")}}
		tree := github.TreeID(readme)
		repo.Files[tree] = readme
		repo.Refs["heads/"+s.Branch] = repo.commit(tree, nil, "Initial commit")
	}
	return http.StatusCreated, s.document(full, repo)
}

func (r *Repo) commit(tree string, parents []string, message string) string {
	sum := sha256.Sum256([]byte(tree + strings.Join(parents, " ") + message + fmt.Sprint(len(r.Trees))))
	id := hex.EncodeToString(sum[:20])
	r.Trees[id], r.Parents[id], r.Messages[id] = tree, parents, message
	return id
}

func (s *Server) document(full string, r *Repo) object {
	visibility := "public"
	if r.Private {
		visibility = "private"
	}
	person := s.Permissions == nil // an App is none
	return object{"id": r.ID, "full_name": full, "default_branch": r.DefaultBranch, "created_at": r.CreatedAt,
		"html_url": "https://github.example/" + full, "clone_url": "https://github.example/" + full + ".git",
		"description": r.Description, "private": r.Private, "archived": r.Archived,
		"permissions": object{"push": person && !r.ReadOnly, "admin": person && !r.ReadOnly}, "visibility": visibility,
		"delete_branch_on_merge": r.Set.Cleanup, "security_and_analysis": r.security()}
}

func (s *Server) repo(r *http.Request, full string, repo *Repo, path []string, body object, raw []byte) (int, any) {
	if len(path) == 0 {
		return s.whole(r, full, repo, body, raw)
	}
	list := func(n int) (int, any) { return http.StatusOK, slices.Repeat([]object{{"number": 1}}, min(n, 1)) }
	switch path[0] {
	case "commits":
		if len(path) > 1 {
			return s.commitOf(r, repo, path[1:])
		}
		return repo.log(cmp.Or(r.URL.Query().Get("sha"), repo.DefaultBranch))
	case "branches":
		if name, ok := strings.CutSuffix(strings.Join(path[1:], "/"), "/protection"); ok {
			if repo.Set.Classic == nil || name != repo.DefaultBranch {
				return problem(http.StatusNotFound, "Branch not protected")
			}
			return http.StatusOK, repo.Set.Classic
		}
		if len(path) > 1 {
			return repo.branch(strings.Join(path[1:], "/"))
		}
		all := []object{}
		for _, name := range slices.Sorted(maps.Keys(repo.Refs)) {
			if branch, ok := strings.CutPrefix(name, "heads/"); ok {
				all = append(all, object{"name": branch, "commit": object{"sha": repo.Refs[name]}})
			}
		}
		return http.StatusOK, all
	case "compare":
		return repo.compare(strings.Join(path[1:], "/"))
	case "tarball":
		return http.StatusFound, redirect("/archives/" + full + "/" + path[1])
	case "issues":
		if len(path) == 3 && path[2] == "comments" {
			return repo.comments(r.Method, path[1], body)
		}
		if len(path) == 2 && r.Method == http.MethodPatch {
			return repo.changeIssue(full, path[1], body)
		}
		if len(path) == 1 && (r.Method == http.MethodPost || r.URL.Query().Has("labels")) {
			return repo.issues(r, full, body)
		}
		return list(repo.Issues + repo.Pulls)
	case "pulls":
		if len(path) > 1 || r.Method != http.MethodGet || r.URL.Query().Has("head") || r.URL.Query().Has("sort") {
			return repo.pulls(r, full, path[1:], body)
		}
		return list(repo.Pulls + len(repo.Requests))
	case "releases", "forks":
		return list(0)
	case "git":
		return repo.git(r.Method, path[1:], body)
	case "contents":
		return repo.content(strings.Join(path[1:], "/"), r.URL.Query().Get("ref"))
	case rulesetsPath, "rules", "actions", reportingPath, "environments":
		return s.setting(r, full, repo, path, body, raw)
	}
	return problem(http.StatusNotFound, "Not Found")
}

func (s *Server) whole(r *http.Request, full string, repo *Repo, body object, raw []byte) (int, any) {
	switch r.Method {
	case http.MethodDelete:
		delete(s.Repos, full)
		return http.StatusNoContent, nil
	case http.MethodPatch:
		if branch, ok := body["default_branch"].(string); ok {
			repo.DefaultBranch = branch
		} else {
			repo.Settings = append(repo.Settings, "PATCH  "+string(raw))
			repo.change(body)
		}
	}
	return http.StatusOK, s.document(full, repo)
}

func (r *Repo) log(branch string) (int, any) {
	if len(r.Refs) == 0 {
		return problem(http.StatusConflict, "Git Repository is empty.")
	}
	commit, ok := r.Refs["heads/"+branch]
	if !ok {
		return problem(http.StatusNotFound, "Not Found")
	}
	all := []object{}
	for commit != "" {
		all = append(all, object{"sha": commit})
		parents := r.Parents[commit]
		if commit = ""; len(parents) > 0 {
			commit = parents[0]
		}
	}
	return http.StatusOK, all
}

// content answers with a file of a commit.
func (r *Repo) content(name, commit string) (int, any) {
	commit = cmp.Or(commit, r.Refs["heads/"+r.DefaultBranch])
	for _, f := range r.Files[r.Trees[commit]] {
		if f.Path == name {
			return http.StatusOK, object{"path": name, "content": base64.StdEncoding.EncodeToString(f.After)}
		}
	}
	return problem(http.StatusNotFound, "Not Found")
}

// git answers what is below git/.
func (r *Repo) git(method string, path []string, body object) (int, any) {
	text := func(v any) string {
		s, _ := v.(string)
		return s
	}
	if len(r.Refs) == 0 && method == http.MethodPost {
		return problem(http.StatusConflict, "Git Repository is empty.")
	}
	switch name := strings.Join(path, "/"); {
	case name == "blobs":
		content, err := base64.StdEncoding.DecodeString(text(body["content"]))
		if err != nil {
			return problem(http.StatusUnprocessableEntity, "content is not valid Base64")
		}
		id := github.BlobID(content)
		r.Blobs[id] = content
		return http.StatusCreated, object{"sha": id}
	case name == "trees":
		return r.tree(body)
	case path[0] == "trees" && method == http.MethodGet:
		return http.StatusOK, object{"tree": r.entries(path[1])}
	case path[0] == "commits" && method == http.MethodGet:
		return http.StatusOK, object{"sha": path[1], "message": r.Messages[path[1]]}
	case path[0] == "blobs" && method == http.MethodGet:
		return r.blob(path[1])
	case name == "commits":
		tree := text(body["tree"])
		if _, ok := r.Files[tree]; !ok {
			return problem(http.StatusUnprocessableEntity, "Tree SHA does not exist")
		}
		var parents []string
		if list, ok := body["parents"].([]any); ok {
			for _, p := range list {
				parents = append(parents, text(p))
			}
		}
		return http.StatusCreated, object{"sha": r.commit(tree, parents, text(body["message"]))}
	case name == "refs":
		ref, sha := strings.TrimPrefix(text(body["ref"]), "refs/"), text(body["sha"])
		if r.Refs[ref] != "" || r.Trees[sha] == "" {
			return problem(http.StatusUnprocessableEntity, "Reference already exists")
		}
		r.Refs[ref] = sha
		return http.StatusCreated, object{"ref": body["ref"]}
	case path[0] == "refs" && method == http.MethodPatch:
		ref, sha := strings.Join(path[1:], "/"), text(body["sha"])
		if r.Refs[ref] == "" || r.Trees[sha] == "" || body["force"] != true {
			return problem(http.StatusUnprocessableEntity, "Update is not a fast forward")
		}
		r.Refs[ref] = sha
		return http.StatusOK, object{"ref": "refs/" + ref}
	case path[0] == "refs" && method == http.MethodDelete:
		delete(r.Refs, strings.Join(path[1:], "/"))
		return http.StatusNoContent, nil
	case path[0] == "matching-refs":
		return http.StatusOK, []object{}
	}
	return problem(http.StatusNotFound, "Not Found")
}

func (r *Repo) tree(body object) (int, any) {
	entries, _ := body["tree"].([]any)
	files := slices.Clone(r.Files[fmt.Sprint(body["base_tree"])])
	for _, e := range entries {
		entry, _ := e.(object)
		var content []byte
		files = slices.DeleteFunc(files, func(f actions.FileChange) bool { return f.Path == entry["path"] })
		if sha, given := entry["sha"]; given && sha == nil {
			continue
		}
		switch sha, byID := entry["sha"].(string); {
		case byID:
			var found bool
			if content, found = r.contentOf(sha); !found {
				return problem(http.StatusUnprocessableEntity, "tree.sha "+sha+" is not a valid blob")
			}
		case entry["content"] != nil:
			content = []byte(fmt.Sprint(entry["content"]))
		default:
			return problem(http.StatusUnprocessableEntity, "tree.sha or tree.content is required")
		}
		files = append(files, actions.FileChange{Path: fmt.Sprint(entry["path"]), After: content,
			Executable: entry["mode"] == "100755"})
	}
	id := github.TreeID(files)
	r.Files[id] = files
	return http.StatusCreated, object{"sha": id}
}
