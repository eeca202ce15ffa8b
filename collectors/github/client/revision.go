package client

import (
	"context"
	"net/http"
)

// Revision returns the latest commit of a repository's default branch, "" if it has none, and the ETag of the answer.
// The request is conditional on the ETag of an earlier answer: if that still holds, it is returned with notModified.
func (c *Client) Revision(ctx context.Context, repository, etag string) (
	commit, tag string, notModified bool, err error,
) {
	var commits []struct {
		SHA string `json:"sha"`
	}
	got, err := c.Get(ctx, "repos/"+Escaped(repository)+"/commits?per_page=1", etag, &commits)
	switch {
	case Status(err) == http.StatusConflict: // the repository is empty
		return "", "", false, nil
	case err != nil:
		return "", "", false, err
	case len(commits) > 0:
		commit = commits[0].SHA
	}
	return commit, got.ETag, got.NotModified, nil
}
