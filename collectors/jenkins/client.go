package jenkins

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/collectors/rest"
)

// answer is what an answer says beside its body.
type answer struct {
	notModified bool // 304: the ETag still holds, nothing was decoded
	etag        string
}

// statusError is an answer that is neither what was asked for nor a failure on the way.
type statusError struct {
	path   string
	status int
}

func (e *statusError) Error() string {
	text := fmt.Sprintf("GET %s: status %d %s", e.path, e.status, http.StatusText(e.status))
	switch e.status {
	case http.StatusUnauthorized:
		return text + ": user and API token do not fit (any more); create another token on the user's Security page and set user and token of the source"
	case http.StatusForbidden:
		return text + ": the user may not read this; " + rights
	case http.StatusNotFound:
		return text + ": it does not exist (any more), or the user may not see it: " + rights
	}
	return text
}

// rights are all that the user needs.
const rights = "give the user Overall/Read at the root, and Job/Discover and Job/Read on every folder and job that is collected"

func (e *statusError) Unwrap() error {
	if e.status == http.StatusUnauthorized {
		return rest.ErrUnauthorized
	}
	return nil
}

// gone reports whether Jenkins answered that there is no such thing.
func gone(err error) bool {
	var s *statusError
	return errors.As(err, &s) && (s.status == http.StatusNotFound || s.status == http.StatusGone)
}

// jobPath is the path of a job by the names that lead to it: job/a/job/b/. A branch's name holds escapes of its own
// (feature%2Fx), which are escaped once more.
func jobPath(names []string) string {
	var b strings.Builder
	for _, n := range names {
		b.WriteString("job/")
		b.WriteString(url.PathEscape(n))
		b.WriteByte('/')
	}
	return b.String()
}

// get asks for fields of a job or folder. A tree is always sent: without one Jenkins renders all it has, and some
// servers lock out who asks for that.
func (c *Collector) get(ctx context.Context, names []string, tree, etag string, into any) (answer, error) {
	return c.getPath(ctx, jobPath(names)+"api/json?tree="+url.QueryEscape(tree), etag, into)
}

func (c *Collector) getPath(ctx context.Context, path, etag string, into any) (answer, error) {
	shown, _, _ := strings.Cut(path, "?")
	req, err := http.NewRequestWithContext(rest.IfNoneMatch(ctx, etag), http.MethodGet, c.base+path, nil)
	if err != nil {
		return answer{}, fmt.Errorf("GET %s: %w", shown, err)
	}
	resp, err := c.rest.HTTPClient().Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return answer{}, ctx.Err()
		}
		return answer{}, err // names the request itself
	}
	defer func() { _ = resp.Body.Close() }()
	switch resp.StatusCode {
	case http.StatusNotModified:
		return answer{notModified: true, etag: etag}, nil
	case http.StatusOK:
	default:
		return answer{}, &rest.AnswerError{Status: resp.StatusCode, Err: &statusError{path: shown, status: resp.StatusCode}}
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}, fmt.Errorf("GET %s: %w", shown, err)
	}
	if err := c.decode(body, into); err != nil {
		return answer{}, &rest.AnswerError{Status: http.StatusOK, Err: fmt.Errorf("GET %s: the answer is not what Jenkins documents: %w", shown, err)}
	}
	return answer{etag: resp.Header.Get("ETag")}, nil
}

// decode reads a JSON object. A field of another type than Jenkins gives it, as a plugin may write it, is left unknown and
// logged: one odd build must not cost the others of its page.
func (c *Collector) decode(body []byte, into any) error {
	err := json.Unmarshal(body, into)
	var odd *json.UnmarshalTypeError
	if errors.As(err, &odd) && strings.HasPrefix(strings.TrimSpace(string(body[:min(len(body), 64)])), "{") {
		c.Unrecognized("type of "+odd.Field, odd.Value)
		return nil
	}
	return err
}

// stillListed reports whether something that Jenkins does not have is on the list of its folder all the same: then it has
// not been deleted, but the user may not see it.
func (c *Collector) stillListed(ctx context.Context, names []string) bool {
	last := len(names) - 1
	var n node
	if _, err := c.get(ctx, names[:last], "jobs[name]", "", &n); err != nil {
		return !gone(err)
	}
	return slices.ContainsFunc(n.Jobs, func(b node) bool { return b.Name == names[last] })
}
