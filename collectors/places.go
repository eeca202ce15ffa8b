package collectors

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/collectors/argocd"
	"github.com/dxctl/dxctl/collectors/github"
	"github.com/dxctl/dxctl/collectors/gitlab"
	"github.com/dxctl/dxctl/collectors/jenkins"
)

// Places returns the sources with the addresses of their servers, by which the catalog tells apart the scopes of two
// sources of one kind.
func (c Config) Places() []catalog.Source {
	places := make([]catalog.Source, len(c))
	for i, s := range c {
		places[i] = catalog.Source{Name: s.Name, Provider: s.Kind, URL: pageURL(s.settings)}
	}
	return places
}

// pageURL returns the address of a source's server as people open it; empty where its scopes have no such address.
func pageURL(s settings) string {
	switch s := s.(type) {
	case *github.Config:
		return withoutAPI(cmp.Or(s.URL, "https://github.com"))
	case *gitlab.Config:
		return cmp.Or(s.URL, "https://gitlab.com")
	case *jenkins.Config:
		return s.URL
	case *argocd.Config:
		return s.URL
	}
	return ""
}

// withoutAPI returns the address of GitHub's pages: the API of github.com and of GitHub Enterprise Cloud (acme.ghe.com)
// has a host of its own, api.github.com; that of GitHub Enterprise Server has the path /api/v3.
func withoutAPI(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	u.Host = strings.TrimPrefix(u.Host, "api.")
	u.Path = strings.TrimSuffix(strings.TrimSuffix(u.Path, "/"), "/api/v3")
	return u.String()
}

// Account returns the organization on GitHub that the sources of a server collect; "" if there is none, or several.
func (c Config) Account(pages string) string {
	account := ""
	for _, s := range c {
		cfg, ok := s.settings.(*github.Config)
		switch {
		case !ok || !strings.EqualFold(pageURL(cfg), pages) || cfg.Organization == "" || cfg.Organization == account:
		case account != "":
			return ""
		default:
			account = cfg.Organization
		}
	}
	return account
}

// Covers returns the name of the first source that collects a repository on GitHub; "" if none does. pages is the
// address of the server's web pages, and fullName the repository as owner/name.
func (c Config) Covers(pages, fullName string) string {
	owner, _, _ := strings.Cut(fullName, "/")
	for _, s := range c {
		cfg, ok := s.settings.(*github.Config)
		if !ok || !strings.EqualFold(pageURL(cfg), pages) {
			continue
		}
		names, _ := cfg.RepositoryNames() // Validate reports those that cannot be parsed
		listed := func(name string) bool { return strings.EqualFold(name, fullName) }
		if strings.EqualFold(cfg.Organization, owner) || slices.ContainsFunc(names, listed) {
			return s.Name
		}
	}
	return ""
}
