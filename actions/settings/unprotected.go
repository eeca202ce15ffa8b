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

// IsSet reports whether an environment has what a request sets. Sending it again would not be harmless: GitHub's API
// lets administrators bypass the protection again.
func IsSet(r actions.Request, value json.RawMessage) bool { return covers(value, r.Body) }

// MayReplace reports whether a request may set an environment that has a value: nothing protects it, not even from
// administrators.
func MayReplace(value json.RawMessage) bool {
	weakest := canonical(environmentBody{Reviewers: []Reviewer{}, Branches: json.RawMessage(null), AdminsBypass: true})
	return bytes.Equal(value, weakest)
}
