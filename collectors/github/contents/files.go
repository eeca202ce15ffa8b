package contents

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"

	"github.com/dxctl/dxctl/collectors/github/client"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/repository"
	"github.com/dxctl/dxctl/repository/named"
	"github.com/dxctl/dxctl/repository/owners"
	"github.com/dxctl/dxctl/repository/remote"
)

// entries returns the files of a tree. Directories follow from them.
func entries(tree []treeFile) []remote.Entry {
	all := make([]remote.Entry, 0, len(tree))
	for _, f := range tree {
		switch f.Type {
		case "blob":
			all = append(all, remote.Entry{Path: f.Path, Mode: f.Mode, ID: f.SHA, Size: f.Size})
		case "commit":
			all = append(all, remote.Entry{Path: f.Path, Mode: remote.Submodule})
		}
	}
	return all
}

// files reads the facts of a new list of files; see [servicefacts.Files.Read].
func (c *collector) files(
	ctx context.Context,
	s *state,
	tree []treeFile,
	partial string,
) (map[string][]event.Fact, error) {
	listing := remote.New(entries(tree), partial)
	return s.Files.Read(ctx, listing, owners.GitHub, c.Subjects, c.fetch, func(own *repository.Facts) []event.Fact {
		defaults := c.inherit(ctx, s)
		if !c.inherited {
			s.Inherited.Digest = "unknown" // read again once the defaults can be read
		}
		if defaults != nil {
			own = own.Inherit(defaults, defaultsRepository)
		}
		var options named.Options
		if file := own.Owners.Value; file != nil && len(file.Rules) > 0 {
			options.Resolve = c.resolve(ctx)
		}
		return named.Of(own, options)
	})
}

const (
	// blobsPerQuery and bytesPerQuery bound one query for contents. GitHub gives up on a query after 10 seconds.
	blobsPerQuery = 200
	bytesPerQuery = 8 << 20
	// queriesPerRead bounds the queries for the contents of one repository: with the record, the list of the files and
	// the owners in CODEOWNERS, a repository that changed costs at most 8 requests. Queries that are repeated in halves
	// come in addition.
	queriesPerRead = 5
	// singlesPerRead bounds the contents that are requested one by one, because GraphQL does not show them: that is one
	// request for a file of more than 512 KB, or each file where it does not show the repository.
	singlesPerRead = 50
)

// fetch returns the contents of files by their hashes, in few queries of GraphQL. Why one cannot be read is its reason.
//
// An archive would be one request for all files. It is not used because it lacks the files with the attribute
// export-ignore, such as .github in many repositories, and is as large as the repository, for a commit that changes a
// line.
func (c *collector) fetch(ctx context.Context, files []remote.Entry) (map[string]remote.Content, error) {
	got := map[string]remote.Content{}
	for batch := range batches(files) {
		if c.queries >= queriesPerRead {
			for _, f := range batch {
				got[f.ID] = remote.Content{Reason: fmt.Sprintf("more than %d queries would be needed", queriesPerRead)}
			}
			continue
		}
		c.queries++
		if err := c.blobs(ctx, batch, got); err != nil {
			return nil, err
		}
	}
	maps.Copy(c.read, got)
	return got, nil
}

// batches splits files into those of one query each.
func batches(files []remote.Entry) func(yield func([]remote.Entry) bool) {
	return func(yield func([]remote.Entry) bool) {
		from, size := 0, int64(0)
		for i, f := range files {
			if i-from >= blobsPerQuery || size+f.Size > bytesPerQuery && i > from {
				if !yield(files[from:i]) {
					return
				}
				from, size = i, 0
			}
			size += f.Size
		}
		if from < len(files) {
			yield(files[from:])
		}
	}
}

// blobs asks for contents and adds them to got. Where GitHub fails to answer, it is asked for halves.
func (c *collector) blobs(ctx context.Context, files []remote.Entry, got map[string]remote.Content) error {
	var query strings.Builder
	variables := map[string]any{}
	query.WriteString("query($owner:String!,$name:String!")
	for i := range files {
		_, _ = fmt.Fprintf(&query, ",$o%d:GitObjectID!", i)
	}
	query.WriteString("){repository(owner:$owner,name:$name){")
	for i, f := range files {
		_, _ = fmt.Fprintf(&query, "b%d:object(oid:$o%d){...on Blob{text isBinary isTruncated}}", i, i)
		variables[fmt.Sprintf("o%d", i)] = f.ID
	}
	query.WriteString("}}")
	variables["owner"], variables["name"], _ = strings.Cut(c.Scope, "/")
	var answer struct {
		Repository map[string]*struct {
			Text        *string `json:"text"`
			IsBinary    *bool   `json:"isBinary"`
			IsTruncated bool    `json:"isTruncated"`
		} `json:"repository"`
	}
	err := c.Query(ctx, query.String(), variables, &answer)
	var said client.GraphQLErrors
	switch {
	case client.Failing(err) && len(files) > 1:
		half := len(files) / 2
		if err := c.blobs(ctx, files[:half], got); err != nil {
			return err
		}
		return c.blobs(ctx, files[half:], got)
	case client.Failing(err):
		c.odd(files[0].Path, err)
		got[files[0].ID] = remote.Content{Reason: "GitHub fails to show it: " + err.Error()}
		return nil
	case errors.As(err, &said): // data may have come with the errors
	case err != nil:
		return err
	}
	if answer.Repository == nil { // GraphQL does not show the repository, as to some tokens
		return c.oneByOne(ctx, files, got)
	}
	for i, f := range files {
		blob := answer.Repository[fmt.Sprintf("b%d", i)]
		switch {
		case blob == nil && said != nil:
			got[f.ID] = remote.Content{Reason: c.noContents(said)}
		case blob == nil:
			got[f.ID] = remote.Content{Reason: c.noContents(nil)}
		case blob.IsBinary != nil && *blob.IsBinary || blob.Text == nil:
			got[f.ID] = remote.Content{Reason: "it is binary"}
		case blob.IsTruncated:
			content, err := c.single(ctx, f)
			if err != nil {
				return err
			}
			got[f.ID] = content
		default:
			got[f.ID] = remote.Content{Data: []byte(*blob.Text)}
		}
	}
	return nil
}

// noContents is why a content is not shown.
func (c *collector) noContents(err error) string {
	reason := c.Source + " does not show it; the token needs read access to contents"
	if err != nil {
		reason += " (" + err.Error() + ")"
	}
	return reason
}

// oneByOne asks for each content by itself.
func (c *collector) oneByOne(ctx context.Context, files []remote.Entry, got map[string]remote.Content) error {
	for _, f := range files {
		content, err := c.single(ctx, f)
		if err != nil {
			return err
		}
		got[f.ID] = content
	}
	return nil
}

// single returns the content of a file that GraphQL does not show.
func (c *collector) single(ctx context.Context, f remote.Entry) (remote.Content, error) {
	if c.singles++; c.singles > singlesPerRead {
		return remote.Content{Reason: fmt.Sprintf("GraphQL does not show it, nor %d others", singlesPerRead)}, nil
	}
	text, err := c.blob(ctx, f.ID)
	switch code := client.Status(err); {
	case code == http.StatusNotFound || code == http.StatusForbidden:
		return remote.Content{Reason: c.noContents(err)}, nil
	case rest.Faulty(err) || code != 0:
		c.odd(f.Path, err)
		return remote.Content{Reason: "GitHub fails to show it: " + err.Error()}, nil
	case err != nil:
		return remote.Content{}, err
	}
	return remote.Content{Data: text}, nil
}
