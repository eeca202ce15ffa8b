package settings

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/dxctl/dxctl/actions"
)

// Request returns the request that makes a change. api is the address of the API, and rulesetID that of our ruleset.
func (c Change) Request(api, repository string, rulesetID int64) actions.Request {
	at := api + "/repos/" + repository
	r := actions.Request{Method: http.MethodPut, URL: at, Body: c.After, Why: c.Why, Setting: true}
	switch c.Setting {
	case Ruleset:
		r.URL = fmt.Sprintf("%s/rulesets/%d", at, rulesetID)
		switch {
		case string(c.Before) == null:
			r.Method, r.URL = http.MethodPost, at+"/rulesets"
		case string(c.After) == null:
			r.Method, r.Body = http.MethodDelete, nil
		}
	case WorkflowToken:
		r.URL += "/actions/permissions/workflow"
	case Security:
		r.Method, r.Body = http.MethodPatch, canonical(map[string]json.RawMessage{"security_and_analysis": c.After})
	case BranchCleanup:
		r.Method = http.MethodPatch
	case Reporting:
		r.URL, r.Body = r.URL+"/private-vulnerability-reporting", nil
		if !bytes.Contains(c.After, []byte("true")) {
			r.Method = http.MethodDelete
		}
	default:
		var body map[string]any
		if json.Unmarshal(c.After, &body) == nil {
			delete(body, "can_admins_bypass") // as [environmentBody] says
			r.Body = canonical(body)
		}
		r.URL += "/environments/" + url.PathEscape(environmentOf(c.Setting))
	}
	return r
}
