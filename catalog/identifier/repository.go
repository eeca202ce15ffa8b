package identifier

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Repository is a repository as a slug or an address names it.
type Repository struct {
	Host   string // in lower case, with the port of a page's address where it has one; empty: a slug
	Path   string // owner/name, of GitLab with every group before the name
	Inside string // the part of an address behind the branch: services/payment; empty: the whole repository
	IsFile bool   // inside is a file
	dashed bool   // the address has GitLab's separator /-/
}

var (
	githubOwner = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`)
	githubName  = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)
	gitlabName  = regexp.MustCompile(`^[\p{L}\p{N}_.][\p{L}\p{N}_.-]*$`)
)

// gitlabPages are the words that GitLab reserves: no group or project has such a name, so that one of them in an
// address without /-/ is where the page of the project begins.
var gitlabPages = []string{"badges", "blame", "blob", "builds", "commits", "create", "create_dir", "edit", "files",
	"find_file", "new", "preview", "raw", "refs", "tree", "update", "wikis"}

// hostsOf are hosts of which the provider is known.
var hostsOf = map[string]string{"github.com": "github", "www.github.com": "github", "ssh.github.com": "github",
	"gitlab.com": "gitlab", "www.gitlab.com": "gitlab", "altssh.gitlab.com": "gitlab", "bitbucket.org": "bitbucket",
	"dev.azure.com": "azure"}

// Provider returns whose the repository is, by its host and address; empty where they do not say.
func (r Repository) Provider() string {
	host, _, _ := strings.Cut(r.Host, ":")
	if p := hostsOf[host]; p != "" {
		return p
	}
	switch {
	case r.dashed || strings.HasPrefix(r.Host, "gitlab."):
		return "gitlab"
	case strings.HasPrefix(r.Host, "github."):
		return "github"
	}
	return ""
}

// ParseRepository reads a repository of a provider ("github", "gitlab"), which a slug does not name. Forms: owner/name,
// https://host/owner/name with or without .git, a trailing slash and a page behind it, ssh://git@host/owner/name,
// git@host:owner/name, host/owner/name. An empty provider is found by the host.
func ParseRepository(text, provider string) (Repository, error) {
	host, rest, err := SplitAddress(text, provider)
	if err != nil {
		return Repository{}, err
	}
	r := Repository{Host: host}
	segments := slices.DeleteFunc(strings.Split(rest, "/"), func(s string) bool { return s == "" })
	if slices.ContainsFunc(segments, func(s string) bool { return s == "." || s == ".." }) {
		return Repository{}, errors.New("it leads out of its host")
	}
	r.dashed = slices.Index(segments, "-") >= 2
	if provider == "" {
		if provider = r.Provider(); provider == "" {
			return r, nil
		}
	} else if p := hostsOf[host]; p != "" && p != provider {
		return Repository{}, fmt.Errorf("%s is not a host of %s", host, providerNames[provider])
	}
	var page []string
	if provider == "github" {
		segments, page, err = cutGitHub(segments, host != "")
	} else {
		segments, page, err = cutGitLab(segments)
	}
	if err != nil {
		return Repository{}, err
	}
	r.Path = strings.Join(segments, "/")
	if len(page) >= 3 && (page[0] == "tree" || page[0] == "blob") { // tree, branch, services/payment
		r.Inside, r.IsFile = path.Join(page[2:]...), page[0] == "blob"
	}
	return r, nil
}

// providerNames are the providers of which repositories are collected.
var providerNames = map[string]string{"github": "GitHub", "gitlab": "GitLab"}

// HasRepositories reports whether repositories of a provider are collected.
func HasRepositories(provider string) bool { return providerNames[provider] != "" }

// IsPublicHost reports whether a host is one that the provider itself runs, and so has only one address.
func IsPublicHost(host string) bool { return hostsOf[host] != "" }

// hostOf returns the host of an address, with the port of a page; ports of SSH and git are others than those of the
// pages.
func hostOf(u *url.URL) string {
	host := strings.ToLower(u.Hostname())
	if port := u.Port(); strings.HasPrefix(u.Scheme, "http") && port != "" && port != "443" && port != "80" {
		return host + ":" + port
	}
	return host
}

// SplitAddress returns the host and the path of an address; a slug has no host.
func SplitAddress(text, provider string) (host, rest string, err error) {
	text = strings.TrimSpace(text)
	if before, after, ok := strings.Cut(text, ":"); ok && strings.EqualFold(before, "url") {
		text = strings.TrimSpace(after)
	}
	if strings.Contains(text, "://") {
		u, err := url.Parse(text)
		if err != nil || u.Host == "" {
			return "", "", errors.New("the address cannot be read")
		}
		switch strings.TrimPrefix(u.Scheme, "git+") {
		case "http", "https", "ssh", "git":
			return hostOf(u), u.Path, nil
		}
		return "", "", fmt.Errorf("the address begins with %s://, not with https:// or ssh://", u.Scheme)
	}
	text, _, _ = strings.Cut(text, "?")
	text, _, _ = strings.Cut(text, "#")
	if before, after, ok := strings.Cut(text, ":"); ok { // git@host:owner/name
		_, host, user := strings.Cut(before, "@")
		if !user {
			host = before
		}
		if host == "" || strings.Contains(host, "/") || !user && !strings.Contains(host, ".") {
			return "", "", errors.New("it is neither owner/name nor an address")
		}
		return strings.ToLower(host), after, nil
	}
	if plain, err := url.PathUnescape(text); err == nil && strings.Contains(strings.ToLower(text), "%2f") {
		text = plain // group%2Fproject, as GitLab's API has it
	}
	first, behind, _ := strings.Cut(strings.TrimLeft(text, "/"), "/")
	first = strings.ToLower(first)
	owner := provider == "github" && !strings.Contains(first, ".") // whose names have no dot
	if hostsOf[first] != "" || !owner && strings.HasPrefix(first, "gitlab.") || strings.HasPrefix(first, "github.") {
		return first, behind, nil
	}
	if provider == "github" && !owner && strings.Count(behind, "/") >= 1 {
		return first, behind, nil
	}
	return "", text, nil
}

// cutGitHub separates owner and name from the page behind them, which only an address has.
func cutGitHub(segments []string, address bool) (name, page []string, err error) {
	if len(segments) < 2 {
		return nil, nil, errors.New("the name of the owner or of the repository is missing")
	}
	name, page = []string{segments[0], strings.TrimSuffix(segments[1], ".git")}, segments[2:]
	switch {
	case len(page) > 0 && !address && page[0] != "tree" && page[0] != "blob":
		return nil, nil, errors.New("GitHub has owner/name and nothing below it")
	case !githubOwner.MatchString(name[0]):
		return nil, nil, fmt.Errorf("%q is not the name of an owner at GitHub", name[0])
	case !githubName.MatchString(name[1]) || address && (name[0] == "orgs" || name[0] == "users"):
		return nil, nil, fmt.Errorf("%q is not the name of a repository at GitHub", name[1])
	}
	return name, page, nil
}

// cutGitLab separates the groups and the name of a project from the page behind them.
func cutGitLab(segments []string) (name, page []string, err error) {
	name = segments
	for i := 2; i < len(segments); i++ {
		if segments[i] == "-" {
			name, page = segments[:i], segments[i+1:]
			break
		}
		if slices.Contains(gitlabPages, segments[i]) {
			name, page = segments[:i], segments[i:]
			break
		}
	}
	if len(name) < 2 {
		return nil, nil, errors.New("the name of the group or of the project is missing")
	}
	name = slices.Clone(name)
	name[len(name)-1] = strings.TrimSuffix(name[len(name)-1], ".git")
	for _, n := range name {
		if !gitlabName.MatchString(n) {
			return nil, nil, fmt.Errorf("%q is not the name of a group or a project at GitLab", n)
		}
	}
	return name, page, nil
}

// RepositoryName returns the path of the repository that a text names: owner/name of https://host/owner/name/tree/main,
// git@host:owner/name.git and the like. A text that is no address is returned as it is.
func RepositoryName(text string) string {
	if !strings.Contains(text, "://") && !strings.Contains(text, "@") {
		return text
	}
	if r, err := ParseRepository(text, ""); err == nil && r.Path != "" {
		return r.Path
	}
	host, rest, err := SplitAddress(text, "") // of a host whose addresses are not known
	if rest = strings.TrimSuffix(strings.Trim(rest, "/"), ".git"); err != nil || host == "" || rest == "" {
		return text
	}
	return rest
}

// SameHost reports whether two hosts are one. A port that only one of them has is ignored: git over SSH has another.
func SameHost(a, b string) bool {
	hostA, portA, _ := strings.Cut(a, ":")
	hostB, portB, _ := strings.Cut(b, ":")
	return hostA != "" && hostA == hostB && (portA == "" || portB == "" || portA == portB)
}
