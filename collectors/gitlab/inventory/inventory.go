// Package inventory lists what a group or a user has at GitLab, before anything is configured; see [source.Inventory].
//
// REST lists 100 projects at a time, and a GraphQL query shows which of the wanted files each of them has, with the
// text of the CI configuration. GitLab shows environments for one project in a request only, so they are read of the
// chosen projects.
package inventory

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/dxctl/dxctl/collectors/gitlab/listing"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/source"
)

// Inventory is the inventory of one group or user. It is not safe for concurrent use.
type Inventory struct {
	*listing.Client
	token string
	group string
	user  bool // the group is the account of a person
	plain bool // GraphQL refuses the text of files: only names are asked for
	notes []string
}

// New returns the inventory of a group or user; empty: only single projects are listed. token is that of the client,
// for GraphQL.
func New(c *listing.Client, token, group string) *Inventory {
	return &Inventory{Client: c, token: token, group: group}
}

// project is what is used of a project in a listing.
type project struct {
	ID            int64            `json:"id"`
	Path          string           `json:"path_with_namespace"`
	Description   string           `json:"description"`
	WebURL        string           `json:"web_url"`
	DefaultBranch string           `json:"default_branch"`
	Archived      bool             `json:"archived"`
	EmptyRepo     bool             `json:"empty_repo"`
	ActiveAt      source.Timestamp `json:"last_activity_at"`
	ForkedFrom    *struct {
		ID int64 `json:"id"`
	} `json:"forked_from_project"`
	MarkedForDeletion   string `json:"marked_for_deletion_on"`
	MarkedForDeletionAt string `json:"marked_for_deletion_at"`
	RepositoryAccess    string `json:"repository_access_level"` // disabled: it has no repository
}

func (p project) repository() source.Repository {
	r := source.Repository{ID: strconv.FormatInt(p.ID, 10), Path: p.Path, Description: p.Description, URL: p.WebURL,
		ActiveAt: p.ActiveAt.Time, Unread: true}
	switch {
	case p.Archived:
		r.LeftOut = "archived"
	case p.MarkedForDeletion != "" || p.MarkedForDeletionAt != "":
		r.LeftOut = "marked for deletion"
	case p.ForkedFrom != nil:
		r.LeftOut = "fork"
	case p.EmptyRepo:
		r.LeftOut = "empty"
	case p.RepositoryAccess == "disabled":
		r.LeftOut = "without a repository"
	case p.DefaultBranch == "" && p.RepositoryAccess != "": // GitLab shows neither to a guest
		r.LeftOut = "without a default branch"
	}
	return r
}

// Repositories lists the projects of the group and its subgroups, or of the user.
func (v *Inventory) Repositories(ctx context.Context, listed func(done, total int)) (source.Listing, error) {
	all := source.Listing{Account: v.group}
	path := "groups/" + url.PathEscape(v.group) + "/projects"
	query := "include_subgroups=true&with_shared=false&order_by=id&sort=asc&per_page=100"
	for first := true; query != ""; first = false {
		var page []project
		got, err := v.Read(ctx, path+"?"+query, "", &page)
		if first && rest.IsGone(err) && !v.user {
			v.user, path, query = true, "users/"+url.PathEscape(v.group)+"/projects", "order_by=id&sort=asc&per_page=100"
			got, err = v.Read(ctx, path+"?"+query, "", &page)
		}
		if err != nil {
			return all, fmt.Errorf("group or user %s: %w", v.group, err)
		}
		repositories := make([]source.Repository, 0, len(page))
		for _, p := range page {
			if p.ID > 0 && p.Path != "" {
				repositories = append(repositories, p.repository())
			}
		}
		if err := v.readFiles(ctx, repositories); err != nil {
			return all, err
		}
		all.Repositories = append(all.Repositories, repositories...)
		total := 0
		if got.Total != nil {
			total = int(*got.Total)
		}
		listed(len(all.Repositories), total)
		query = got.Next
	}
	all.Notes = v.notes
	return all, nil
}

// Named lists the projects with these paths or ids.
func (v *Inventory) Named(ctx context.Context, paths []string) (source.Listing, error) {
	all := source.Listing{}
	var errs []error
	for _, path := range paths {
		var p project
		if _, err := v.Read(ctx, "projects/"+url.PathEscape(path), "", &p); err != nil {
			if errors.Is(err, rest.ErrUnauthorized) || ctx.Err() != nil {
				return all, err
			}
			errs = append(errs, fmt.Errorf("project %s: %w", path, err))
			continue
		}
		r := p.repository()
		if strings.Trim(path, "0123456789") == "" {
			r.Configured = path
		}
		all.Repositories = append(all.Repositories, r)
	}
	for part := range slices.Chunk(all.Repositories, 100) {
		if err := v.readFiles(ctx, part); err != nil {
			return all, err
		}
	}
	all.Notes = v.notes
	return all, errors.Join(errs...)
}

const ciFile = ".gitlab-ci.yml"

// wantedFiles are the files that are looked for.
var wantedFiles = append([]string{"Dockerfile", "Containerfile", ciFile, "catalog-info.yaml", "catalog-info.yml"},
	codeownersFiles...)

// codeownersFiles are where GitLab looks for CODEOWNERS, in its order.
var codeownersFiles = []string{"CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"}

const filesQuery = `query($ids: [ID!], $paths: [String!]!) { projects(ids: $ids, first: 100) { nodes { id repository {
named: blobs(paths: $paths) { nodes { path } } %s } } } }`

const ciTextField = `ci: blobs(paths: ["` + ciFile + `"]) { nodes { path rawTextBlob } }`

type blobs struct {
	Nodes []struct {
		Path        string `json:"path"`
		RawTextBlob string `json:"rawTextBlob"`
	} `json:"nodes"`
}

// readFiles adds to the projects, at most 100, what their files show. Without GraphQL they are not known, which is
// noted; the error is about all requests.
func (v *Inventory) readFiles(ctx context.Context, projects []source.Repository) error {
	var ids []string
	for _, r := range projects {
		if r.LeftOut == "" {
			ids = append(ids, "gid://gitlab/Project/"+r.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	var data struct {
		Projects struct {
			Nodes []*struct {
				ID         string `json:"id"`
				Repository *struct {
					Named blobs `json:"named"`
					CI    blobs `json:"ci"`
				} `json:"repository"`
			} `json:"nodes"`
		} `json:"projects"`
	}
	text := ciTextField
	if v.plain {
		text = ""
	}
	err := v.graphQL(ctx, fmt.Sprintf(filesQuery, text), map[string]any{"ids": ids, "paths": wantedFiles}, &data)
	switch {
	case errors.Is(err, rest.ErrUnauthorized) || ctx.Err() != nil:
		return err
	case err != nil && len(data.Projects.Nodes) == 0 && !v.plain && !rest.HasStatus(err, 403, 404):
		// The text of files may be too complex, or take too long, for the server.
		v.plain = true
		v.note(fmt.Sprintf("GitLab does not show the text of %s (%v): a Dockerfile and environments are the only signs of a "+
			"service", ciFile, err))
		return v.readFiles(ctx, projects)
	case err != nil && len(data.Projects.Nodes) == 0:
		v.note(fmt.Sprintf("GraphQL does not show the files of the projects (%v): whether they are services is not known",
			err))
		return nil
	}
	for _, n := range data.Projects.Nodes {
		if n == nil || n.Repository == nil {
			continue
		}
		i := slices.IndexFunc(projects, func(r source.Repository) bool { return "gid://gitlab/Project/"+r.ID == n.ID })
		if i < 0 {
			continue
		}
		r := &projects[i]
		r.Unread = false
		for _, blob := range n.Repository.Named.Nodes {
			addFile(r, blob.Path)
		}
		for _, blob := range n.Repository.CI.Nodes {
			if deploys, environments := source.WorkflowDeployment(blob.RawTextBlob); deploys {
				r.Deploying = append(r.Deploying, ciFile)
				r.AddEnvironments(environments...)
			}
		}
	}
	return nil
}

// addFile adds what the name of a file shows. Of CODEOWNERS, the first place that GitLab looks at counts.
func addFile(r *source.Repository, path string) {
	switch {
	case strings.HasPrefix(path, "catalog-info."):
		r.Descriptor = path
	case source.IsDockerfile(path):
		r.Dockerfile = path
	}
	at := slices.Index(codeownersFiles, path)
	if before := slices.Index(codeownersFiles, r.Codeowners); at >= 0 && (before < 0 || at < before) {
		r.Codeowners = path
	}
}

// note adds a note, once.
func (v *Inventory) note(text string) {
	if !slices.Contains(v.notes, text) {
		v.notes = append(v.notes, text)
	}
}

// graphQL sends a query, and decodes data into into. Errors next to data are returned after it has been decoded.
func (v *Inventory) graphQL(ctx context.Context, query string, variables map[string]any, into any) error {
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		return err
	}
	address := strings.TrimSuffix(v.BaseURL(), "v4/") + "graphql"
	ctx = rest.WithMaxAttempts(ctx, listing.FewAttempts)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("POST %s: %w", address, err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+v.token) // as the documentation of GraphQL has it
	resp, err := v.HTTPClient().Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	got, ok := resp.Body.(*rest.Body)
	if !ok {
		return fmt.Errorf("POST graphql: the body of the answer is a %T, not what the client reads", resp.Body)
	}
	if resp.StatusCode != http.StatusOK {
		refused := &rest.StatusError{Path: "graphql", Status: resp.StatusCode}
		return &rest.AnswerError{Status: resp.StatusCode, Err: refused}
	}
	var envelope struct {
		Data   json.RawMessage            `json:"data"`
		Errors []struct{ Message string } `json:"errors"`
	}
	if err := json.Unmarshal(got.Bytes(), &envelope); err != nil {
		return fmt.Errorf("POST graphql: the answer is not what GitLab documents: %w", err)
	}
	if len(envelope.Data) > 0 {
		if err := json.Unmarshal(envelope.Data, into); err != nil {
			return fmt.Errorf("POST graphql: the answer is not what GitLab documents: %w", err)
		}
	}
	if len(envelope.Errors) > 0 {
		return fmt.Errorf("GraphQL: %s", envelope.Errors[0].Message)
	}
	return nil
}
