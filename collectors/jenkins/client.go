package jenkins

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/collectors/rest"
)

// hintFor returns what to do about a request that is refused with the status; empty: nothing is known.
func hintFor(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "user and API token do not match; create another token on the user's Security page and set user and token " +
			"of the source"
	case http.StatusForbidden:
		return "the user may not read this; " + rights
	case http.StatusNotFound:
		return "it does not exist, or the user may not see it: " + rights
	}
	return ""
}

// rights are all that the user needs.
const rights = "give the user Overall/Read at the root, and Job/Discover and Job/Read on every folder and job that " +
	"is collected"

// jobPath is the path of a job by the names that lead to it: job/a/job/b/. A branch's name holds escapes of its own
// (feature%2Fx), which are escaped once more.
func jobPath(names []string) string {
	var b strings.Builder
	for _, n := range names {
		b.WriteString("job/")
		b.WriteString(url.PathEscape(n))
		b.WriteByte('/')
	}
	return b.String()
}

// get asks for fields of a job or folder. A tree is always sent: without one Jenkins renders all it has, and some
// servers lock out who asks for that.
func (c *Collector) get(ctx context.Context, names []string, tree, etag string, into any) (rest.Answer, error) {
	return c.Get(ctx, jobPath(names)+"api/json?tree="+url.QueryEscape(tree), etag, into)
}

// stillListed reports whether something that Jenkins does not have is on the list of its folder nevertheless: then it
// has not been deleted, but the user may not see it.
func (c *Collector) stillListed(ctx context.Context, names []string) bool {
	last := len(names) - 1
	var n node
	if _, err := c.get(ctx, names[:last], "jobs[name]", "", &n); err != nil {
		return !rest.IsGone(err)
	}
	return slices.ContainsFunc(n.Jobs, func(b node) bool { return b.Name == names[last] })
}
