package argocd

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/dxctl/dxctl/collectors/rest"
)

// hintFor returns what to do about a request that is refused with the status; empty: nothing is known.
func hintFor(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "the token is no longer valid; generate another (argocd account generate-token) and set it as the source's " +
			"token"
	case http.StatusForbidden: // also of what does not exist, so that nobody can find out
		return "the application does not exist, or the token may not see it; " + rights
	case http.StatusNotFound:
		return "it does not exist; check the source's url"
	}
	return ""
}

// rights are all that the token needs.
const rights = "allow it `applications, get` on every application that is read: `p, <account or role>, " +
	"applications, get, */*, allow`"

// get asks for a path of the API and returns the JSON of the answer.
func (c *Collector) get(ctx context.Context, path string) ([]byte, error) {
	var body json.RawMessage
	_, err := c.Get(ctx, "api/v1/"+path, "", &body)
	return body, err
}

// summaryFields are what a listing is asked for. Argo CD answers with a few fields only, and the history is none of
// them; but whatever changes it is an operation.
const summaryFields = "items.metadata.name,items.metadata.namespace,items.metadata.creationTimestamp," +
	"items.status.sync.status," +
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
func gone(err error) bool { return rest.HasStatus(err, http.StatusNotFound, http.StatusForbidden) }
