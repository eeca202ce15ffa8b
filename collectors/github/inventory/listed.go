package inventory

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/github/client"
	"github.com/dxctl/dxctl/collectors/source"
)

// listed lists the repositories of the account by REST, which does not show their files and deployments. why is the
// answer of GraphQL; nil: it does not know the account.
func (v *Inventory) listed(ctx context.Context, why error, listed func(done, total int)) (source.Listing, error) {
	all := source.Listing{Account: v.cfg.Account}
	path, err := v.cfg.Path(ctx)
	if err != nil {
		return all, errors.Join(why, err)
	}
	v.user = strings.HasPrefix(path, "users/")
	for number := 1; number > 0; {
		var page client.Listing[record]
		got, err := v.Get(ctx, fmt.Sprintf("%s?type=all&sort=full_name&per_page=100&page=%d", path, number), "", &page)
		if err != nil {
			return all, err
		}
		for _, r := range page {
			all.Repositories = append(all.Repositories, r.repository())
		}
		listed(len(all.Repositories), 0)
		number = got.Next
	}
	v.note(fmt.Sprintf("GraphQL does not show the repositories of %s (%v): whether they are services is not known",
		v.cfg.Account, cmp.Or(why, errors.New("it does not know the account"))))
	all.Notes = v.notes
	return all, nil
}

// record is a repository as REST shows it.
type record struct {
	NodeID        string     `json:"node_id"`
	FullName      string     `json:"full_name"`
	Description   string     `json:"description"`
	HTMLURL       string     `json:"html_url"`
	DefaultBranch string     `json:"default_branch"`
	Archived      bool       `json:"archived"`
	Fork          bool       `json:"fork"`
	Disabled      bool       `json:"disabled"`
	IsTemplate    bool       `json:"is_template"`
	PushedAt      *time.Time `json:"pushed_at"`
}

// HasID reports whether the record names its repository.
func (r record) HasID() bool { return r.FullName != "" }

func (r record) repository() source.Repository {
	n := node{ID: r.NodeID, NameWithOwner: r.FullName, Description: r.Description, URL: r.HTMLURL,
		IsArchived: r.Archived, IsFork: r.Fork, IsDisabled: r.Disabled, IsTemplate: r.IsTemplate, PushedAt: r.PushedAt}
	if r.DefaultBranch != "" {
		n.DefaultBranchRef = &branch{r.DefaultBranch}
	}
	return n.repository(nil)
}
