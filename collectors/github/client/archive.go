package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/go-github/v60/github"

	"github.com/dxctl/dxctl/collectors/rest"
)

// Archive returns the files of a commit as a tar archive compressed with gzip: of a branch, a tag or a commit, and of
// the default branch if ref is "". Files that the repository's .gitattributes excludes from archives (export-ignore)
// are missing, and others may differ (export-subst). An archive of more than most bytes is an error. GitHub makes it on
// another server, which gets no credentials: they are in the address that GitHub names. It takes two requests.
func (c *Client) Archive(ctx context.Context, repository, ref string, most int64) ([]byte, error) {
	path := "repos/" + Escaped(repository) + "/tarball"
	if ref != "" {
		path += "/" + Escaped(ref)
	}
	at, err := c.api.BaseURL.Parse(path)
	if err != nil {
		return nil, fmt.Errorf("GET %s: %w", path, err)
	}
	if err := c.begin(ctx, false); err != nil {
		return nil, err
	}
	body, next, err := c.archive(ctx, c.api.BaseURL, at, most)
	if err == nil && next != nil {
		if next.Scheme != at.Scheme {
			return nil, fmt.Errorf("GET %s: it is redirected from %s to %s, which is refused", path, at.Scheme, next.Scheme)
		}
		server := &url.URL{Scheme: next.Scheme, Host: next.Host}
		if server.Host == at.Host {
			server = c.api.BaseURL
		}
		if body, next, err = c.archive(ctx, server, next, most); err == nil && next != nil {
			return nil, fmt.Errorf("GET %s: it is redirected twice, which is refused", path)
		}
	}
	switch {
	case errors.Is(err, rest.ErrTooLarge):
		return nil, fmt.Errorf("GET %s: the archive has more than %d bytes, which is too large", path, most)
	case err != nil:
		return nil, answered(c.explain(path, err))
	}
	return body, nil
}

// archive requests an archive, or the address of the server that has it.
func (c *Client) archive(ctx context.Context, server, at *url.URL, most int64) (body []byte, next *url.URL, err error) {
	asking, err := c.archives(server, most)
	if err != nil {
		return nil, nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, nil, err
	}
	defer asking.CloseIdleConnections()
	resp, err := asking.RoundTrip(req)
	if err != nil {
		return nil, nil, withoutCredentials(err, at)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode == http.StatusFound || resp.StatusCode == http.StatusTemporaryRedirect ||
		resp.StatusCode == http.StatusMovedPermanently {
		next, err = resp.Location()
		return nil, next, err
	}
	if err := github.CheckResponse(resp); err != nil {
		return nil, nil, err
	}
	all, ok := resp.Body.(*rest.Body)
	if !ok {
		body, err = io.ReadAll(resp.Body)
		return body, nil, err
	}
	return all.Bytes(), nil, nil
}

// unsigned is an error without the query of an address, which may have credentials.
type unsigned struct {
	text string
	err  error
}

// Error returns the text.
func (e *unsigned) Error() string { return e.text }

// Unwrap returns the error that was hidden.
func (e *unsigned) Unwrap() error { return e.err }

func withoutCredentials(err error, at *url.URL) error {
	bare := *at
	bare.User, bare.RawQuery, bare.Fragment = nil, "", ""
	text := strings.NewReplacer(at.String(), bare.String(), at.Redacted(), bare.String()).Replace(err.Error())
	if at.RawQuery != "" {
		text = strings.ReplaceAll(text, at.RawQuery, "…")
	}
	return &unsigned{text, err}
}
