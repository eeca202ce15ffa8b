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
	// requestsPerRead bounds the requests for the contents of one repository: with the record, the list of the files and
	// the owners in CODEOWNERS, a repository that changed costs at most 8 requests. A content that GraphQL does not show
	// is a request of its own: a file of more than 512 KB, one that GitHub takes for binary, or each file where GraphQL
	// does not show the repository.
	requestsPerRead = 5
	// halvesPerRead bounds the queries that are repeated in halves, which come in addition.
	halvesPerRead = 20
)

// fetch returns the contents of files by their hashes, in few queries of GraphQL. Why one cannot be read is its reason.
//
// An archive would be one request for all files. It is not used because it lacks the files with the attribute
// export-ignore, such as .github in many repositories, and is as large as the repository, for a commit that changes a
// line.
func (c *collector) fetch(ctx context.Context, files []remote.Entry) (map[string]remote.Content, error) {
	got := map[string]remote.Content{}
	var hidden []remote.Entry
	for batch := range batches(files) {
		if c.requests >= requestsPerRead || c.noGraphQL {
			hidden = append(hidden, batch...)
			continue
		}
		c.requests++
		more, err := c.blobs(ctx, batch, got)
		if err != nil {
			return nil, err
		}
		hidden = append(hidden, more...)
	}
	if err := c.oneByOne(ctx, hidden, got); err != nil {
		return nil, err
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

// blobs asks for contents and adds them to got. It returns the files whose contents GraphQL does not show, in order.
// Where GitHub fails to answer, it is asked for halves.
func (c *collector) blobs(
	ctx context.Context,
	files []remote.Entry,
	got map[string]remote.Content,
) (hidden []remote.Entry, err error) {
	query, variables := c.blobsQuery(files)
	var answer struct {
		Repository map[string]*struct {
			Text        *string `json:"text"`
			IsBinary    *bool   `json:"isBinary"`
			IsTruncated bool    `json:"isTruncated"`
		} `json:"repository"`
	}
	err = c.Query(ctx, query, variables, &answer)
	var said client.GraphQLErrors
	switch {
	case client.Failing(err) && len(files) > 1 && c.halves < halvesPerRead:
		c.halves += 2
		half := len(files) / 2
		first, err := c.blobs(ctx, files[:half], got)
		if err != nil {
			return nil, err
		}
		second, err := c.blobs(ctx, files[half:], got)
		return append(first, second...), err
	case client.Failing(err):
		for _, f := range files {
			c.odd(f.Path, err)
			got[f.ID] = remote.Content{Reason: "GitHub fails to show it: " + err.Error()}
		}
		return nil, nil
	case errors.As(err, &said): // data may have come with the errors
	case client.Status(err) == http.StatusNotFound || client.Status(err) == http.StatusForbidden: // no GraphQL at all
	case err != nil:
		return nil, err
	}
	if answer.Repository == nil { // GraphQL does not show the repository, as to some tokens
		c.noGraphQL = true
		return files, nil
	}
	for i, f := range files {
		blob := answer.Repository[fmt.Sprintf("b%d", i)]
		if blob == nil || blob.Text == nil || blob.IsTruncated || blob.IsBinary != nil && *blob.IsBinary {
			hidden = append(hidden, f)
			continue
		}
		got[f.ID] = remote.Content{Data: []byte(*blob.Text)}
	}
	return hidden, nil
}

// blobsQuery returns a query for contents by their hashes, and its variables.
func (c *collector) blobsQuery(files []remote.Entry) (string, map[string]any) {
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
	return query.String(), variables
}

// oneByOne asks for each content by itself, the first ones first, as far as the bound permits.
func (c *collector) oneByOne(ctx context.Context, files []remote.Entry, got map[string]remote.Content) error {
	for _, f := range files {
		switch {
		case c.refused != nil:
			got[f.ID] = remote.Content{Reason: c.noContents(c.refused)}
			continue
		case c.requests >= requestsPerRead:
			got[f.ID] = remote.Content{Reason: fmt.Sprintf("more than %d requests for contents would be needed; run "+
				"`dxctl grade` in a checkout", requestsPerRead)}
			continue
		}
		c.requests++
		content, err := c.single(ctx, f)
		if err != nil {
			return err
		}
		got[f.ID] = content
	}
	return nil
}

// noContents is why a content is not shown.
func (c *collector) noContents(err error) string {
	return fmt.Sprintf("%s does not show it; the token needs read access to contents (%v)", c.Source, err)
}

// single returns the content of a file that GraphQL does not show.
func (c *collector) single(ctx context.Context, f remote.Entry) (remote.Content, error) {
	text, err := c.blob(ctx, f.ID)
	switch code := client.Status(err); {
	case code == http.StatusNotFound || code == http.StatusForbidden:
		c.refused = err // as it would the others
		return remote.Content{Reason: c.noContents(err)}, nil
	case rest.Faulty(err) || code != 0:
		c.odd(f.Path, err)
		return remote.Content{Reason: "GitHub fails to show it: " + err.Error()}, nil
	case err != nil:
		return remote.Content{}, err
	}
	return remote.Content{Data: text}, nil
}
