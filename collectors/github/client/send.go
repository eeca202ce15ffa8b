package client

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/google/go-github/v60/github"

	"github.com/dxctl/dxctl/collectors/rest"
)

// Send sends a request with a JSON body to a path below the address of the REST API, and decodes the answer into into
// unless that is nil. It is for actions; collectors only read. The client sends a request again if the connection
// breaks, so that the server may get it twice.
func (c *Client) Send(ctx context.Context, method, path string, body, into any) error {
	req, err := c.api.NewRequest(method, path, body)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if err := c.begin(ctx, method != http.MethodGet); err != nil {
		return err
	}
	resp, err := c.api.BareDo(ctx, req)
	if err != nil {
		return answered(fmt.Errorf("%s %s: %w", method, path, withDetails(err)))
	}
	if into == nil || resp.StatusCode == http.StatusNoContent {
		return nil
	}
	if err := decode(resp.Response, into); err != nil {
		return fmt.Errorf("%s %s: %w", method, path, &rest.AnswerError{Status: resp.StatusCode, Err: err})
	}
	return nil
}

// withDetails is an error answer with what GitHub says of each field, without the address.
func withDetails(err error) error {
	var failed *github.ErrorResponse
	if !errors.As(err, &failed) || failed.Response == nil {
		return withoutAddress(err)
	}
	var details []string
	for _, e := range failed.Errors {
		if e.Message != "" {
			details = append(details, e.Message)
		}
	}
	if len(details) == 0 {
		return withoutAddress(err)
	}
	return fmt.Errorf("%w (%s)", withoutAddress(err), strings.Join(details, "; "))
}

// Rights are what credentials may do, as far as GitHub shows it.
type Rights struct {
	// Scopes of a classic token, if Classic.
	Classic bool
	Scopes  []string
	// Permissions of an App's installation, such as contents: write; nil for a token. GitHub shows those of a
	// fine-grained token nowhere.
	Permissions map[string]string
}

// Rights returns what the credentials may do.
func (c *Client) Rights(ctx context.Context) (Rights, error) {
	if c.app != nil {
		var installation struct {
			Permissions map[string]string `json:"permissions"`
		}
		if err := c.begin(ctx, false); err != nil {
			return Rights{}, err
		}
		_, err := c.app.ask(ctx, http.MethodGet, "app/installations/"+c.app.app.InstallationID, &installation)
		return Rights{Permissions: installation.Permissions}, err
	}
	var user struct{}
	answer, err := c.Get(ctx, "user", "", &user)
	if err != nil {
		return Rights{}, err
	}
	return answer.Rights(), nil
}

// Rights returns what an answer shows of a token: its scopes, if it is a classic one.
func (a Answer) Rights() Rights {
	values, classic := a.Header[http.CanonicalHeaderKey("X-OAuth-Scopes")]
	r := Rights{Classic: classic}
	for scope := range strings.SplitSeq(strings.Join(values, ","), ",") {
		if scope = strings.TrimSpace(scope); scope != "" {
			r.Scopes = append(r.Scopes, scope)
		}
	}
	return r
}

// Missing returns which of the permissions of an App's installation it lacks, as "contents: write", sorted.
func (r Rights) Missing(needed map[string]string) []string {
	var missing []string
	for _, name := range slices.Sorted(maps.Keys(needed)) {
		if has := r.Permissions[name]; has != needed[name] && has != "admin" && (has != "write" || needed[name] != "read") {
			missing = append(missing, name+": "+needed[name])
		}
	}
	return missing
}
