package git

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strings"
)

// Repository is one entry of the configuration: owner/name, an address, or both as {name: …, url: …}.
type Repository struct {
	Name string `yaml:"name"` // the scope of its changes: owner/name
	URL  string `yaml:"url"`  // an address that git understands
}

// UnmarshalYAML reads a plain word, or name and url.
func (r *Repository) UnmarshalYAML(unmarshal func(any) error) error {
	var word string
	if unmarshal(&word) == nil {
		if strings.Contains(word, ":") { // a name has none
			r.URL = word
		} else {
			r.Name = word
		}
		return nil
	}
	type plain Repository
	return unmarshal((*plain)(r))
}

func (r Repository) text() string {
	if r.Name != "" {
		return r.Name
	}
	if u, err := url.Parse(r.URL); err == nil {
		return u.Redacted()
	}
	return r.URL
}

// address is where a repository is.
type address struct {
	scope    string // as its changes have it
	provider string // whose repository it is
	url      string // for git; without credentials
	scheme   string // https, http, ssh or file
	host     string // without a port; empty for files
	port     string
	path     string // without slashes around and without .git
}

// parseAddress reads https://host/owner/name.git, ssh://git@host/…, git@host:owner/name.git and file:///path.
func parseAddress(text string) (address, error) {
	if strings.ContainsAny(text, "\x00\r\n") || strings.HasPrefix(text, "-") {
		return address{}, fmt.Errorf("%q is not the address of a repository", text)
	}
	if before, after, ok := strings.Cut(text, ":"); ok && !strings.Contains(before, "/") &&
		!strings.HasPrefix(after, "//") {
		user, host, ok := strings.Cut(before, "@") // git@host:path
		if !ok || user == "" || host == "" || strings.HasPrefix(host, "-") || strings.Trim(after, "/") == "" {
			return address{}, fmt.Errorf("%q: write the address like git@github.com:owner/name.git", text)
		}
		return address{url: text, scheme: "ssh", host: strings.ToLower(host), port: "22", path: cleanRepository(after)}, nil
	}
	u, err := url.Parse(text)
	if err != nil {
		return address{}, fmt.Errorf("the address of a repository cannot be read: %w", err)
	}
	a := address{
		url:    text,
		scheme: u.Scheme,
		host:   strings.ToLower(u.Hostname()),
		port:   u.Port(),
		path:   cleanRepository(u.Path),
	}
	_, password := u.User.Password()
	switch {
	case u.RawQuery != "" || u.Fragment != "" || password || (u.User != nil && u.Scheme != "ssh"):
		return address{}, fmt.Errorf(
			"%q: leave out user, password, query and fragment; the token has its own key",
			u.Redacted(),
		)
	case u.Scheme == "file" && u.Host == "" && a.path != "":
		return a, nil
	case (u.Scheme == "https" || u.Scheme == "http" || u.Scheme == "ssh") && a.host != "" &&
		!strings.HasPrefix(a.host, "-"):
		if a.port == "" {
			a.port = map[string]string{"https": "443", "http": "80", "ssh": "22"}[u.Scheme]
		}
		return a, nil
	}
	return address{}, fmt.Errorf("%q: give https://host/owner/name, ssh://git@host/owner/name or file:///directory", text)
}

func cleanRepository(p string) string {
	return strings.TrimSuffix(strings.Trim(p, "/"), ".git")
}

// publicHosts are where the repositories of a provider are when nothing else is said.
var publicHosts = map[string]string{"github": "https://github.com", "gitlab": "https://gitlab.com"}

// address says where a configured repository is, and what its scope is called.
func (c Config) address(r Repository) (address, error) {
	where, base := r.URL, c.URL
	if where == "" {
		name := cleanRepository(r.Name)
		if !strings.Contains(name, "/") || name != path.Clean(name) || strings.HasPrefix(name, "../") ||
			strings.ContainsAny(name, ":@\\ \x00\r\n") {
			return address{}, fmt.Errorf(
				"repository %q: write owner/name, or an address such as https://github.com/owner/name",
				r.Name,
			)
		}
		if base == "" {
			base = publicHosts[c.Hosted]
		}
		if base == "" {
			return address{}, fmt.Errorf(
				"repository %q: give provider: github or gitlab, or the address of the repository",
				r.Name,
			)
		}
		where = strings.TrimSuffix(base, "/") + "/" + name + ".git"
	}
	a, err := parseAddress(where)
	if err != nil {
		return address{}, fmt.Errorf("repository %q: %w", r.text(), err)
	}
	a.provider, a.scope = c.Hosted, cleanRepository(r.Name)
	if a.provider == "" {
		a.provider = map[string]string{"github.com": "github", "gitlab.com": "gitlab"}[a.host]
	}
	if a.provider == "" {
		return address{}, fmt.Errorf("repository %q: give provider: the kind of the source that has its changes (github, "+
			"gitlab)", r.text())
	}
	a = a.withoutPage()
	if a.scope == "" {
		a.scope = a.path
		if a.scheme == "file" {
			parts := strings.Split(a.path, "/")
			a.scope = strings.Join(parts[max(0, len(parts)-2):], "/")
		}
	}
	return a, nil
}

// withoutPage cuts what an address that was copied from a browser has behind the repository: /tree/main, /-/tree/main.
func (a address) withoutPage() address {
	if a.scheme != "https" && a.scheme != "http" {
		return a
	}
	parts := strings.Split(a.path, "/")
	end := len(parts)
	switch {
	case a.provider == "github" && end > 2 && (a.host == "github.com" || parts[2] == "tree" || parts[2] == "blob"):
		end = 2
	case a.provider == "gitlab" && slices.Index(parts, "-") >= 2:
		end = slices.Index(parts, "-")
	}
	u, err := url.Parse(a.url)
	if end == len(parts) || err != nil {
		return a
	}
	a.path = cleanRepository(strings.Join(parts[:end], "/"))
	u.Path, u.RawPath = "/"+a.path+".git", ""
	a.url = u.String()
	return a
}

// directoryName is the clone's: readable, unique, and safe whatever script the repository's name is written in.
func (a address) directoryName() string {
	readable := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return '_'
	}, strings.ToLower(a.scope))
	sum := sha256.Sum256([]byte(a.provider + "\x00" + a.scope + "\x00" + a.url))
	return readable[:min(len(readable), 80)] + "-" + hex.EncodeToString(sum[:6]) + ".git"
}

// web is where a person sees a commit; empty when that is not known.
func (a address) web(sha string) string {
	if sha == "" || a.scheme == "file" || a.scheme == "http" && a.host == "" {
		return ""
	}
	base := "https://" + a.host
	if a.scheme != "ssh" {
		base = strings.TrimSuffix(strings.TrimSuffix(a.url, "/"), ".git")
	} else {
		base += "/" + a.path
	}
	if a.provider == "gitlab" {
		return base + "/-/commit/" + sha
	}
	return base + "/commit/" + sha
}

// credentials are configuration for git that lets it in: a header for this one server. It travels in the environment,
// which other users cannot read, and is never written to disk. Redirects are not followed, so it goes nowhere else.
func (c *Collector) credentials(a address) [][2]string {
	if c.cfg.Token == "" || (a.scheme != "https" && a.scheme != "http") {
		return nil
	}
	user := c.cfg.User
	if user == "" {
		user = "x-access-token"
		if a.provider == "gitlab" {
			user = "oauth2"
		}
	}
	origin := a.scheme + "://" + net.JoinHostPort(a.host, a.port)
	header := "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+c.cfg.Token))
	return [][2]string{{"http." + origin + "/.extraHeader", header}}
}

// reachable refuses a host whose name leads into a private network, unless that is allowed or the configuration itself
// names a private address. For http the addresses that were checked are the ones that git connects to.
func (c *Collector) reachable(ctx context.Context, a address) ([][2]string, error) {
	if a.scheme == "file" || c.cfg.AllowPrivateNetwork || a.host == "localhost" ||
		strings.HasSuffix(a.host, ".localhost") {
		return nil, nil
	}
	if _, err := netip.ParseAddr(a.host); err == nil {
		return nil, nil // written by the operator: that is the permission
	}
	if proxied() {
		return nil, nil // what git connects to is the proxy, which the operator chose
	}
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", a.host)
	if err != nil {
		return nil, fmt.Errorf("finding the address of %s: %w", a.host, err)
	}
	pinned := make([]string, 0, len(found))
	for _, ip := range found {
		if ip = ip.Unmap(); ip.IsPrivate() || ip.IsLoopback() || ip.IsUnspecified() || ip.IsMulticast() ||
			ip.IsLinkLocalUnicast() {
			return nil, fmt.Errorf("refused to connect to %s (%s): its name leads into a private network; if that is meant "+
				"(a server of your own), set allow_private_network: true for the source", a.host, ip)
		}
		pinned = append(pinned, ip.String())
	}
	if a.scheme == "ssh" {
		return nil, nil
	}
	return [][2]string{{"http.curloptResolve", a.host + ":" + a.port + ":" + strings.Join(pinned, ",")}}, nil
}
