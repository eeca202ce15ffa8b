package github

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/collectors/github/client"
)

// Branch is the branch to which the first commit goes.
const Branch = "main"

// Repository is a repository that is to be created.
type Repository struct {
	Owner, Name string
	Description string
	Visibility  string // private, internal or public
}

// FullName is owner/name.
func (r Repository) FullName() string { return r.Owner + "/" + r.Name }

// Created is a repository that exists.
type Created struct {
	ID            int64     `json:"id"`
	FullName      string    `json:"full_name"`
	DefaultBranch string    `json:"default_branch"`
	HTMLURL       string    `json:"html_url"`
	CloneURL      string    `json:"clone_url"`
	CreatedAt     time.Time `json:"created_at"`
	Description   string    `json:"description"`
}

// creation is the body of the request that creates a repository. With auto_init it gets a commit, because GitHub takes
// no tree for a repository without one; the first push replaces it.
type creation struct {
	Name                string `json:"name"`
	Description         string `json:"description"`
	Private             bool   `json:"private"`
	Visibility          string `json:"visibility,omitempty"`
	AutoInit            bool   `json:"auto_init"`
	DeleteBranchOnMerge bool   `json:"delete_branch_on_merge"`
}

func (r Repository) creation(organization bool) creation {
	c := creation{Name: r.Name, Description: r.Description, Private: r.Visibility != "public", AutoInit: true,
		DeleteBranchOnMerge: true}
	if organization { // of a person's repositories, GitHub takes no visibility
		c.Visibility = r.Visibility
	}
	return c
}

// account is a person or an organization.
type account struct {
	Login string `json:"login"`
	Type  string `json:"type"`
}

func (a account) organization() bool { return a.Type == "Organization" }

// Find returns a repository; nil if there is none that the credentials can see.
func (h *Host) Find(ctx context.Context, fullName string) (*Created, error) {
	var found Created
	_, err := h.client.Get(ctx, "repos/"+fullName, "", &found)
	if client.Status(err) == http.StatusNotFound {
		return nil, nil //nolint:nilnil // none is no error
	}
	if err != nil {
		return nil, fmt.Errorf("looking for the repository %s: %w", fullName, err)
	}
	return &found, nil
}

// createPath returns the path below the API at which repositories of an account are created.
func createPath(a account) string {
	if a.organization() {
		return "orgs/" + a.Login + "/repos"
	}
	return "user/repos"
}

// Create creates a repository.
func (h *Host) Create(ctx context.Context, r Repository, of string) (*Created, error) {
	owner := account{Login: r.Owner, Type: of}
	var created Created
	err := h.send(ctx, http.MethodPost, createPath(owner), r.creation(owner.organization()), &created)
	if err != nil {
		return nil, fmt.Errorf("creating the repository %s: %w", r.FullName(), err)
	}
	return &created, nil
}

// treeEntry is a file of a tree.
type treeEntry struct {
	Path    string `json:"path"`
	Mode    string `json:"mode"`
	Type    string `json:"type"`
	Content string `json:"content,omitempty"`
	SHA     string `json:"sha,omitempty"`
}

// Push makes a commit without parents of the files and returns it. No branch has it yet, see [Host.Move].
func (h *Host) Push(ctx context.Context, fullName string, files []actions.FileChange, message string) (string, error) {
	fail := func(err error) (string, error) { return "", fmt.Errorf("pushing to %s: %w", fullName, err) }
	var body struct {
		Tree []treeEntry `json:"tree"`
	}
	for _, f := range files {
		entry := treeEntry{Path: f.Path, Mode: mode(f), Type: "blob"}
		// A request with neither content nor sha would delete the file, and JSON holds only text.
		if len(f.After) > 0 && utf8.Valid(f.After) {
			entry.Content = string(f.After)
		} else if err := h.blob(ctx, fullName, f.After, &entry); err != nil {
			return fail(err)
		}
		body.Tree = append(body.Tree, entry)
	}
	var tree, commit struct {
		SHA string `json:"sha"`
	}
	if err := h.send(ctx, http.MethodPost, "repos/"+fullName+"/git/trees", body, &tree); err != nil {
		return fail(err)
	}
	if want := TreeID(files); tree.SHA != want {
		return fail(fmt.Errorf("GitHub stored the files as tree %s, which should be %s; nothing was pushed", tree.SHA, want))
	}
	err := h.send(ctx, http.MethodPost, "repos/"+fullName+"/git/commits", commitOf(files, message), &commit)
	if err != nil {
		return fail(err)
	}
	return commit.SHA, nil
}

// commitBody is the body of the request that makes the commit. Without an author, it is the account of the credentials,
// and GitHub signs the commits of Apps.
type commitBody struct {
	Message string   `json:"message"`
	Tree    string   `json:"tree"`
	Parents []string `json:"parents"`
}

func commitOf(files []actions.FileChange, message string) commitBody {
	return commitBody{Message: message, Tree: TreeID(files), Parents: []string{}}
}

// blob stores a content that a tree cannot carry.
func (h *Host) blob(ctx context.Context, fullName string, content []byte, entry *treeEntry) error {
	body := struct {
		Content  []byte `json:"content"` // base64, as encoding/json writes bytes
		Encoding string `json:"encoding"`
	}{append([]byte{}, content...), "base64"}
	var stored struct {
		SHA string `json:"sha"`
	}
	if err := h.send(ctx, http.MethodPost, "repos/"+fullName+"/git/blobs", body, &stored); err != nil {
		return err
	}
	entry.SHA = stored.SHA
	return nil
}

// Commits returns the newest commits of a branch, at most 100; none if there is no such branch.
func (h *Host) Commits(ctx context.Context, fullName, branch string) ([]string, error) {
	var list []struct {
		SHA string `json:"sha"`
	}
	_, err := h.client.Get(ctx, "repos/"+fullName+"/commits?per_page=100&sha="+url.QueryEscape(branch), "", &list)
	switch client.Status(err) {
	case http.StatusNotFound, http.StatusConflict: // no branch; an empty repository
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing the commits of %s: %w", fullName, err)
	}
	commits := make([]string, len(list))
	for i, c := range list {
		commits[i] = c.SHA
	}
	return commits, nil
}

// FirstCommit returns the commit that GitHub made with a repository, as a list; none if there is none. The error wraps
// [ErrForeign] if the default branch has anything else: more commits, or one with other files than README.md.
func (h *Host) FirstCommit(ctx context.Context, r *Created) ([]string, error) {
	commits, err := h.Commits(ctx, r.FullName, r.DefaultBranch)
	if err != nil || len(commits) == 0 {
		return nil, err
	}
	if len(commits) > 1 {
		return nil, fmt.Errorf("%s: %w: it has several commits", r.FullName, ErrForeign)
	}
	var tree struct {
		Tree []struct {
			Path string `json:"path"`
		} `json:"tree"`
	}
	if _, err := h.client.Get(ctx, "repos/"+r.FullName+"/git/trees/"+commits[0], "", &tree); err != nil {
		return nil, fmt.Errorf("looking at the first commit of %s: %w", r.FullName, err)
	}
	if len(tree.Tree) != 1 || tree.Tree[0].Path != "README.md" {
		return nil, fmt.Errorf("%s: %w: the commit %.12s", r.FullName, ErrForeign, commits[0])
	}
	return commits, nil
}

// Generated returns an error that wraps [ErrForeign] unless the one commit of a repository is as GitHub makes it with a
// repository: with its message, and with a README.md that has only the name and the description.
func (h *Host) Generated(ctx context.Context, r *Created, commit string) error {
	fail := func(err error) error {
		return fmt.Errorf("looking at the first commit of %s: %w", r.FullName, err)
	}
	var made struct {
		Message string `json:"message"`
	}
	if _, err := h.client.Get(ctx, "repos/"+r.FullName+"/git/commits/"+commit, "", &made); err != nil {
		return fail(err)
	}
	var readme struct {
		Content string `json:"content"` // base64, with line breaks
	}
	if _, err := h.client.Get(ctx, "repos/"+r.FullName+"/contents/README.md?ref="+commit, "", &readme); err != nil {
		return fail(err)
	}
	text, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(readme.Content, "\n", ""))
	if err != nil {
		return fail(err)
	}
	_, name, _ := strings.Cut(r.FullName, "/")
	rest, named := strings.CutPrefix(string(text), "# "+name)
	if rest = strings.TrimSpace(rest); made.Message != "Initial commit" || !named || rest != "" && rest != r.Description {
		return fmt.Errorf("%s: %w: the commit %.12s", r.FullName, ErrForeign, commit)
	}
	return nil
}

// Refused reports whether GitHub has answered a request with a refusal, so that it has done nothing.
func Refused(err error) bool {
	status := client.Status(err)
	return status >= http.StatusBadRequest && status < http.StatusInternalServerError
}

// ErrForeign is the error of overwriting or deleting what dxctl did not make.
var ErrForeign = errors.New("it has what dxctl did not make")

// Move makes a commit the only one of the branch main, and main the default branch. first are the commits that GitHub
// made with the repository; any other one is foreign. Doing it again changes nothing.
func (h *Host) Move(ctx context.Context, r *Created, commit string, first []string) error {
	fail := func(err error) error { return fmt.Errorf("pushing to %s: %w", r.FullName, err) }
	there, err := h.Commits(ctx, r.FullName, Branch)
	if err != nil {
		return fail(err)
	}
	switch {
	case slices.Equal(there, []string{commit}):
	case len(there) > 1, len(there) == 1 && !slices.Contains(first, there[0]):
		return fail(fmt.Errorf("the branch %s: %w: a commit %.12s", Branch, ErrForeign, there[0]))
	case len(there) == 1:
		err = h.send(ctx, http.MethodPatch, "repos/"+r.FullName+"/git/refs/heads/"+Branch,
			map[string]any{"sha": commit, "force": true}, nil)
	default:
		err = h.send(ctx, http.MethodPost, "repos/"+r.FullName+"/git/refs",
			map[string]string{"ref": "refs/heads/" + Branch, "sha": commit}, nil)
	}
	if err != nil {
		return fail(err)
	}
	if r.DefaultBranch == Branch {
		return nil
	}
	err = h.send(ctx, http.MethodPatch, "repos/"+r.FullName, map[string]string{"default_branch": Branch}, nil)
	if err != nil {
		return fail(err)
	}
	err = h.send(ctx, http.MethodDelete, "repos/"+r.FullName+"/git/refs/heads/"+r.DefaultBranch, nil, nil)
	if code := client.Status(err); code == http.StatusNotFound || code == http.StatusUnprocessableEntity {
		err = nil // it is gone already
	}
	if err != nil {
		return fail(err)
	}
	r.DefaultBranch = Branch
	return nil
}
