package app

import (
	"slices"
	"strings"

	"github.com/dxctl/dxctl/actions/create"
	"github.com/dxctl/dxctl/actions/github"
	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/catalog/identifier"
	"github.com/dxctl/dxctl/spelling"
)

// Surroundings returns what the configuration and the catalog know about where a service is created. owner is the ref
// or the name of its owner; "" looks for the only team of the person with the e-mail address.
func (a *App) Surroundings(owner, email string) create.Surroundings {
	c := a.catalog.Load()
	s := create.Surroundings{GitHubOwner: a.cfg.Sources.Account(github.PagesURL(a.cfg.Actions.GitHub.URL))}
	if owner == "" {
		owner = teamOf(c, email)
	}
	ref, err := identifier.ParseRef(owner, "group", "")
	if err != nil {
		return s
	}
	if team, ok := c.Entity(ref.String()); ok && team.Kind == "Group" {
		s.Team = team
	}
	for _, service := range c.OwnedBy(ref.String()) {
		e, _ := c.Entity(service)
		system, err := identifier.ParseRef(e.System, "system", "")
		if err == nil && !slices.Contains(s.Systems, system.Name) {
			s.Systems = append(s.Systems, system.Name)
		}
	}
	return s
}

// Unowned returns a sentence if the catalog has groups or users, but not the owner; "" otherwise.
func (a *App) Unowned(owner string) string {
	c := a.catalog.Load()
	ref, err := identifier.ParseRef(owner, "group", "")
	if err != nil {
		return ""
	}
	if _, ok := c.Entity(ref.String()); ok {
		return ""
	}
	var owners []string
	for _, e := range c.Entities() {
		if e.Kind == "Group" || e.Kind == "User" {
			owners = append(owners, e.Ref)
		}
	}
	if len(owners) == 0 {
		return ""
	}
	hint := ""
	if near := spelling.Nearest(ref.String(), owners); near != "" {
		hint = " (did you mean " + near + "?)"
	}
	return "The catalog has no owner " + ref.String() + hint + ": describe it there, or choose another one. Until then, " +
		"rules about the owner do not pass."
}

// teamOf returns the ref of the only group of the person with an e-mail address; "" if there is none, or several.
func teamOf(c *catalog.Catalog, email string) string {
	if email == "" {
		return ""
	}
	var teams []string
	for _, p := range c.People().All() {
		if !slices.Contains(p.Emails, strings.ToLower(email)) {
			continue
		}
		for _, m := range p.Memberships {
			if m.LeftOn.IsZero() && m.Team != "" && !slices.Contains(teams, m.Team) {
				teams = append(teams, m.Team)
			}
		}
	}
	if len(teams) != 1 {
		return ""
	}
	groups := slices.DeleteFunc(c.Entities(), func(e descriptor.Entity) bool {
		return e.Kind != "Group" || !strings.EqualFold(e.Name, teams[0])
	})
	if len(groups) != 1 {
		return ""
	}
	return groups[0].Ref
}
