package settings

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/dxctl/dxctl/actions"
)

// EnvironmentOf returns the key of the environment that a request sets; "" for other requests. Setting an environment
// replaces all that protects it.
func EnvironmentOf(r actions.Request) string {
	_, name, found := strings.Cut(r.URL, "/environments/")
	name, err := url.PathUnescape(name)
	if r.Method != http.MethodPut || !found || err != nil {
		return ""
	}
	return EnvironmentKey(name)
}

// MayReplace reports whether a request may set an environment that has a value: nothing protects it, or it has already
// what the request sets.
func MayReplace(r actions.Request, value json.RawMessage) bool {
	weakest := canonical(environmentBody{Reviewers: []Reviewer{}, Branches: json.RawMessage(null), AdminsBypass: true})
	return bytes.Equal(value, weakest) || covers(value, r.Body)
}
