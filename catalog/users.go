package catalog

import (
	"cmp"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/catalog/identifier"
	"github.com/dxctl/dxctl/people"
)

// teamName returns the spelling of a team that a group of the catalog has. A ref of kind group is a team even if the
// catalog does not describe it.
func (l *loader) teamName(name string) (spelling string, ok bool) {
	ref, err := identifier.ParseRef(name, "group", "")
	if err != nil {
		return "", false
	}
	if i, ok := l.catalog.byRef[ref.String()]; ok {
		e := l.catalog.entities[i]
		return identifier.Ref{Namespace: e.Namespace, Name: strings.ToLower(e.Name)}.Short(), true
	}
	if ref.Kind == "group" && strings.Contains(name, ":") {
		return ref.Short(), true
	}
	return "", false
}

// userLogins are the annotations of a User that name a login.
var userLogins = []struct{ annotation, provider string }{
	{"github.com/user-login", "github"},
	{"gitlab.com/user-login", "gitlab"},
	{"circleci.com/user-login", "circleci"},
	{"jenkins.io/user-login", "jenkins"},
}

// users returns the catalog's Users with the groups that they name, or that name them.
func (l *loader) users() []people.User {
	groups := map[string][]string{} // group refs by user ref
	for _, e := range l.catalog.entities {
		if e.Kind == "Group" {
			for _, member := range e.Members {
				groups[member] = append(groups[member], e.Ref)
			}
		}
	}
	var users []people.User
	for _, e := range l.catalog.entities {
		if e.Kind != "User" {
			continue
		}
		u := people.User{
			ID:    identifier.Ref{Namespace: e.Namespace, Name: strings.ToLower(e.Name)}.Short(),
			Login: e.Name, DisplayName: cmp.Or(e.Profile.DisplayName, e.Title), Email: e.Profile.Email,
			File: e.File, Line: e.Line,
		}
		teams := slices.Concat(e.MemberOf, groups[e.Ref])
		slices.Sort(teams)
		u.Teams = slices.Compact(teams)
		for _, l := range userLogins {
			if login := strings.TrimSpace(e.Annotations[l.annotation]); login != "" {
				u.Logins = append(u.Logins, people.Identity{Provider: l.provider, Login: login})
			}
		}
		users = append(users, u)
	}
	return users
}
