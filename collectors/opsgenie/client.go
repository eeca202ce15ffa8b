package opsgenie

import "net/http"

// hintFor returns what to do about a request that is refused with the status; empty: nothing is known.
func hintFor(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "the key is no longer valid; create another API integration and set its key as the source's token; " +
			"accounts in the EU have url: https://api.eu.opsgenie.com"
	case http.StatusForbidden, http.StatusPaymentRequired:
		return "the key may not read this, or the plan has no incidents; " + rights
	case http.StatusNotFound:
		return "it does not exist, or the key does not show it; " + rights
	}
	return ""
}

// rights are all that the key needs.
const rights = "give the API integration read access and assign it to no team, or to the team that is read; " +
	"services and incidents need the Standard or Enterprise plan: " +
	"with others read alerts with teams: [name]"
