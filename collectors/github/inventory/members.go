package inventory

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/dxctl/dxctl/collectors/github/client"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/source"
)

// Named lists the repositories with these paths: with GraphQL, or with REST where GraphQL does not show them. A
// repository that does not exist, or that the token may not see, is an error that names it.
func (v *Inventory) Named(ctx context.Context, paths []string) (source.Listing, error) {
	all := source.Listing{}
	var errs []error
	for _, path := range paths {
		owner, name, _ := strings.Cut(path, "/")
		var data struct {
			Repository *node `json:"repository"`
		}
		err := v.ask(ctx, namedQuery, &data, func() map[string]any {
			return map[string]any{"owner": owner, "name": name}
		})
		if errors.Is(err, rest.ErrUnauthorized) || ctx.Err() != nil {
			return all, err
		}
		if data.Repository != nil && data.Repository.NameWithOwner != "" {
			repositories, _ := v.pageOf(ctx, []*node{data.Repository})
			all.Repositories = append(all.Repositories, repositories...)
			continue
		}
		var found record
		if _, err := v.Get(ctx, "repos/"+path, "", &found); err != nil {
			errs = append(errs, fmt.Errorf("repository %s: %w", path, err))
			continue
		}
		v.note(fmt.Sprintf("GraphQL does not show %s: whether it is a service is not known", path))
		all.Repositories = append(all.Repositories, found.repository())
	}
	all.Notes = v.notes
	return all, errors.Join(errs...)
}

const membersQuery = `query($owner: String!, $after: String) { organization(login: $owner) {
membersWithRole(first: 100, after: $after) { pageInfo { hasNextPage endCursor } nodes { login name } } } }`

// Members lists the members of the organization; of a user, only that user. Where the token may not read the members,
// those that are public are listed.
func (v *Inventory) Members(ctx context.Context) (source.Members, error) {
	if v.cfg.Account == "" {
		return source.Members{Notes: []string{"no organization is given, so that nobody is listed"}}, nil
	}
	if v.user {
		return source.Members{People: []source.Member{{Login: v.cfg.Account, Name: v.name}}}, nil
	}
	var all source.Members
	for after := ""; ; {
		var data struct {
			Organization *struct {
				MembersWithRole struct {
					PageInfo struct {
						HasNextPage bool   `json:"hasNextPage"`
						EndCursor   string `json:"endCursor"`
					} `json:"pageInfo"`
					Nodes []*struct{ Login, Name string } `json:"nodes"`
				} `json:"membersWithRole"`
			} `json:"organization"`
		}
		variables := map[string]any{"owner": v.cfg.Account, "after": orNull(after)}
		err := v.Query(rest.WithMaxAttempts(ctx, attempts), membersQuery, variables, &data)
		if client.Status(err) == http.StatusUnauthorized || ctx.Err() != nil {
			return all, err
		}
		if data.Organization == nil {
			if path, pathErr := v.cfg.Path(ctx); pathErr == nil && strings.HasPrefix(path, "users/") {
				v.user = true
				return v.Members(ctx)
			}
			return v.publicMembers(ctx, err)
		}
		page := data.Organization.MembersWithRole
		for _, n := range page.Nodes {
			if n != nil && n.Login != "" {
				all.People = append(all.People, source.Member{Login: n.Login, Name: n.Name, Bot: botLogin(n.Login)})
			}
		}
		if after = page.PageInfo.EndCursor; !page.PageInfo.HasNextPage || after == "" {
			break
		}
	}
	if len(all.People) == 0 {
		all.Notes = append(all.Notes, membersHidden)
	}
	return all, nil
}

const membersHidden = "the token shows no members of the organization; add the scope read:org (fine-grained token: " +
	"the organization permission Members), or write people.csv from another list"

// publicMembers lists the members that REST shows. why is the answer of GraphQL.
func (v *Inventory) publicMembers(ctx context.Context, why error) (source.Members, error) {
	var all source.Members
	for number := 1; number > 0; {
		var page client.Listing[member]
		got, err := v.Get(ctx, fmt.Sprintf("orgs/%s/members?per_page=100&page=%d", v.cfg.Account, number), "", &page)
		if err != nil {
			if errors.Is(err, rest.ErrUnauthorized) || ctx.Err() != nil {
				return all, err
			}
			return source.Members{Notes: []string{membersHidden}}, nil
		}
		for _, m := range page {
			all.People = append(all.People, source.Member{Login: m.Login, Bot: m.Type == "Bot" || botLogin(m.Login)})
		}
		number = got.Next
	}
	all.Notes = []string{"only the public members are listed, without names: add the scope read:org (fine-grained " +
		"token: the organization permission Members) to list all of them"}
	if why == nil { // REST lists whom GraphQL does not know: a server without the query
		all.Notes = nil
	}
	return all, nil
}

// member is a member as REST shows it.
type member struct {
	Login string `json:"login"`
	Type  string `json:"type"` // User, Bot
}

// HasID reports whether the record names its member.
func (m member) HasID() bool { return m.Login != "" }

// botLogin reports whether a login is named like a bot account. A member of an organization is always a user to GitHub.
func botLogin(login string) bool {
	login = strings.ToLower(login)
	for _, end := range []string{"[bot]", "-bot", "_bot"} {
		if strings.HasSuffix(login, end) {
			return true
		}
	}
	return false
}
