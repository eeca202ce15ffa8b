package source

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/rest"
)

// Inventory lists what an account of a source has, before anything is configured: `dxctl init` proposes a configuration
// from it.
type Inventory interface {
	// Observe sets who is told about requests and waits; the last call wins.
	Observe(o rest.Observer)
	// Repositories lists the repositories of the account in at most 3 requests per 100 of them, as long as the source
	// answers a full page. listed receives how many have been listed, of how many; 0: the total is not known.
	Repositories(ctx context.Context, listed func(done, total int)) (Listing, error)
	// Named lists the repositories with these paths, which may belong to several accounts.
	Named(ctx context.Context, paths []string) (Listing, error)
	// Complete reads of each of the repositories what the listing does not show. It returns what could not be read.
	Complete(ctx context.Context, repositories []Repository) []string
	// Members lists who belongs to the account.
	Members(ctx context.Context) (Members, error)
}

// Listing is the repositories of an account.
type Listing struct {
	Account      string // as the source spells it
	Repositories []Repository
	Notes        []string // what could not be read, and why
}

// Repository is what an inventory shows of a repository.
type Repository struct {
	ID          string // of the source
	Path        string // owner/name; of GitLab with every group before the name
	Configured  string // the id by which it was named, as the configuration has it; empty: its path
	Description string
	URL         string // of its page
	// ActiveAt is when something was last pushed; zero: not known.
	ActiveAt time.Time
	// LeftOut is why it is not proposed: "archived", "fork", "empty"; empty: it is.
	LeftOut string
	// Unread is true if its files and deployments were not shown: a missing sign then proves nothing.
	Unread       bool
	Descriptor   string   // path of its Backstage descriptor; empty: it has none
	Dockerfile   string   // path of its Dockerfile; empty: none at the top
	Deploying    []string // names of workflows, or of the CI configuration, that deploy
	Deployed     bool     // it has deployments, or environments
	Environments []string // as the source names them, sorted, each once
	Codeowners   string   // path of CODEOWNERS; empty: it has none
	Owners       []string // owners of all files by CODEOWNERS, as written there
}

// AddEnvironments adds names of environments that are not among those known.
func (r *Repository) AddEnvironments(names ...string) {
	for _, name := range names {
		if name = strings.TrimSpace(name); name != "" {
			r.Environments = append(r.Environments, name)
		}
	}
	slices.Sort(r.Environments)
	r.Environments = slices.Compact(r.Environments)
}

// Signs returns why the repository looks like a service, the strongest sign first; empty: nothing indicates one.
func (r Repository) Signs() []string {
	var signs []string
	if r.Deployed {
		sign := "deployments"
		if n := len(r.Environments); n > 0 {
			shown := r.Environments[:min(n, 3)]
			sign += " to " + strings.Join(shown, ", ")
			if n > len(shown) {
				sign += fmt.Sprintf(" and %d more", n-len(shown))
			}
		}
		signs = append(signs, sign)
	}
	if len(r.Deploying) > 0 {
		signs = append(signs, r.Deploying[0]+" deploys")
	}
	if r.Dockerfile != "" {
		signs = append(signs, r.Dockerfile)
	}
	return signs
}

// Members are who belongs to an account.
type Members struct {
	People []Member
	Notes  []string // what could not be read, and why
}

// Member is a person or a bot of an account.
type Member struct {
	Login string
	Name  string // empty: the source shows none
	Bot   bool
}
