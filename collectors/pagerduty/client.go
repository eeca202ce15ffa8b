package pagerduty

import (
	"net/http"

	"github.com/dxctl/dxctl/collectors/rest"
)

// hintFor returns what to do about a request that is refused with the status; empty: nothing is known.
func hintFor(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "the key is no longer valid; create another REST API key and set it as the source's token; accounts in the " +
			"EU have url: https://api.eu.pagerduty.com"
	case http.StatusForbidden:
		return "the key may not read this; " + rights
	case http.StatusNotFound:
		return "it does not exist, or the key does not show it; " + rights
	}
	return ""
}

// rights are all that the key needs.
const rights = "give a read-only REST API key of the account, or an OAuth token with the scopes services.read and " +
	"incidents.read (which covers log entries)"

// gone reports whether PagerDuty does not have, or does not show, what was requested.
func gone(err error) bool {
	return rest.HasStatus(err, http.StatusNotFound, http.StatusGone, http.StatusForbidden)
}
