package gitlab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/rest"
)

// answer is what an answer says beside its body.
type answer struct {
	notModified bool      // 304: the ETag still holds, nothing was decoded
	etag        string    // of the answer
	next        string    // query of the next page; empty: this is the last
	at          time.Time // by the server's clock; zero: it does not say
	total       *uint64   // records of the whole listing; nil: GitLab does not say, as above 10,000
}

// statusError is an answer that refuses.
type statusError struct {
	status  int
	path    string
	message string
}

func (e *statusError) Error() string {
	text := fmt.Sprintf("GET %s: status %d %s", e.path, e.status, http.StatusText(e.status))
	if e.message != "" {
		text += ": " + e.message
	}
	switch e.status {
	case http.StatusUnauthorized:
		text += ": the token is not valid (any more); create another with the scope read_api and set it as the source's token"
	case http.StatusForbidden:
		text += ": the token may not read this; it needs the scope read_api and at least the role Reporter in the project"
	case http.StatusNotFound:
		text += ": it does not exist, or the token may not see it"
	}
	return text
}

// Unwrap makes refused credentials recognisable.
func (e *statusError) Unwrap() error {
	if e.status == http.StatusUnauthorized {
		return rest.ErrUnauthorized
	}
	return nil
}

// get asks for a path below the API's URL, conditional on etag where there is one, and decodes the JSON into into. The
// structs that it decodes into hold only what is used: a job is 3 KB of JSON, of which a tenth is wanted.
func (c *Collector) get(ctx context.Context, path, etag string, into any) (answer, error) {
	req, err := http.NewRequestWithContext(rest.IfNoneMatch(ctx, etag), http.MethodGet, c.base.String()+path, http.NoBody)
	if err != nil {
		return answer{}, fmt.Errorf("GET %s: %w", path, err)
	}
	resp, err := c.rest.HTTPClient().Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, ok := resp.Body.(*rest.Body)
	if !ok {
		return answer{}, fmt.Errorf("GET %s: the answer's body is a %T, not what the client reads", path, resp.Body)
	}
	switch resp.StatusCode {
	case http.StatusNotModified:
		return answer{notModified: true, etag: etag}, nil
	case http.StatusOK:
	default:
		return answer{}, &rest.AnswerError{Status: resp.StatusCode, Err: &statusError{status: resp.StatusCode, path: path, message: message(body.Bytes())}}
	}
	if err := c.decode(body.Bytes(), into); err != nil {
		return answer{}, &rest.AnswerError{Status: resp.StatusCode, Err: fmt.Errorf("GET %s: the answer is not what GitLab documents: %w", path, err)}
	}
	return readHeader(req.URL.Query(), resp.Header), nil
}

// decode reads an object or a list, as into wants it. A field of another type than GitLab documents is left unknown and
// logged: one odd record must not cost the others of its page.
func (c *Collector) decode(body []byte, into any) error {
	err := json.Unmarshal(body, into)
	var odd *json.UnmarshalTypeError
	if !errors.As(err, &odd) {
		return err
	}
	want := "{"
	if reflect.TypeOf(into).Elem().Kind() == reflect.Slice {
		want = "["
	}
	if !strings.HasPrefix(strings.TrimSpace(string(body[:min(len(body), 64)])), want) {
		return err
	}
	c.Unrecognized("type of "+odd.Field, odd.Value)
	return nil
}

var linkNext = regexp.MustCompile(`<([^<>]*)>\s*;\s*rel="?next"?`)

// readHeader reads paging. Of a Link only the query is used: a server behind a proxy may name itself otherwise than we
// know it, and a token goes nowhere else.
func readHeader(asked url.Values, h http.Header) answer {
	got := answer{etag: h.Get("ETag")}
	if at, err := http.ParseTime(h.Get("Date")); err == nil {
		got.at = at
	}
	if n, err := strconv.ParseUint(h.Get("X-Total"), 10, 64); err == nil {
		got.total = &n
	}
	for _, name := range []string{"Link", "Links"} { // Links: keyset paging before 14.0
		if m := linkNext.FindStringSubmatch(strings.Join(h.Values(name), ", ")); m != nil {
			if u, err := url.Parse(m[1]); err == nil && u.RawQuery != "" {
				got.next = u.RawQuery
				return got
			}
		}
	}
	if n, err := strconv.Atoi(h.Get("X-Next-Page")); err == nil && n > 1 {
		asked.Set("page", strconv.Itoa(n))
		got.next = asked.Encode()
	}
	return got
}

// message is what GitLab says about a refusal: {"message": "…"} or {"error": "…"}, in which the value may be a list.
func message(body []byte) string {
	var said struct {
		Message any    `json:"message"`
		Error   string `json:"error"`
	}
	if json.Unmarshal(body, &said) != nil {
		return ""
	}
	text := said.Error
	if said.Message != nil {
		text = fmt.Sprint(said.Message)
	}
	if len(text) > 200 {
		text = strings.ToValidUTF8(text[:200], "") + "…"
	}
	return text
}
