// Package contents collects what a GitLab project shows of itself: its record, and the facts of the files of its
// default branch, for the services that the catalog binds to the project or to its directories.
//
// While the default branch does not change, that is one conditional request. GitLab lists 100 files a request. Of a
// project with many, the list is kept, and only the directories that changed are listed again. An archive would be one
// request for all, but lacks the files with the attribute export-ignore, and gitlab.com allows 5 archives a minute.
package contents

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/gitlab/listing"
	"github.com/dxctl/dxctl/collectors/gitlab/mapping"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/servicefacts"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/repository/owners"
	"github.com/dxctl/dxctl/repository/remote"
)

const (
	// streamName is the name of the checkpoint.
	streamName = "contents"
	// askAgain is how long a refusal to show the files counts.
	askAgain = 24 * time.Hour
	// pathsPerQuery bounds one query of GraphQL, whose complexity grows with the paths; GitLab allows 250.
	pathsPerQuery = 60
	// singlesPerRead bounds the contents that are requested one by one where GraphQL does not show them.
	singlesPerRead = 50
)

// Project is a project during one collect.
type Project struct {
	*listing.Project
	Path          string // of the API: projects/<id>
	DefaultBranch string // empty: it has no commit
	CreatedAt     time.Time
	Archived      bool
	Subjects      []servicefacts.Subject
}

// state is the checkpoint. It contains the facts, so that an answer of "not modified" renews them.
type state struct {
	For        string             `json:"for,omitempty"` // what is looked for, and in which branch
	BranchETag string             `json:"branch_etag,omitempty"`
	Commit     string             `json:"commit,omitempty"` // whose files were read
	Error      string             `json:"error,omitempty"`  // why files are unknown
	RefusedAt  time.Time          `json:"refused_at,omitzero"`
	Files      servicefacts.Files `json:"files,omitzero"`
	Tree       []byte             `json:"tree,omitempty"` // as of snapshot.pack: what the latest commit that was listed has
	Kept       servicefacts.Kept  `json:"kept,omitzero"`
}

// collector is one collect of a project.
type collector struct {
	Project
	commit  string
	singles int                  // contents that were requested one by one
	failed  map[string]rest.Held // files at which GitLab failed
}

// Collect reads the files if the default branch has changed, and stores the facts. The error is a [rest.SkippedError]
// if GitLab fails to show some files.
func Collect(ctx context.Context, p Project) error {
	c := &collector{Project: p, failed: map[string]rest.Held{}}
	var s state
	if _, err := p.Writer.Load(ctx, streamName, &s); err != nil {
		return err
	}
	before, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("encoding what was known of the project: %w", err)
	}
	if wanted := fmt.Sprintf("%s %q %s", servicefacts.Readers, p.Subjects, p.DefaultBranch); s.For != wanted {
		s = state{For: wanted, Kept: s.Kept, Tree: s.Tree}
	}
	files, err := c.read(ctx, &s)
	if err != nil {
		return err
	}
	if len(c.failed) > 0 {
		s.BranchETag, s.Commit, s.Files = "", "", servicefacts.Files{} // read again
	}
	if err := c.store(ctx, &s, files); err != nil {
		return err
	}
	if after, err := json.Marshal(s); err != nil || !bytes.Equal(after, before) {
		if err := errors.Join(err, p.Writer.Save(ctx, streamName, s)); err != nil {
			return err
		}
	}
	if len(c.failed) > 0 {
		return &rest.SkippedError{What: "file", Objects: c.failed}
	}
	return nil
}

// Retract stores that the facts of a project that the source no longer lists are unknown.
func Retract(ctx context.Context, p Project) error {
	var s state
	if _, err := p.Writer.Load(ctx, streamName, &s); err != nil {
		return err
	}
	gone := fmt.Sprintf("%s no longer lists %s", p.Source(), p.Name)
	if err := s.Kept.Retract(ctx, p.Writer, p.Now(), event.Fact{Source: p.Source(), URL: p.WebURL}, gone); err != nil {
		return err
	}
	return p.Writer.Save(ctx, streamName, state{})
}

// store stores the facts of the record and of the files. files is nil if those that are kept still hold.
func (c *collector) store(ctx context.Context, s *state, files map[string][]event.Fact) error {
	record := []event.Fact{
		servicefacts.Encode("repository.provider", event.StringFact, mapping.Provider),
		servicefacts.Encode("repository.archived", event.BoolFact, c.Archived),
		servicefacts.Encode("repository.default_branch", event.StringFact, c.DefaultBranch),
		servicefacts.Encode("repository.created_at", event.TimeFact, c.CreatedAt),
	}
	if c.DefaultBranch == "" {
		record[2] = event.Fact{Name: record[2].Name, Type: record[2].Type, Error: c.Source() + " gave no default branch"}
	}
	if c.CreatedAt.IsZero() {
		record[3] = event.Fact{Name: record[3].Name, Type: record[3].Type, Error: c.Source() + " gave no creation date"}
	}
	facts := map[string][]event.Fact{}
	for _, subject := range c.Subjects {
		entity := subject.Entity
		all := append([]event.Fact{}, record...)
		switch {
		case s.Error != "":
			all = append(all, servicefacts.Unread(s.Error)...)
		case files == nil:
			all = append(all, s.Kept.Others(entity, record)...)
		default:
			all = append(all, files[entity]...)
		}
		facts[entity] = all
	}
	gone := fmt.Sprintf("the catalog no longer binds it to %s of %s", c.Name, c.Source())
	of := event.Fact{Source: c.Source(), URL: c.WebURL}
	_, err := s.Kept.Store(ctx, c.Writer, c.Now(), of, facts, gone)
	return err
}

// read reads the files if the branch has another commit than before. It returns their facts; nil: they have not
// changed.
func (c *collector) read(ctx context.Context, s *state) (map[string][]event.Fact, error) {
	if c.DefaultBranch == "" { // an empty repository has no branch
		s.Error = ""
		return s.Files.Read(ctx, remote.New(nil, ""), owners.GitLab, c.Subjects, c.fetch, nil)
	}
	if s.Error != "" && c.Now().Sub(s.RefusedAt).Abs() < askAgain {
		return nil, nil
	}
	var branch struct {
		Commit struct {
			ID string `json:"id"`
		} `json:"commit"`
	}
	path := c.Path + "/repository/branches/" + url.PathEscape(c.DefaultBranch)
	got, err := c.Read(ctx, path, s.BranchETag, &branch)
	switch {
	case rest.HasStatus(err, http.StatusForbidden, http.StatusNotFound):
		s.Error = fmt.Sprintf("%s does not show the files of branch %s (%v); the token needs the scope read_api, and the "+
			"role Reporter in a private project", c.Source(), c.DefaultBranch, err)
		s.BranchETag, s.Commit, s.Files, s.RefusedAt = "", "", servicefacts.Files{}, c.Now().UTC()
		return nil, nil
	case rest.Faulty(err) && s.Commit != "":
		c.failed["branch "+c.DefaultBranch] = rest.Held{Failures: 1, Error: err.Error()}
		return nil, nil // its earlier content still holds
	case err != nil:
		return nil, err
	case got.NotModified || branch.Commit.ID == s.Commit && s.Commit != "":
		s.BranchETag = got.ETag
		return nil, nil
	}
	c.commit = branch.Commit.ID
	list, partial, err := c.list(ctx, unpack(s.Tree))
	if err != nil {
		return nil, err
	}
	facts, err := s.Files.Read(ctx, remote.New(list.files(), partial), owners.GitLab, c.Subjects, c.fetch, nil)
	if err != nil {
		return nil, err
	}
	if partial != "" {
		list = nil
	}
	if s.Tree, err = list.pack(); err != nil {
		return nil, err
	}
	s.BranchETag, s.Commit, s.Error, s.RefusedAt = got.ETag, c.commit, "", time.Time{}
	return facts, nil
}

// fetch returns the contents of files by their hashes, in few queries of GraphQL.
func (c *collector) fetch(ctx context.Context, files []remote.Entry) (map[string]remote.Content, error) {
	got := map[string]remote.Content{}
	for len(files) > 0 {
		n := min(len(files), pathsPerQuery)
		if err := c.blobs(ctx, files[:n], got); err != nil {
			return nil, err
		}
		files = files[n:]
	}
	return got, nil
}

const blobsQuery = `query($project:ID!,$paths:[String!]!,$ref:String!){project(fullPath:$project){repository{
blobs(paths:$paths,ref:$ref){nodes{path oid rawTextBlob}}}}}`

// blobs asks for contents and adds them to got. Where GitLab refuses a query for many, as for its size or complexity,
// it is asked for halves, and at last for single files by REST.
func (c *collector) blobs(ctx context.Context, files []remote.Entry, got map[string]remote.Content) error {
	paths := make([]string, len(files))
	for i, f := range files {
		paths[i] = f.Path
	}
	var answer struct {
		Data struct {
			Project *struct {
				Repository struct {
					Blobs struct {
						Nodes []struct {
							Path string  `json:"path"`
							OID  string  `json:"oid"`
							Text *string `json:"rawTextBlob"`
						} `json:"nodes"`
					} `json:"blobs"`
				} `json:"repository"`
			} `json:"project"`
		} `json:"data"`
		Errors []struct {
			Message string `json:"message"`
		} `json:"errors"`
	}
	err := c.Query(ctx, blobsQuery, map[string]any{"project": c.Name, "paths": paths, "ref": c.commit}, &answer)
	switch {
	case err != nil && !rest.Unusable(err):
		return err
	case (err != nil || len(answer.Errors) > 0) && len(files) > 1:
		half := len(files) / 2
		if err := c.blobs(ctx, files[:half], got); err != nil {
			return err
		}
		return c.blobs(ctx, files[half:], got)
	case err != nil || len(answer.Errors) > 0 || answer.Data.Project == nil:
		return c.oneByOne(ctx, files, got)
	}
	found := map[string]remote.Content{}
	for _, n := range answer.Data.Project.Repository.Blobs.Nodes {
		if n.Text == nil {
			found[n.OID] = remote.Content{Reason: "it is binary"}
			continue
		}
		found[n.OID] = remote.Content{Data: []byte(*n.Text)}
	}
	var others []remote.Entry
	for _, f := range files {
		content, ok := found[f.ID]
		if !ok { // a symbolic link, of which GraphQL may show the target
			others = append(others, f)
			continue
		}
		got[f.ID] = content
	}
	return c.oneByOne(ctx, others, got)
}

// oneByOne asks for each content by itself.
func (c *collector) oneByOne(ctx context.Context, files []remote.Entry, got map[string]remote.Content) error {
	for _, f := range files {
		if c.singles++; c.singles > singlesPerRead {
			got[f.ID] = remote.Content{Reason: fmt.Sprintf("GraphQL does not show it, nor %d others", singlesPerRead)}
			continue
		}
		var blob struct {
			Encoding string `json:"encoding"`
			Content  string `json:"content"`
		}
		_, err := c.Read(ctx, c.Path+"/repository/blobs/"+url.PathEscape(f.ID), "", &blob)
		switch {
		case rest.HasStatus(err, http.StatusForbidden, http.StatusNotFound):
			got[f.ID] = remote.Content{Reason: c.Source() + " does not show it: " + err.Error()}
			continue
		case rest.Unusable(err):
			c.failed[f.Path] = rest.Held{Failures: 1, Error: err.Error()}
			got[f.ID] = remote.Content{Reason: "GitLab fails to show it: " + err.Error()}
			continue
		case err != nil:
			return err
		}
		text, err := base64.StdEncoding.DecodeString(strings.NewReplacer("\n", "", "\r", "").Replace(blob.Content))
		if err != nil || blob.Encoding != "base64" {
			got[f.ID] = remote.Content{Reason: fmt.Sprintf("its content is not base64 (encoding %q)", blob.Encoding)}
			continue
		}
		got[f.ID] = remote.Content{Data: text}
	}
	return nil
}
