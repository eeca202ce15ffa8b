package client

import (
	"cmp"
	"net/url"
	"strings"

	"github.com/dxctl/dxctl/collectors/rest"
)

// budget returns how many requests a server may get per second, and at once. GitHub allows 900 points per minute, and a
// read costs one. A GitHub Enterprise server has no limit unless its administrator sets one, and its answers show it.
func budget(base *url.URL) (perSecond float64, burst int) {
	if host := strings.ToLower(base.Hostname()); host == "api.github.com" || strings.HasSuffix(host, ".ghe.com") {
		return 12, 150
	}
	return 200, 200
}

// APIURL returns the address of the REST API, with a slash at the end, from the configured address, which may also be
// that of the server's web pages; empty means github.com.
func APIURL(configured string) (*url.URL, error) {
	u, err := rest.ParseBaseURL(cmp.Or(configured, "https://api.github.com"), "https://github.example.com/api/v3")
	if err != nil {
		return nil, err
	}
	host, path := strings.ToLower(u.Hostname()), strings.Trim(u.Path, "/")
	switch {
	case host == "github.com" || host == "www.github.com":
		u.Host, path = "api.github.com", ""
	case strings.HasSuffix(host, ".ghe.com") && !strings.HasPrefix(host, "api."):
		u.Host, path = "api."+u.Host, ""
	case path == "" && !strings.HasPrefix(host, "api."):
		path = "api/v3"
	}
	rest.SetPath(u, path)
	return u, nil
}

// graphQLURL returns the address of the GraphQL API that belongs to a REST API.
func graphQLURL(base *url.URL) string {
	u := *base
	if rest, ok := strings.CutSuffix(u.Path, "/api/v3/"); ok {
		u.Path = rest + "/api/graphql"
	} else {
		u.Path += "graphql"
	}
	return u.String()
}

// Escaped returns a path with its segments escaped for a URL.
func Escaped(path string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		segments[i] = url.PathEscape(s)
	}
	return strings.Join(segments, "/")
}
