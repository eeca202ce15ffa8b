package streamtest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/collectors/github/githubtest"
)

// Always500 answers with 500 to every request that bad selects.
func Always500(bad func(r *http.Request) bool) func(int, *http.Request) *githubtest.Fault {
	return func(_ int, r *http.Request) *githubtest.Fault {
		if bad(r) {
			return &githubtest.Fault{Status: http.StatusInternalServerError, Body: `{"message":"Server Error"}`}
		}
		return nil
	}
}

// GraphQLFails answers a query of GraphQL with the fault if bad selects its text and variables.
func GraphQLFails(
	t testing.TB,
	fault *githubtest.Fault,
	bad func(query string, number, first int, after string) bool,
) func(int, *http.Request) *githubtest.Fault {
	return func(_ int, r *http.Request) *githubtest.Fault {
		if !strings.Contains(r.URL.Path, "graphql") {
			return nil
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		var q struct {
			Query     string
			Variables struct {
				Number, First int
				After         string
			}
		}
		if err := json.Unmarshal(body, &q); err == nil &&
			bad(q.Query, q.Variables.Number, q.Variables.First, q.Variables.After) {
			return fault
		}
		return nil
	}
}

// AsksFor reports whether a request asks for a file with a content: by REST, or as one of many by GraphQL.
func AsksFor(r *http.Request, content string) bool {
	sha := githubtest.BlobSHA(content)
	if strings.HasSuffix(r.URL.Path, "/git/blobs/"+sha) {
		return true
	}
	if !strings.Contains(r.URL.Path, "graphql") {
		return false
	}
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	return err == nil && bytes.Contains(body, []byte(sha))
}
