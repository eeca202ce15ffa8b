package rest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
)

// API is the JSON API of a source, over a [Client]. It is safe for use from several goroutines.
type API struct {
	*Client
	conf APIConfig
	base string // with a slash at the end
}

// APIConfig says how a source speaks.
type APIConfig struct {
	Product string      // what the source is called in errors: "GitLab"
	Header  http.Header // sent with every request; may be nil
	// Hint returns what to do about a request that is refused with the status; empty: nothing. It may be nil.
	Hint func(status int) string
	// OddType is called for a field that has another type than the source documents. The field is left unknown, so that
	// one odd record does not cost the others of its page. nil: such an answer is an error.
	OddType func(field, value string)
}

// Answer is what an answer contains in addition to its body.
type Answer struct {
	NotModified bool        // 304: the ETag still holds, and nothing was decoded
	ETag        string      // of the answer
	Header      http.Header // nil where NotModified
}

// NewAPI returns the API at cfg.BaseURL.
func NewAPI(cfg Config, opt Options, conf APIConfig) (*API, error) {
	client, err := New(cfg, opt)
	if err != nil {
		return nil, err
	}
	return &API{Client: client, conf: conf, base: strings.TrimSuffix(cfg.BaseURL.String(), "/") + "/"}, nil
}

// BaseURL is the address that paths are below, with a slash at the end.
func (a *API) BaseURL() string { return a.base }

// Get asks for a path below the base URL, with its query, on the condition that it has changed since the ETag, where
// there is one, and decodes the JSON into into, a pointer. An answer that refuses, or is not what into expects, is an
// [AnswerError]; the former wraps a *[StatusError]. Errors name the path without the query.
func (a *API) Get(ctx context.Context, path, etag string, into any) (Answer, error) {
	shown, _, _ := strings.Cut(path, "?")
	req, err := http.NewRequestWithContext(IfNoneMatch(ctx, etag), http.MethodGet, a.base+path, http.NoBody)
	if err != nil {
		return Answer{}, fmt.Errorf("GET %s: %w", shown, err)
	}
	for name, values := range a.conf.Header {
		req.Header[name] = slices.Clone(values)
	}
	resp, err := a.HTTPClient().Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return Answer{}, ctx.Err()
		}
		return Answer{}, withoutQuery(err, req.URL.RawQuery)
	}
	defer func() { _ = resp.Body.Close() }()
	body, ok := resp.Body.(*Body)
	if !ok {
		return Answer{}, fmt.Errorf("GET %s: the body of the answer is a %T, not what the client reads", shown, resp.Body)
	}
	switch resp.StatusCode {
	case http.StatusNotModified:
		return Answer{NotModified: true, ETag: etag}, nil
	case http.StatusOK:
	default:
		refused := &StatusError{Path: shown, Status: resp.StatusCode, Message: message(body.Bytes())}
		if a.conf.Hint != nil {
			refused.Hint = a.conf.Hint(resp.StatusCode)
		}
		return Answer{}, &AnswerError{Status: resp.StatusCode, Err: refused}
	}
	if err := a.Decode(body.Bytes(), into); err != nil {
		err = fmt.Errorf("GET %s: the answer is not what %s documents: %w", shown, a.conf.Product, err)
		return Answer{}, &AnswerError{Status: resp.StatusCode, Err: err}
	}
	return Answer{ETag: resp.Header.Get("ETag"), Header: resp.Header}, nil
}

// Decode decodes an object or a list of the source's, as into wants it: see [APIConfig.OddType].
func (a *API) Decode(body []byte, into any) error {
	err := json.Unmarshal(body, into)
	var odd *json.UnmarshalTypeError
	if a.conf.OddType == nil || !errors.As(err, &odd) {
		return err
	}
	want := byte('{')
	if reflect.TypeOf(into).Elem().Kind() == reflect.Slice {
		want = '['
	}
	if text := strings.TrimSpace(string(body[:min(len(body), 64)])); text == "" || text[0] != want {
		return err // the answer as a whole is something else
	}
	a.conf.OddType(odd.Field, odd.Value)
	return nil
}

// StatusError is an answer of the source that refuses a request.
type StatusError struct {
	Path    string // what was asked for, below the base URL and without the query
	Status  int
	Message string // what the source says about it; may be empty
	Hint    string // what to do; may be empty
}

func (e *StatusError) Error() string {
	text := fmt.Sprintf("GET %s: status %d %s", e.Path, e.Status, http.StatusText(e.Status))
	if e.Message != "" {
		text += ": " + e.Message
	}
	if e.Hint != "" {
		text += ": " + e.Hint
	}
	return text
}

// Unwrap makes refused credentials recognizable.
func (e *StatusError) Unwrap() error {
	if e.Status == http.StatusUnauthorized {
		return ErrUnauthorized
	}
	return nil
}

// HasStatus reports whether err is an answer of the source with one of the statuses.
func HasStatus(err error, statuses ...int) bool {
	var refused *StatusError
	return errors.As(err, &refused) && slices.Contains(statuses, refused.Status)
}

// IsGone reports whether the source answered that it does not have what was asked for: 404 or 410.
func IsGone(err error) bool { return HasStatus(err, http.StatusNotFound, http.StatusGone) }

// maxMessage is how many bytes of what a source says about a refusal are shown.
const maxMessage = 200

// message returns what a source says about a refusal: the texts under the keys that sources use for it.
func message(body []byte) string {
	var said map[string]any
	if len(body) > 1<<20 || json.Unmarshal(body, &said) != nil {
		return ""
	}
	text := strings.Join(strings.Fields(strings.Join(texts(said), " ")), " ")
	if len(text) > maxMessage {
		text = strings.ToValidUTF8(text[:maxMessage], "") + "…"
	}
	return text
}

// texts returns the texts of a message: {"message": "…"}, {"error": "…"}, {"error": {"message": "…", "errors": ["…"]}},
// and so on. Of a message and an error the error repeats the message.
func texts(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var all []string
		for _, item := range v {
			all = append(all, texts(item)...)
		}
		return all
	case map[string]any:
		for _, key := range []string{"message", "error_description", "error"} {
			if found := texts(v[key]); strings.Join(found, "") != "" {
				return append(found, texts(v["errors"])...)
			}
		}
		var all []string
		for _, key := range slices.Sorted(maps.Keys(v)) {
			all = append(all, texts(v[key])...)
		}
		return all
	}
	return nil
}

// withoutQuery is err, which names the request, without the request's query, which may be long.
func withoutQuery(err error, query string) error {
	var failed *url.Error
	if errors.As(err, &failed) {
		err = failed.Err // failed adds nothing but the request, which err names
	}
	if query == "" {
		return err
	}
	return &shownError{strings.ReplaceAll(err.Error(), "?"+query, ""), err}
}

// shownError is an error with another text.
type shownError struct {
	text string
	err  error
}

func (e *shownError) Error() string { return e.text }
func (e *shownError) Unwrap() error { return e.err }

// ParseBaseURL reads the configured address of a source. The result's path begins and ends with a slash. example is
// shown in errors: "https://gitlab.example.com".
func ParseBaseURL(configured, example string) (*url.URL, error) {
	u, err := url.Parse(configured)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("url %q: give an absolute http or https URL, such as %s", configured, example)
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("url %q: leave out user, query and fragment; credentials have keys of their own", u.Redacted())
	}
	SetPath(u, u.Path)
	return u, nil
}

// SetPath sets the path of a base URL, with a slash at its beginning and end.
func SetPath(u *url.URL, path string) {
	u.RawPath = ""
	u.Path = "/"
	if path = strings.Trim(path, "/"); path != "" {
		u.Path = "/" + path + "/"
	}
}
