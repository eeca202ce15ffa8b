package gitlab

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/source"
)

// errNoBranch is the error of a project without a commit.
var errNoBranch = errors.New("the project has no default branch, and so no files")

// Revision implements [source.Reviser].
func (c *Collector) Revision(ctx context.Context, scope string, known source.Revision) (source.Revision, error) {
	info, err := c.lookup(ctx, scope)
	if err != nil || info.DefaultBranch == "" {
		return source.Revision{}, err
	}
	var branch struct {
		Commit struct {
			ID string `json:"id"`
		} `json:"commit"`
	}
	path := fmt.Sprintf("projects/%d/repository/branches/%s", info.ID, url.PathEscape(info.DefaultBranch))
	got, err := c.Read(ctx, path, known.ETag, &branch)
	switch {
	case err != nil:
		return source.Revision{}, err
	case got.NotModified:
		return known, nil
	}
	return source.Revision{Commit: branch.Commit.ID, ETag: got.ETag}, nil
}

// Archive implements [source.Archiver]. gitlab.com allows five archives of a project a minute.
func (c *Collector) Archive(ctx context.Context, scope string, most int64) ([]byte, error) {
	info, err := c.lookup(ctx, scope)
	if err != nil {
		return nil, err
	}
	if info.DefaultBranch == "" {
		return nil, errNoBranch
	}
	path := fmt.Sprintf("projects/%d/repository/archive.tar.gz", info.ID)
	query := url.Values{"sha": {info.DefaultBranch}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.BaseURL()+path+"?"+query, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("GET %s: %w", path, err)
	}
	asking, err := c.archives(most)
	if err != nil {
		return nil, fmt.Errorf("GET %s: %w", path, err)
	}
	defer asking.CloseIdleConnections()
	resp, err := asking.RoundTrip(req)
	switch {
	case errors.Is(err, rest.ErrTooLarge):
		return nil, fmt.Errorf("GET %s: the archive has more than %d bytes, which is too large", path, most)
	case err != nil:
		return nil, fmt.Errorf("GET %s: %w", path, err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, ok := resp.Body.(*rest.Body)
	switch {
	case !ok:
		return nil, fmt.Errorf("GET %s: the body of the answer is a %T, not what the client reads", path, resp.Body)
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("GET %s: %w", path, &rest.StatusError{Path: path, Status: resp.StatusCode})
	}
	return body.Bytes(), nil
}
