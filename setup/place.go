package setup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/dxctl/dxctl/catalog/identifier"
	"github.com/dxctl/dxctl/collectors/github"
	"github.com/dxctl/dxctl/collectors/gitlab"
)

// tokenVariables are the environment variables that are looked at, by kind; those for a server of one's own first,
// where programs distinguish them.
var (
	tokenVariables = map[string][]string{
		github.Provider: {"GITHUB_TOKEN", "GH_TOKEN"},
		gitlab.Provider: {"GITLAB_TOKEN", "GITLAB_ACCESS_TOKEN", "GITLAB_PRIVATE_TOKEN", "GL_TOKEN"},
	}
	enterpriseVariables = []string{"GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN"}
)

// publicServer is the server of a kind whose URL need not be configured.
var publicServer = map[string]string{github.Provider: "github.com", gitlab.Provider: "gitlab.com"}

var kinds = []string{github.Provider, gitlab.Provider}

// place finds out, or asks, which account of which server is read with which token.
func (s *session) place(ctx context.Context) (place, error) {
	p := place{url: s.URL, account: strings.Trim(s.Account, "/"), allowPrivateNetwork: s.AllowPrivateNetwork}
	remotes := findRemotes(ctx, s.WorkDir)
	var err error
	if p.kind, err = s.kind(ctx, remotes); err != nil {
		return p, err
	}
	remotes = slices.DeleteFunc(remotes, func(r remote) bool { return !s.fits(r, p) })
	if err := s.server(ctx, &p, remotes); err != nil {
		return p, err
	}
	if p.tokenVariable, err = s.token(p); err != nil {
		return p, err
	}
	if p.named = exact(s.Repositories); len(p.named) > 0 && p.account == "" {
		p.account = commonAccount(p.named)
		return p, nil
	}
	p.named = nil
	if p.account != "" {
		return p, nil
	}
	suggestion := ""
	if len(remotes) > 0 {
		suggestion = remotes[0].account()
	}
	if s.Yes && suggestion != "" {
		p.account = suggestion
		return p, nil
	}
	what := map[string]string{github.Provider: "Organization or user", gitlab.Provider: "Group or user"}[p.kind]
	p.account, err = s.ask(ctx, what, suggestion, "--organization NAME")
	if err != nil {
		return p, fmt.Errorf("no git remote of this directory names an account of %s: %w", p.product(), err)
	}
	if p.account = strings.Trim(p.account, "/"); strings.Contains(p.account, "://") { // the address of its page
		if u, err := url.Parse(p.account); err == nil {
			p.account = strings.Trim(u.Path, "/")
		}
	}
	return p, nil
}

// kind returns github or gitlab: as given, by the address, by the remotes, by the only kind with a token, or as asked.
func (s *session) kind(ctx context.Context, remotes []remote) (string, error) {
	kind := strings.ToLower(s.Kind)
	if kind == "" {
		kind = kindOf(s.URL)
	}
	for _, r := range remotes {
		if kind == "" && s.URL == "" && slices.Contains(kinds, r.provider) {
			kind = r.provider
		}
	}
	if kind == "" {
		var have []string
		for _, k := range kinds {
			if s.firstSet(tokenVariables[k]) != "" {
				have = append(have, k)
			}
		}
		if len(have) == 1 {
			return have[0], nil
		}
		var err error
		kind, err = s.ask(ctx, "Where are the repositories: github or gitlab?", "", "--kind github or --kind gitlab")
		if err != nil {
			return "", fmt.Errorf("neither the git remotes of this directory nor the tokens in the environment tell whether "+
				"the repositories are at GitHub or GitLab: %w", err)
		}
		kind = strings.ToLower(kind)
	}
	if !slices.Contains(kinds, kind) {
		return "", fmt.Errorf("--kind %q: use github or gitlab; docs/sources describes how to configure others", kind)
	}
	return kind, nil
}

func kindOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return ""
	}
	if strings.HasSuffix(strings.ToLower(u.Host), ".ghe.com") || strings.EqualFold(u.Host, "api.github.com") {
		return github.Provider
	}
	return identifier.Repository{Host: strings.ToLower(u.Host)}.Provider()
}

// fits reports whether a remote is of the kind and, where a server is given, at that server.
func (s *session) fits(r remote, p place) bool {
	if p.url == "" {
		return r.provider == p.kind || r.provider == ""
	}
	u, err := url.Parse(p.url)
	return err == nil && identifier.SameHost(strings.TrimPrefix(strings.ToLower(u.Host), "api."), r.host)
}

// server finds the address of the server; empty is the public one. A token is sent to another server only if the user
// has named it: whoever made the clone has written the remote.
func (s *session) server(ctx context.Context, p *place, remotes []remote) error {
	if p.url != "" {
		if u, err := url.Parse(p.url); err == nil && u.Host == publicServer[p.kind] {
			p.url = ""
		}
		return nil
	}
	suggestion := "https://" + publicServer[p.kind]
	if len(remotes) > 0 {
		if remotes[0].host == publicServer[p.kind] || identifier.IsPublicHost(remotes[0].host) {
			return nil
		}
		suggestion = "https://" + remotes[0].host
		if s.Yes {
			return fmt.Errorf("the git remote %s is at %s: add --url %s to send the token there, or --url https://%s",
				remotes[0].name, remotes[0].host, suggestion, publicServer[p.kind])
		}
	} else if s.Yes {
		return nil
	}
	answer, err := s.ask(ctx, "Address of the server", suggestion, "--url URL")
	if err != nil {
		return err
	}
	if !strings.Contains(answer, "://") {
		answer = "https://" + answer
	}
	if answer = strings.TrimSuffix(answer, "/"); answer != "https://"+publicServer[p.kind] {
		p.url = answer
	}
	return nil
}

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// tokenStart is how tokens begin: one that is given instead of the name of a variable must not be repeated.
var tokenStart = regexp.MustCompile(`^(gh[a-z]_|github_pat_|gl[a-z]+-)`)

// token returns the name of the environment variable that contains the token.
func (s *session) token(p place) (string, error) {
	name := s.TokenVariable
	if name != "" {
		switch {
		case tokenStart.MatchString(name) || !variableName.MatchString(name):
			return "", errors.New("--token-variable: give the name of an environment variable, such as GITHUB_TOKEN, and not " +
				"the token")
		case s.Getenv(name) == "":
			return "", fmt.Errorf("--token-variable %s: the environment variable is not set; export it", name)
		}
	}
	names := tokenVariables[p.kind]
	if p.kind == github.Provider && p.url != "" && !strings.Contains(p.url, ".ghe.com") {
		names = slices.Concat(enterpriseVariables, names)
	}
	if name == "" {
		name = s.firstSet(names)
	}
	switch {
	case strings.ContainsFunc(s.Getenv(name), unicode.IsSpace):
		return "", fmt.Errorf("the environment variable %s contains a space or a line break, which no token has: set it "+
			"again", name)
	case name != "":
		return name, nil
	}
	return "", fmt.Errorf("no token: none of %s is set in the environment. %s, run export %s=…, and run dxctl init again",
		strings.Join(names, ", "), capital(newToken(p.kind, p.url)), names[0])
}

func (s *session) firstSet(names []string) string {
	for _, name := range names {
		if strings.TrimSpace(s.Getenv(name)) != "" {
			return name
		}
	}
	return ""
}

// newToken says how to get a token.
func newToken(kind, server string) string {
	if kind == gitlab.Provider {
		return "create a token with the scope read_api and at least the role Reporter at " +
			cmp.Or(strings.TrimSuffix(server, "/"), "https://gitlab.com") + "/-/user_settings/personal_access_tokens"
	}
	return "create a token with read access to Actions, Contents, Deployments, Metadata, Pull requests and the members " +
		"of the organization (classic token: repo, read:org) at " +
		cmp.Or(strings.TrimSuffix(strings.TrimSuffix(server, "/"), "/api/v3"), "https://github.com") +
		"/settings/personal-access-tokens (gh auth token prints that of the GitHub CLI)"
}

func capital(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

// exact returns the paths where all of them name a single repository; nil where one is a pattern or has no owner.
func exact(paths []string) []string {
	for _, path := range paths {
		if strings.ContainsAny(path, "*?[") || !strings.Contains(path, "/") && strings.Trim(path, "0123456789") != "" {
			return nil
		}
	}
	return paths
}

// commonAccount returns the account that all paths belong to; empty where there are several.
func commonAccount(paths []string) string {
	account := ""
	for i, path := range paths {
		of := path[:max(strings.LastIndex(path, "/"), 0)]
		if i > 0 && of != account {
			return ""
		}
		account = of
	}
	return account
}
