package argocd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/collectors/rest"
)

// statusError is an answer that refuses.
type statusError struct {
	path    string
	status  int
	message string
}

func (e *statusError) Error() string {
	text := fmt.Sprintf("GET %s: status %d %s", e.path, e.status, http.StatusText(e.status))
	if e.message != "" {
		text += ": " + e.message
	}
	switch e.status {
	case http.StatusUnauthorized:
		text += ": the token is not valid (any more); generate another (argocd account generate-token) and set it as the source's token"
	case http.StatusForbidden: // also of what does not exist, so that nobody can find out
		text += ": the application does not exist (any more), or the token may not see it; " + rights
	case http.StatusNotFound:
		text += ": it does not exist (any more); check the source's url"
	}
	return text
}

// rights are all that the token needs.
const rights = "allow it `applications, get` on every application that is read: `p, <account or role>, applications, get, */*, allow`"

// Unwrap makes refused credentials recognisable.
func (e *statusError) Unwrap() error {
	if e.status == http.StatusUnauthorized {
		return rest.ErrUnauthorized
	}
	return nil
}

// get asks for a path of the API and returns the JSON of the answer.
func (c *Collector) get(ctx context.Context, path string) ([]byte, error) {
	shown, _, _ := strings.Cut(path, "?")
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"api/v1/"+path, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("GET %s: %w", shown, err)
	}
	resp, err := c.rest.HTTPClient().Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, err // names the request itself
	}
	defer func() { _ = resp.Body.Close() }()
	body, ok := resp.Body.(*rest.Body)
	if !ok {
		return nil, fmt.Errorf("GET %s: the answer's body is a %T, not what the client reads", shown, resp.Body)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, &rest.AnswerError{Status: resp.StatusCode, Err: &statusError{path: shown, status: resp.StatusCode, message: message(body.Bytes())}}
	}
	return body.Bytes(), nil
}

// message is what Argo CD says about a refusal: {"error": "…", "code": 7, "message": "…"}.
func message(body []byte) string {
	var said struct {
		Error   string `json:"error"`
		Message string `json:"message"`
	}
	if json.Unmarshal(body, &said) != nil {
		return ""
	}
	text := strings.Join(strings.Fields(said.Message), " ")
	if text == "" {
		text = strings.Join(strings.Fields(said.Error), " ")
	}
	if len(text) > 200 {
		text = strings.ToValidUTF8(text[:200], "") + "…"
	}
	return text
}

// summaryFields are what a listing is asked for. Argo CD answers with a few fields only, and the history is none of
// them; but whatever changes it is an operation.
const summaryFields = "items.metadata.name,items.metadata.namespace,items.metadata.creationTimestamp,items.status.sync.status," +
	"items.status.operationState.startedAt,items.status.operationState.finishedAt"

// list returns the applications that are collected, as one request tells of them, and what is wrong with those that
// cannot be read.
func (c *Collector) list(ctx context.Context) (all []summary, odd map[string]error, err error) {
	query := url.Values{"fields": {summaryFields}}
	if len(c.cfg.Projects) > 0 {
		query["projects"] = c.cfg.Projects
	}
	body, err := c.get(ctx, "applications?"+query.Encode())
	if err != nil {
		return nil, nil, err
	}
	if all, odd, err = parseList(body); err != nil {
		return nil, nil, fmt.Errorf("GET applications: the answer is not what Argo CD documents: %w", err)
	}
	return slices.DeleteFunc(all, func(s summary) bool { return !c.wants(s.Metadata) }), odd, nil
}

// wants reports whether an application is one of those that are collected, by its name.
func (c *Collector) wants(m metadata) bool {
	return len(c.only) == 0 || slices.ContainsFunc(c.only, func(g glob) bool {
		return g.matches(m.Name) || g.matches(m.Namespace+"/"+m.Name)
	})
}

// application reads one application as a whole.
func (c *Collector) application(ctx context.Context, m metadata) (application, error) {
	path := "applications/" + url.PathEscape(m.Name)
	if m.Namespace != "" {
		path += "?appNamespace=" + url.QueryEscape(m.Namespace)
	}
	body, err := c.get(ctx, path)
	if err != nil {
		return application{}, err
	}
	a, err := parseApplication(body)
	if err != nil {
		return application{}, fmt.Errorf("GET %s: the answer is not what Argo CD documents: %w", path, err)
	}
	return a, nil
}

// gone reports whether Argo CD answered that there is no such application, in either of its ways.
func gone(err error) bool {
	var s *statusError
	return errors.As(err, &s) && (s.status == http.StatusNotFound || s.status == http.StatusForbidden)
}
